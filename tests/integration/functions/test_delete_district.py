"""A district is deleted: through the handler, over what is deployed in memory."""

import json
import os
from datetime import UTC, datetime, timedelta
from io import StringIO

import boto3
import pytest

from functions.delete_district import app
from roster_sync.domain.audit import Act, Author
from roster_sync.domain.deletion import new_deletion
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.run import RunState
from roster_sync.messaging.deletion_requests import DeletionRequest
from roster_sync.storage.deletions import Deletions
from tests.support.builders import DISTRICT, NOW, OTHER_DISTRICT, RUN, a_change, a_chunk, a_school
from tests.support.deployed import Context, Night, event_of, failures, items, sqs_event

AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
KEYS = {
    "checkpoints": [f"{district}/{RUN}/1-0-0001" for district in (DISTRICT, OTHER_DISTRICT)],
    "uploads": [f"uploads/{district}/{RUN}.csv" for district in (DISTRICT, OTHER_DISTRICT)],
}


class ShortOfTime(Context):
    """An invocation that is nearly over."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 61_000


@pytest.fixture
def night_of_two(night: Night) -> Night:
    """A night with two districts and what belongs to them."""
    for district_id in (DISTRICT, OTHER_DISTRICT):
        night.enter_district(district_id, schools=[a_school(district_id=district_id)])
        night.queued_run(district_id=district_id, state=RunState.COMPLETED, ended_at=AN_HOUR_AGO)
        night.users.apply(a_chunk([a_change()], district_id=district_id), NOW)
        create_account(district_id)
    for bucket, keys in KEYS.items():
        for key in keys:
            boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=b"content")
    return night


def ask(asked_at: datetime, district_id: DistrictId = DISTRICT) -> None:
    by = Author(name="staff@example.org", at=asked_at, nonce="00000001")
    Deletions("DistrictsTable").begin(new_deletion(district_id, by), by.did(Act.DELETION_STARTED, district_id))


def of(district_id: DistrictId) -> list[str]:
    """Range keys and partitions of a district's items."""
    return sorted(
        [each["item"] for each in items("DistrictsTable") if each["district_id"] == district_id]
        + [each["shard_key"] for each in items("UsersTable") if each["shard_key"].startswith(f"{district_id}#")]
        + [each["item"] for each in items("SyncRunsTable") if each["run_key"].split("#")[0] == district_id]
    )


def create_account(district_id: DistrictId) -> None:
    boto3.client("cognito-idp").admin_create_user(
        UserPoolId=os.environ["USER_POOL_ID"],
        Username=f"admin@{district_id}",
        UserAttributes=[{"Name": "custom:district_id", "Value": district_id}],
    )


def accounts() -> list[str]:
    found = boto3.client("cognito-idp").list_users(UserPoolId=os.environ["USER_POOL_ID"])
    return [user["Username"] for user in found["Users"]]


def files(bucket: str) -> list[str]:
    return [found["Key"] for found in boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_nothing_is_left_but_the_audit_log_and_the_deletion_itself(
    night_of_two: Night, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    before = of(OTHER_DISTRICT)
    ask(AN_HOUR_AGO)

    answer = app.handler(sqs_event(DeletionRequest(DISTRICT).to_json()), Context())

    assert failures(answer) == []
    assert [each.partition("#")[0] for each in of(DISTRICT)] == ["audit", "audit", "deletion"]
    assert of(OTHER_DISTRICT) == before
    assert {bucket: files(bucket) for bucket in KEYS} == {bucket: keys[1:] for bucket, keys in KEYS.items()}
    assert accounts() == [f"admin@{OTHER_DISTRICT}"]
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    (counted,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert (line["message"], line["district_id"], line["users"]) == ("Went on with a deletion", DISTRICT, 1)
    assert counted["DistrictsDeleted"] == [1]


def test_a_deletion_that_must_wait_comes_again_and_is_no_failure(night_of_two: Night) -> None:
    ask(datetime.now(UTC))

    answer = app.handler(sqs_event(DeletionRequest(DISTRICT).to_json()), ShortOfTime())

    assert failures(answer) == ["0"]
    assert len(items("UsersTable")) == 2


def test_a_message_without_a_deletion_deletes_nothing(night_of_two: Night) -> None:
    answer = app.handler(event_of("delete_district"), Context())

    assert failures(answer) == []
    assert len(items("UsersTable")) == 2


def test_a_message_of_another_version_is_a_failure_that_rings(night_of_two: Night) -> None:
    with pytest.raises(ValueError, match="No DeletionRequest has version 9"):
        app.handler(sqs_event('{"district_id": "springfield", "version": 9}'), Context())
