"""A change by hand is a run of its own, by the product's rules, and shows what it changed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.errors import (
    ConfigurationError,
    ConflictError,
    DistrictBusyError,
    NotFoundError,
    TransientError,
)
from roster_sync.domain.identifiers import DistrictId, RunId, UserId
from roster_sync.domain.manual_edit import ManualEdit
from roster_sync.domain.run import Counts, RunKind, RunState
from roster_sync.domain.user import Role, StoredUser
from roster_sync.use_cases.edit_user import Editor, edit_user
from tests.support.builders import DISTRICT, LATER_RUN, NOW, a_user
from tests.support.fakes import InMemoryChangeLog, InMemoryDistricts, InMemoryEvents, InMemoryRuns, InMemoryUsers

EDIT = RunId("20261124T090000Z-edit-00000001")
LISA = a_user()
NED = a_user(user_id=UserId("u-2"), email="Ned@example.org", role=Role.COUNSELOR, manual_role=Role.COUNSELOR)
JOE = a_user(
    user_id=UserId("m-1"), sourced_ids=(), sis_role=None, manual_role=Role.SPONSOR, role=Role.SPONSOR, email="j@e.org"
)
CHIEF = replace(
    JOE,
    user_id=UserId("m-2"),
    role=Role.DISTRICT_ADMINISTRATOR,
    manual_role=Role.DISTRICT_ADMINISTRATOR,
    email="c@e.org",
)


class World:
    """A district with some users."""

    def __init__(self) -> None:
        self.districts, self.runs, self.log = InMemoryDistricts(), InMemoryRuns(), InMemoryChangeLog()
        self.users = InMemoryUsers(LISA, NED, JOE, CHIEF)
        self.events = InMemoryEvents()
        for _ in range(3):
            lease = self.districts.acquire(DISTRICT, LATER_RUN, NOW, NOW + timedelta(minutes=1))
            self.districts.release(DISTRICT, LATER_RUN)
        self.fence = lease.fence + 1

    def edit(self, user: StoredUser = LISA, seen: int | None = None, **changes: Any) -> StoredUser:
        editor = Editor(
            leases=self.districts,
            runs=self.runs,
            users=self.users,
            log=self.log,
            lease_lasts=timedelta(minutes=1),
            clock=lambda: NOW,
            events=self.events,
        )
        edit = ManualEdit(user_id=user.user_id, from_sis=False, **changes)
        return edit_user(edit, DISTRICT, EDIT, editor, seen=seen)

    def lease_is_free(self) -> bool:
        return self.districts.held(DISTRICT) is None


@pytest.fixture
def world() -> World:
    return World()


def test_a_role_by_hand_is_a_run_that_says_what_it_changed(world: World) -> None:
    user = world.edit(role=Role.COUNSELOR)

    assert (user.role, user.manual_role, user.sis_role, user.run_id) == (
        Role.COUNSELOR,
        Role.COUNSELOR,
        Role.STUDENT,
        EDIT,
    )
    run = world.runs.get(DISTRICT, EDIT)
    assert run
    assert (run.kind, run.state, run.counts) == (RunKind.EDIT, RunState.COMPLETED, Counts(updated=1))
    ((_, change),), _ = world.log.page(DISTRICT, EDIT)
    assert (change.kind, change.before, change.after) == (
        ChangeKind.UPDATE,
        {"role": "student"},
        {"role": "counselor", "manual_role": "counselor"},
    )
    assert world.lease_is_free()


def test_products_are_told_of_the_change_and_of_the_end(world: World) -> None:
    world.edit(role=Role.COUNSELOR)

    assert [(run_id, change.user_id, set(change.after)) for run_id, change in world.events.changed] == [
        (EDIT, LISA.user_id, {"role", "manual_role"})
    ]
    assert world.events.ended == [world.runs.get(DISTRICT, EDIT)]


def test_a_change_is_not_made_before_products_are_told_of_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was told of behind the write: a bus that failed then made a stored change a 503, and nobody ever heard."""

    def fails(*_: object) -> None:
        raise TransientError("The event bus is busy or did not answer.")

    with monkeypatch.context() as bus:
        bus.setattr(world.events, "users_changed", fails)
        with pytest.raises(TransientError):
            world.edit(role=Role.COUNSELOR)

    assert world.users.get(DISTRICT, LISA.user_id) == LISA
    run = world.runs.get(DISTRICT, EDIT)
    assert run
    assert run.state is RunState.FAILED
    assert world.lease_is_free()


