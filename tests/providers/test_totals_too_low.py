"""A total that is less than what there is does not end a fetch, nor pass for a proof."""

import pytest

from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, answer, standard

ROSTER = users(25)


def test_the_count_of_a_capped_page_given_as_the_total_is_not_the_end(fetch: Fetch, endpoint: str) -> None:
    def behaviour(asked: Asked) -> Scripted:
        page = asked.page(limit=min(asked.limit, 5))
        return answer(asked, page, total=len(page))

    fetched = fetch(ROSTER, behaviour, endpoint=endpoint)

    assert fetched.records == ROSTER
    assert not fetched.proof.whole


def test_the_count_of_a_capped_page_is_not_the_end_where_offsets_are_multiples_of_the_limit(fetch: Fetch) -> None:
    def behaviour(asked: Asked) -> Scripted:
        page = asked.page(offset=asked.offset // asked.limit * asked.limit, limit=min(asked.limit, 5))
        return answer(asked, page, total=len(page))

    fetched = fetch(ROSTER, behaviour)

    assert fetched.distinct == {record["sourcedId"] for record in ROSTER}
    assert not fetched.proof.whole


@pytest.mark.parametrize("total", [10, 15, 24])
def test_records_behind_the_total_are_read_and_the_fetch_is_not_whole(fetch: Fetch, total: int) -> None:
    fetched = fetch(ROSTER, lambda asked: answer(asked, asked.page(), total=total))

    assert fetched.distinct == {record["sourcedId"] for record in ROSTER}
    assert not fetched.proof.whole


@pytest.mark.parametrize("status", [400, 404, 500])
def test_an_error_behind_the_total_is_the_end(fetch: Fetch, status: int) -> None:
    fetched = fetch(ROSTER, lambda asked: standard(asked) if asked.offset < 24 else Scripted({}, status))

    assert fetched.records == ROSTER
    assert fetched.proof.whole


def test_a_provider_that_repeats_its_last_page_behind_the_end_has_ended(fetch: Fetch) -> None:
    fetched = fetch(ROSTER, lambda asked: answer(asked, asked.page(offset=min(asked.offset, 20)), total=25))

    assert fetched.records == ROSTER
    assert fetched.proof.whole
