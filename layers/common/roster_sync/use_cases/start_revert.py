"""Start to take a run back, because an administrator asks for it."""

from collections.abc import Callable
from datetime import datetime

from roster_sync.domain.audit import Act, Author
from roster_sync.domain.errors import ConflictError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import Run, RunKind, RunState, revert_run_id
from roster_sync.domain.user_change import KEPT
from roster_sync.use_cases.ports import RunStore
from roster_sync.use_cases.request_run import request_run
from roster_sync.use_cases.take_held import runs_since


def start_revert(
    reverted: Run,
    *,
    runs: RunStore,
    request_sync: Callable[[DistrictId, RunId], None],
    now: datetime,
    nonce: str,
    by: Author | None = None,
) -> Run:
    """A new run, `queued`, that takes another back.

    Raises:
        ConflictError: There is nothing to take back, not yet, or no longer, or it is taken back.
        TransientError: The queue did not take the request; the run has ended `failed`.
    """
    if not reverted.state.is_terminal:
        raise ConflictError("This run has not ended yet. Wait until it has.")
    if reverted.kind is RunKind.PREVIEW or (not reverted.counts.changed and reverted.state is not RunState.FAILED):
        raise ConflictError("This run has changed nobody. There is nothing to undo.")
    if reverted.created_at + KEPT <= now:
        raise ConflictError("What a run has changed is kept for 30 days. This run can no longer be undone.")
    earlier = next((run for run in runs_since(reverted, runs) if _takes_back(run, reverted)), None)
    if earlier:
        when = f"{earlier.created_at:%-d %B %Y, %H:%M} UTC"
        raise ConflictError(f"This run was undone on {when}. To bring back what it had changed, undo that one.")
    run = Run(
        district_id=reverted.district_id,
        run_id=revert_run_id(now, nonce),
        kind=RunKind.REVERT,
        state=RunState.QUEUED,
        created_at=now,
        of_run=reverted.run_id,
    )
    entry = by.did(Act.RUN_UNDONE, reverted.district_id, reverted.run_id) if by else None
    request_run(run, runs=runs, request_sync=request_sync, entry=entry)
    return run


def _takes_back(run: Run, reverted: Run) -> bool:
    """Whether a run has taken the other back, or is about to; one that was skipped has not."""
    skipped = run.state is RunState.SKIPPED or (run.state is RunState.FAILED and not run.counts.changed)
    return run.kind is RunKind.REVERT and run.of_run == reverted.run_id and not skipped
