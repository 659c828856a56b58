"""End a run and give its district back."""

from datetime import datetime

from roster_sync.domain.dead_letter import reason_of_parts
from roster_sync.domain.lease import Lease
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
        run.district_id,
        run.run_id,
        state,
        reason,
        now,
        attempt=run.attempt,
        redrives=run.redrives,
        provider_requests=provider_requests,
    )
    stored = None if closed else runs.get(run.district_id, run.run_id)
    # A failed run may go on, and take the lease again, as soon as whoever ended it has given that back.
    if stored is None or (stored.state.is_terminal and stored.state is not RunState.FAILED):
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


def close_if_given_up(
    run: Run, lease: Lease | None, *, runs: RunStore, leases: LeaseStore, now: datetime
) -> RunState | None:
    """End `run` as `failed` if all chunks that are outstanding were given up; the state, if this call ended it."""
    if run.state is not RunState.APPLYING or not run.chunks_failed:
        return None
    if run.chunks_applied + run.chunks_failed < run.chunks_expected:
        return None
    return end_dead_run(run, lease, reason_of_parts(run), runs=runs, leases=leases, now=now)


def end_dead_run(
    run: Run, lease: Lease | None, reason: str, *, runs: RunStore, leases: LeaseStore, now: datetime
) -> RunState | None:
    """End a run that nobody works on as `failed`; None if somebody does.

    The lease first, as it was seen: a chunk that comes just now has renewed it and goes on, or finds it gone and writes
    nothing.
    """
    district_id, run_id = run.district_id, run.run_id
    if lease and lease.holder == run_id and not leases.release(district_id, run_id, lease.expires_at):
        return None
    closed = runs.close(district_id, run_id, RunState.FAILED, reason, now, attempt=run.attempt, redrives=run.redrives)
    return RunState.FAILED if closed else None
