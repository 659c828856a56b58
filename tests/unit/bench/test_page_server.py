"""The providers that the comparison measures against do what their rows in docs/performance.md say."""

import json
from http import HTTPStatus
from typing import Any

import pytest
import requests

from bench.page_server import OneAnswer, Roster, Scenario, page_server

URL = "http://127.0.0.1/users"


def ids(roster: Roster, offset: int, limit: int) -> list[str]:
    return [user["sourcedId"] for user in json.loads(roster.answer(URL, offset, limit).body)["users"]]


def test_pages_of_a_roster_hold_every_user_once_and_announce_the_total_and_the_next_page() -> None:
    roster = Roster(users=25)

    first = roster.answer(URL, 0, 10)
    received = [sourced_id for offset in (0, 10, 20) for sourced_id in ids(roster, offset, 10)]
    last = roster.answer(URL, 20, 10)

    assert received == sorted(set(received))
    assert len(received) == 25
    assert first.headers == {"X-Total-Count": "25", "Link": f'<{URL}?limit=10&offset=10>; rel="next"'}
    assert last.headers == {"X-Total-Count": "25"}


def test_a_capped_roster_links_to_what_follows_the_users_it_gave() -> None:
    answer = Roster(users=25, page_cap=4).answer(URL, 0, 10)

    assert len(json.loads(answer.body)["users"]) == 4
    assert "offset=4>" in answer.headers["Link"]


def test_a_silent_roster_announces_nothing() -> None:
    assert Roster(users=25, announces=False).answer(URL, 0, 10).headers == {}


def test_one_record_in_a_hundred_deviates() -> None:
    def users(**behaviour: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(Roster(users=300, **behaviour).answer(URL, 0, 300).body)["users"]
        return found

    deviating = [mine for mine, plain in zip(users(deviates=True), users(), strict=True) if mine != plain]

    assert len(deviating) == 3


@pytest.mark.parametrize("status", [HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY])
def test_a_roster_that_fails_once_does_so_at_the_sixth_request(status: HTTPStatus) -> None:
    roster = Roster(users=25, fails_once=status)

    statuses = [roster.answer(URL, 0, 10).status for _ in range(7)]

    assert statuses == [HTTPStatus.OK] * 5 + [status, HTTPStatus.OK]


def test_who_leaves_does_so_after_the_tenth_request_and_the_rest_moves_up() -> None:
    roster = Roster(users=25, leaving=2)

    before = [ids(roster, 0, 30) for _ in range(10)]
    after = ids(roster, 0, 30)

    assert {len(page) for page in before} == {27}
    assert after == before[0][2:]


def test_the_server_takes_any_signature_or_token_and_cuts_off_the_body_that_is_to_be_cut_off() -> None:
    scenarios: dict[str, Scenario] = {"cut": Roster(users=25, fails_once=HTTPStatus.OK), "one": OneAnswer(b"[]")}
    query = {"limit": "10", "offset": "0"}

    with page_server(scenarios) as urls:
        unsigned = requests.get(f"{urls['one']}/users", params=query, timeout=10)
        answers = [
            requests.get(f"{urls[name]}/users", params=query, headers={"Authorization": kind}, timeout=10)
            for name, kind in [("one", "OAuth any"), ("one", "Bearer any"), *[("cut", "OAuth any")] * 5]
        ]
        with pytest.raises(requests.RequestException, match="IncompleteRead"):
            requests.get(f"{urls['cut']}/users", params=query, headers={"Authorization": "OAuth any"}, timeout=10)

    assert unsigned.status_code == HTTPStatus.UNAUTHORIZED
    assert {answer.status_code for answer in answers} == {HTTPStatus.OK}
