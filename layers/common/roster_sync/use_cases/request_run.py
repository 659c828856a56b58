"""Store a run that `fetch` is to work on, and ask for it."""

from collections.abc import Callable

from roster_sync.domain.audit import AuditEntry
from roster_sync.domain.errors import TransientError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import Run, RunState
from roster_sync.use_cases.ports import RunStore


def request_run(
    run: Run, *, runs: RunStore, request_sync: Callable[[DistrictId, RunId], None], entry: AuditEntry | None = None
) -> None:
    """Store a queued run, with its line of the audit log, and send its SyncRequest.

    Raises:
        TransientError: The queue did not take the request; the run has ended `failed`.
    """
    runs.create(run, entry)
    try:
        request_sync(run.district_id, run.run_id)
    except TransientError as error:
        runs.close(run.district_id, run.run_id, RunState.FAILED, str(error), run.created_at)
        raise
