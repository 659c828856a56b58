"""What holds for the audit log, wherever it is kept: a line is written with what it tells of, or neither is."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from roster_sync.domain.audit import KEPT, Act, Alteration, AuditEntry
from roster_sync.domain.errors import ConfigurationError, ConflictError
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.run import RunState
from roster_sync.storage.audit import AuditLog
from roster_sync.storage.dead_letters import DeadLetters
from roster_sync.storage.districts import Districts
from roster_sync.storage.held import Held
from roster_sync.storage.runs import Runs
from tests.contracts.conftest import ON_AWS, Names
from tests.support.builders import (
    DISTRICT,
    NOW,
    OTHER_DISTRICT,
    RUN,
    a_decision,
    a_run,
    a_school,
    an_author,
    settings,
)
from tests.support.fakes import InMemoryAudit, InMemoryDeadLetters, InMemoryDistricts, InMemoryHeld, InMemoryRuns


@dataclass
class Stores:
    """A log, and the stores that write to it."""

    log: InMemoryAudit | AuditLog
    districts: InMemoryDistricts | Districts
    runs: InMemoryRuns | Runs
    letters: InMemoryDeadLetters | DeadLetters
    held: InMemoryHeld | Held

    def lines(self) -> list[AuditEntry]:
        return self.log.page(DISTRICT)[0]


@pytest.fixture
def stores(tables: Names | None) -> Stores:
    if tables is None:
        log = InMemoryAudit()
        runs = InMemoryRuns(log)
        return Stores(log, InMemoryDistricts(log), runs, InMemoryDeadLetters(runs), InMemoryHeld(log))
    districts, runs_table = tables["DistrictsTable"], tables["SyncRunsTable"]
    return Stores(
        AuditLog(districts), Districts(districts), Runs(runs_table), DeadLetters(runs_table), Held(runs_table)
    )


def an_entry(number: int = 1, **overrides: Any) -> AuditEntry:
    author = an_author(nonce=f"{number:08x}", at=NOW + timedelta(minutes=number))
    return replace(author.did(Act.RUN_STARTED, DISTRICT, RUN), **overrides)


def test_a_line_is_kept_whole(stores: Stores) -> None:
    line = an_entry(
        act=Act.SETTINGS_SAVED,
        subject=None,
        alterations=(
            Alteration(name="base_url", before=None, after="https://sis.example.org"),
            Alteration(name="consumer_secret", before=None, after=None),
        ),
    )

    stores.log.append(line)

    assert stores.lines() == [line]
    assert stores.log.page(OTHER_DISTRICT) == ([], None)


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_lines_come_newest_first_page_by_page(stores: Stores, limit: int) -> None:
    lines = [an_entry(number) for number in range(1, 7)]
    for line in lines:
        stores.log.append(line)

    found: list[AuditEntry] = []
    cursor = None
    while True:
        page, cursor = stores.log.page(DISTRICT, cursor, limit)
        assert len(page) <= limit
        found += page
        if cursor is None:
            break

    assert found == lines[::-1]


def test_settings_and_schools_are_no_lines_and_lines_no_schools(stores: Stores) -> None:
    stores.districts.save_settings(settings(), 0)
    stores.districts.put_school(a_school())
    stores.log.append(an_entry())

    assert len(stores.lines()) == 1
    assert stores.districts.schools(DISTRICT) == [a_school()]


def test_settings_are_saved_with_their_line_or_not_at_all(stores: Stores) -> None:
    stores.districts.save_settings(settings(), 0, an_entry(1))

    with pytest.raises(ConflictError):
        stores.districts.save_settings(settings(page_size=7), 0, an_entry(2))

    assert stores.lines() == [an_entry(1)]


def test_a_school_that_is_added_changed_and_removed_leaves_three_lines(stores: Stores) -> None:
    renamed = replace(a_school(), name="Springfield Primary")
    by = [an_author(nonce=f"{number:08x}") for number in range(5)]

    stores.districts.put_school(a_school(), by[0])
    stores.districts.put_school(renamed, by[1])
    stores.districts.put_school(renamed, by[2])
    stores.districts.delete_school(DISTRICT, renamed.school_id, by[3])
    stores.districts.delete_school(DISTRICT, renamed.school_id, by[4])

    removed, changed, added = stores.lines()
    assert [line.act for line in (added, changed, removed)] == [
        Act.SCHOOL_ADDED,
        Act.SCHOOL_CHANGED,
        Act.SCHOOL_REMOVED,
    ]
    assert changed.alterations == (Alteration(name="name", before=a_school().name, after="Springfield Primary"),)
    assert {line.subject for line in (added, changed, removed)} == {a_school().school_id}


def test_a_school_that_is_refused_leaves_no_line(stores: Stores) -> None:
    stores.districts.put_school(a_school())

    with pytest.raises(ConfigurationError):
        stores.districts.put_school(replace(a_school(), school_id=SchoolId("another")), an_author())

    assert stores.lines() == []


def test_a_school_that_gets_its_oneroster_id_is_told_with_it(stores: Stores) -> None:
    stores.districts.put_school(a_school(oneroster_id=None))

    stores.districts.put_school(a_school(oneroster_id=SourcedId("org-9")), an_author())

    assert stores.lines()[0].alterations == (Alteration(name="oneroster_id", before=None, after="org-9"),)


def test_a_run_is_created_with_its_line_once(stores: Stores) -> None:
    assert stores.runs.create(a_run(), an_entry(1))
    assert not stores.runs.create(a_run(), an_entry(2))

    assert stores.lines() == [an_entry(1)]
    assert stores.runs.get(DISTRICT, RUN) == a_run()


def test_a_run_goes_on_with_its_line_or_not_at_all(stores: Stores) -> None:
    failed = a_run(state=RunState.FAILED)
    stores.runs.create(failed)

    assert stores.letters.reopen(failed, RunState.QUEUED, an_entry(1))
    assert not stores.letters.reopen(failed, RunState.QUEUED, an_entry(2))

    assert stores.lines() == [an_entry(1)]


def test_a_decision_is_stored_with_its_line_or_not_at_all(stores: Stores) -> None:
    assert stores.held.decide(DISTRICT, RUN, a_decision(), 1, an_entry(1))
    assert not stores.held.decide(DISTRICT, RUN, a_decision(), 1, an_entry(2))

    assert stores.lines() == [an_entry(1)]
    assert stores.held.decisions(DISTRICT, RUN) == [a_decision()]


@ON_AWS
def test_a_line_is_forgotten_after_400_days(tables: Names) -> None:
    AuditLog(tables["DistrictsTable"]).append(an_entry())

    [item] = boto3.client("dynamodb").scan(TableName=tables["DistrictsTable"])["Items"]

    assert timedelta(days=400) == KEPT
    assert int(item["forget_at"]["N"]) == int((an_entry().at + KEPT).timestamp())


@ON_AWS
def test_no_line_is_ever_changed(tables: Names) -> None:
    log = AuditLog(tables["DistrictsTable"])
    log.append(an_entry())

    with pytest.raises(Exception, match="Conditional"):
        log.append(an_entry(actor="somebody.else@example.org"))

    assert log.page(DISTRICT)[0] == [an_entry()]
