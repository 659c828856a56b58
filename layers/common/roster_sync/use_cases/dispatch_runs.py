"""Start the nights that are due: one run and one SyncRequest for each active district whose time has come."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, islice

from roster_sync.domain.district import Settings, why_not_run
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import Run, RunKind, RunState, nightly_run_id
from roster_sync.domain.schedule import CATCH_UP, SLOT, Schedule, nights_between, schedule_of
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


@dataclass(frozen=True, slots=True)
class _Night:
    """A night of a district: its local day, and when it begins."""

    settings: Settings
    day: date
    at: datetime

    @property
    def run_id(self) -> RunId:
        """The same whenever the night is begun."""
        return nightly_run_id(self.at)


def dispatch_runs(
    scheduled_time: datetime,
    *,
    districts: DistrictStore,
    runs: RunStore,
    request_syncs: RequestSyncs,
    offered_products: frozenset[str],
    default_schedule: Schedule,
    now: datetime,
) -> Dispatched:
    """Create the run of each night that is due, of each active district, and ask for its fetch.

    Due are the nights of the quarter of an hour that ends at `scheduled_time`, and earlier ones of which there is no
    run, for as long as they are caught up. A retry with the same time creates no second run; it asks again for the
    runs of its quarter that are still queued, because the first call may have died between creating and asking. A
    district that cannot run, or is paused, gets a `skipped` run that says why.

    Raises:
        TransientError: Database or queue did not answer; calling again is safe.
    """

    def due(settings: Settings) -> list[_Night]:
        schedule = schedule_of(settings, default_schedule)
        nights = nights_between(schedule, scheduled_time - CATCH_UP, scheduled_time)
        return [_Night(settings, schedule.day_of(night), night) for night in nights]

    def begin(night: _Night) -> RunState | None:
        settings, district_id, run_id = night.settings, night.settings.district_id, night.run_id
        if night.at <= scheduled_time - SLOT and runs.get(district_id, run_id):
            return None
        reason = why_not_run(settings, districts.schools(district_id), offered_products) or why_paused(
            settings, night.day
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
        nights = chain.from_iterable(map(due, districts.active()))
        while batch := list(islice(nights, _BATCH)):
            states = list(pool.map(begin, batch))
            queued = [night for night, state in zip(batch, states, strict=True) if state is RunState.QUEUED]
            request_syncs([(night.settings.district_id, night.run_id) for night in queued])
            requested += len(queued)
            skipped += states.count(RunState.SKIPPED)
    return Dispatched(requested, skipped)
