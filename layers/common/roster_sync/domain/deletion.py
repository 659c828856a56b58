"""The deletion of a district: who asked for it, what there was to delete, and from when on nobody adds to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from roster_sync.domain.audit import Act, Alteration, AuditEntry, Author
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.lease import CHUNK_TIME
from roster_sync.domain.run import Run, RunKind, RunState

REASON: Final = "The district is being deleted."
"""Of runs that end because of it."""

REQUEST_TIME: Final = timedelta(seconds=30)
"""A request to the API that had begun before is over then, for its function ends after 29 s."""

WORK_TIME: Final = timedelta(minutes=15)
"""The longest time of any function: whoever still works on a run that was ended by another is over then."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How much there was of a district before anything was deleted."""

    users: int
    schools: int
    runs: int

    def as_dict(self) -> dict[str, int]:
        """Each number by its name."""
        return {"users": self.users, "schools": self.schools, "runs": self.runs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A deletion that was asked for.

    Attributes:
        deletion_id: Holds the district's lease, as a run does.
        asked_by: E-mail address of the account, else its id.
        contents: None until it is counted.
        ended_at: None while it is under way.
    """

    district_id: DistrictId
    deletion_id: RunId
    asked_by: str
    asked_at: datetime
    contents: Contents | None = None
    ended_at: datetime | None = None

    @property
    def there_was(self) -> Contents:
        """How much there was to delete, as far as it is counted."""
        return self.contents or Contents(0, 0, 0)

    def covers(self, run_id: RunId) -> bool:
        """Whether a run belongs to what is, or was, deleted; its id begins with the time of its beginning."""
        return self.ended_at is None or run_id.partition("-")[0] <= f"{self.ended_at:%Y%m%dT%H%M%SZ}"

    def ended(self, now: datetime) -> AuditEntry:
        """The line of the audit log that says so, with what there was."""
        return Author(name=self.asked_by, at=now, nonce=self.deletion_id.rpartition("-")[2]).did(
            Act.DISTRICT_DELETED,
            self.district_id,
            alterations=tuple(
                Alteration(name=name, before=str(number), after=None)
                for name, number in self.there_was.as_dict().items()
            ),
        )


def new_deletion(district_id: DistrictId, by: Author) -> Deletion:
    """A deletion that somebody asks for."""
    return Deletion(
        district_id=district_id,
        deletion_id=RunId(f"{by.at:%Y%m%dT%H%M%SZ}-deletion-{by.nonce}"),
        asked_by=by.name,
        asked_at=by.at,
    )


def unused(run: Run) -> RunState:
    """The state in which a run ends that has not ended by itself: SKIPPED if surely nobody works on it."""
    return RunState.FAILED if run.attempt or run.kind is RunKind.UPLOAD else RunState.SKIPPED


def quiet_from(deletion: Deletion, runs: Iterable[Run]) -> datetime:
    """From when on nobody who had begun before the deletion can write to the district.

    A run that ended by itself may have a chunk in work that was delivered twice; on one that ended otherwise, any
    function may still be at work.
    """
    quiet = deletion.asked_at + REQUEST_TIME
    for run in runs:
        if run.ended_at:
            quiet = max(quiet, run.ended_at + (WORK_TIME if run.state is RunState.FAILED else CHUNK_TIME))
    return quiet
