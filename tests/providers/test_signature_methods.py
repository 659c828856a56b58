"""HMAC-SHA256 or HMAC-SHA1: found out with the first page, and never tried again."""

from contextlib import closing

import pytest

from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.errors import ClockSkewError, SignatureRefusedError
from tests.support.provider import KEY, SECRET, OAuth1, Received, Scripted, users
from tests.support.roster_server import RosterServer, standard

ROSTER = users(40)


def read_all(client: OneRosterClient) -> int:
    return sum(len(page.raw_records) for page in client.pages("users"))


@pytest.mark.parametrize(("method", "requests"), [("HMAC-SHA256", 6), ("HMAC-SHA1", 7)])
def test_the_method_is_found_with_one_request_more_at_most(method: str, requests: int) -> None:
    with (
        RosterServer({"users": ROSTER}, standard, sign_in=OAuth1(method)) as server,
        closing(OneRosterClient(server.base_url, KEY, SECRET, allow_local=True, page_size=10)) as client,
    ):
        received = read_all(client)

    assert received == 40
    assert client.requests_made == requests


def test_a_wrong_secret_is_sent_twice_and_no_more() -> None:
    with (
        RosterServer({"users": ROSTER}, standard, sign_in=OAuth1("HMAC-SHA256", "HMAC-SHA1")) as server,
        closing(OneRosterClient(server.base_url, KEY, f"{SECRET}x", allow_local=True)) as client,
    ):
        with pytest.raises(SignatureRefusedError):
            read_all(client)
        after_first = client.requests_made
        with pytest.raises(SignatureRefusedError):
            read_all(client)

    assert after_first == 2
    assert client.requests_made == 3


class SlowClock:
    """Refuses everybody, an hour behind."""

    def answer(self, request: Received) -> Scripted | None:
        return Scripted({}, 401, {"Date": "Mon, 24 Nov 2025 09:00:00 GMT"})


def test_a_wrong_clock_is_no_reason_to_try_the_other_method() -> None:
    with (
        RosterServer({"users": ROSTER}, standard, sign_in=SlowClock()) as server,
        closing(OneRosterClient(server.base_url, KEY, SECRET, allow_local=True)) as client,
        pytest.raises(ClockSkewError),
    ):
        read_all(client)

    assert client.requests_made == 1
