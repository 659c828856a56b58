"""A provider that does all that the standard recommends."""

from tests.support.fetching import Fetch
from tests.support.provider import users


def test_a_collection_comes_whole_in_order_and_is_proven(fetch: Fetch, endpoint: str) -> None:
    fetched = fetch(users(95), endpoint=endpoint)

    assert fetched.records == users(95)
    assert fetched.proof.whole
    planned = [(offset, 10) for offset in range(0, 94, 9)]
    assert sorted(fetched.spans) == [*planned, (94, 10)]


def test_an_empty_collection_is_whole(fetch: Fetch, endpoint: str) -> None:
    fetched = fetch([], endpoint=endpoint)

    assert fetched.records == []
    assert fetched.proof.whole
