"""Which districts have a product on, page by page, by the index that dispatch reads, too."""

from typing import TYPE_CHECKING, Any

from roster_sync.domain.identifiers import DistrictId
from roster_sync.storage.dynamodb import errors_as_ours, low_level_client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ActiveDistricts:
    """Ids of districts, in their order."""

    def __init__(self, table_name: str) -> None:
        self._table_name = table_name
        self._client: DynamoDBClient = low_level_client()

    @errors_as_ours()
    def page(self, cursor: str | None, limit: int) -> tuple[list[DistrictId], str | None]:
        """Ids after the cursor, and the cursor of the next page; None at the end."""
        query: dict[str, Any] = {
            "TableName": self._table_name,
            "IndexName": "ActiveDistricts",
            "KeyConditionExpression": "active = :yes" + (" AND district_id > :after" if cursor else ""),
            "ExpressionAttributeValues": {":yes": {"S": "yes"}, **({":after": {"S": cursor}} if cursor else {})},
            "ProjectionExpression": "district_id",
            "Limit": limit,
        }
        answer = self._client.query(**query)
        ids = [DistrictId(item["district_id"]["S"]) for item in answer["Items"]]
        return ids, ids[-1] if ids and "LastEvaluatedKey" in answer else None
