"""A district's items in the tables: more than a batch, in every partition, and what DynamoDB does not take at once."""

import zlib
from datetime import timedelta
from typing import Any

import boto3
import pytest

from roster_sync.domain.audit import Act
from roster_sync.domain.beginning import Beginning
from roster_sync.domain.change import ChangeKind
from roster_sync.domain.consent import ExportConsent
from roster_sync.domain.dead_letter import DeadLetter, LetterKind
from roster_sync.domain.errors import TransientError
from roster_sync.domain.identifiers import DistrictId, RunId, UserId
from roster_sync.domain.issue import Issue, IssueCode
from roster_sync.domain.run import RunState
from roster_sync.domain.user_change import UserChange
from roster_sync.storage.audit import AuditLog
from roster_sync.storage.beginnings import Beginnings
from roster_sync.storage.change_log import ChangeLog
from roster_sync.storage.dead_letters import DeadLetters
from roster_sync.storage.district_contents import DistrictContents
from roster_sync.storage.districts import Districts
from roster_sync.storage.export_consents import ExportConsents
from roster_sync.storage.held import Held
from roster_sync.storage.runs import Runs
from roster_sync.storage.users import SHARDS, Users
from tests.integration.storage.conftest import ScriptedDynamoDB
from tests.support.builders import (
    DISTRICT,
    NOW,
    a_change,
    a_chunk,
    a_decision,
    a_held_change,
    a_run,
    a_school,
    an_author,
    settings,
)

NEIGHBOUR = DistrictId(f"{DISTRICT}-west")
"""Whose keys begin as the district's."""
MANY = 27
USERS = [user_id for number in range(600) if zlib.crc32((user_id := f"u-{number}").encode()) % SHARDS in (0, 9)]
"""In two of the partitions, more than a batch in each."""


def contents(pause: Any = lambda _: None) -> DistrictContents:
    return DistrictContents(
        districts_table="DistrictsTable", users_table="UsersTable", sync_runs_table="SyncRunsTable", pause=pause
    )


def fill(district_id: DistrictId) -> None:
    """Store of everything more than a batch."""
    districts, runs, users = Districts("DistrictsTable"), Runs("SyncRunsTable"), Users("UsersTable")
    log, held, letters = ChangeLog("SyncRunsTable"), Held("SyncRunsTable"), DeadLetters("SyncRunsTable")
    districts.save_settings(settings(district_id=district_id, version=0), 0)
    for number in range(MANY):
        districts.put_school(a_school(district_id=district_id, school_id=f"s-{number}", oneroster_id=f"org-{number}"))
        Beginnings("SyncRunsTable").keep(district_id, str(number), Beginning(NOW, "nonce", "digest"))
        runs.create(a_run(district_id=district_id, run_id=RunId(f"20261124T0900{number:02}Z-nightly")))
    districts.count_test(district_id, NOW, 5, timedelta(minutes=5))
    ExportConsents("DistrictsTable").put(district_id, ExportConsent(NOW, "admin@example.org", NOW))
    AuditLog("DistrictsTable").append(an_author().did(Act.RUN_STARTED, district_id))
    run = a_run(district_id=district_id, run_id=RunId("20261124T090000Z-big"), state=RunState.APPLYING, attempt=1)
    runs.create(run)
    issue = Issue(code=IssueCode.SCHOOL_UNKNOWN, message="It is not mapped.")
    runs.add_issues(district_id, run.run_id, 1, [issue] * MANY)
    held.add(district_id, run.run_id, 1, [a_held_change(number) for number in range(1, MANY)])
    held.decide(district_id, run.run_id, a_decision(), 1)
    letter = DeadLetter(
        kind=LetterKind.CHANGES, district_id=district_id, run_id=run.run_id, body="{}", attempt=1, number=1, changes=3
    )
    letters.keep(letter, run)
    change = UserChange(ChangeKind.CREATE, UserId("u-1"))
    for number in range(MANY):
        log.keep(district_id, run.run_id, attempt=1, number=number, fence=1, changes=[change])
    users.apply(a_chunk([a_change(user_id=UserId(each)) for each in USERS], district_id=district_id), NOW)


def stored() -> dict[str, list[int]]:
    """How many items of Districts, Users and SyncRuns there are of each district."""
    dynamodb = boto3.client("dynamodb")
    found: dict[str, list[int]] = {DISTRICT: [0, 0, 0], NEIGHBOUR: [0, 0, 0]}
    tables = (("DistrictsTable", "district_id"), ("UsersTable", "shard_key"), ("SyncRunsTable", "run_key"))
    for place, (table, name) in enumerate(tables):
        for page in dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression=name):
            for item in page["Items"]:
                found[item[name]["S"].split("#")[0]][place] += 1
    return found


def test_every_item_of_a_district_goes_and_none_of_another(tables: dict[str, str]) -> None:
    fill(DISTRICT)
    fill(NEIGHBOUR)
    before = stored()
    assert before[DISTRICT] == before[NEIGHBOUR]
    assert min(before[DISTRICT]) > 25
    assert contents().count_users(DISTRICT) == len(USERS) > 2 * 25

    assert contents().delete_users(DISTRICT, lambda: True)
    assert contents().delete_runs(DISTRICT, lambda: True)
    contents().delete_settings_and_schools(DISTRICT)

    # The line of the audit log.
    assert stored() == {DISTRICT: [1, 0, 0], NEIGHBOUR: before[NEIGHBOUR]}


def test_a_call_that_is_cut_off_says_so_and_the_next_one_goes_on(tables: dict[str, str]) -> None:
    fill(DISTRICT)
    moments = iter(range(1_000))

    def in_time() -> bool:
        return next(moments) < 2

    assert not contents().delete_users(DISTRICT, in_time)
    assert not contents().delete_runs(DISTRICT, in_time)
    _, users, runs = stored()[DISTRICT]
    assert 0 < users < len(USERS)
    assert runs > 0

    assert contents().delete_users(DISTRICT, lambda: True)
    assert contents().delete_runs(DISTRICT, lambda: True)
    assert stored()[DISTRICT][1:] == [0, 0]


def a_page(request: dict[str, Any]) -> dict[str, Any]:
    """Three users in the first partition."""
    [key] = request["ExpressionAttributeValues"].values()
    items = (
        [{"shard_key": key, "user_id": {"S": f"u-{number}"}} for number in range(3)] if key["S"][-2:] == "00" else []
    )
    return {"Items": items, "Count": len(items), "ScannedCount": len(items)}


def test_what_dynamodb_does_not_take_is_sent_again_after_a_pause(scripted: ScriptedDynamoDB) -> None:
    sent: list[int] = []
    pauses: list[float] = []

    def answer(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if "RequestItems" not in request:
            return 200, a_page(request)
        deletes = request["RequestItems"]["UsersTable"]
        sent.append(len(deletes))
        return 200, {"UnprocessedItems": {"UsersTable": deletes[1:]} if deletes[1:] else {}}

    scripted.script = answer

    assert contents(pauses.append).delete_users(DISTRICT, lambda: True)

    assert sent == [3, 2, 1]
    assert len(pauses) == 2


def test_what_dynamodb_never_takes_is_left_to_a_later_call(scripted: ScriptedDynamoDB) -> None:
    def answer(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if "RequestItems" not in request:
            return 200, a_page(request)
        return 200, {"UnprocessedItems": request["RequestItems"]}

    scripted.script = answer

    with pytest.raises(TransientError):
        contents().delete_users(DISTRICT, lambda: True)
