"""An upload is applied once, under the lease, and always ends with a report."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from roster_sync.domain.change import ManualChange
from roster_sync.domain.errors import DistrictBusyError, TransientError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.issue import IssueCode
from roster_sync.domain.lease import PAUSE_S
from roster_sync.domain.run import Counts, Run, RunState
from roster_sync.domain.upload import read_upload
from roster_sync.domain.user import Role
from roster_sync.use_cases.import_upload import ROWS_AT_ONCE, Importer, import_file, import_upload
from tests.support.builders import DISTRICT, LATER_RUN, NOW, RUN, a_run, a_school, a_user, settings
from tests.support.fakes import InMemoryChangeLog, InMemoryDistricts, InMemoryEvents, InMemoryRuns, InMemoryUsers

UPLOAD = RunId("20261124T090000Z-upload-00000001")
HEADER = "First Name,Last Name,Email,Role,School\n"
NED = "Ned,Flanders,ned@example.org,counselor,Springfield Elementary\n"
MINUTE = timedelta(minutes=1)


class UsersThatFail(InMemoryUsers):
    """Writes some batches, then the database goes away."""

    batches = 0

    def apply_manual(
        self,
        district_id: DistrictId,
        changes: Sequence[ManualChange],
        *,
        run_id: RunId,
        fence: int,
        products: frozenset[str],
        now: datetime,
        part: str | None = None,
    ) -> Counts:
        if not self.batches:
            raise TransientError("The database is busy or did not answer.")
        self.batches -= 1
        return super().apply_manual(
            district_id, changes, run_id=run_id, fence=fence, products=products, now=now, part=part
        )


class UsersThatPause(InMemoryUsers):
    """Lets something else happen once everything was written."""

    meanwhile: Callable[[], None]

    def apply_manual(self, *args: Any, **options: Any) -> Counts:
        counts = super().apply_manual(*args, **options)
        self.meanwhile()
        return counts


class World:
    """A district with a school, and a clock that pauses move."""

    def __init__(self, users: InMemoryUsers | None = None) -> None:
        self.now = NOW
        self.log = InMemoryChangeLog()
        self.districts = InMemoryDistricts()
        self.districts.save_settings(settings(version=0, products=frozenset({"serve", "retired"})), 0)
        self.districts.put_school(a_school())
        self.runs = InMemoryRuns()
        self.users = users or InMemoryUsers()
        self.events = InMemoryEvents()
        self.importer = Importer(
            districts=self.districts,
            leases=self.districts,
            runs=self.runs,
            users=self.users,
            log=self.log,
            offered_products=frozenset({"serve", "jobs"}),
            lease_lasts=MINUTE,
            clock=lambda: self.now,
            events=self.events,
        )

    def apply(self, text: str) -> Run:
        upload = read_upload(text.encode(), self.districts.schools(DISTRICT))
        return import_upload(upload, DISTRICT, UPLOAD, self.importer)

    def import_file(self, content: bytes) -> Run:
        return import_file(content, DISTRICT, UPLOAD, self.importer, pause=self._pause, patience=10 * MINUTE)

    def _pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def lease_is_free(self) -> bool:
        try:
            self.districts.acquire(DISTRICT, LATER_RUN, self.now, self.now + MINUTE)
        except DistrictBusyError:
            return False
        return True


@pytest.fixture
def world() -> World:
    return World()


def test_rows_become_users_and_the_run_counts_them(world: World) -> None:
    run = world.apply(HEADER + NED + "Rod,Flanders,bad,student,Springfield Elementary\n")

    assert (run.state, run.counts) == (
        RunState.COMPLETED_WITH_ISSUES,
        Counts(fetched=2, created=1, invalid=1),
    )
    assert run.issues_by_code == {IssueCode.UPLOAD_ROW_INVALID: 1}
    assert [issue.line for issue in world.runs.issues(DISTRICT, UPLOAD, run.attempt)[0]] == [3]
    assert [user.email for user in world.users.all(DISTRICT)] == ["ned@example.org"]
    assert world.lease_is_free()


def test_products_are_told_of_each_user_and_of_the_end(world: World) -> None:
    run = world.apply(HEADER + NED)

    (user,) = world.users.all(DISTRICT)
    assert [(run_id, change.user_id) for run_id, change in world.events.changed] == [(UPLOAD, user.user_id)]
    assert world.events.ended == [run]


def test_whoever_died_before_telling_of_the_end_tells_of_it_when_the_file_comes_again(world: World) -> None:
    run = world.apply(HEADER + NED)
    world.events.ended.clear()

    world.import_file((HEADER + NED).encode())

    assert world.events.ended == [run]


def test_products_are_told_of_an_upload_that_failed() -> None:
    world = World(UsersThatFail())

    with pytest.raises(TransientError):
        world.apply(HEADER + NED)

    assert [run.state for run in world.events.ended] == [RunState.FAILED]


def test_products_are_told_of_a_file_that_was_refused(world: World) -> None:
    run = world.import_file(b"no columns")

    assert run.state is RunState.FAILED
    assert world.events.ended == [run]


def test_rule_6_a_user_gets_the_products_that_are_switched_on_and_offered(world: World) -> None:
    world.apply(HEADER + NED)

    (user,) = world.users.all(DISTRICT)
    assert user.products == {"serve"}


def test_rule_3_a_role_by_upload_holds_for_a_user_of_the_sis() -> None:
    world = World(InMemoryUsers(a_user(email="ned@example.org", role=Role.SPONSOR, sis_role=Role.SPONSOR, fence=0)))

    run = world.apply(HEADER + NED)

    (user,) = world.users.all(DISTRICT)
    assert (user.role, user.manual_role, user.sis_role) == (Role.COUNSELOR, Role.COUNSELOR, Role.SPONSOR)
    assert user.given_name == "Lisa"
    assert (run.state, run.counts.updated) == (RunState.COMPLETED, 1)


def test_the_same_file_again_writes_nothing(world: World) -> None:
    world.apply(HEADER + NED)
    writes = world.users.writes

    again = import_upload(
        read_upload((HEADER + NED).encode(), world.districts.schools(DISTRICT)), DISTRICT, LATER_RUN, world.importer
    )

    assert (again.counts, world.users.writes) == (Counts(fetched=1, unchanged=1), writes)


def test_a_second_delivery_of_the_same_upload_changes_nothing(world: World) -> None:
    first = world.import_file((HEADER + NED).encode())
    writes = world.users.writes

    second = world.import_file((HEADER + NED).encode())

    assert (second, world.users.writes) == (first, writes)


def test_an_upload_that_was_cut_off_goes_on_to_the_same_counts(world: World) -> None:
    rows = [f"N,F,n{number}@example.org,student,Springfield Elementary\n" for number in range(3)]
    whole = World().apply(HEADER + "".join(rows))
    world.runs.create(a_run(run_id=UPLOAD))
    fence = world.districts.acquire(DISTRICT, UPLOAD, NOW, NOW + MINUTE).fence
    begun = world.runs.begin_attempt(DISTRICT, UPLOAD, fence, NOW)
    assert begun
    partly = World()
    partly.apply(HEADER + rows[0])
    world.users._users = {key: replace(user, fence=fence) for key, user in partly.users._users.items()}

    run = world.import_file((HEADER + "".join(rows)).encode())

    assert (run.counts, run.state) == (whole.counts, RunState.COMPLETED)
    assert len(world.users.all(DISTRICT)) == 3


def test_of_two_deliveries_at_once_the_later_ends_the_run() -> None:
    """The earlier one closed it with the later one's counts, which were still empty, and gave its lease back."""
    users = UsersThatPause()
    world = World(users)
    later: list[Run | None] = []
    users.meanwhile = lambda: later.append(
        world.runs.begin_attempt(DISTRICT, UPLOAD, world.districts.acquire(DISTRICT, UPLOAD, NOW, NOW).fence, NOW)
    )

    run = world.import_file((HEADER + NED).encode())

    assert later
    assert run == later[0]
    assert world.districts.renew(DISTRICT, UPLOAD, NOW + MINUTE)


