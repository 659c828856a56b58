"""Apply one chunk of changes to the users, count it once, and close its run with the last."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from roster_sync.domain.change import Chunk
from roster_sync.domain.lease import LEASE_TIME
from roster_sync.domain.run import Counts, RunState
from roster_sync.domain.usage import ACCOUNTING_OF_A_CHUNK, Usage
from roster_sync.use_cases.close_run import close_if_applied
from roster_sync.use_cases.keep_changes import keep_chunk
from roster_sync.use_cases.ports import ChangeLog, LeaseStore, Metered, RunStore, UserStore


@dataclass(frozen=True, slots=True)
class AppliedChunk:
    """What became of a chunk.

    Attributes:
        counts: None if the chunk was dropped, because its run has ended, or another run or a newer attempt replaces it.
        ended: The run's state, if this chunk ended it.
    """

    counts: Counts | None
    ended: RunState | None = None


def apply_chunk(
    chunk: Chunk,
    *,
    users: UserStore,
    log: ChangeLog,
    runs: RunStore,
    leases: LeaseStore,
    clock: Callable[[], datetime],
    metered: Metered = Usage,
) -> AppliedChunk:
    """Apply a chunk; a second delivery writes no user and counts nothing, but closes the run if the first could not.

    Raises:
        TransientError: Something could not be written; the whole chunk may come again.
    """
    run = runs.get(chunk.district_id, chunk.run_id)
    if run is None or run.state.is_terminal or run.attempt != chunk.attempt:
        return AppliedChunk(None)
    now = clock()
    if not leases.renew(chunk.district_id, chunk.run_id, now + LEASE_TIME):
        # Whoever has the lease now has read the roster, and must find it as it was read.
        return AppliedChunk(None)
    keep_chunk(chunk, users=users, log=log, now=now)
    counts = users.apply(chunk, now)
    runs.count_chunk(chunk, counts, metered() + ACCOUNTING_OF_A_CHUNK)
    counted = runs.get(chunk.district_id, chunk.run_id)
    if counted is None:
        return AppliedChunk(counts)
    return AppliedChunk(counts, close_if_applied(counted, runs=runs, leases=leases, now=clock()))
