"""Which failures are tried again, when, and how often."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from roster_sync.domain.errors import TransientError
from roster_sync.oneroster.errors import ProviderBrokenError, ThrottledError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Bounds of trying again.

    Attributes:
        attempts: At most so many requests, the first included.
        total_s: No attempt begins later than this many seconds after the first began.
        shortest_s: Least pause before a further attempt.
        longest_s: Longest pause, also if the provider asks for a longer one.
    """

    attempts: int = 6
    total_s: float = 300.0
    shortest_s: float = 0.5
    longest_s: float = 60.0


def with_retries(
    attempt: Callable[[], _T],
    policy: RetryPolicy,
    *,
    monotonic: Callable[[], float],
    sleep: Callable[[float], object],
    uniform: Callable[[float, float], float],
) -> _T:
    """What `attempt` returns, tried again after each TransientError within the policy's bounds.

    Pauses are of decorrelated jitter, so that parallel requests do not come back together, and never shorter than the
    provider's Retry-After.

    Raises:
        TransientError: The last attempt's.
    """
    begun = monotonic()
    jitter_s = policy.shortest_s
    for number in range(1, policy.attempts + 1):
        try:
            return attempt()
        except TransientError as error:
            pause_s = jitter_s = min(uniform(policy.shortest_s, jitter_s * 3), policy.longest_s)
            asked_s = error.retry_after_s if isinstance(error, ThrottledError | ProviderBrokenError) else None
            if asked_s is not None:
                pause_s = min(max(pause_s, asked_s), policy.longest_s)
            if number == policy.attempts or monotonic() - begun + pause_s > policy.total_s:
                raise
        sleep(pause_s)
    raise AssertionError("A policy has at least one attempt.")


def seconds_of_retry_after(header: str | None, now: datetime) -> float | None:
    """A Retry-After header, in seconds or as an HTTP date, as seconds from now; None if absent or unreadable."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
