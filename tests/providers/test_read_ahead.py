"""Without a total, pages are asked for ahead: in parallel, in order, and few in vain."""

import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.conftest import fetching
from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, answer


def silent(asked: Asked) -> Scripted:
    return answer(asked, asked.page())


def test_as_many_pages_are_under_way_as_allowed(fetch: Fetch) -> None:
    """Three pages are answered only once three are asked for."""
    all_there, waiting = threading.Event(), []

    def behaviour(asked: Asked) -> Scripted:
        if asked.offset:
            waiting.append(asked.offset)
        if len(waiting) == 3:
            all_there.set()
        return replace(silent(asked), gate=all_there if asked.offset else None)

    fetched = fetch(users(95), behaviour, parallel=3)

    assert fetched.records == users(95)
    assert fetched.proof.whole


@settings(max_examples=40, deadline=None)
@given(count=st.integers(0, 80), page_size=st.integers(2, 20), cap=st.integers(2, 20), parallel=st.integers(1, 5))
def test_no_more_pages_are_asked_for_in_vain_than_allowed_at_once(
    count: int, page_size: int, cap: int, parallel: int
) -> None:
    def capped(asked: Asked) -> Scripted:
        return answer(asked, asked.page(limit=min(asked.limit, cap)))

    fetched = fetching(users(count), capped, page_size=page_size, parallel=parallel)

    assert fetched.records == users(count)
    assert fetched.proof.whole
    new_a_page = min(page_size, cap) - 1
    assert len(fetched.spans) <= 4 + count / new_a_page + parallel


def test_a_collection_of_one_page_is_not_read_ahead(fetch: Fetch) -> None:
    """The first page, the last record again, and once what is behind it."""
    assert fetch(users(7), silent).spans == [(0, 10), (6, 10), (7, 7)]


@pytest.mark.parametrize("status", [404, 500, 502])
def test_errors_of_pages_read_ahead_behind_the_end_do_no_harm(fetch: Fetch, status: int) -> None:
    fetched = fetch(users(40), lambda asked: silent(asked) if asked.offset < 40 else Scripted({}, status))

    assert fetched.records == users(40)
    assert fetched.proof.whole


def test_a_page_read_ahead_that_fails_is_asked_for_again(fetch: Fetch) -> None:
    failed: list[int] = []

    def behaviour(asked: Asked) -> Scripted:
        if asked.offset == 18 and not failed:
            failed.append(18)
            return Scripted(b"", 503)
        return silent(asked)

    fetched = fetch(users(95), behaviour)

    assert fetched.records == users(95)
    assert fetched.proof.whole


@pytest.mark.parametrize("status", [429, 503])
def test_a_page_of_only_the_last_record_and_a_failure_behind_it_are_not_the_end(fetch: Fetch, status: int) -> None:
    answers = iter([1, 0])

    def behaviour(asked: Asked) -> Scripted:
        if not asked.offset or (left := next(answers, None)) is None:
            return silent(asked)
        return answer(asked, asked.page(limit=1)) if left else Scripted(b"", status)

    fetched = fetch(users(45), behaviour, parallel=1)

    assert fetched.distinct == {record["sourcedId"] for record in users(45)}
