"""Start the night: one run and one SyncRequest for each active district."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from roster_sync.domain.district import Settings, why_not_run
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import Run, RunKind, RunState, nightly_run_id
from roster_sync.domain.school_year import why_paused
from roster_sync.use_cases.ports import DistrictStore, RunStore

RequestSyncs = Callable[[Sequence[tuple[DistrictId, RunId]]], None]
"""Sends SyncRequests, each in its district's message group."""

_THREADS = 16
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Dispatched:
    """How many districts got which answer."""

    requested: int
    skipped: int


def dispatch_runs(
    scheduled_time: datetime,
    *,
    districts: DistrictStore,
    runs: RunStore,
    request_syncs: RequestSyncs,
    offered_products: frozenset[str],
    now: datetime,
) -> Dispatched:
    """Create each active district's run of the night and ask for its fetch.

    A retry with the same time creates no second run; it asks again for the runs that are still queued, because the
    first call may have died between creating and asking. A district that cannot run, or is paused, gets a `skipped`
    run that says why.

    Raises:
        TransientError: Database or queue did not answer; calling again is safe.
    """
    run_id = nightly_run_id(scheduled_time)

    def create(settings: Settings) -> RunState:
        district_id = settings.district_id
        reason = why_not_run(settings, districts.schools(district_id), offered_products) or why_paused(
            settings, scheduled_time.date()
        )
        run = Run(
            district_id=district_id,
            run_id=run_id,
            kind=RunKind.NIGHTLY,
            state=RunState.SKIPPED if reason else RunState.QUEUED,
            created_at=now,
            ended_at=now if reason else None,
            reason=reason,
        )
        if runs.create(run):
            return run.state
        stored = runs.get(district_id, run_id)
        return stored.state if stored else run.state

    requested = skipped = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        active = districts.active()
        while batch := list(islice(active, _BATCH)):
            states = list(pool.map(create, batch))
            queued = [s.district_id for s, state in zip(batch, states, strict=True) if state is RunState.QUEUED]
            request_syncs([(district_id, run_id) for district_id in queued])
            requested += len(queued)
            skipped += states.count(RunState.SKIPPED)
    return Dispatched(requested, skipped)
