"""Apply one chunk of changes to the users, count it once, and close its run with the last."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from roster_sync.domain.change import Chunk
from roster_sync.domain.lease import LEASE_TIME
from roster_sync.domain.run import Counts, Run, RunState
from roster_sync.domain.usage import ACCOUNTING_OF_A_CHUNK, Usage
from roster_sync.use_cases.close_run import close_if_applied
from roster_sync.use_cases.keep_changes import keep_chunk
from roster_sync.use_cases.ports import ChangeLog, EventSink, LeaseStore, Metered, RunStore, UserStore
from roster_sync.use_cases.tell_of_end import tell_of_end


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
    events: EventSink | None = None,
) -> AppliedChunk:
    """Apply a chunk; a second delivery writes no user and counts nothing, but closes the run if the first could not.

    Whoever writes may die before telling of it, and find the chunk replaced when it comes again. So what was kept of a
    chunk is told even then, though some of it may not have been written, and so is a run's end.

    Raises:
        TransientError: Something could not be written; the whole chunk may come again.
    """
    run = runs.get(chunk.district_id, chunk.run_id)
    if run is None or run.state.is_terminal or run.attempt != chunk.attempt:
        return _dropped(chunk, run, log, events)
    now = clock()
    if not leases.renew(chunk.district_id, chunk.run_id, now + LEASE_TIME):
        # Whoever has the lease now has read the roster, and must find it as it was read.
        return _dropped(chunk, run, log, events)
    changes = keep_chunk(chunk, users=users, log=log, now=now)
    counts = users.apply(chunk, now)
    if events:
        # An earlier delivery may have written some, and died before it told of them.
        events.users_changed(chunk, changes if len(changes) == len(chunk.changes) else log.kept(chunk))
    runs.count_chunk(chunk, counts, metered() + ACCOUNTING_OF_A_CHUNK)
    counted = runs.get(chunk.district_id, chunk.run_id)
    if counted is None:
        return AppliedChunk(counts)
    ended = close_if_applied(counted, runs=runs, leases=leases, now=clock())
    if ended:
        tell_of_end(chunk.district_id, chunk.run_id, runs, events)
    return AppliedChunk(counts, ended)


def _dropped(chunk: Chunk, run: Run | None, log: ChangeLog, events: EventSink | None) -> AppliedChunk:
    if events:
        events.users_changed(chunk, log.kept(chunk))
        if run and run.state.is_terminal:
            events.run_ended(run)
    return AppliedChunk(None)
