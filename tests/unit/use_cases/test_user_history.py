"""A user's past is told change by change, each with the run that made it."""

from collections.abc import Sequence
from datetime import timedelta

from roster_sync.domain.change import Change, ChangeKind, Restoration
from roster_sync.domain.identifiers import RunId, UserId
from roster_sync.domain.lease import Lease
from roster_sync.domain.manual_edit import ManualEdit
from roster_sync.domain.user import Role
from roster_sync.use_cases.edit_user import Editor, edit_user
from roster_sync.use_cases.keep_changes import keep_chunk
from roster_sync.use_cases.user_history import PastChange, history_of
from tests.support.builders import DISTRICT, NOW, a_change, a_chunk, a_deactivation, a_sis_user
from tests.support.fakes import InMemoryChangeLog, InMemoryDistricts, InMemoryRuns, InMemoryUsers

USER = UserId("u-1")
DAY = timedelta(days=1)
LIZA = a_change(kind=ChangeKind.UPDATE, user=a_sis_user(given_name="Liza"), fingerprint=b"\x03" * 16)


class World:
    """A district whose days go by."""

    def __init__(self) -> None:
        self.users, self.log = InMemoryUsers(), InMemoryChangeLog()
        self.districts, self.runs = InMemoryDistricts(), InMemoryRuns()
        self.day = 0

    def lease(self) -> Lease:
        self.day += 1
        lease = self.districts.acquire(DISTRICT, self.run_id, NOW, NOW + DAY)
        self.districts.release(DISTRICT, self.run_id)
        return lease

    @property
    def run_id(self) -> RunId:
        return RunId(f"2026112{self.day}T090000Z-nightly")

    def sync(self, *changes: Change, number: int = 1) -> None:
        fence = self.lease().fence
        chunk = a_chunk(changes, run_id=self.run_id, fence=fence, number=number)
        keep_chunk(chunk, users=self.users, log=self.log, now=NOW + self.day * DAY)
        self.users.apply(chunk, NOW + self.day * DAY)

    def edit(self, role: Role) -> None:
        self.day += 1
        editor = Editor(
            leases=self.districts,
            runs=self.runs,
            users=self.users,
            log=self.log,
            lease_lasts=DAY,
            clock=lambda: NOW + self.day * DAY,
        )
        edit_user(ManualEdit(user_id=USER, from_sis=True, role=role), DISTRICT, self.run_id, editor)

    def history(self, most: int = 30) -> Sequence[PastChange]:
        return history_of(DISTRICT, USER, users=self.users, log=self.log, most=most)


def test_each_change_is_told_with_its_run_newest_first() -> None:
    world = World()
    world.sync(a_change(), number=3)
    world.sync(a_change(user_id=UserId("u-2")), LIZA, number=7)
    world.edit(Role.COUNSELOR)
    world.sync(a_deactivation())

    told = [(past.run_id[:8], past.kind.value, past.after.keys() | past.before.keys()) for past in world.history()]

    assert told == [
        ("20261124", "deactivate", {"status", "deactivated_at"}),
        ("20261123", "update", {"role", "manual_role"}),
        ("20261122", "update", {"given_name"}),
        ("20261121", "create", set()),
    ]
    assert [past.at[:10] for past in world.history()] == ["2026-11-28", "2026-11-27", "2026-11-26", "2026-11-25"]


def test_a_change_that_was_taken_back_is_told_as_both() -> None:
    world = World()
    world.sync(a_change())
    world.sync(LIZA)
    restoration = Restoration(world.run_id, {"given_name": "Lisa"}, ())

    world.sync(Change(ChangeKind.UPDATE, USER, None, None, restoration=restoration))

    assert [(past.before, past.after) for past in world.history()][:2] == [
        ({"given_name": "Liza"}, {"given_name": "Lisa"}),
        ({"given_name": "Lisa"}, {"given_name": "Liza"}),
    ]


def test_the_past_ends_where_it_is_no_longer_kept() -> None:
    world = World()
    world.sync(a_change())
    world.log = InMemoryChangeLog()
    world.sync(LIZA)

    assert [past.kind for past in world.history()] == [ChangeKind.UPDATE]


def test_only_so_many_changes_are_read() -> None:
    world = World()
    world.sync(a_change())
    world.sync(LIZA)

    assert [past.kind for past in world.history(most=1)] == [ChangeKind.UPDATE]


def test_nobody_has_no_past() -> None:
    assert World().history() == []
