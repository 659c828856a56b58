"""A district's consent that the vendor's staff export its users, for a named time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from roster_sync.domain.errors import ConfigurationError

LONGEST: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ExportConsent:
    """Who allowed it, when, and until when."""

    until: datetime
    given_by: str
    given_at: datetime

    def holds(self, now: datetime) -> bool:
        """Whether its time is not over."""
        return now < self.until


def consent(until: datetime, given_by: str, now: datetime) -> ExportConsent:
    """A new consent.

    Raises:
        ConfigurationError: Its end is past, or too far off.
    """
    if not now < until <= now + LONGEST:
        raise ConfigurationError("A consent ends in the future, and after 30 days at most. Choose another end.")
    return ExportConsent(until, given_by, now)
