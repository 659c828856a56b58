"""The users of a district as they are stored, attribute by attribute."""

from collections.abc import Iterator, Mapping
from typing import Any

from local.stack import Stack
from roster_sync.storage.users import SHARDS

KEYS_OF_STORAGE = frozenset({"shard_key", "email_key"})


def stored_users(stack: Stack, district_id: str) -> Iterator[dict[str, Any]]:
    """Each user of a district in a fixed order, with the attributes that it has, as JSON can hold them."""
    for page in _pages(stack, district_id):
        for item in page["Items"]:
            values = {name: _plain(value) for name, value in item.items() if name not in KEYS_OF_STORAGE}
            yield {name: value for name, value in sorted(values.items()) if value is not None}


def count_written(stack: Stack, district_id: str, run_id: str) -> int:
    """How many users were last written by a run."""
    only = {
        "Select": "COUNT",
        "FilterExpression": "run_id = :run_id",
        "ExpressionAttributeValues": {":run_id": {"S": run_id}},
    }
    return sum(page["Count"] for page in _pages(stack, district_id, **only))


def _pages(stack: Stack, district_id: str, **more: Any) -> Iterator[Any]:
    paginator = stack.client("dynamodb").get_paginator("query")
    values = more.pop("ExpressionAttributeValues", {})
    for shard in range(SHARDS):
        key = {":key": {"S": f"{district_id}#{shard:02d}"}}
        yield from paginator.paginate(
            TableName=stack.outputs["UsersTable"],
            KeyConditionExpression="shard_key = :key",
            ExpressionAttributeValues={**key, **values},
            ConsistentRead=True,
            **more,
        )


def _plain(attribute: Mapping[str, Any]) -> Any:
    """An attribute value of DynamoDB as JSON can hold it."""
    [(kind, value)] = attribute.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return int(value)
        case "B":
            return value.hex()
        case "SS":
            return sorted(value)
        case "L":
            return [_plain(item) for item in value]
        case "M":
            return {name: _plain(item) for name, item in value.items()}
        case _:
            return value
