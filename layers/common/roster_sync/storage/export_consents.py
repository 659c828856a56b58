"""Consents to exports, an item of the Districts table each."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from roster_sync.domain.consent import ExportConsent
from roster_sync.domain.identifiers import DistrictId
from roster_sync.storage.dynamodb import errors_as_ours, low_level_client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ExportConsents:
    """Consents by district, at most one each."""

    def __init__(self, table_name: str) -> None:
        self._table_name = table_name
        self._client: DynamoDBClient = low_level_client()

    @errors_as_ours()
    def get(self, district_id: DistrictId) -> ExportConsent | None:
        """The consent that was given last, be its time over or not; None if none was, or it was withdrawn."""
        answer = self._client.get_item(TableName=self._table_name, Key=_key(district_id), ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return None
        return ExportConsent(
            until=datetime.fromisoformat(item["until"]["S"]),
            given_by=item["given_by"]["S"],
            given_at=datetime.fromisoformat(item["given_at"]["S"]),
        )

    @errors_as_ours()
    def put(self, district_id: DistrictId, consent: ExportConsent) -> None:
        """Keep a consent in place of the one before."""
        item = {
            **_key(district_id),
            "until": {"S": consent.until.isoformat()},
            "given_by": {"S": consent.given_by},
            "given_at": {"S": consent.given_at.isoformat()},
        }
        self._client.put_item(TableName=self._table_name, Item=item)

    @errors_as_ours()
    def delete(self, district_id: DistrictId) -> None:
        """Withdraw it, if there is one."""
        self._client.delete_item(TableName=self._table_name, Key=_key(district_id))


def _key(district_id: DistrictId) -> dict[str, Any]:
    return {"district_id": {"S": district_id}, "item": {"S": "export_consent"}}
