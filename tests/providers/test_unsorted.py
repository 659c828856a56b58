"""A provider that does not sort: any order will do, as long as it is the same for all pages."""

import random
from collections.abc import Mapping
from contextlib import closing

import pytest

from roster_sync.domain.run import RunState
from roster_sync.oneroster.client import OneRosterClient
from tests.providers.conftest import AT_ONCE
from tests.support.builders import DISTRICT, settings
from tests.support.fetching import Fetch
from tests.support.nights import Nights, a_record
from tests.support.provider import KEY, SECRET, Scripted, collection, users
from tests.support.roster_server import Asked, Behaviour, Records, RosterServer, answer

ROSTER = users(95)


def in_order(records: Records, asked: Asked, *, total: bool) -> Scripted:
    """The page that is asked for, if the records are in this order."""
    return answer(asked, records[asked.offset : asked.offset + asked.limit], total=len(records) if total else None)


def stable(seed: int, *, total: bool) -> Behaviour:
    def behaviour(asked: Asked) -> Scripted:
        return in_order(random.Random(seed).sample(asked.records, len(asked.records)), asked, total=total)

    return behaviour


def another_each_time(*, total: bool) -> Behaviour:
    def behaviour(asked: Asked) -> Scripted:
        return stable(asked.number, total=total)(asked)

    return behaviour


@pytest.mark.parametrize("total", [True, False], ids=["total", "no total"])
def test_an_order_that_is_not_by_sourced_id_is_whole(fetch: Fetch, endpoint: str, total: bool) -> None:
    fetched = fetch(ROSTER, stable(1, total=total), endpoint=endpoint)

    assert fetched.records == random.Random(1).sample(ROSTER, len(ROSTER))
    assert fetched.proof.whole


@pytest.mark.parametrize("total", [True, False], ids=["total", "no total"])
def test_an_order_that_changes_from_request_to_request_is_not_whole(fetch: Fetch, endpoint: str, total: bool) -> None:
    fetched = fetch(ROSTER, another_each_time(total=total), endpoint=endpoint)

    assert not fetched.proof.whole
    assert fetched.proof.reason is not None


def test_a_night_of_a_changing_order_deactivates_nobody() -> None:
    people = [a_record(f"S-{number:03}") for number in range(95)]
    nights = Nights(district=settings(page_size=10, deactivation_percent=100))

    def shuffled(parameters: Mapping[str, str]) -> Scripted:
        return collection(random.sample(people, len(people)))(parameters)

    with RosterServer({"users": people, "orgs": [{"sourcedId": "org-1", "type": "school"}]}) as server:
        client = OneRosterClient(server.base_url, KEY, SECRET, allow_local=True, page_size=10, retry=AT_ONCE)
        with closing(client):
            first = nights.run(provider=client)  # type: ignore[arg-type]  # any provider does
        server.routes["users"] = shuffled
        client = OneRosterClient(server.base_url, KEY, SECRET, allow_local=True, page_size=10, retry=AT_ONCE)
        with closing(client):
            second = nights.run(provider=client)  # type: ignore[arg-type]  # any provider does

    assert (first.state, first.counts.created) == (RunState.COMPLETED, 95)
    assert (second.state, second.counts.deactivated) == (RunState.COMPLETED_WITH_ISSUES, 0)
    assert [code for code, _ in nights.issues(second)] == ["fetch_not_whole"]
    assert all(user.active for user in nights.users.all(DISTRICT))
