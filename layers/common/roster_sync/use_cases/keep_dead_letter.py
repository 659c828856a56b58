"""Write to a run that a message of it was given up, keep the message, and end the run if nothing else can."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from roster_sync.domain.dead_letter import DeadLetter, LetterKind, reason_of
from roster_sync.domain.errors import OwnOutageError
from roster_sync.domain.lease import CHUNK_TIME, LEASE_TIME, Lease
from roster_sync.domain.run import Run, RunState
from roster_sync.use_cases.close_run import close_if_given_up, end_dead_run
from roster_sync.use_cases.ports import DeadLetterStore, EventSink, LeaseStore, RunStore
from roster_sync.use_cases.tell_of_end import tell_of_end


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """What became of a dead letter.

    Attributes:
        kept: False if its run does not lack what it asks for.
        ended: The run's state, if this ended it.
    """

    kept: bool
    ended: RunState | None = None


def keep_dead_letter(
    letter: DeadLetter,
    *,
    letters: DeadLetterStore,
    runs: RunStore,
    leases: LeaseStore,
    clock: Callable[[], datetime],
    events: EventSink | None = None,
) -> KeptLetter:
    """Keep a letter whose run lacks what it asks for; the same letter again does only what the first time left undone.

    Of a chunk the others are waited for, and then the run ends `failed`: here, or by a sweep if one of the others is
    the last. A run that a second delivery of the message works on, or a newer attempt, lacks nothing.

    Raises:
        TransientError: The database did not answer, or a chunk may be in work; the letter may come again.
    """
    run = runs.get(letter.district_id, letter.run_id)
    if run is None or run.state.is_terminal:
        return KeptLetter(kept=False)
    lease = leases.held(run.district_id)
    if letter.kind is LetterKind.CHANGES:
        if run.attempt != letter.attempt or run.state is not RunState.APPLYING:
            return KeptLetter(kept=False)
        if lease and lease.holder == run.run_id and lease.expires_at - clock() > LEASE_TIME - CHUNK_TIME:
            # It may be a second delivery of this very chunk: the run must not end under it.
            raise OwnOutageError("A chunk of the run may be in work.")
    elif run.state is RunState.APPLYING or _is_at_work(run, lease, clock()):
        return KeptLetter(kept=False)
    runs.add_issues(run.district_id, run.run_id, run.attempt, [letter.issue], letter.issue_number)
    kept = letters.keep(letter, run)
    if letter.kind is LetterKind.CHANGES:
        counted = runs.get(run.district_id, run.run_id)
        ended = close_if_given_up(counted, lease, runs=runs, leases=leases, now=clock()) if counted else None
    else:
        ended = end_dead_run(run, lease, reason_of(letter, run), runs=runs, leases=leases, now=clock())
    if ended:
        tell_of_end(run.district_id, run.run_id, runs, events)
    return KeptLetter(kept, ended)


def _is_at_work(run: Run, lease: Lease | None, now: datetime) -> bool:
    return lease is not None and lease.holder == run.run_id and lease.expires_at > now
