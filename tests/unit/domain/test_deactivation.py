"""Invariant 4: never without a whole proof, never everybody, never above both limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.deactivation import Verdict, may_deactivate
from roster_sync.domain.fetch_proof import FetchProof

WHOLE = FetchProof(True, None, 100, 100)
NOT_WHOLE = FetchProof(False, "101 users were announced, 100 came.", 101, 100)

_percents = st.integers(0, 100)
_minimums = st.integers(0, 1_000)
_leaving_of_active = st.integers(0, 2_000).flatmap(lambda active: st.tuples(st.integers(0, active), st.just(active)))


@given(_leaving_of_active, _percents, _minimums)
def test_nobody_is_deactivated_without_a_whole_proof(leaving_of: tuple[int, int], percent: int, minimum: int) -> None:
    verdict = may_deactivate(*leaving_of, NOT_WHOLE, percent=percent, minimum=minimum)

    assert not verdict.deactivates
    assert not verdict.blocks_run


@given(st.integers(1, 2_000), _percents, _minimums)
def test_never_everybody_is_deactivated(active: int, percent: int, minimum: int) -> None:
    verdict = may_deactivate(active, active, WHOLE, percent=percent, minimum=minimum)

    assert not verdict.deactivates
    assert verdict.blocks_run


@given(_leaving_of_active, _percents, _minimums)
def test_never_more_than_both_limits_are_deactivated(leaving_of: tuple[int, int], percent: int, minimum: int) -> None:
    leaving, active = leaving_of

    verdict = may_deactivate(leaving, active, WHOLE, percent=percent, minimum=minimum)

    if leaving > minimum and leaving > active * percent / 100:
        assert verdict.blocks_run
    elif leaving < active:
        assert verdict == Verdict()


@given(_leaving_of_active, _percents, _minimums, st.sampled_from([WHOLE, NOT_WHOLE]))
def test_whoever_is_kept_is_kept_for_a_reason(
    leaving_of: tuple[int, int], percent: int, minimum: int, proof: FetchProof
) -> None:
    verdict = may_deactivate(*leaving_of, proof, percent=percent, minimum=minimum)

    assert verdict.deactivates == (verdict.reason is None)
    if verdict.blocks_run:
        assert not verdict.deactivates


@pytest.mark.parametrize(
    ("leaving", "active", "deactivates"),
    [(10, 100, True), (11, 100, False), (5, 10, True), (6, 10, False), (5, 6, True), (0, 0, True), (1, 1, False)],
)
def test_each_limit_itself_is_within_the_limit(leaving: int, active: int, deactivates: bool) -> None:
    verdict = may_deactivate(leaving, active, WHOLE, percent=10, minimum=5)

    assert verdict.deactivates is deactivates


def test_the_reason_of_a_block_says_how_many_and_what_to_do() -> None:
    verdict = may_deactivate(30, 200, WHOLE, percent=10, minimum=20)

    assert verdict.reason == (
        "30 of 200 users (15.0 %) are no longer sent by the provider. Nobody was deactivated. Check the school and its "
        "data sharing in the SIS; the limit is 10 % and 20 users."
    )


def test_the_reason_without_a_whole_proof_says_what_was_missing() -> None:
    verdict = may_deactivate(1, 200, NOT_WHOLE, percent=10, minimum=20)

    assert verdict.reason == (
        "Nobody was deactivated, because the fetch was not provably whole: 101 users were announced, 100 came."
    )
