"""When the requests of one client go out, how large their pages are, and how often they are tried again."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from roster_sync.oneroster.errors import GatewayError, OutOfTimeError, ProviderBrokenError, ThrottledError
from roster_sync.oneroster.parallelism import Parallelism
from roster_sync.oneroster.retry import RetryBudget, RetryPolicy, with_retries
from roster_sync.security.egress import TimedOutError

_T = TypeVar("_T")

SMALLEST_PAGE: Final = 2
"""One record to join it to the page before, one that is new."""
_LARGEST_PAGE: Final = 1 << 31


@dataclass(frozen=True, slots=True)
class Clock:
    """How time passes.

    Attributes:
        monotonic: Seconds of a clock that does not go back.
        wait: Waits until an event or a condition tells, or for so many seconds; whether it told.
    """

    monotonic: Callable[[], float]
    wait: Callable[[threading.Event | threading.Condition, float | None], bool]


WALL_CLOCK: Final = Clock(time.monotonic, lambda awaited, seconds: awaited.wait(seconds))


class Pace:
    """Lets the requests of one run through, as fast as the provider bears; may be used by several threads at once.

    Attributes:
        most: Requests that may be under way at once.
        largest_page: Most records to ask for; less once larger pages were too much for the provider.
    """

    def __init__(self, host: str, policy: RetryPolicy, most: int, clock: Clock = WALL_CLOCK) -> None:
        self.most = most
        self.largest_page = _LARGEST_PAGE
        self._host = host
        self._policy = policy
        self._clock = clock
        self._budget = RetryBudget(policy, monotonic=clock.monotonic)
        self._parallelism = Parallelism(most)
        self._asked_to_pause: ThrottledError | ProviderBrokenError | None = None
        self._under_way = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()

    def patiently(self, ask: Callable[[int], _T], limit: int) -> _T:
        """What `ask` returns for a page of `limit` records, or of fewer if the provider fails at so many.

        Raises:
            TransientError: The last attempt's.
        """
        asked = limit
        waited_s = 0.0
        halved = False

        def attempt() -> _T:
            nonlocal asked, waited_s, halved
            asked = min(asked, self.largest_page)
            came_s = self._clock.monotonic()
            with self._turn() as begun_s:
                waited_s += begun_s - came_s
                try:
                    answer = ask(asked)
                except (GatewayError, TimedOutError):
                    asked, halved = max(asked // 2, min(asked, SMALLEST_PAGE)), True
                    raise
            if halved:
                self.largest_page = min(self.largest_page, max(asked, SMALLEST_PAGE))
            return answer

        # What others make a page wait is not its own time.
        return with_retries(
            attempt,
            self._policy,
            self._budget,
            monotonic=lambda: self._clock.monotonic() - waited_s,
            sleep=self._pause,
            uniform=random.uniform,
        )

    def once(self, ask: Callable[[int], _T], limit: int) -> _T:
        """What `ask` returns; not tried again."""
        with self._turn():
            return ask(min(limit, self.largest_page))

    def at_once(self, ask: Callable[[], _T]) -> _T:
        """What `ask` returns, whatever else is under way, but in no pause that the provider asked for.

        Raises:
            TransientError: That pause is too long.
        """
        with self._changed:
            self._out_of_pause()
        try:
            return ask()
        except (ThrottledError, ProviderBrokenError) as error:
            with self._changed:
                self._note_pause(error)
            raise

    def has_time_for(self, seconds: float) -> bool:
        """Whether so much is left of the run's time."""
        return self._budget.has_time_for(seconds)

    def close(self) -> None:
        """End all waiting; whoever waits gets a CancelledError."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        if self._clock.wait(self._closing, seconds):
            raise CancelledError

    @contextmanager
    def _turn(self) -> Iterator[float]:
        """One request, begun when it may be; tells when that was, and learns from how it ends."""
        begun_s = self._begin()
        try:
            yield begun_s
        except (ThrottledError, ProviderBrokenError, TimedOutError) as error:
            with self._changed:
                self._parallelism.overloaded(begun_s, self._clock.monotonic())
                if not isinstance(error, TimedOutError):
                    self._note_pause(error)
            raise
        else:
            self._budget.earn()
            with self._changed:
                self._parallelism.answered(begun_s, self._clock.monotonic())
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _begin(self) -> float:
        with self._changed:
            while True:
                now_s = self._out_of_pause()
                if self._under_way < self._parallelism.limit:
                    self._under_way += 1
                    return now_s
                self._clock.wait(self._changed, None)

    def _out_of_pause(self) -> float:
        """When no pause holds any more that the provider asked for."""
        while True:
            if self._closing.is_set():
                raise CancelledError
            now_s = self._clock.monotonic()
            if not self._budget.has_time_for(0):
                raise OutOfTimeError(self._host)
            pause_s = self._parallelism.pause_s(now_s)
            if not pause_s:
                return now_s
            too_long = pause_s > self._policy.total_s or not self._budget.has_time_for(pause_s)
            if too_long and self._asked_to_pause:
                raise self._asked_to_pause
            self._clock.wait(self._changed, pause_s)

    def _note_pause(self, error: ThrottledError | ProviderBrokenError) -> None:
        if error.retry_after_s is not None and self._parallelism.pause(self._clock.monotonic(), error.retry_after_s):
            self._asked_to_pause = error
