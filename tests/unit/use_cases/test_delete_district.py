"""A district that is deleted: what goes, what stays, who is waited for, and what comes too late."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from roster_sync.domain.audit import Act
from roster_sync.domain.beginning import Beginning
from roster_sync.domain.change import ChangeKind
from roster_sync.domain.consent import ExportConsent
from roster_sync.domain.deletion import REASON, REQUEST_TIME, WORK_TIME, Contents, Deletion, new_deletion
from roster_sync.domain.errors import OwnOutageError, TransientError
from roster_sync.domain.identifiers import DistrictId, RunId, UserId
from roster_sync.domain.issue import Issue, IssueCode
from roster_sync.domain.lease import CHUNK_TIME, LEASE_TIME
from roster_sync.domain.run import RunKind, RunState
from roster_sync.domain.user_change import UserChange
from roster_sync.security.access import AccountRole
from roster_sync.use_cases.apply_approval import apply_approval
from roster_sync.use_cases.apply_chunk import apply_chunk
from roster_sync.use_cases.delete_district import Deleter, delete_district
from roster_sync.use_cases.fetch_roster import fetch_roster
from roster_sync.use_cases.fetcher import Fetcher
from roster_sync.use_cases.revert_run import revert_run
from tests.support.builders import (
    DISTRICT,
    NOW,
    OTHER_DISTRICT,
    RUN,
    a_change,
    a_chunk,
    a_held_change,
    a_run,
    a_school,
    a_user,
    an_author,
    settings,
)
from tests.support.fakes import (
    InMemoryAccounts,
    InMemoryBeginnings,
    InMemoryChangeLog,
    InMemoryCheckpoints,
    InMemoryContents,
    InMemoryDeadLetters,
    InMemoryDeletions,
    InMemoryDistricts,
    InMemoryEvents,
    InMemoryExportConsents,
    InMemoryHeld,
    InMemoryRuns,
    InMemoryUsers,
)
from tests.support.nights import FakeProvider, Nights, a_record

ENDED = NOW - timedelta(hours=1)


class KilledError(Exception):
    """The function died."""


def a_fetch(district_id: DistrictId, run_id: RunId, fetcher: Fetcher) -> object:
    return fetch_roster(district_id, run_id, fetcher, deadline=NOW + timedelta(days=1))


@dataclass
class World:
    """All stores with two districts, and a clock that pauses move; dies before step `dies_at`, counted from 1."""

    now: datetime = NOW
    dies_at: int = 0
    steps: int = 0
    districts: InMemoryDistricts = field(default_factory=InMemoryDistricts)
    users: InMemoryUsers = field(default_factory=InMemoryUsers)
    runs: InMemoryRuns = field(default_factory=InMemoryRuns)
    log: InMemoryChangeLog = field(default_factory=InMemoryChangeLog)
    held: InMemoryHeld = field(default_factory=InMemoryHeld)
    beginnings: InMemoryBeginnings = field(default_factory=InMemoryBeginnings)
    consents: InMemoryExportConsents = field(default_factory=InMemoryExportConsents)
    checkpoints: InMemoryCheckpoints = field(default_factory=InMemoryCheckpoints)
    accounts: InMemoryAccounts = field(default_factory=InMemoryAccounts)
    events: InMemoryEvents = field(default_factory=InMemoryEvents)

    def __post_init__(self) -> None:
        self.deletions = InMemoryDeletions(self.districts)
        self.letters = InMemoryDeadLetters(self.runs)
        for district_id in (DISTRICT, OTHER_DISTRICT):
            self._enter(district_id)

    def _enter(self, district_id: DistrictId) -> None:
        self.districts.save_settings(settings(district_id=district_id, version=0), 0)
        self.districts.put_school(a_school(district_id=district_id))
        self.users.put(*(a_user(district_id=district_id, user_id=UserId(f"u-{number}")) for number in range(3)))
        self.runs.create(a_run(district_id=district_id, state=RunState.COMPLETED, ended_at=ENDED))
        self.runs.add_issues(district_id, RUN, 1, [Issue(code=IssueCode.SCHOOL_UNKNOWN, message="It has none.")])
        self.held.add(district_id, RUN, 1, [a_held_change(1)])
        self.log.keep(
            district_id,
            RUN,
            attempt=1,
            number=1,
            fence=1,
            changes=[UserChange(ChangeKind.CREATE, UserId("u-1"))],
        )
        self.beginnings.keep(district_id, "key", Beginning(NOW, "nonce", "digest"))
        self.consents.put(district_id, ExportConsent(NOW + timedelta(days=1), "admin@example.org", NOW))
        self.checkpoints.save(district_id, RUN, "1-0-0001", b"page")
        self.accounts.accounts[f"admin@{district_id}"] = (district_id, AccountRole.DISTRICT_ADMIN)

    def ask(self) -> None:
        by = an_author(at=self.now)
        self.deletions.begin(new_deletion(DISTRICT, by), by.did(Act.DELETION_STARTED, DISTRICT))

    def delete(self, within: timedelta = timedelta(minutes=4)) -> Deletion | None:
        deleter = Deleter(
            deletions=self._mortal(self.deletions),
            districts=self.districts,
            leases=self._mortal(self.districts),
            runs=self._mortal(self.runs),
            contents=InMemoryContents(
                districts=self.districts,
                users=self.users,
                runs=self.runs,
                of_districts=[self.consents._given],
                of_runs=[self.log._kept, self.held._changes, self.held._decisions, self.letters._kept],
                beginnings=self.beginnings,
                before_each=self.step,
            ),
            accounts=self._mortal(self.accounts),
            events=self._mortal(self.events),
            forget_files=[self.checkpoints.forget_district],
            clock=lambda: self.now,
            pause=self._pause,
        )
        return delete_district(DISTRICT, deleter, deadline=self.now + within)

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.dies_at:
            raise KilledError

    def contents(self, district_id: DistrictId) -> list[object]:
        """Everything that is stored of a district but its audit log and its deletion."""
        stores: list[dict[Any, Any]] = [
            self.districts._settings,
            self.districts._schools,
            self.districts._leases,
            self.districts._fences,
            self.users._users,
            self.runs._runs,
            self.runs._issues,
            self.log._kept,
            self.held._changes,
            self.beginnings._kept,
            self.consents._given,
            self.checkpoints.parts,
        ]
        found: list[object] = [
            (number, key) for number, store in enumerate(stores) for key in store if district_id in (key, key[0])
        ]
        return found + [name for name, (of, _) in self.accounts.accounts.items() if of == district_id]

    def told(self) -> list[tuple[str, list[tuple[str, str | None]]]]:
        """Acts and what they say was there, of the district's log."""
        lines = [line for line in self.districts.audit.lines if line.district_id == DISTRICT]
        return [(line.act.value, [(each.name, each.before) for each in line.alterations]) for line in lines]

    def _pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def _mortal(self, store: Any) -> Any:
        """A store before and after each of whose calls the function may die."""
        world = self

        class Mortal:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                def call(*arguments: Any, **named: Any) -> Any:
                    world.step()
                    answer = getattr(store, name)(*arguments, **named)
                    world.step()
                    return answer

                return call

        return Mortal()


