"""End a run and give its district back."""

from datetime import datetime

from roster_sync.domain.run import Run, RunState
from roster_sync.use_cases.ports import LeaseStore, RunStore


def close_run(
    run: Run,
    state: RunState,
    reason: str | None,
    *,
    runs: RunStore,
    leases: LeaseStore,
    now: datetime,
    provider_requests: int | None = None,
) -> RunState | None:
    """End the run of this attempt; the state, if this call ended it.

    A message can come twice at once: an attempt that a newer one has replaced ends nothing, and leaves it the lease.
    """
    closed = runs.close(
        run.district_id, run.run_id, state, reason, now, attempt=run.attempt, provider_requests=provider_requests
    )
    stored = None if closed else runs.get(run.district_id, run.run_id)
    if stored is None or stored.state.is_terminal:
        leases.release(run.district_id, run.run_id)
    return state if closed else None


def close_if_applied(run: Run, *, runs: RunStore, leases: LeaseStore, now: datetime) -> RunState | None:
    """End `run` with the outcome of its fetch if no chunk is outstanding; the state, if this call ended it.

    Whoever applies the last chunk comes here, or the fetch itself if there is none; only the first call counts, and
    none that comes when a newer attempt has begun, which holds the lease and ends the run itself.
    """
    if run.state is not RunState.APPLYING or run.outcome is None or run.chunks_applied < run.chunks_expected:
        return None
    # A preview only says that a sync would be blocked.
    state = RunState.COMPLETED_WITH_ISSUES if run.would_be_blocked else run.outcome
    return close_run(run, state, run.reason, runs=runs, leases=leases, now=now)
