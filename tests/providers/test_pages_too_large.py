"""A page that is too much for the provider is asked for in smaller parts, and nothing is missed."""

from dataclasses import replace

import pytest

from tests.providers.conftest import fetching
from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, Behaviour, answer, standard

ROSTER = users(95)


def too_large_above(most: int, status: int, *, total: bool = True) -> Behaviour:
    def behaviour(asked: Asked) -> Scripted:
        if asked.limit > most:
            return Scripted(b"<html>Gateway", status)
        return standard(asked) if total else answer(asked, asked.page())

    return behaviour


A_MOMENT_S = 2.0


def too_slow(asked: Asked) -> Scripted:
    """The page, byte for byte, for much longer than anybody waits."""
    return replace(standard(asked), drip_s=A_MOMENT_S)


@pytest.mark.parametrize("status", [502, 504])
def test_a_page_that_a_gateway_gives_up_on_is_halved(fetch: Fetch, endpoint: str, status: int) -> None:
    fetched = fetch(ROSTER, too_large_above(5, status), endpoint=endpoint)

    assert fetched.records == ROSTER
    assert fetched.proof.whole


def test_a_page_is_halved_where_no_total_is_given(fetch: Fetch) -> None:
    fetched = fetch(ROSTER, too_large_above(5, 504, total=False))

    assert fetched.records == ROSTER
    assert fetched.proof.whole


def test_a_later_page_that_is_too_large_is_halved_and_its_rest_read(fetch: Fetch) -> None:
    def behaviour(asked: Asked) -> Scripted:
        return Scripted(b"", 502) if asked.offset == 36 and asked.limit > 5 else standard(asked)

    fetched = fetch(ROSTER, behaviour)

    assert fetched.records == ROSTER
    assert fetched.proof.whole
    assert [span for span in fetched.spans if 36 <= span[0] < 44] == [(36, 10), (36, 5), (40, 5)]


def test_a_page_that_takes_too_long_is_halved() -> None:
    fetched = fetching(
        ROSTER, lambda asked: too_slow(asked) if asked.limit > 5 else standard(asked), request_timeout_s=A_MOMENT_S
    )

    assert fetched.records == ROSTER
    assert fetched.proof.whole
    assert [span for span in fetched.spans if span[1] > 5] == [(0, 10)]


def test_a_later_page_that_takes_too_long_is_halved_and_its_rest_read() -> None:
    def behaviour(asked: Asked) -> Scripted:
        return too_slow(asked) if asked.offset == 36 and asked.limit > 5 else standard(asked)

    fetched = fetching(ROSTER, behaviour, request_timeout_s=A_MOMENT_S)

    assert fetched.records == ROSTER
    assert fetched.proof.whole
    assert [span for span in fetched.spans if 36 <= span[0] < 44] == [(36, 10), (36, 5), (40, 5)]


def test_a_size_that_has_failed_is_not_asked_for_again(fetch: Fetch) -> None:
    fetched = fetch(ROSTER, too_large_above(5, 504))

    assert [limit for _, limit in fetched.spans if limit > 5] == [10]


def test_a_failure_that_is_not_for_the_size_is_tried_again_as_it_was(fetch: Fetch) -> None:
    fetched = fetch(ROSTER, lambda asked: Scripted(b"", 503) if asked.number == 0 else standard(asked))

    assert fetched.records == ROSTER
    assert fetched.spans[:2] == [(0, 10), (0, 10)]
