"""Whether a night reads everybody or only whose record changed, and since when.

Who left is seen only where everybody is read, and so is a change that a provider makes without a new date.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from roster_sync.domain.district import Settings
from roster_sync.domain.earlier_runs import COMPLETED
from roster_sync.domain.reading import Fetch
from roster_sync.domain.run import Run, RunKind, RunState

OVERLAP: Final = timedelta(days=1)
"""Read again before the newest change known: a record may have come to light after its date."""
_SLACK: Final = timedelta(hours=12)
"""Nights do not begin to the second, and one a year is an hour shorter."""


@dataclass(frozen=True, slots=True)
class FetchChoice:
    """What to fetch.

    Attributes:
        reason: In a sentence; None where delta nights are switched off.
        newest_change: Of a delta, the newest change that earlier runs have seen.
    """

    fetch: Fetch
    reason: str | None
    newest_change: datetime | None = None

    @property
    def since(self) -> datetime | None:
        """From when on records are to be read; None: all."""
        return self.newest_change - OVERLAP if self.newest_change else None


def everybody(why: str) -> FetchChoice:
    """The choice that misses nothing."""
    return FetchChoice(Fetch.FULL, f"All users were read: {why}")


def choose_fetch(settings: Settings, run: Run, earlier: Sequence[Run], key: str) -> FetchChoice:
    """A delta only after a completed run of which all is known that it builds upon.

    Args:
        settings: As stored.
        run: That fetches now.
        earlier: Runs of the district, newest first.
        key: Of `reading_key`.
    """
    if not settings.delta_nights:
        return FetchChoice(Fetch.FULL, None)
    if run.kind is not RunKind.NIGHTLY:
        return everybody("an administrator asked for it.")
    before = next((o for o in earlier if o.state is not RunState.SKIPPED and o.kind is not RunKind.EDIT), None)
    if before is None:
        return everybody("no sync came before.")
    if before.kind is RunKind.UPLOAD:
        return everybody("users were uploaded since the last sync.")
    if before.kind is RunKind.REVERT:
        return everybody("a run was undone since the last sync.")
    if not before.kind.is_sync:
        return everybody("held changes were approved since the last sync.")
    if before.state not in COMPLETED:
        return everybody(f"the sync before is {before.state.value}.")
    if before.counts.superseded:
        return everybody("not all changes of the sync before were its own to make.")
    reading = before.reading
    if reading is None or reading.key != key:
        return everybody("settings or schools have changed.")
    if not reading.filters_dates:
        return everybody("the provider does not honour filters by dateLastModified.")
    if reading.newest_change is None:
        return everybody("the last sync was not provably whole, or its users had no dateLastModified.")
    last = next((o for o in earlier if o.reading and o.reading.fetch is Fetch.FULL and o.state in COMPLETED), None)
    days = settings.full_fetch_days
    if last is None or run.created_at - last.created_at > timedelta(days=days) - _SLACK:
        return everybody(f"it is {days} days since that was done." if days > 1 else "that is to be done daily.")
    return FetchChoice(Fetch.DELTA, "Only users whose record changed were read.", reading.newest_change)
