"""Start to take a run back, because an administrator asks for it."""

from collections.abc import Callable
from datetime import datetime

from roster_sync.domain.errors import ConflictError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import Run, RunKind, RunState, revert_run_id
from roster_sync.domain.user_change import KEPT
from roster_sync.use_cases.ports import RunStore
from roster_sync.use_cases.request_run import request_run


def start_revert(
    reverted: Run, *, runs: RunStore, request_sync: Callable[[DistrictId, RunId], None], now: datetime, nonce: str
) -> Run:
    """A new run, `queued`, that takes another back.

    Raises:
        ConflictError: There is nothing to take back, not yet, or no longer.
        TransientError: The queue did not take the request; the run has ended `failed`.
    """
    if not reverted.state.is_terminal:
        raise ConflictError("This run has not ended yet. Wait until it has.")
    if reverted.kind is RunKind.PREVIEW or (not reverted.counts.changed and reverted.state is not RunState.FAILED):
        raise ConflictError("This run has changed nobody. There is nothing to undo.")
    if reverted.created_at + KEPT <= now:
        raise ConflictError("What a run has changed is kept for 30 days. This run can no longer be undone.")
    run = Run(
        district_id=reverted.district_id,
        run_id=revert_run_id(now, nonce),
        kind=RunKind.REVERT,
        state=RunState.QUEUED,
        created_at=now,
        of_run=reverted.run_id,
    )
    request_run(run, runs=runs, request_sync=request_sync)
    return run
