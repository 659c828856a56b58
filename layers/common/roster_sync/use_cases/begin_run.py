"""Begin an attempt of a run that asks no provider."""

from roster_sync.domain.errors import DistrictBusyError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.lease import CHUNK_TIME
from roster_sync.domain.run import Run, RunState
from roster_sync.use_cases.fetcher import Fetcher
from roster_sync.use_cases.take_lease import end_previous, wait_for_lease


def begin_run(district_id: DistrictId, run_id: RunId, fetcher: Fetcher) -> Run | RunState | None:
    """The run with its new attempt, holding the lease; SKIPPED if another run has it, None if it had ended before.

    None, too, if the run is gone. What chunks of an earlier attempt write is written when it returns.
    """
    leases, runs, clock = fetcher.leases, fetcher.runs, fetcher.clock
    if runs.get(district_id, run_id) is None:
        # Deleted with its district, which must not be left a lease.
        return None
    try:
        lease = wait_for_lease(district_id, run_id, leases=leases, runs=runs, clock=clock, pause=fetcher.pause)
    except DistrictBusyError as busy:
        skipped = runs.close(district_id, run_id, RunState.SKIPPED, str(busy), clock())
        return RunState.SKIPPED if skipped else None
    end_previous(lease, district_id, runs, clock())
    run = runs.begin_attempt(district_id, run_id, lease.fence, clock())
    if run is None:
        leases.release(district_id, run_id)
        return None
    if run.sent_attempt:
        # A chunk of an earlier attempt may be in work. What it writes must be seen as this run's.
        fetcher.pause(CHUNK_TIME.total_seconds())
    return run
