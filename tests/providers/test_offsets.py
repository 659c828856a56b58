"""Providers that count offsets in their own way are read without loss, or the fetch says that it is not whole."""

import pytest

from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, Behaviour, answer, standard

ROSTER = users(45)


def totals(asked: Asked, total: bool) -> int | None:
    return len(asked.records) if total else None


def from_one(*, refuses_0: bool, total: bool) -> Behaviour:
    def behaviour(asked: Asked) -> Scripted:
        if refuses_0 and not asked.offset:
            return Scripted({}, 400)
        return answer(asked, asked.page(max(asked.offset - 1, 0)), total=totals(asked, total))

    return behaviour


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("refuses_0", [True, False])
@pytest.mark.parametrize("count", [1, 3, 9, 10, 11, 19, 45])
def test_offsets_that_count_from_1_lose_nobody(fetch: Fetch, count: int, refuses_0: bool, total: bool) -> None:
    fetched = fetch(users(count), from_one(refuses_0=refuses_0, total=total))

    assert fetched.records == users(count)
    assert fetched.proof.whole


@pytest.mark.parametrize("count", [1, 9, 11, 45])
def test_a_provider_that_takes_the_multiple_before_is_read_without_overlap(fetch: Fetch, count: int) -> None:
    def behaviour(asked: Asked) -> Scripted:
        return answer(asked, asked.page(asked.offset // asked.limit * asked.limit), total=len(asked.records))

    fetched = fetch(users(count), behaviour)

    assert fetched.records == users(count)
    assert fetched.proof.whole


@pytest.mark.parametrize("count", [1, 9, 11, 45])
def test_a_provider_that_takes_the_next_multiple_is_read_without_overlap(fetch: Fetch, count: int) -> None:
    def behaviour(asked: Asked) -> Scripted:
        return answer(asked, asked.page(-(-asked.offset // asked.limit) * asked.limit), total=len(asked.records))

    fetched = fetch(users(count), behaviour)

    assert fetched.records == users(count)
    assert fetched.proof.whole


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_provider_that_refuses_other_offsets_is_read_without_overlap(fetch: Fetch, status: int) -> None:
    def behaviour(asked: Asked) -> Scripted:
        return Scripted({}, status) if asked.offset % asked.limit else standard(asked)

    fetched = fetch(users(40), behaviour)

    assert fetched.records == users(40)
    assert fetched.proof.whole


@pytest.mark.parametrize("up", [True, False])
def test_without_overlap_and_total_nothing_vouches_for_the_end(fetch: Fetch, up: bool) -> None:
    def behaviour(asked: Asked) -> Scripted:
        rounded = -(-asked.offset // asked.limit) if up else asked.offset // asked.limit
        return answer(asked, asked.page(rounded * asked.limit))

    fetched = fetch(ROSTER, behaviour)

    assert fetched.distinct == {record["sourcedId"] for record in ROSTER}
    assert fetched.proof.reason == (
        "The provider announces no total to rely on, and takes no offset that would show whether users are missing."
    )


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("first_page", [0, 1])
def test_an_offset_taken_for_a_page_s_number_never_passes_for_whole(fetch: Fetch, first_page: int, total: bool) -> None:
    def behaviour(asked: Asked) -> Scripted:
        return answer(asked, asked.page(max(asked.offset - first_page, 0) * asked.limit), total=totals(asked, total))

    fetched = fetch(ROSTER, behaviour)

    assert not fetched.proof.whole
    assert len(fetched.spans) < 40


@pytest.mark.parametrize("status", [400, 404, 500])
def test_an_error_behind_the_last_record_is_the_end(fetch: Fetch, status: int) -> None:
    """Where no total is given, it is the last record that is asked for again, which is there."""

    def behaviour(asked: Asked) -> Scripted:
        return answer(asked, asked.page()) if asked.offset < 45 else Scripted({}, status)

    fetched = fetch(ROSTER, behaviour)

    assert fetched.records == ROSTER
    assert fetched.proof.whole
