from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from roster_sync.domain.errors import TransientError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.issue import Issue, IssueCode
from roster_sync.domain.lease import LEASE_TIME, Lease
from roster_sync.domain.run import Counts, Run, RunKind, RunState
from roster_sync.domain.silence import MOST_RESUMES, Backlog
from roster_sync.use_cases.sweep_runs import Sweeper, Swept, sweep_runs
from tests.support.builders import DISTRICT, NOW, OTHER_DISTRICT, RUN, a_chunk, a_run
from tests.support.fakes import InMemoryDistricts, InMemoryEvents, InMemoryRuns

LATER = NOW + timedelta(hours=1)


class Stand:
    """Stores and queues of a deployment, at a time that the test moves."""

    def __init__(self) -> None:
        self.districts = InMemoryDistricts()
        self.runs = InMemoryRuns()
        self.requested: list[tuple[DistrictId, RunId]] = []
        self.backlog = Backlog(0, 0)
        self.events = InMemoryEvents()
        self.now = LATER

    def sweep(self, **others: object) -> Swept:
        sweeper = Sweeper(
            leases=self.districts,
            runs=self.runs,
            backlog=lambda: self.backlog,
            request_sync=lambda district_id, run_id: self.requested.append((district_id, run_id)),
            clock=lambda: self.now,
            events=self.events,
        )
        return sweep_runs(replace(sweeper, **others))  # type: ignore[arg-type]  # a test's own

    def run(self) -> Run:
        run = self.runs.get(DISTRICT, RUN)
        assert run
        return run

    def fetching(self, resumes: int = 0, lease_until: datetime = NOW + LEASE_TIME) -> None:
        """A run that took the lease and was not heard of again."""
        self.runs.create(a_run(resumes=resumes))
        lease = self.districts.acquire(DISTRICT, RUN, NOW, lease_until)
        self.runs.begin_attempt(DISTRICT, RUN, lease.fence, NOW)

    def applying(self, *, expected: int, applied: int, resumes: int = 0) -> None:
        self.fetching(resumes)
        self.runs.begin_applying(
            DISTRICT,
            RUN,
            attempt=1,
            chunks_expected=expected,
            counts=Counts(fetched=3),
            issues_by_code={},
            provider_requests=2,
            outcome=RunState.BLOCKED,
            reason="Too many would go.",
        )
        for number in range(1, applied + 1):
            self.runs.count_chunk(a_chunk(number=number), Counts(created=1))


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_a_run_whose_sync_request_is_lost_gets_it_again(stand: Stand) -> None:
    stand.runs.create(a_run())

    swept = stand.sweep()

    assert (swept.resumed, swept.ended) == ([(DISTRICT, RUN)], [])
    assert stand.requested == [(DISTRICT, RUN)]
    assert stand.run() == a_run(resumes=1, resumed_at=LATER)


def test_a_fetch_that_died_is_asked_for_again_and_its_lease_is_left_to_it(stand: Stand) -> None:
    stand.fetching()

    stand.sweep()

    assert stand.requested == [(DISTRICT, RUN)]
    lease = stand.districts.held(DISTRICT)
    assert lease
    assert lease.holder == RUN


def test_each_district_s_dead_run_is_found(stand: Stand) -> None:
    stand.runs.create(a_run())
    stand.runs.create(a_run(district_id=OTHER_DISTRICT))

    stand.sweep()

    assert sorted(stand.requested) == [(OTHER_DISTRICT, RUN), (DISTRICT, RUN)]


def test_two_sweeps_at_once_ask_once(stand: Stand) -> None:
    stand.runs.create(a_run())
    asked: list[RunId] = []

    def ask(_: DistrictId, run_id: RunId) -> None:
        asked.append(run_id)
        stand.sweep(request_sync=ask)

    stand.sweep(request_sync=ask)

    assert asked == [RUN]


def test_a_run_that_is_at_work_is_left_alone(stand: Stand) -> None:
    stand.fetching(lease_until=LATER + timedelta(minutes=1))
    before = stand.run()

    assert stand.sweep() == Swept()
    assert (stand.run(), stand.requested) == (before, [])


def test_a_run_whose_message_may_still_wait_is_left_alone(stand: Stand) -> None:
    stand.runs.create(a_run())
    stand.backlog = Backlog(sync_requests=1, user_changes=0)

    assert stand.sweep() == Swept()


def test_a_run_that_has_ended_is_left_alone(stand: Stand) -> None:
    ended = a_run(state=RunState.COMPLETED)
    stand.runs.create(ended)

    assert stand.sweep() == Swept()
    assert stand.run() == ended