def test_while_a_sync_is_under_way_nothing_is_stored(world: World) -> None:
    world.districts.acquire(DISTRICT, RUN, NOW, NOW + MINUTE)

    with pytest.raises(DistrictBusyError):
        world.apply(HEADER + NED)

    assert world.runs.get(DISTRICT, UPLOAD) is None
    assert not world.users.all(DISTRICT)


def test_a_file_waits_until_the_sync_has_ended(world: World) -> None:
    world.districts.acquire(DISTRICT, RUN, NOW, NOW + 3 * MINUTE)

    run = world.import_file((HEADER + NED).encode())

    assert run.state is RunState.COMPLETED
    assert timedelta() <= world.now - (NOW + 3 * MINUTE) < timedelta(seconds=PAUSE_S)


def test_a_file_that_has_waited_too_long_ends_failed_and_says_so(world: World) -> None:
    world.districts.acquire(DISTRICT, RUN, NOW, NOW + 60 * MINUTE)

    run = world.import_file((HEADER + NED).encode())

    assert run.state is RunState.FAILED
    assert run.reason == (
        f"Another sync or upload of this district is under way ({RUN}). Wait until it has ended. "
        "Then upload the file again."
    )
    assert world.now - NOW < 11 * MINUTE


def test_a_file_that_cannot_be_used_ends_failed_with_the_sentence(world: World) -> None:
    run = world.import_file((HEADER + NED).encode("utf-16"))

    assert run.state is RunState.FAILED
    assert run.reason
    assert run.reason.startswith("The file is encoded as UTF-16, not as UTF-8. Save it as UTF-8")


def test_a_run_that_left_its_lease_behind_is_closed_by_the_upload(world: World) -> None:
    world.runs.create(a_run())
    world.districts.acquire(DISTRICT, RUN, NOW - 2 * MINUTE, NOW - MINUTE)

    world.apply(HEADER + NED)

    abandoned = world.runs.get(DISTRICT, RUN)
    assert abandoned
    assert abandoned.state is RunState.FAILED


def test_when_the_database_goes_away_the_upload_ends_failed_and_lets_go_of_the_lease() -> None:
    users = UsersThatFail()
    users.batches = 1
    world = World(users)
    rows = [f"N,F,n{number}@example.org,student,Springfield Elementary\n" for number in range(ROWS_AT_ONCE + 1)]

    with pytest.raises(TransientError):
        world.apply(HEADER + "".join(rows))

    run = world.runs.get(DISTRICT, UPLOAD)
    assert run
    assert (run.state, run.reason) == (
        RunState.FAILED,
        "The database is busy or did not answer. Upload the file again.",
    )
    assert len(users.all(DISTRICT)) == ROWS_AT_ONCE
    assert world.lease_is_free()
