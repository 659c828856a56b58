"""A provider that says when it wants to be asked again is asked no earlier, or not again."""

from contextlib import closing
from typing import Any

import pytest

from roster_sync.domain.run import RunState
from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.errors import ProviderBrokenError, ThrottledError
from roster_sync.oneroster.retry import RetryPolicy
from tests.support.builders import settings
from tests.support.nights import Nights
from tests.support.provider import KEY, ROOT, SECRET, OAuth2, Received, Scripted, users
from tests.support.quick_clock import QuickClock
from tests.support.roster_server import Asked, RosterServer, answer

ROSTER = users(95)
PARALLEL = 3
PATIENT = RetryPolicy(total_s=1000, run_s=5000)
OF_A_NIGHT = RetryPolicy(total_s=125)
IN_SECONDS = {"Retry-After": "90"}
AS_A_DATE = {"Retry-After": "Tue, 24 Nov 2026 09:01:30 GMT", "Date": "Tue, 24 Nov 2026 09:00:00 GMT"}


class CoolingDown:
    """Refuses the request of a number, and all that come within so many seconds after it.

    Attributes:
        refused: How many those were.
    """

    def __init__(self, clock: QuickClock, number: int, status: int, seconds: float, headers: dict[str, str]) -> None:
        self._clock = clock
        self._number = number
        self._refusal = Scripted(b"", status, headers)
        self._seconds = seconds
        self._until_s = 0.0
        self.refused = 0
        self.announces = True

    def __call__(self, asked: Asked) -> Scripted:
        if asked.number == self._number:
            self._until_s = self._clock.now_s + self._seconds
        if self._clock.now_s < self._until_s:
            self.refused += 1
            return self._refusal
        return answer(asked, asked.page(), total=len(asked.records) if self.announces else None)


def read(clock: QuickClock, server: CoolingDown, retry: RetryPolicy) -> list[Any]:
    """All users."""
    with (
        RosterServer({"users": ROSTER}, server) as provider,
        closing(
            OneRosterClient(
                provider.base_url,
                KEY,
                SECRET,
                allow_local=True,
                page_size=10,
                parallel=PARALLEL,
                retry=retry,
                clock=clock.clock,
            )
        ) as client,
    ):
        return [record for page in client.pages("users") for record in page.records]


@pytest.mark.parametrize("headers", [IN_SECONDS, AS_A_DATE], ids=["in seconds", "as a date"])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("announces", [True, False], ids=["total", "no total"])
@pytest.mark.parametrize(("number", "under_way"), [(0, 1), (4, PARALLEL)], ids=["first page", "pages side by side"])
def test_nothing_is_asked_for_earlier(
    number: int, under_way: int, announces: bool, status: int, headers: dict[str, str]
) -> None:
    """The pause is longer than any that the client makes of itself."""
    clock = QuickClock()
    server = CoolingDown(clock, number, status, 90, headers)
    server.announces = announces

    assert read(clock, server, PATIENT) == ROSTER

    assert 1 <= server.refused <= under_way
    assert clock.now_s >= 90


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (429, ThrottledError, r"gets too many requests \(429\) and asks us to wait 5 minutes\. Try again after that"),
        (503, ProviderBrokenError, r"answer for /users \(503\) and asks us to wait 5 minutes\. Try again after that"),
    ],
)
@pytest.mark.parametrize("announces", [True, False], ids=["total", "no total"])
@pytest.mark.parametrize(("number", "under_way"), [(0, 1), (4, PARALLEL)], ids=["first page", "pages side by side"])
def test_a_pause_for_which_there_is_no_time_ends_the_reading_at_once(
    number: int, under_way: int, announces: bool, status: int, kind: type[Exception], told: str
) -> None:
    clock = QuickClock()
    server = CoolingDown(clock, number, status, 300, {"Retry-After": "300"})
    server.announces = announces

    with pytest.raises(kind, match=told):
        read(clock, server, OF_A_NIGHT)

    assert 1 <= server.refused <= under_way
    assert clock.now_s == 0


def test_a_run_says_how_long_the_provider_asks_to_wait() -> None:
    """No endpoint is asked after the first that was refused."""
    nights, clock = Nights(district=settings(page_size=10)), QuickClock()
    busy = Scripted(b"", 429, {"Retry-After": "300"})
    with RosterServer({"orgs": [], "users": ROSTER}, lambda _: busy) as server:
        client = OneRosterClient(server.base_url, KEY, SECRET, allow_local=True, retry=OF_A_NIGHT, clock=clock.clock)
        with closing(client):
            run = nights.run(provider=client)  # type: ignore[arg-type]  # any provider does

    assert run.state is RunState.FAILED
    assert run.reason is not None
    assert run.reason.endswith(
        " gets too many requests (429) and asks us to wait 5 minutes. Try again after that (the next sync does), or "
        "set fewer parallel requests."
    )
    assert (len(server.seen), clock.now_s) == (1, 0)


class BusyTokens(OAuth2):
    """Gives tokens only after so many seconds, and says so."""

    def __init__(self, clock: QuickClock, seconds: int) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds
        self.refused_for_now = 0

    def answer(self, request: Received) -> Scripted | None:
        if request.method == "POST" and self._clock.now_s < self._seconds:
            self.refused_for_now += 1
            return Scripted(b"", 503, {"Retry-After": str(self._seconds)})
        return super().answer(request)


def read_by_token(clock: QuickClock, tokens: BusyTokens) -> list[Any]:
    with RosterServer({"users": ROSTER}, sign_in=tokens) as server:
        known = SignIn(SignInMethod.OAUTH2_BASIC, f"{server.base_url.removesuffix(ROOT)}/token")
        client = OneRosterClient(
            server.base_url, KEY, SECRET, allow_local=True, sign_in=known, retry=OF_A_NIGHT, clock=clock.clock
        )
        with closing(client):
            return [record for page in client.pages("users") for record in page.records]


def test_a_token_url_is_asked_no_earlier_either() -> None:
    clock = QuickClock()
    tokens = BusyTokens(clock, 90)

    assert read_by_token(clock, tokens) == ROSTER

    assert (tokens.refused_for_now, tokens.asked) == (1, 1)


def test_a_token_url_that_asks_for_too_long_a_pause_is_not_asked_again() -> None:
    clock = QuickClock()
    tokens = BusyTokens(clock, 300)

    with pytest.raises(ProviderBrokenError, match=r"failed to give a token \(503\) and asks us to wait 5 minutes"):
        read_by_token(clock, tokens)

    assert (tokens.refused_for_now, clock.now_s) == (1, 0)
