"""Send the chunks of a run that is applying; the last one applied ends it."""

from collections.abc import Callable, Iterable
from datetime import datetime

from roster_sync.domain.change import Chunk
from roster_sync.domain.lease import LEASE_TIME
from roster_sync.domain.run import Run, RunState
from roster_sync.use_cases.close_run import close_if_applied
from roster_sync.use_cases.ports import ChangeQueue, LeaseStore, RunStore


def send_chunks(
    run: Run,
    chunks: Iterable[Chunk],
    *,
    runs: RunStore,
    leases: LeaseStore,
    queue: ChangeQueue,
    clock: Callable[[], datetime],
) -> RunState | None:
    """Send them, and end the run if there are none; its state, if this call ended it."""
    # The first chunk may wait its turn behind a whole night of other districts.
    if not leases.renew(run.district_id, run.run_id, clock() + LEASE_TIME):
        return None
    queue.send(chunks)
    stored = runs.get(run.district_id, run.run_id)
    return close_if_applied(stored, runs=runs, leases=leases, now=clock()) if stored else None