def test_nothing_of_the_district_is_left_but_its_audit_log_and_another_is_untouched() -> None:
    world = World()
    before = world.contents(OTHER_DISTRICT)
    world.ask()

    deletion = world.delete()

    assert deletion
    assert (deletion.ended_at, deletion.contents) == (NOW + REQUEST_TIME, Contents(users=3, schools=1, runs=1))
    assert world.contents(DISTRICT) == []
    assert world.contents(OTHER_DISTRICT) == before
    assert world.told() == [
        ("deletion_started", []),
        ("district_deleted", [("users", "3"), ("schools", "1"), ("runs", "1")]),
    ]


def test_killed_at_any_step_and_made_again_it_ends_the_same() -> None:
    whole = World()
    whole.ask()
    expected = whole.delete()

    assert whole.steps > 20
    for dies_at in range(1, whole.steps + 1):
        world = World(dies_at=dies_at)
        before = world.contents(OTHER_DISTRICT)
        world.ask()
        with pytest.raises(KilledError):
            world.delete()

        deletion = world.delete()

        assert deletion
        assert expected
        assert (deletion.contents, bool(deletion.ended_at)) == (expected.contents, True), dies_at
        assert world.contents(DISTRICT) == [], dies_at
        assert world.contents(OTHER_DISTRICT) == before, dies_at
        assert [act for act, _ in world.told()] == ["deletion_started", "district_deleted"], dies_at
        assert {(each.deletion_id, each.contents) for each in world.events.deleted} == {
            (expected.deletion_id, expected.contents)
        }, dies_at


def test_it_is_told_of_when_nothing_is_left_and_then_no_more() -> None:
    world = World()
    world.ask()
    left: list[list[object]] = []

    def look(deletion: Deletion) -> None:
        left.append(world.contents(deletion.district_id))

    with pytest.MonkeyPatch.context() as bus:
        bus.setattr(world.events, "district_deleted", look)
        world.delete()
        world.delete()

    lease_and_fence = [(2, DISTRICT), (3, DISTRICT)]
    assert left == [lease_and_fence]


def test_a_bus_that_does_not_answer_is_told_by_a_later_call() -> None:
    world = World()
    world.ask()

    def fails(deletion: Deletion) -> None:
        raise OwnOutageError("The event bus is busy or did not answer.")

    with pytest.MonkeyPatch.context() as bus:
        bus.setattr(world.events, "district_deleted", fails)
        with pytest.raises(TransientError):
            world.delete()
    deletion = world.delete()

    assert deletion
    assert deletion.ended_at
    assert [each.district_id for each in world.events.deleted] == [DISTRICT]


def test_a_district_that_nobody_wants_deleted_stays() -> None:
    world = World()
    before = world.contents(DISTRICT)

    assert world.delete() is None
    assert world.contents(DISTRICT) == before


def test_what_was_put_there_after_a_deletion_stays() -> None:
    world = World()
    world.ask()
    world.delete()
    world.users.put(a_user())

    world.delete()

    assert len(world.users.all(DISTRICT)) == 1


