"""What of users only DynamoDB can show: shards, pages of answers, and outages."""

from itertools import count, islice
from typing import Any
from zlib import crc32

import boto3
import pytest

from roster_sync.domain.change import Change, ChangeKind
from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.domain.identifiers import SchoolId
from roster_sync.domain.user import Role, StoredUser
from roster_sync.storage.users import SHARDS, Users
from tests.integration.storage.conftest import ScriptedDynamoDB
from tests.support.builders import DISTRICT, NOW, OTHER_DISTRICT, a_bare_sis_user, a_change, a_chunk, a_deactivation
from tests.support.scripted_aws import an_error


@pytest.fixture
def users(tables: dict[str, str]) -> Users:
    return Users(tables["UsersTable"])


def a_district_of(users: Users, size: int) -> list[str]:
    """Store users and return their ids; every third is at the high school, every fourth a sponsor, every fifth gone."""
    ids = [f"u-{number:03d}" for number in range(size)]
    changes = [
        a_change(
            user_id=user_id,
            user=a_bare_sis_user(
                sourced_ids=(f"S-{number}",),
                email=f"user{number}@example.org",
                school_ids=("high",) if number % 3 == 0 else ("elementary",),
                sis_role=Role.SPONSOR if number % 4 == 0 else Role.STUDENT,
            ),
        )
        for number, user_id in enumerate(ids)
    ]
    users.apply(a_chunk(changes), NOW)
    users.apply(a_chunk([a_deactivation(user_id) for user_id in ids[::5]], fence=2), NOW)
    return ids


def ids_of(page: list[StoredUser]) -> list[str]:
    return [user.user_id for user in page]


def test_users_are_spread_over_the_shards_of_their_district(users: Users, tables: dict[str, str]) -> None:
    a_district_of(users, 100)

    items = boto3.client("dynamodb").scan(TableName=tables["UsersTable"])["Items"]
    keys = {str(item["shard_key"]["S"]) for item in items}
    assert keys == {f"{DISTRICT}#{shard:02d}" for shard in range(SHARDS)}


def test_a_shard_of_several_answers_is_read_to_its_end(users: Users) -> None:
    """DynamoDB answers with at most 1 MB at a time, of whole items, whatever is projected."""
    ids = (f"u-{number}" for number in count())
    same_shard = list(islice((user_id for user_id in ids if crc32(user_id.encode()) % SHARDS == 0), 12))
    large = a_bare_sis_user(metadata=(("notes", "x" * 100_000),))
    users.apply(a_chunk([a_change(user_id=user_id, user=large) for user_id in same_shard]), NOW)

    batches = list(users.roster(DISTRICT))

    assert sorted(entry.user_id for batch in batches for entry in batch) == sorted(same_shard)
    assert len(batches) > SHARDS


def test_a_roster_that_is_not_read_to_its_end_holds_nothing_up(users: Users) -> None:
    a_district_of(users, 20)
    batches = users.roster(DISTRICT)

    next(iter(batches))

    batches.close()  # type: ignore[attr-defined]  # the adapter's iterator is a generator


def test_pages_hold_every_user_once(users: Users) -> None:
    ids = a_district_of(users, 50)

    found: list[str] = []
    sizes: list[int] = []
    cursor: str | None = None
    while True:
        page, cursor = users.page(DISTRICT, cursor=cursor, limit=7)
        found += ids_of(page)
        sizes.append(len(page))
        if cursor is None:
            break

    assert sorted(found) == ids
    assert sizes[:7] == [7] * 7


def test_a_page_holds_only_users_that_pass_every_filter(users: Users) -> None:
    a_district_of(users, 61)

    page, cursor = users.page(DISTRICT, school_id=SchoolId("high"), role=Role.SPONSOR, active=True)

    assert sorted(ids_of(page)) == ["u-012", "u-024", "u-036", "u-048"]
    assert cursor is None


def test_filtered_users_come_page_by_page(users: Users) -> None:
    a_district_of(users, 61)

    first, cursor = users.page(DISTRICT, active=False, limit=8)
    second, _ = users.page(DISTRICT, active=False, limit=8, cursor=cursor)

    assert len(first) == 8
    assert sorted(ids_of(first + second)) == [f"u-{number:03d}" for number in range(0, 61, 5)]


def test_a_page_by_address_is_filtered_too(users: Users) -> None:
    a_district_of(users, 5)

    same, _ = users.page(DISTRICT, email="USER3@example.org", school_id=SchoolId("high"))
    other, _ = users.page(DISTRICT, email="user3@example.org", school_id=SchoolId("elementary"))

    assert ids_of(same) == ["u-003"]
    assert other == []


def test_pages_hold_users_of_their_district_only(users: Users) -> None:
    a_district_of(users, 5)

    assert users.page(OTHER_DISTRICT) == ([], None)


