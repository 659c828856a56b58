"""Requests of one run go out together as fast as the provider bears, and end with the run."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from roster_sync.oneroster.errors import (
    GatewayError,
    OutOfTimeError,
    ProviderBrokenError,
    ThrottledError,
    TimedOutError,
)
from roster_sync.oneroster.pace import Pace
from roster_sync.oneroster.retry import RetryPolicy
from tests.support.quick_clock import QuickClock

AT_ONCE = RetryPolicy(attempts=9, total_s=20, shortest_s=0.001, longest_s=0.3)
HOST = "sis.example.org"
Asking = Callable[[Pace, Callable[[], float]], float]
ASKING: dict[str, Asking] = {
    "patiently": lambda pace, ask: pace.patiently(lambda _: ask(), 10),
    "once": lambda pace, ask: pace.once(lambda _: ask(), 10),
    "at once": lambda pace, ask: pace.at_once(ask),
}


class TooLargeAbove:
    """A provider that answers with what it was asked for, up to a size."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.asked: list[int] = []

    def __call__(self, limit: int) -> int:
        self.asked.append(limit)
        if limit > self.most:
            raise GatewayError("502", None) if len(self.asked) % 2 else TimedOutError(HOST, 1)
        return limit


def test_a_size_that_was_too_much_is_not_asked_for_again() -> None:
    pace, provider = Pace(HOST, AT_ONCE, 5), TooLargeAbove(300)

    pages = [pace.patiently(provider, 1000) for _ in range(3)] + [pace.once(provider, 1000)]

    assert pages == [250] * 4
    assert provider.asked == [1000, 500, 250, 250, 250, 250]


def test_a_smaller_page_that_fails_too_teaches_no_size() -> None:
    pace = Pace(HOST, AT_ONCE, 5)
    with pytest.raises((GatewayError, TimedOutError)):
        pace.patiently(TooLargeAbove(0), 1000)

    assert pace.once(lambda limit: limit, 1000) == 1000


def test_a_page_of_one_is_asked_for_as_it_is() -> None:
    provider = TooLargeAbove(0)
    with pytest.raises((GatewayError, TimedOutError)):
        Pace(HOST, AT_ONCE, 5).patiently(provider, 1)

    assert set(provider.asked) == {1}


def test_as_many_requests_are_under_way_as_allowed_and_no_more() -> None:
    pace, counting, three = Pace(HOST, AT_ONCE, 3), threading.Lock(), threading.Barrier(3)
    under_way, seen = 0, set[int]()

    def ask(limit: int) -> int:
        nonlocal under_way
        with counting:
            under_way += 1
            seen.add(under_way)
        three.wait(10)
        with counting:
            under_way -= 1
        return limit

    with ThreadPoolExecutor(8) as workers:
        pages = list(workers.map(lambda _: pace.patiently(ask, 10), range(60)))

    assert pages == [10] * 60
    assert max(seen) == 3


def throttled(pace: Pace, seconds: float) -> None:
    """One request, answered 429."""

    def refused(limit: int) -> int:
        raise ThrottledError(f"429, wait {seconds}", seconds)

    with pytest.raises(ThrottledError):
        pace.once(refused, 10)


@pytest.mark.parametrize("asking", ASKING.values(), ids=ASKING)
def test_a_pause_that_one_request_is_asked_for_holds_for_the_next(asking: Asking) -> None:
    clock = QuickClock()
    pace = Pace(HOST, AT_ONCE, 5, clock.clock)
    throttled(pace, 19)

    begun_s = asking(pace, lambda: clock.now_s)

    assert begun_s == 19


@pytest.mark.parametrize("asking", ASKING.values(), ids=ASKING)
def test_nobody_waits_for_the_end_of_a_pause_for_which_there_is_no_time(asking: Asking) -> None:
    clock = QuickClock()
    pace = Pace(HOST, AT_ONCE, 5, clock.clock)
    throttled(pace, 21)

    with pytest.raises(ThrottledError, match="wait 21"):
        asking(pace, lambda: pytest.fail("It was asked."))

    assert clock.now_s == 0


def test_a_pause_that_is_asked_for_beside_the_others_holds_for_them() -> None:
    clock = QuickClock()
    pace = Pace(HOST, AT_ONCE, 5, clock.clock)

    def broken() -> None:
        raise ProviderBrokenError("503", 19)

    with pytest.raises(ProviderBrokenError):
        pace.at_once(broken)

    assert pace.once(lambda _: clock.now_s, 10) == 19


def test_after_the_run_s_time_nothing_is_asked_for() -> None:
    pace = Pace(HOST, RetryPolicy(run_s=-1), 5)

    with pytest.raises(OutOfTimeError, match=r"sis\.example\.org answers so slowly"):
        pace.patiently(lambda limit: limit, 10)


def test_closing_ends_waiting_for_a_turn() -> None:
    pace, waiting = Pace(HOST, AT_ONCE, 1), threading.Event()
    entered, leave = threading.Event(), threading.Event()

    def held(limit: int) -> int:
        entered.set()
        leave.wait(10)
        return limit

    def another() -> int:
        waiting.set()
        return pace.once(lambda limit: limit, 10)

    with ThreadPoolExecutor(2) as workers:
        workers.submit(pace.once, held, 10)
        entered.wait(10)
        other = workers.submit(another)
        waiting.wait(10)
        pace.close()
        with pytest.raises(CancelledError):
            other.result(10)
        leave.set()
