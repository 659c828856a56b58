"""A chunk is applied and counted once, and the last one ends the run, over stores in memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from roster_sync.domain.change import ChangeKind, Chunk
from roster_sync.domain.errors import DistrictBusyError, TransientError
from roster_sync.domain.identifiers import DistrictId, RunId, UserId
from roster_sync.domain.lease import LEASE_TIME
from roster_sync.domain.run import Counts, Run, RunState
from roster_sync.domain.usage import ACCOUNTING_OF_A_CHUNK, Usage
from roster_sync.domain.user_change import UserChange
from roster_sync.use_cases.apply_chunk import AppliedChunk, apply_chunk
from roster_sync.use_cases.keep_changes import keep_chunk
from tests.support.builders import DISTRICT, LATER_RUN, NOW, RUN, a_change, a_chunk, a_run, a_user
from tests.support.fakes import InMemoryChangeLog, InMemoryDistricts, InMemoryEvents, InMemoryRuns, InMemoryUsers

LATER = NOW + timedelta(minutes=15)


class Applying:
    """A run whose fetch has sent `chunks` chunks; it holds the lease."""

    def __init__(self, *, chunks: int, outcome: RunState = RunState.COMPLETED, reason: str | None = None) -> None:
        self.users = InMemoryUsers()
        self.log = InMemoryChangeLog()
        self.runs = InMemoryRuns()
        self.leases = InMemoryDistricts()
        self.runs.create(a_run())
        self.lease = self.leases.acquire(DISTRICT, RUN, NOW, NOW + LEASE_TIME)
        self.runs.begin_attempt(DISTRICT, RUN, self.lease.fence, NOW)
        self.runs.begin_applying(
            DISTRICT,
            RUN,
            attempt=1,
            chunks_expected=chunks,
            counts=Counts(fetched=5),
            issues_by_code={},
            provider_requests=1,
            outcome=outcome,
            reason=reason,
        )

    def apply(self, chunk: Chunk, now: datetime = LATER) -> AppliedChunk:
        return apply_chunk(chunk, users=self.users, log=self.log, runs=self.runs, leases=self.leases, clock=lambda: now)

    @property
    def run(self) -> Run:
        run = self.runs.get(DISTRICT, RUN)
        assert run is not None
        return run

    def is_free(self, now: datetime = LATER) -> bool:
        """Whether another run could begin."""
        try:
            self.leases.acquire(DISTRICT, LATER_RUN, now, now)
        except DistrictBusyError:
            return False
        return True


class FailingUsers(InMemoryUsers):
    """Writes nothing."""

    def apply(self, chunk: Chunk, now: datetime) -> Counts:
        raise TransientError("The database is busy.")


class RunsThatBeginAnew(InMemoryRuns):
    """The fetch comes again just before a run is ended."""

    def __init__(self, runs: InMemoryRuns) -> None:
        self.__dict__ |= runs.__dict__

    def close(self, district_id: DistrictId, run_id: RunId, *args: Any, **options: Any) -> bool:
        self.begin_attempt(district_id, run_id, 2, LATER)
        return super().close(district_id, run_id, *args, **options)


def a_numbered_chunk(number: int, **overrides: object) -> Chunk:
    return a_chunk([a_change(user_id=UserId(f"u-{number}"))], number=number, **overrides)


def test_the_first_of_two_chunks_is_counted_and_leaves_the_run_applying() -> None:
    night = Applying(chunks=2)

    applied = night.apply(a_numbered_chunk(1))

    assert applied == AppliedChunk(Counts(created=1), None)
    assert (night.run.state, night.run.chunks_applied) == (RunState.APPLYING, 1)
    assert night.run.counts == Counts(fetched=5, created=1)
    assert not night.is_free()


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_whichever_chunk_comes_last_ends_the_run_and_frees_the_district(order: tuple[int, ...]) -> None:
    night = Applying(chunks=3)

    endings = [night.apply(a_numbered_chunk(number)).ended for number in order]

    assert endings == [None, None, RunState.COMPLETED]
    assert (night.run.state, night.run.ended_at) == (RunState.COMPLETED, LATER)
    assert night.run.counts == Counts(fetched=5, created=3)
    assert night.is_free()


def test_the_run_ends_as_its_fetch_decided_and_with_its_reason() -> None:
    night = Applying(chunks=1, outcome=RunState.BLOCKED, reason="Too many would go.")

    applied = night.apply(a_numbered_chunk(1))

    assert applied.ended is RunState.BLOCKED
    assert (night.run.state, night.run.reason) == (RunState.BLOCKED, "Too many would go.")


def test_a_second_delivery_writes_no_user_and_counts_nothing() -> None:
    night = Applying(chunks=2)
    night.apply(a_numbered_chunk(1))
    run, writes = night.run, night.users.writes

    night.apply(a_numbered_chunk(1))

    assert (night.run, night.users.writes) == (run, writes)


def test_a_chunk_keeps_the_district_for_its_run() -> None:
    night = Applying(chunks=2)
    just_in_time = NOW + LEASE_TIME - timedelta(seconds=1)

    night.apply(a_numbered_chunk(1), now=just_in_time)

    assert not night.is_free(NOW + LEASE_TIME)
    assert not night.is_free(just_in_time + LEASE_TIME - timedelta(seconds=1))
    assert night.is_free(just_in_time + LEASE_TIME)


def test_a_chunk_is_dropped_once_another_run_holds_the_district() -> None:
    """That run has read the roster; what it found unchanged must stay so."""
    night = Applying(chunks=1)
    expired = NOW + LEASE_TIME
    night.leases.acquire(DISTRICT, LATER_RUN, expired, expired + LEASE_TIME)

    applied = night.apply(a_numbered_chunk(1), now=expired)

    assert (applied, night.users.writes) == (AppliedChunk(None), 0)
    with pytest.raises(DistrictBusyError, match=LATER_RUN):
        night.leases.acquire(DISTRICT, RUN, expired, expired + LEASE_TIME)


def test_the_last_chunk_of_an_attempt_does_not_end_the_one_that_has_begun_meanwhile() -> None:
    """A SyncRequest that came twice: the run ended with the new attempt's counts, which were still empty."""
    night = Applying(chunks=1)
    night.runs = RunsThatBeginAnew(night.runs)

    applied = night.apply(a_numbered_chunk(1))

    assert applied.ended is None
    assert (night.run.state, night.run.attempt) == (RunState.FETCHING, 2)
    assert not night.is_free()


