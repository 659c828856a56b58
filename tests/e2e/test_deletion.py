"""A district is deleted on the deployed stack, where each function is held to its policy."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.stack import Stack
from staff.cli import main
from tests.e2e.conftest import ADistrict
from tests.e2e.district import STORED_TIME, LiveDistrict
from tests.e2e.products import Product, details

TABLES = {"DistrictsTable": "district_id", "UsersTable": "shard_key", "SyncRunsTable": "run_key"}
BUCKETS = ("UploadsBucket", "CheckpointsBucket")
LONG_AGO = timedelta(hours=1)


def everything_of(district: LiveDistrict) -> dict[str, list[Mapping[str, Any]]]:
    """Each item and file of a district, by table and bucket."""
    stack, district_id = district.stack, district.api.district_id
    found: dict[str, list[Mapping[str, Any]]] = {}
    for table, name in TABLES.items():
        pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs[table])
        items = [item for page in pages for item in page["Items"]]
        found[table] = [item for item in items if item[name]["S"].split("#")[0] == district_id]
    for bucket in BUCKETS:
        pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=stack.outputs[bucket])
        files = [file for page in pages for file in page.get("Contents", [])]
        found[bucket] = [file for file in files if district_id in file["Key"].split("/")]
    return found


def leave_files(district: LiveDistrict) -> None:
    """As a fetch does that died, and an upload."""
    stack, district_id = district.stack, district.api.district_id
    s3 = stack.client("s3")
    s3.put_object(Bucket=stack.outputs["CheckpointsBucket"], Key=f"{district_id}/a-run/part", Body=b"page")
    district.api.post("users/upload-url")
    s3.put_object(Bucket=stack.outputs["UploadsBucket"], Key=f"uploads/{district_id}/a-run/file", Body=b"rows")


def accounts(stack: Stack) -> Counter[str | None]:
    """How many accounts name which district."""
    pages = stack.client("cognito-idp").get_paginator("list_users").paginate(UserPoolId=stack.outputs["UserPoolId"])
    attributes = [
        {each["Name"]: each["Value"] for each in user["Attributes"]} for page in pages for user in page["Users"]
    ]
    return Counter(each.get("custom:district_id") for each in attributes)


def pass_an_hour(district: LiveDistrict) -> None:
    """Nobody can wait until whoever worked on the runs is surely done: their ends are put back."""
    dynamodb, table = district.stack.client("dynamodb"), district.stack.outputs["SyncRunsTable"]
    for item in everything_of(district)["SyncRunsTable"]:
        if "ended_at" in item:
            dynamodb.update_item(
                TableName=table,
                Key={name: item[name] for name in ("run_key", "item")},
                UpdateExpression="SET ended_at = :before",
                ExpressionAttributeValues={":before": {"S": (datetime.now(UTC) - LONG_AGO).strftime(STORED_TIME)}},
            )


def test_nothing_of_a_deleted_district_is_left_but_its_audit_log_and_another_is_untouched(
    stack: Stack, a_district: ADistrict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    district, other = a_district(stack), a_district(stack)
    for each in (district, other):
        each.night()
        leave_files(each)
    pass_an_hour(district)
    users, stays = len(district.users()), everything_of(other)
    assert all(everything_of(district).values())
    named = accounts(stack)
    product = Product(stack, district.api.district_id)
    monkeypatch.setenv("ROSTER_SYNC_API", stack.api_url)
    monkeypatch.setenv("ROSTER_SYNC_TOKEN", stack.sign_in(district_id=None, role="support"))

    assert main(["delete", district.api.district_id, "--yes-delete", district.api.district_id]) == 0

    assert f"{district.api.district_id} is deleted: {users} users, " in capsys.readouterr().out
    left = everything_of(district)
    assert {item["item"]["S"].split("#")[0] for item in left.pop("DistrictsTable")} == {"audit", "deletion"}
    assert not any(left.values()), left
    assert everything_of(other) == stays
    assert named - accounts(stack) == Counter({district.api.district_id: 1})
    (told,) = details(product.told(lambda kinds: "DistrictDeleted" in kinds), "DistrictDeleted")
    assert told["counts"]["users"] == users
    acts = [line["act"] for line in district.api.get("audit")["items"]]
    assert acts[:2] == ["district_deleted", "deletion_started"]
