"""End a run once all of its chunks are applied."""

from datetime import datetime

from roster_sync.domain.run import Run, RunState
from roster_sync.use_cases.ports import LeaseStore, RunStore


def close_if_applied(run: Run, *, runs: RunStore, leases: LeaseStore, now: datetime) -> RunState | None:
    """End `run` with the outcome of its fetch if no chunk is outstanding; the state, if this call ended it.

    Whoever applies the last chunk comes here, or the fetch itself if there is none; only the first call counts, and
    none that comes when a newer attempt has begun, which holds the lease and ends the run itself.
    """
    if run.state is not RunState.APPLYING or run.outcome is None or run.chunks_applied < run.chunks_expected:
        return None
    closed = runs.close(run.district_id, run.run_id, run.outcome, run.reason, now, attempt=run.attempt)
    if not closed:
        return None
    leases.release(run.district_id, run.run_id)
    return run.outcome
