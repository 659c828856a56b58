"""Find runs that died without a word; let them go on, or end them with what is known."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.lease import Lease
from roster_sync.domain.run import Run, RunState
from roster_sync.domain.silence import Backlog, Remedy, last_words, remedy
from roster_sync.use_cases.close_run import close_if_applied, close_if_given_up, end_dead_run
from roster_sync.use_cases.ports import EventSink, LeaseStore, RunStore
from roster_sync.use_cases.tell_of_end import tell_of_end


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """What a sweep needs of the outside.

    Attributes:
        backlog: How many messages wait.
        request_sync: Sends a SyncRequest.
        clock: Says what time it is.
        events: Who is told of the runs that it ends, if anybody is.
    """

    leases: LeaseStore
    runs: RunStore
    backlog: Callable[[], Backlog]
    request_sync: Callable[[DistrictId, RunId], None]
    clock: Callable[[], datetime]
    events: EventSink | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of the unfinished runs.

    Attributes:
        resumed: District and run of each that was started anew.
        ended: District, run and state of each that was ended.
    """

    resumed: list[tuple[DistrictId, RunId]] = field(default_factory=list)
    ended: list[tuple[DistrictId, RunId, RunState]] = field(default_factory=list)


def sweep_runs(sweeper: Sweeper) -> Swept:
    """Look at each run that has not ended and is no longer young.

    A run that lives is left alone, and one that comes to life meanwhile is not ended. What a run has stored and the
    issues that it has found stay.

    Raises:
        TransientError: Database or queue did not answer; a later sweep does what this one could not.
    """
    now = sweeper.clock()
    backlog = sweeper.backlog()
    swept = Swept()
    for district_id, run_id in sweeper.runs.unfinished(now - backlog.patience):
        run = sweeper.runs.get(district_id, run_id)
        if run is None or run.state.is_terminal:
            continue
        lease = sweeper.leases.held(district_id)
        match remedy(run, lease, backlog, now):
            case Remedy.RESUME if state := _closed(run, lease, sweeper):
                _note_end(district_id, run_id, state, swept, sweeper)
            case Remedy.RESUME if sweeper.runs.resume(run, now):
                # Noted first, so that a run that cannot be helped is not helped for ever.
                sweeper.request_sync(district_id, run_id)
                swept.resumed.append((district_id, run_id))
            case Remedy.END if state := _closed(run, lease, sweeper) or _ended(run, lease, sweeper):
                _note_end(district_id, run_id, state, swept, sweeper)
            case _:
                pass
    return swept


def _note_end(district_id: DistrictId, run_id: RunId, state: RunState, swept: Swept, sweeper: Sweeper) -> None:
    swept.ended.append((district_id, run_id, state))
    tell_of_end(district_id, run_id, sweeper.runs, sweeper.events)


def _closed(run: Run, lease: Lease | None, sweeper: Sweeper) -> RunState | None:
    """Do what whoever applied the last chunk died before doing, or left to be done because others were given up."""
    runs, leases, now = sweeper.runs, sweeper.leases, sweeper.clock()
    return close_if_applied(run, runs=runs, leases=leases, now=now) or close_if_given_up(
        run, lease, runs=runs, leases=leases, now=now
    )


def _ended(run: Run, lease: Lease | None, sweeper: Sweeper) -> RunState | None:
    reason, now = last_words(run), sweeper.clock()
    return end_dead_run(run, lease, reason, runs=sweeper.runs, leases=sweeper.leases, now=now)