def test_nothing_goes_but_the_settings_while_a_run_is_under_way() -> None:
    world = World()
    running = RunId("20261124T085900Z-nightly")
    world.runs.create(a_run(run_id=running, state=RunState.APPLYING, attempt=1))
    world.districts.acquire(DISTRICT, running, NOW, NOW + LEASE_TIME)
    world.ask()

    deletion = world.delete()

    assert deletion
    assert (deletion.ended_at, deletion.contents) == (None, None)
    assert world.districts.settings(DISTRICT) is None
    assert len(world.users.all(DISTRICT)) == 3
    assert world.runs.get(DISTRICT, running) == a_run(run_id=running, state=RunState.APPLYING, attempt=1)

    world.runs.close(DISTRICT, running, RunState.COMPLETED, None, world.now)
    world.districts.release(DISTRICT, running)
    world.delete()

    assert world.contents(DISTRICT) == []


def test_a_run_that_died_is_waited_for_until_its_lease_expires() -> None:
    world = World()
    world.districts.acquire(DISTRICT, RUN, NOW, NOW + LEASE_TIME)
    world.runs._runs[DISTRICT, RUN] = a_run(state=RunState.APPLYING, attempt=1)
    world.ask()

    while world.now < NOW + LEASE_TIME:
        world.delete()
    world.delete()
    assert world.runs._runs[DISTRICT, RUN].state is RunState.FAILED
    assert len(world.users.all(DISTRICT)) == 3

    world.now += WORK_TIME
    world.delete()
    assert world.contents(DISTRICT) == []


@pytest.mark.parametrize(
    ("state", "ended", "wait"),
    [
        (RunState.COMPLETED, ENDED, REQUEST_TIME),
        (RunState.COMPLETED, NOW, CHUNK_TIME),
        (RunState.SKIPPED, NOW, CHUNK_TIME),
    ],
)
def test_a_chunk_in_work_for_the_second_time_is_waited_for(state: RunState, ended: datetime, wait: timedelta) -> None:
    world = World()
    world.runs._runs[DISTRICT, RUN] = a_run(state=state, ended_at=ended)
    world.ask()

    deletion = world.delete()

    assert deletion
    assert deletion.ended_at == NOW + wait


def test_a_function_that_may_still_work_on_a_failed_run_is_waited_for_by_a_later_call() -> None:
    world = World()
    world.runs._runs[DISTRICT, RUN] = a_run(state=RunState.FAILED, ended_at=NOW)
    world.ask()

    world.delete()
    assert len(world.users.all(DISTRICT)) == 3

    world.now = NOW + WORK_TIME
    world.delete()
    assert world.contents(DISTRICT) == []


@pytest.mark.parametrize(("kind", "state"), [(RunKind.NIGHTLY, RunState.SKIPPED), (RunKind.UPLOAD, RunState.FAILED)])
def test_a_run_that_has_not_begun_ends(kind: RunKind, state: RunState) -> None:
    world = World()
    waiting = RunId("20261124T085900Z-nightly")
    world.runs.create(a_run(run_id=waiting, kind=kind))
    world.ask()

    world.delete(within=timedelta(seconds=30))

    run = world.runs.get(DISTRICT, waiting)
    assert run
    assert (run.state, run.reason) == (state, REASON)


def test_what_its_time_does_not_suffice_for_is_left_to_the_next_call() -> None:
    world = World()
    world.ask()
    world.delete(within=timedelta(seconds=30))
    assert len(world.users.all(DISTRICT)) == 3
    world.now = NOW + REQUEST_TIME

    deletion = world.delete(within=timedelta(seconds=30))

    assert deletion
    assert deletion.ended_at == NOW + REQUEST_TIME


def test_a_chunk_that_comes_after_it_makes_nobody() -> None:
    world = World()
    world.ask()
    world.delete()

    applied = apply_chunk(
        a_chunk([a_change()]),
        users=world.users,
        log=world.log,
        runs=world.runs,
        leases=world.districts,
        clock=lambda: world.now,
    )

    assert applied.counts is None
    assert world.contents(DISTRICT) == []


@pytest.mark.parametrize(
    ("kind", "work"),
    [("nightly", a_fetch), ("preview-1", a_fetch), ("approval-1", apply_approval), ("revert-1", revert_run)],
)
def test_a_sync_request_that_comes_after_it_leaves_nothing(kind: str, work: Callable[..., object]) -> None:
    world = World()
    world.ask()
    world.delete()
    nights = Nights()
    nights.districts, nights.runs, nights.users = world.districts, world.runs, world.users

    work(DISTRICT, RunId(f"20261124T085900Z-{kind}"), nights.fetcher(FakeProvider([a_record()])))

    assert world.contents(DISTRICT) == []


def test_a_district_of_the_same_id_begins_anew() -> None:
    world = World()
    world.ask()
    deletion = world.delete()
    assert deletion

    world.districts.save_settings(settings(version=0), 0)
    world.users.put(a_user())
    world.delete()

    assert len(world.users.all(DISTRICT)) == 1
    assert deletion.covers(RUN)
    assert not deletion.covers(RunId("20261125T090000Z-upload-1"))
