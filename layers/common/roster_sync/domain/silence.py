"""Runs of which nothing was heard for too long: what has died, and what to do about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from roster_sync.domain.lease import Lease
from roster_sync.domain.run import Run, RunKind, RunState

SILENCE: Final = timedelta(minutes=30)
"""Without a sign of life, if nothing waits that could give one: longer than a message stays out of sight."""

LONG_SILENCE: Final = timedelta(hours=6)
"""Whatever waits: no night's queue is that long."""

UPLOAD_SILENCE: Final = timedelta(hours=1)
"""An import is tried three times, each for a quarter of an hour at most."""

MOST_RESUMES: Final = 2
"""Then a run that dies each time ends."""


class Remedy(Enum):
    """What to do about an unfinished run."""

    NONE = auto()
    RESUME = auto()
    """Send its SyncRequest again."""
    END = auto()


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages wait, or are being worked on."""

    sync_requests: int
    user_changes: int

    @property
    def patience(self) -> timedelta:
        """Runs younger than this have surely not been silent for too long."""
        return LONG_SILENCE if self.sync_requests and self.user_changes else SILENCE


def remedy(run: Run, lease: Lease | None, backlog: Backlog, now: datetime) -> Remedy:
    """What to do about a run.

    Args:
        run: One that has not ended.
        lease: Of its district, as held now by whomever; None if it is free.
        backlog: Of the queues. A message in them may be the run's.
        now: The time.
    """
    silent_for = now - _last_sign(run, lease)
    if run.kind in (RunKind.UPLOAD, RunKind.EDIT):
        # Nobody but the district has the file, or knows what was asked for, for certain.
        return Remedy.END if silent_for >= UPLOAD_SILENCE else Remedy.NONE
    waiting = backlog.user_changes if run.state is RunState.APPLYING else backlog.sync_requests
    if silent_for < (LONG_SILENCE if waiting else SILENCE):
        return Remedy.NONE
    return Remedy.RESUME if run.resumes < MOST_RESUMES else Remedy.END


def last_words(run: Run) -> str:
    """Why a run that stopped without a word has ended, with what is known of it."""
    if run.kind is RunKind.UPLOAD:
        return "The upload stopped without a word. Upload the file again."
    if run.kind is RunKind.EDIT:
        return "The change by hand stopped without a word. Look at the user, and make it again if need be."
    if run.kind is RunKind.APPROVAL:
        return "The approval stopped without a word. Sync again, and look at what that run holds."
    if run.kind is RunKind.REVERT:
        return "Undoing the run stopped without a word. Undo it again; whoever is as before already stays so."
    tries = f"It was started {run.resumes + 1} times."
    if run.state is RunState.APPLYING:
        stored = f"{run.chunks_applied} of {run.chunks_expected} parts of the changes were stored"
        return f"The sync stopped without a word; {stored}. {tries} The next sync does the rest."
    where = "while users were read from the provider" if run.state is RunState.FETCHING else "before it had begun"
    return f"The sync stopped without a word {where}. {tries} Sync again; if it stops again, tell support."


def _last_sign(run: Run, lease: Lease | None) -> datetime:
    """Whoever works on a run holds the lease; until it expires, that may be."""
    signs = [run.created_at, run.resumed_at, run.started_at]
    if lease and lease.holder == run.run_id:
        signs.append(lease.expires_at)
    return max(sign for sign in signs if sign)