def test_a_bus_that_does_not_take_the_end_makes_no_failure_of_a_change_that_is_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise TransientError("The event bus is busy or did not answer.")

    monkeypatch.setattr(world.events, "run_ended", fails)

    assert world.edit(role=Role.COUNSELOR).role is Role.COUNSELOR
    run = world.runs.get(DISTRICT, EDIT)
    assert run
    assert run.state is RunState.COMPLETED


def test_what_is_so_already_makes_no_run(world: World) -> None:
    user = world.edit(NED, role=Role.COUNSELOR)

    assert user == NED
    assert (world.runs.page(DISTRICT)[0], world.users.writes, world.events.ended) == ([], 0, [])
    assert world.lease_is_free()


def test_only_what_differs_is_written(world: World) -> None:
    world.edit(NED, role=Role.COUNSELOR, counselor_email="ned@example.org")

    ((_, change),), _ = world.log.page(DISTRICT, EDIT)
    assert change.after.keys() == {"manual_counselor_email", "counselor_email"}


def test_rule_4_district_administrators_come_by_upload_only(world: World) -> None:
    for user, role in ((LISA, Role.DISTRICT_ADMINISTRATOR), (CHIEF, Role.SPONSOR), (CHIEF, None)):
        with pytest.raises(ConfigurationError, match="District administrators are in no school"):
            world.edit(user, role=role)


def test_whom_the_sis_does_not_know_keeps_some_role(world: World) -> None:
    with pytest.raises(ConfigurationError, match="no other role to go back to"):
        world.edit(JOE, role=None)


@pytest.mark.parametrize("email", ["nobody@example.org", "j@e.org", "no address"])
def test_rule_3_a_counselor_by_hand_is_an_active_counselor(world: World, email: str) -> None:
    with pytest.raises(ConfigurationError, match="No active counselor has this e-mail address"):
        world.edit(counselor_email=email)

    assert world.runs.page(DISTRICT)[0] == []
    assert world.lease_is_free()


def test_an_inactive_counselor_is_none(world: World) -> None:
    world.users.put(replace(NED, active=False))

    with pytest.raises(ConfigurationError, match="No active counselor"):
        world.edit(counselor_email="ned@example.org")


def test_while_a_sync_is_under_way_an_edit_is_refused_and_leaves_no_run(world: World) -> None:
    world.districts.acquire(DISTRICT, LATER_RUN, NOW, NOW + timedelta(minutes=5))

    with pytest.raises(DistrictBusyError):
        world.edit(role=Role.COUNSELOR)

    assert (world.runs.page(DISTRICT)[0], world.users.writes) == ([], 0)


def test_what_somebody_has_changed_since_is_not_overwritten_unseen(world: World) -> None:
    with pytest.raises(ConflictError, match="changed meanwhile"):
        world.edit(role=Role.COUNSELOR, seen=LISA.fence - 1)

    assert world.edit(role=Role.COUNSELOR, seen=LISA.fence).fence == world.fence + 1
    assert world.lease_is_free()


def test_nobody_is_made_by_an_edit(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.edit(replace(LISA, user_id=UserId("u-404")), role=Role.COUNSELOR)

    assert world.lease_is_free()


def test_an_edit_that_the_database_did_not_take_ends_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_district_id: DistrictId, _edit: ManualEdit, **_options: Any) -> Counts:
        raise TransientError("The database is busy or did not answer.")

    monkeypatch.setattr(world.users, "apply_edit", fails)

    with pytest.raises(TransientError):
        world.edit(role=Role.COUNSELOR)

    run = world.runs.get(DISTRICT, EDIT)
    assert run
    assert (run.state, run.reason) == (
        RunState.FAILED,
        "The database is busy or did not answer. Look at the user, and make the change again if need be.",
    )
    assert world.lease_is_free()