def test_a_page_of_filtered_users_looks_at_a_bounded_number(scripted: ScriptedDynamoDB) -> None:
    users = Users("ScriptedUsersToPage")
    scripted.script = lambda request: (
        200,
        {
            "Items": [],
            "Count": 0,
            "ScannedCount": 1_000,
            "LastEvaluatedKey": {"shard_key": request["ExpressionAttributeValues"][":0"], "user_id": {"S": "u-9"}},
        },
    )

    page = users.page(DISTRICT, active=True)

    assert page == ([], "00u-9")
    assert len(scripted.calls) == 5


@pytest.mark.parametrize("cursor", ["", "x", "16u-1", "-1u"])
def test_a_cursor_that_was_never_given_out_is_refused(users: Users, cursor: str) -> None:
    with pytest.raises(ConfigurationError, match="cursor"):
        users.page(DISTRICT, cursor=cursor)


def test_a_write_that_stays_throttled_is_an_outage(scripted: ScriptedDynamoDB) -> None:
    users = Users("ScriptedUsersToWrite")
    scripted.script = lambda _: an_error("ThrottlingException")

    with pytest.raises(TransientError):
        users.apply(a_chunk(), NOW)

    assert len(scripted.calls) == 6


def test_a_roster_that_cannot_be_read_is_an_outage(scripted: ScriptedDynamoDB) -> None:
    users = Users("ScriptedUsersToRead")
    scripted.script = lambda _: an_error("InternalServerError", 500)

    with pytest.raises(TransientError):
        list(users.roster(DISTRICT))


def test_the_roster_is_read_as_last_written(scripted: ScriptedDynamoDB) -> None:
    """Read as it was before the run that has just ended, a changed user would pass for unchanged."""
    users = Users("ScriptedUsersToRead")
    scripted.script = lambda _: (200, {"Items": [], "Count": 0, "ScannedCount": 0})

    list(users.roster(DISTRICT))

    assert len(scripted.calls) == SHARDS
    assert all(request["ConsistentRead"] for request in scripted.calls)


def test_a_write_that_the_policy_forbids_is_a_defect(scripted: ScriptedDynamoDB) -> None:
    users = Users("ScriptedUsersToForbid")
    scripted.script = lambda _: an_error("AccessDeniedException")

    with pytest.raises(Exception, match="AccessDenied"):
        users.apply(a_chunk(), NOW)


def test_an_insertion_makes_the_item_that_the_update_would(users: Users, tables: dict[str, str]) -> None:
    def stored(kind: ChangeKind) -> dict[str, Any]:
        users.apply(a_chunk([a_change(kind=kind, user_id=f"u-{kind}"), a_bare_change(kind)]), NOW)
        items = boto3.client("dynamodb").scan(TableName=tables["UsersTable"])["Items"]
        of_kind = [item for item in items if item["last_change"]["S"] == kind]
        unlike = ("shard_key", "user_id", "last_change")
        return {
            item["user_id"]["S"].removesuffix(kind): {name: v for name, v in item.items() if name not in unlike}
            for item in of_kind
        }

    inserted = stored(ChangeKind.CREATE)
    assert len(inserted) == 2
    assert inserted == stored(ChangeKind.UPDATE)


def a_bare_change(kind: ChangeKind) -> Change:
    return a_change(kind=kind, user_id=f"bare-{kind}", user=a_bare_sis_user(), fingerprint=None)


def test_creations_are_sent_25_at_a_time(scripted: ScriptedDynamoDB) -> None:
    users = Users("ScriptedUsersToInsert")
    scripted.script = lambda request: (200, {"Responses": [{} for _ in request["Statements"]]})

    counts = users.apply(a_chunk([a_change(user_id=f"u-{number}") for number in range(60)]), NOW)

    assert counts.created == 60
    assert sorted(len(call["Statements"]) for call in scripted.calls) == [10, 25, 25]


def test_a_creation_that_is_refused_in_its_batch_is_written_by_itself(scripted: ScriptedDynamoDB) -> None:
    """One that is throttled, and one of a user whom a newer run has stored already."""
    users = Users("ScriptedUsersToInsert")
    refused = iter(["ThrottlingError", "DuplicateItem"])

    def script(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if "Statements" in request:
            return 200, {"Responses": [{}, *({"Error": {"Code": code}} for code in refused)]}
        if request["Key"]["user_id"]["S"] == "u-2":
            return an_error("ConditionalCheckFailedException", Item={"fence": {"N": "2"}})
        return 200, {}

    scripted.script = script

    counts = users.apply(a_chunk([a_change(user_id=f"u-{number}") for number in range(3)]), NOW)

    assert (counts.created, counts.superseded) == (2, 1)
    assert [call["Key"]["user_id"]["S"] for call in scripted.calls[1:]] == ["u-1", "u-2"]
