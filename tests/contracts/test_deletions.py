"""What holds for deletions of districts and for what they delete, wherever both are kept."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from roster_sync.domain.audit import Act
from roster_sync.domain.deletion import Contents, Deletion, new_deletion
from roster_sync.domain.identifiers import DistrictId, RunId, UserId
from roster_sync.domain.run import RunState
from roster_sync.storage.audit import AuditLog
from roster_sync.storage.deletions import Deletions
from roster_sync.storage.district_contents import DistrictContents
from roster_sync.storage.districts import Districts
from roster_sync.storage.runs import Runs
from roster_sync.storage.users import Users
from tests.contracts.conftest import Names
from tests.support.builders import (
    DISTRICT,
    NOW,
    OTHER_DISTRICT,
    RUN,
    a_change,
    a_chunk,
    a_run,
    a_school,
    an_author,
    settings,
)
from tests.support.fakes import (
    InMemoryAudit,
    InMemoryContents,
    InMemoryDeletions,
    InMemoryDistricts,
    InMemoryRuns,
    InMemoryUsers,
)

BY = an_author()
DELETION = new_deletion(DISTRICT, BY)
LATER = NOW + timedelta(hours=1)
CONTENTS = Contents(users=3, schools=1, runs=1)


@dataclass
class Stores:
    deletions: InMemoryDeletions | Deletions
    contents: InMemoryContents | DistrictContents
    districts: InMemoryDistricts | Districts
    runs: InMemoryRuns | Runs
    users: InMemoryUsers | Users
    log: InMemoryAudit | AuditLog

    def begin(self, deletion: Deletion = DELETION) -> bool:
        return self.deletions.begin(deletion, BY.did(Act.DELETION_STARTED, deletion.district_id))

    def enter(self, district_id: DistrictId, users: int = 3) -> None:
        self.districts.save_settings(settings(district_id=district_id, version=0), 0)
        self.districts.put_school(a_school(district_id=district_id))
        self.runs.create(a_run(district_id=district_id, state=RunState.COMPLETED))
        changes = [a_change(user_id=UserId(f"u-{number}")) for number in range(users)]
        self.users.apply(a_chunk(changes, district_id=district_id), NOW)


@pytest.fixture
def stores(tables: Names | None) -> Stores:
    if tables is None:
        log, users = InMemoryAudit(), InMemoryUsers()
        districts, runs = InMemoryDistricts(log), InMemoryRuns(log)
        contents = InMemoryContents(districts=districts, users=users, runs=runs)
        return Stores(InMemoryDeletions(districts), contents, districts, runs, users, log)
    names = tables["DistrictsTable"], tables["UsersTable"], tables["SyncRunsTable"]
    districts_table, users_table, runs_table = names
    return Stores(
        Deletions(districts_table),
        DistrictContents(districts_table=districts_table, users_table=users_table, sync_runs_table=runs_table),
        Districts(districts_table),
        Runs(runs_table),
        Users(users_table),
        AuditLog(districts_table),
    )


def acts(stores: Stores) -> list[str]:
    return [line.act.value for line in stores.log.page(DISTRICT)[0]]


def test_with_a_deletion_the_settings_go_and_nothing_else(stores: Stores) -> None:
    stores.enter(DISTRICT)

    assert stores.begin()

    assert stores.deletions.get(DISTRICT) == DELETION
    assert list(stores.districts.active()) == []
    assert stores.districts.settings(DISTRICT) is None
    assert len(stores.districts.schools(DISTRICT)) == 1
    assert acts(stores) == ["deletion_started"]


def test_of_two_deletions_at_once_the_first_stays(stores: Stores) -> None:
    stores.begin()

    assert not stores.begin(replace(DELETION, deletion_id=RunId("another"), asked_by="other@example.org"))

    assert stores.deletions.get(DISTRICT) == DELETION
    assert acts(stores) == ["deletion_started"]


def test_what_there_is_to_delete_is_noted_once(stores: Stores) -> None:
    stores.begin()

    stores.deletions.count(DELETION, CONTENTS)
    stores.deletions.count(DELETION, Contents(users=0, schools=0, runs=0))

    assert stores.deletions.get(DISTRICT) == replace(DELETION, contents=CONTENTS)


def test_a_deletion_ends_once_with_its_line_and_without_the_lease(stores: Stores) -> None:
    stores.begin()
    stores.districts.acquire(DISTRICT, DELETION.deletion_id, NOW, NOW + timedelta(minutes=20))
    counted = replace(DELETION, contents=CONTENTS)

    ends = [stores.deletions.end(counted, LATER), stores.deletions.end(counted, LATER + timedelta(hours=1))]

    found = stores.deletions.get(DISTRICT)
    assert ends == [True, False]
    assert (found and found.ended_at, stores.districts.held(DISTRICT)) == (LATER, None)
    assert acts(stores) == ["district_deleted", "deletion_started"]
    newest = stores.log.page(DISTRICT)[0][0]
    assert newest.actor == BY.name
    assert [(each.name, each.before, each.after) for each in newest.alterations] == [
        ("users", "3", None),
        ("schools", "1", None),
        ("runs", "1", None),
    ]


def test_the_lease_begins_anew_after_a_deletion(stores: Stores) -> None:
    stores.begin()
    stores.districts.acquire(DISTRICT, DELETION.deletion_id, NOW, NOW + timedelta(minutes=20))
    stores.deletions.end(DELETION, LATER)

    assert stores.districts.acquire(DISTRICT, RUN, NOW, NOW).fence == 1


def test_a_district_can_be_deleted_again(stores: Stores) -> None:
    stores.begin()
    stores.deletions.count(DELETION, CONTENTS)
    stores.deletions.end(DELETION, LATER)
    again = replace(DELETION, deletion_id=RunId("again"), asked_at=NOW + timedelta(days=1))

    assert stores.deletions.begin(again, replace(BY, nonce="00000002").did(Act.DELETION_STARTED, DISTRICT))

    assert stores.deletions.get(DISTRICT) == again


def test_everything_of_one_district_goes_and_nothing_of_another(stores: Stores) -> None:
    stores.enter(DISTRICT)
    stores.enter(OTHER_DISTRICT, users=2)
    stores.districts.acquire(DISTRICT, DELETION.deletion_id, NOW, NOW + timedelta(minutes=20))
    stores.begin()
    contents = stores.contents

    assert [contents.count_users(each) for each in (DISTRICT, OTHER_DISTRICT)] == [3, 2]
    assert contents.delete_users(DISTRICT, lambda: True)
    assert contents.delete_runs(DISTRICT, lambda: True)
    contents.delete_settings_and_schools(DISTRICT)

    assert [contents.count_users(each) for each in (DISTRICT, OTHER_DISTRICT)] == [0, 2]
    assert [len(stores.runs.page(each)[0]) for each in (DISTRICT, OTHER_DISTRICT)] == [0, 1]
    assert [len(stores.districts.schools(each)) for each in (DISTRICT, OTHER_DISTRICT)] == [0, 1]
    assert stores.districts.settings(OTHER_DISTRICT) is not None
    # What is left until the end, and the log for ever.
    assert stores.deletions.get(DISTRICT) == DELETION
    assert stores.districts.held(DISTRICT) is not None
    assert acts(stores) == ["deletion_started"]


def test_nothing_goes_when_the_time_is_over_and_that_is_said(stores: Stores) -> None:
    stores.enter(DISTRICT)

    assert not stores.contents.delete_users(DISTRICT, lambda: False)

    assert stores.contents.count_users(DISTRICT) == 3


def test_to_delete_nothing_is_to_be_done(stores: Stores) -> None:
    assert stores.contents.delete_users(DISTRICT, lambda: False)
    assert stores.contents.delete_runs(DISTRICT, lambda: True)
    stores.contents.delete_settings_and_schools(DISTRICT)