@pytest.mark.parametrize("attempt", [0, 2])
def test_a_chunk_of_another_attempt_is_dropped(attempt: int) -> None:
    night = Applying(chunks=1)
    run = night.run

    applied = night.apply(a_numbered_chunk(1, attempt=attempt))

    assert applied == AppliedChunk(None)
    assert (night.run, night.users.writes) == (run, 0)


def test_a_chunk_of_a_run_that_has_ended_is_dropped() -> None:
    night = Applying(chunks=1)
    night.runs.close(DISTRICT, RUN, RunState.FAILED, "It stopped.", NOW)
    run = night.run

    applied = night.apply(a_numbered_chunk(1))

    assert applied == AppliedChunk(None)
    assert (night.run, night.users.writes) == (run, 0)


def test_a_chunk_of_a_run_that_is_forgotten_is_dropped() -> None:
    night = Applying(chunks=1)

    applied = night.apply(a_numbered_chunk(1, run_id=LATER_RUN))

    assert (applied, night.users.writes) == (AppliedChunk(None), 0)


def test_what_a_newer_run_has_written_counts_as_superseded() -> None:
    night = Applying(chunks=1)
    night.users.apply(a_numbered_chunk(1, run_id=LATER_RUN, fence=night.lease.fence + 1), NOW)

    applied = night.apply(a_numbered_chunk(1))

    assert applied == AppliedChunk(Counts(superseded=1), RunState.COMPLETED)
    assert night.users.writes == 1


