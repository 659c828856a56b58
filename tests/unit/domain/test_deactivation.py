"""Invariant 4: never without a whole proof, never everybody, never above both limits."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.deactivation import Verdict, may_deactivate
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.identifiers import SchoolId
from roster_sync.domain.limits import Limit, Limits, Share

WHOLE = FetchProof(True, None, 100, 100)
NOT_WHOLE = FetchProof(False, "101 users were announced, 100 came.", 101, 100)

_percents = st.integers(0, 100)
_minimums = st.integers(0, 1_000)
_leaving_of_active = st.integers(0, 2_000).flatmap(lambda active: st.tuples(st.integers(0, active), st.just(active)))


def verdict_of(
    leaving: int,
    active: int,
    proof: FetchProof = WHOLE,
    *,
    percent: int = 10,
    minimum: int = 20,
    schools: Mapping[str, Share] | None = None,
) -> Verdict:
    names = {SchoolId("east"): "East Elementary"}
    limits = Limits(deactivation=Limit(percent, minimum), change=Limit(percent, minimum), school_names=names)
    by_id = {SchoolId(school_id): share for school_id, share in (schools or {}).items()}
    return may_deactivate(Share(leaving, active), by_id, proof, limits)


@given(_leaving_of_active, _percents, _minimums)
def test_nobody_is_deactivated_without_a_whole_proof(leaving_of: tuple[int, int], percent: int, minimum: int) -> None:
    verdict = verdict_of(*leaving_of, NOT_WHOLE, percent=percent, minimum=minimum)

    assert not verdict.deactivates
    assert not verdict.blocks_run


@given(st.integers(1, 2_000), _percents, _minimums)
def test_never_everybody_is_deactivated(active: int, percent: int, minimum: int) -> None:
    verdict = verdict_of(active, active, percent=percent, minimum=minimum)

    assert not verdict.deactivates
    assert verdict.blocks_run


@given(_leaving_of_active, _percents, _minimums)
def test_never_more_than_both_limits_are_deactivated(leaving_of: tuple[int, int], percent: int, minimum: int) -> None:
    leaving, active = leaving_of

    verdict = verdict_of(leaving, active, percent=percent, minimum=minimum)

    if leaving > minimum and leaving > active * percent / 100:
        assert verdict.blocks_run
    elif leaving < active:
        assert verdict == Verdict()


@given(_leaving_of_active, _percents, _minimums, st.sampled_from([WHOLE, NOT_WHOLE]))
def test_whoever_is_kept_is_kept_for_a_reason(
    leaving_of: tuple[int, int], percent: int, minimum: int, proof: FetchProof
) -> None:
    verdict = verdict_of(*leaving_of, proof, percent=percent, minimum=minimum)

    assert verdict.deactivates == (verdict.reason is None)
    if verdict.blocks_run:
        assert not verdict.deactivates


@pytest.mark.parametrize(
    ("leaving", "active", "deactivates"),
    [(10, 100, True), (11, 100, False), (5, 10, True), (6, 10, False), (5, 6, True), (0, 0, True), (1, 1, False)],
)
def test_each_limit_itself_is_within_the_limit(leaving: int, active: int, deactivates: bool) -> None:
    verdict = verdict_of(leaving, active, percent=10, minimum=5)

    assert verdict.deactivates is deactivates


def test_the_reason_of_a_block_says_how_many_and_what_to_do() -> None:
    verdict = verdict_of(30, 200)

    assert verdict.reason == (
        "30 of 200 users (15.0 %) are no longer sent by the provider. Nobody was deactivated. Check the school and its "
        "data sharing in the SIS, then approve or discard the list; the limit is 10 % and 20 users, in the district or "
        "in a school."
    )


def test_a_school_that_is_lost_from_a_large_district_blocks_the_run_and_is_named() -> None:
    verdict = verdict_of(31, 20_000, schools={"east": Share(30, 30), "west": Share(1, 9_000)})

    assert verdict.blocks_run
    assert verdict.reason is not None
    assert (
        "31 of 20000 users (0.2 %) are no longer sent by the provider; in East Elementary 30 of 30." in verdict.reason
    )


@pytest.mark.parametrize(("leaving", "active", "blocks"), [(20, 20, False), (21, 210, False), (21, 209, True)])
def test_in_a_school_each_limit_itself_is_within_the_limit(leaving: int, active: int, blocks: bool) -> None:
    verdict = verdict_of(leaving, 20_000, schools={"east": Share(leaving, active)})

    assert verdict.blocks_run is blocks


def test_of_many_lost_schools_the_largest_are_named() -> None:
    schools = {f"school-{number}": Share(30 + number, 50 + number) for number in range(5)}

    verdict = verdict_of(160, 20_000, schools=schools)

    assert verdict.reason is not None
    assert (
        "provider; in school-4 34 of 54, in school-3 33 of 53, in school-2 32 of 52, and too many in 2 more."
        in verdict.reason
    )


def test_the_reason_without_a_whole_proof_says_what_was_missing() -> None:
    verdict = verdict_of(1, 200, NOT_WHOLE)

    assert verdict.reason == (
        "Nobody was deactivated, because the fetch was not provably whole: 101 users were announced, 100 came."
    )
