"""How a run read the provider, kept with the run for those that follow."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from roster_sync.domain.district import Settings
from roster_sync.domain.fetch_plan import SchoolLists, Scope
from roster_sync.domain.normalise import Rules

_KEY_BYTES = 16


class Fetch(StrEnum):
    """How much a fetch reads."""

    FULL = "full"
    DELTA = "delta"
    """Only users whose record changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the users were read.

    Attributes:
        scope: Whose users.
        scope_reason: Why so, in a sentence.
        fetch_reason: Why all or only the changed ones, in a sentence; None where delta nights are switched off.
        key: Of `reading_key`: a run with another key cannot build upon this one.
        school_lists: What is known of the provider's lists of single schools.
        filters_dates: Whether it was proven that the provider honours filters by dateLastModified.
        newest_change: The newest dateLastModified of all records so far; None if the fetch was not whole.
    """

    scope: Scope
    scope_reason: str
    fetch: Fetch = Fetch.FULL
    fetch_reason: str | None = None
    key: str
    school_lists: SchoolLists
    filters_dates: bool = False
    newest_change: datetime | None = None


def reading_key(settings: Settings, rules: Rules) -> str:
    """The same for two runs if nothing was saved between them and records mean the same to both."""
    text = f"{settings.version} {rules.seed}"
    return blake2b(text.encode(), digest_size=_KEY_BYTES).hexdigest()