def test_a_chunk_that_could_not_be_written_is_not_counted_so_that_it_counts_when_it_comes_again() -> None:
    night = Applying(chunks=1)
    users, night.users = night.users, FailingUsers()

    with pytest.raises(TransientError):
        night.apply(a_numbered_chunk(1))
    before = night.run
    night.users = users
    applied = night.apply(a_numbered_chunk(1))

    assert (before.state, before.chunks_applied) == (RunState.APPLYING, 0)
    assert applied == AppliedChunk(Counts(created=1), RunState.COMPLETED)


def test_a_chunk_adds_what_it_used_to_its_run_once() -> None:
    night = Applying(chunks=2)
    used = Usage(write_units=3, gb_seconds=0.5)

    for _ in range(2):
        apply_chunk(
            a_numbered_chunk(1),
            users=night.users,
            log=night.log,
            runs=night.runs,
            leases=night.leases,
            clock=lambda: NOW,
            metered=lambda: used,
        )

    assert night.run.usage == used + ACCOUNTING_OF_A_CHUNK


# ---------------------------------------------------------------- What is told


def told(night: Applying, chunk: Chunk, **others: Any) -> InMemoryEvents:
    """What applying a chunk tells."""
    events = InMemoryEvents()
    stores: dict[str, Any] = {"users": night.users, "log": night.log, "runs": night.runs, "leases": night.leases}
    apply_chunk(chunk, **stores | others, clock=lambda: LATER, events=events)
    return events


def test_each_changed_user_is_told_of() -> None:
    night = Applying(chunks=2)

    events = told(night, a_numbered_chunk(1))

    assert events.changed == [(RUN, UserChange(ChangeKind.CREATE, UserId("u-1")))]
    assert events.ended == []


def test_the_end_of_the_run_is_told_by_the_last_chunk_and_by_one_that_comes_after() -> None:
    night = Applying(chunks=1)

    first, again = told(night, a_numbered_chunk(1)), told(night, a_numbered_chunk(1))

    assert [run.state for run in first.ended] == [RunState.COMPLETED]
    assert again.ended == first.ended


def test_what_an_earlier_delivery_wrote_and_did_not_tell_is_told() -> None:
    night = Applying(chunks=2)
    chunk = a_chunk([a_change(user_id=UserId("u-1"), kind=ChangeKind.UPDATE), a_change(user_id=UserId("u-2"))])
    night.users.put(a_user(fence=0))
    keep_chunk(chunk, users=night.users, log=night.log, now=NOW)
    night.users.apply(chunk, NOW)

    events = told(night, chunk)

    assert [change.user_id for _, change in events.changed] == ["u-1", "u-2"]


def test_what_a_replaced_chunk_wrote_is_told() -> None:
    night = Applying(chunks=2)
    chunk = a_numbered_chunk(1)
    keep_chunk(chunk, users=night.users, log=night.log, now=NOW)
    night.users.apply(chunk, NOW)
    night.runs.begin_attempt(DISTRICT, RUN, 2, NOW)

    events = told(night, chunk)

    assert [change.user_id for _, change in events.changed] == ["u-1"]


def test_a_chunk_that_could_not_be_told_of_is_not_counted() -> None:
    class Silent(InMemoryEvents):
        def users_changed(self, of: Chunk | Run, changes: Sequence[UserChange]) -> None:
            raise TransientError("The event bus is busy or did not answer.")

    night = Applying(chunks=1)

    with pytest.raises(TransientError):
        apply_chunk(
            a_numbered_chunk(1),
            users=night.users,
            log=night.log,
            runs=night.runs,
            leases=night.leases,
            clock=lambda: LATER,
            events=Silent(),
        )

    assert night.run.chunks_applied == 0
