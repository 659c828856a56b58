"""Keys of requests that started something, in the SyncRuns table; forgotten after a day.

Names of keys are hashed: a client may choose any text.
"""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from roster_sync.domain.beginning import KEPT, Beginning
from roster_sync.domain.identifiers import DistrictId
from roster_sync.storage.dynamodb import CONDITION_FAILED, errors_as_ours, low_level_client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Beginnings:
    """Beginnings by district and key."""

    def __init__(self, table_name: str) -> None:
        self._table_name = table_name
        self._client: DynamoDBClient = low_level_client()

    @errors_as_ours()
    def keep(self, district_id: DistrictId, key: str, beginning: Beginning) -> Beginning:
        """Keep a beginning, and return it; that which the key has already, if one is not forgotten."""
        kept = _item(district_id, key, beginning, int((beginning.at + KEPT).timestamp()))
        try:
            self._client.put_item(
                TableName=self._table_name,
                Item=kept,
                # Items outlast their time by up to days.
                ConditionExpression="attribute_not_exists(run_key) OR expires_at <= :now",
                ExpressionAttributeValues={":now": {"N": str(int(beginning.at.timestamp()))}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"].get("Code") != CONDITION_FAILED:
                raise
            before: Any = error.response
            return _beginning(before["Item"])
        return beginning

    @errors_as_ours()
    def replace(self, district_id: DistrictId, key: str, beginning: Beginning) -> None:
        """Let the key have another beginning."""
        item = _item(district_id, key, beginning, int((beginning.at + KEPT).timestamp()))
        self._client.put_item(TableName=self._table_name, Item=item)

    @errors_as_ours()
    def forget(self, district_id: DistrictId, key: str, now: datetime) -> None:
        """Let the key have none."""
        item = _item(district_id, key, Beginning(now, "", ""), int(now.timestamp()))
        self._client.put_item(TableName=self._table_name, Item=item)


def beginnings_key(district_id: DistrictId) -> str:
    """The partition of a district's beginnings."""
    return f"{district_id}#idempotency"


def _item(district_id: DistrictId, key: str, beginning: Beginning, expires_at: int) -> dict[str, Any]:
    return {
        "run_key": {"S": beginnings_key(district_id)},
        "item": {"S": hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()},
        "began_at": {"S": beginning.at.isoformat()},
        "nonce": {"S": beginning.nonce},
        "digest": {"S": beginning.digest},
        "expires_at": {"N": str(expires_at)},
    }


def _beginning(item: dict[str, Any]) -> Beginning:
    return Beginning(datetime.fromisoformat(item["began_at"]["S"]), item["nonce"]["S"], item["digest"]["S"])
