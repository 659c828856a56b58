"""Which failures are tried again, when, and how often."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

from roster_sync.domain.errors import TransientError
from roster_sync.oneroster.errors import ProviderBrokenError, ThrottledError, clock_skew

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Bounds of trying again.

    Attributes:
        attempts: At most so many requests, the first included.
        total_s: No attempt begins later than this many seconds after the first began.
        shortest_s: Least pause before a further attempt.
        longest_s: Longest pause, unless the provider asks for a longer one.
        run_s: No request of a run begins later than this many seconds after the run.
        run_retries: At most so many further attempts of all requests of a run together, and one more for every
            `answers_a_retry` answers: a provider that fails now and then may do so over thousands of pages.
        answers_a_retry: See `run_retries`.
    """

    attempts: int = 6
    total_s: float = 300.0
    shortest_s: float = 0.5
    longest_s: float = 60.0
    run_s: float = 600.0
    run_retries: int = 50
    answers_a_retry: int = 4


class RetryBudget:
    """The time and the further attempts that the requests of one run have left together; for several threads at once.

    The run begins now.
    """

    def __init__(self, policy: RetryPolicy, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ends_s = monotonic() + policy.run_s
        self._left = float(policy.run_retries)
        self._earned = 1 / policy.answers_a_retry
        self._counting = threading.Lock()

    def earn(self) -> None:
        """Note an answer."""
        with self._counting:
            self._left += self._earned

    def has_time_for(self, seconds: float) -> bool:
        """Whether so much time is left."""
        return self._monotonic() + seconds <= self._ends_s

    def spend(self, pause_s: float) -> bool:
        """Take one attempt that begins after a pause; False if there is none left, or no time."""
        with self._counting:
            if self._left < 1 or not self.has_time_for(pause_s):
                return False
            self._left -= 1
            return True


def with_retries(
    attempt: Callable[[], _T],
    policy: RetryPolicy,
    budget: RetryBudget,
    *,
    monotonic: Callable[[], float],
    sleep: Callable[[float], object],
    uniform: Callable[[float, float], float],
) -> _T:
    """What `attempt` returns, tried again after each TransientError within the bounds of policy and budget.

    Pauses are of decorrelated jitter, so that parallel requests do not come back together, and never shorter than the
    provider's Retry-After: one for which there is no time ends the attempts at once.

    Raises:
        TransientError: The last attempt's.
    """
    begun = monotonic()
    jitter_s = policy.shortest_s
    for number in range(1, policy.attempts + 1):
        try:
            return attempt()
        except TransientError as error:
            jitter_s = min(uniform(policy.shortest_s, jitter_s * 3), policy.longest_s)
            asked_s = error.retry_after_s if isinstance(error, ThrottledError | ProviderBrokenError) else None
            pause_s = max(jitter_s, asked_s or 0.0)
            if number == policy.attempts or monotonic() - begun + pause_s > policy.total_s or not budget.spend(pause_s):
                raise
        sleep(pause_s)
    raise AssertionError("A policy has at least one attempt.")


def seconds_of_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """A Retry-After header, in seconds or as an HTTP date, as seconds from now; None if absent or unreadable.

    A date is by the provider's clock, as far as the answer tells that.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now - (clock_skew(headers, now) or timedelta())).total_seconds())
