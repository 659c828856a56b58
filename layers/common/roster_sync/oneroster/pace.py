"""When the requests of one client go out, how large their pages are, and how often they are tried again."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Final, TypeVar

from roster_sync.oneroster.errors import GatewayError, OutOfTimeError, ProviderBrokenError, ThrottledError
from roster_sync.oneroster.parallelism import Parallelism
from roster_sync.oneroster.retry import RetryBudget, RetryPolicy, with_retries
from roster_sync.security.egress import TimedOutError

_T = TypeVar("_T")

SMALLEST_PAGE: Final = 2
"""One record to join it to the page before, one that is new."""
_LARGEST_PAGE: Final = 1 << 31


class Pace:
    """Lets the requests of one run through, as fast as the provider bears; may be used by several threads at once.

    Attributes:
        most: Requests that may be under way at once.
        largest_page: Most records to ask for; less once larger pages were too much for the provider.
    """

    def __init__(self, host: str, policy: RetryPolicy, most: int) -> None:
        self.most = most
        self.largest_page = _LARGEST_PAGE
        self._host = host
        self._policy = policy
        self._budget = RetryBudget(policy, monotonic=time.monotonic)
        self._parallelism = Parallelism(most)
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
            came_s = time.monotonic()
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
            monotonic=lambda: time.monotonic() - waited_s,
            sleep=self._pause,
            uniform=random.uniform,
        )

    def once(self, ask: Callable[[int], _T], limit: int) -> _T:
        """What `ask` returns; not tried again."""
        with self._turn():
            return ask(min(limit, self.largest_page))

    def has_time_for(self, seconds: float) -> bool:
        """Whether so much is left of the run's time."""
        return self._budget.has_time_for(seconds)

    def close(self) -> None:
        """End all waiting; whoever waits gets a CancelledError."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        if self._closing.wait(seconds):
            raise CancelledError

    @contextmanager
    def _turn(self) -> Iterator[float]:
        """One request, begun when it may be; tells when that was, and learns from how it ends."""
        begun_s = self._begin()
        try:
            yield begun_s
        except (ThrottledError, ProviderBrokenError, TimedOutError) as error:
            asked_s = None if isinstance(error, TimedOutError) else error.retry_after_s
            pause_s = None if asked_s is None else min(asked_s, self._policy.longest_s)
            with self._changed:
                self._parallelism.overloaded(begun_s, time.monotonic(), pause_s)
            raise
        else:
            self._budget.earn()
            with self._changed:
                self._parallelism.answered(begun_s, time.monotonic())
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _begin(self) -> float:
        with self._changed:
            while True:
                if self._closing.is_set():
                    raise CancelledError
                now_s = time.monotonic()
                if not self._budget.has_time_for(0):
                    raise OutOfTimeError(self._host)
                pause_s = self._parallelism.pause_s(now_s)
                if not pause_s and self._under_way < self._parallelism.limit:
                    self._under_way += 1
                    return now_s
                self._changed.wait(pause_s or None)
