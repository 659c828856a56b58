"""Send a run's dead letters again, after what was in their way is mended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from roster_sync.domain.audit import Act, Author
from roster_sync.domain.dead_letter import LetterKind
from roster_sync.domain.errors import ConflictError, NotFoundError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.lease import LEASE_TIME
from roster_sync.domain.run import Run, RunState
from roster_sync.use_cases.ports import DeadLetterStore, LeaseStore, RunStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriver:
    """What sending again needs of the outside.

    Attributes:
        request_sync: Sends a SyncRequest.
        send_changes: Sends bodies of chunks.
        clock: Says what time it is.
        by: Whom the audit log names; None for staff who invoke the function itself.
    """

    letters: DeadLetterStore
    runs: RunStore
    leases: LeaseStore
    request_sync: Callable[[DistrictId, RunId], None]
    send_changes: Callable[[DistrictId, Sequence[str]], None]
    clock: Callable[[], datetime]
    by: Author | None = None


def redrive_run(district_id: DistrictId, run_id: RunId, redriver: Redriver) -> Run:
    """The run, which goes on: `queued` if it was not fetched, else `applying`, with the chunks that it lacks.

    Chunks are sent only while nobody has had the district's lease since their run: each is decided upon the users as
    they were then.

    Raises:
        NotFoundError: There is no such run.
        ConflictError: The run lacks nothing that can be sent again, or a later run or upload has come since.
        TransientError: Database or queue did not answer. If the run goes on by then, a sweep sees to it.
    """
    run = redriver.runs.get(district_id, run_id)
    if run is None:
        raise NotFoundError("There is no such run. Runs are kept for 90 days; load the list of runs again.")
    letters = redriver.letters.of_run(run) if run.state is RunState.FAILED else []
    entry = redriver.by.did(Act.RUN_REDRIVEN, district_id, run_id) if redriver.by else None
    chunks = [letter.body for letter in letters if letter.kind is LetterKind.CHANGES]
    if chunks:
        now = redriver.clock()
        if not redriver.leases.retake(district_id, run_id, run.fence, now, now + LEASE_TIME):
            raise ConflictError(
                "A later sync or upload has changed this district's users, or is about to. Sync again instead."
            )
        if not redriver.letters.reopen(run, RunState.APPLYING, entry):
            raise _nothing_left()
        redriver.send_changes(district_id, chunks)
    elif any(letter.kind is LetterKind.SYNC_REQUEST for letter in letters):
        if not redriver.letters.reopen(run, RunState.QUEUED, entry):
            raise _nothing_left()
        redriver.request_sync(district_id, run_id)
    else:
        raise _nothing_left()
    return redriver.runs.get(district_id, run_id) or run


def _nothing_left() -> ConflictError:
    return ConflictError("Nothing of this run waits to be tried again. Sync again, or upload the file again.")