def test_a_run_that_has_just_ended_is_left_alone_though_the_index_still_has_it(stand: Stand) -> None:
    class Stale(InMemoryRuns):
        def unfinished(self, created_before: datetime):  # type: ignore[no-untyped-def]  # as the port's
            return iter([(DISTRICT, RUN), (OTHER_DISTRICT, RUN)])

    stand.runs = Stale()
    stand.runs.create(a_run(state=RunState.FAILED))

    assert stand.sweep() == Swept()


def test_a_run_that_died_as_often_as_it_was_resumed_ends_with_what_is_known(stand: Stand) -> None:
    stand.applying(expected=3, applied=2, resumes=MOST_RESUMES)
    issues = [Issue(IssueCode.ROLE_MISSING, "A user has no role.", "S-1")]
    stand.runs.add_issues(DISTRICT, RUN, 1, issues)

    swept = stand.sweep()

    run = stand.run()
    assert swept == Swept(ended=[(DISTRICT, RUN, RunState.FAILED)])
    assert (run.state, run.ended_at, run.counts) == (RunState.FAILED, LATER, Counts(fetched=3, created=2))
    assert "2 of 3 parts of the changes were stored" in (run.reason or "")
    assert stand.runs.issues(DISTRICT, RUN, 1) == (issues, None)
    assert stand.districts.held(DISTRICT) is None
    assert stand.requested == []
    assert stand.events.ended == [run]


@pytest.mark.parametrize("resumes", [0, MOST_RESUMES])
def test_a_run_whose_chunks_are_all_applied_is_given_the_end_that_it_earned(stand: Stand, resumes: int) -> None:
    stand.applying(expected=2, applied=2, resumes=resumes)

    swept = stand.sweep()

    assert swept == Swept(ended=[(DISTRICT, RUN, RunState.BLOCKED)])
    assert (stand.run().state, stand.run().reason) == (RunState.BLOCKED, "Too many would go.")
    assert stand.events.ended == [stand.run()]
    assert stand.districts.held(DISTRICT) is None


def test_an_upload_that_died_ends_and_asks_for_the_file(stand: Stand) -> None:
    stand.runs.create(a_run(kind=RunKind.UPLOAD))

    swept = stand.sweep()

    assert swept.ended == [(DISTRICT, RUN, RunState.FAILED)]
    assert "Upload the file again." in (stand.run().reason or "")


def test_another_run_s_lease_is_not_given_back(stand: Stand) -> None:
    stand.fetching(resumes=MOST_RESUMES)
    other = stand.districts.acquire(DISTRICT, RunId("20261124T093000Z-other"), LATER, LATER + LEASE_TIME)

    stand.sweep()

    assert stand.run().state is RunState.FAILED
    assert stand.districts.held(DISTRICT) == other


def test_a_chunk_that_comes_at_the_last_moment_keeps_its_run_alive(stand: Stand) -> None:
    class Renewed(InMemoryDistricts):
        def held(self, district_id: DistrictId) -> Lease | None:
            held = super().held(district_id)
            self.renew(district_id, RUN, LATER + LEASE_TIME)
            return held

    stand.districts = Renewed()
    stand.applying(expected=2, applied=1, resumes=MOST_RESUMES)

    assert stand.sweep() == Swept()
    assert stand.run().state is RunState.APPLYING


def _an_attempt(stand: Stand) -> None:
    stand.runs.begin_attempt(DISTRICT, RUN, 2, LATER)


@pytest.mark.parametrize("resumes", [0, MOST_RESUMES])
def test_a_new_attempt_that_comes_at_the_last_moment_goes_on(stand: Stand, resumes: int) -> None:
    class Begun(InMemoryDistricts):
        meanwhile: Callable[[Stand], None] = staticmethod(_an_attempt)

        def held(self, district_id: DistrictId) -> Lease | None:
            self.meanwhile(stand)
            return super().held(district_id)

    stand.districts = Begun()
    stand.runs.create(a_run(resumes=resumes))

    assert stand.sweep() == Swept()
    assert (stand.run().state, stand.run().attempt, stand.requested) == (RunState.FETCHING, 1, [])


def test_a_request_that_the_queue_does_not_take_is_sent_by_a_later_sweep(stand: Stand) -> None:
    stand.runs.create(a_run())

    def refuse(_: DistrictId, __: RunId) -> None:
        raise TransientError("The queue is busy or did not answer.")

    with pytest.raises(TransientError):
        stand.sweep(request_sync=refuse)
    stand.now += timedelta(minutes=30)
    stand.sweep()

    assert stand.requested == [(DISTRICT, RUN)]
    assert stand.run().resumes == 2
