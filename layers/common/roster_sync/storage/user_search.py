"""Searches of a district's users: a pass over its shards, side by side, a bounded part at a time.

Ids are hashes, so users lie evenly over the shards: the part that was looked at is what each shard has up to
the id that the shortest answer reached, and that one id says where the next part begins.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from roster_sync.domain.identifiers import DistrictId, UserId
from roster_sync.domain.search import UserQuery, has_words
from roster_sync.domain.user import normalised_email
from roster_sync.domain.user_change import ACTIVE, INACTIVE
from roster_sync.storage.dynamodb import errors_as_ours, low_level_client, parse_plainly
from roster_sync.storage.users import SHARDS, shard_keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LOOKED_AT: Final = 1_000
"""Users of each shard that one request looks at, about 1 MB, the most that DynamoDB reads for a query."""

_COUNSELORS_OF_A_PART: Final = 500
"""Each is a query of the index by whoever asks."""

_ATTRIBUTES: Final = (
    "user_id",
    "given_name",
    "middle_name",
    "family_name",
    "email",
    "username",
    "identifier",
    "sourced_ids",
    "counselor_email",
)
_TEXTS: Final = ("given_name", "middle_name", "family_name", "email", "username", "identifier")

_Item = Mapping[str, Mapping[str, Any]]


class UserSearch:
    """Searches in all districts, each in its own users only."""

    def __init__(
        self, table_name: str, looked_at: int = _LOOKED_AT, most_counselors: int = _COUNSELORS_OF_A_PART
    ) -> None:
        self._table_name = table_name
        self._looked_at = looked_at
        self._most_counselors = most_counselors

    @cached_property
    def _client(self) -> "DynamoDBClient":
        client = low_level_client()
        client.meta.events.register("before-parse.dynamodb.Query", parse_plainly)
        return client

    @errors_as_ours()
    def page(
        self, district_id: DistrictId, query: UserQuery, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[UserId], str | None]:
        """The ids of users that are found, in order, and the cursor of the next page; None at the end.

        A page may hold fewer than `limit`, even none, and yet have a next one: a call looks at a bounded number.
        """
        items, end = self._part(district_id, query, cursor)
        found = [UserId(item["user_id"]["S"]) for item in items if _is_found(item, query)]
        return found[:limit], found[limit - 1] if len(found) > limit else end

    @errors_as_ours()
    def counselors(self, district_id: DistrictId, cursor: str | None = None) -> tuple[Mapping[str, int], str | None]:
        """Counselors' normalised e-mail addresses in a part of the active users, and how many of these have each.

        With the cursor of the next part; None at the end. An address may come again in another part.
        """
        items, end = self._part(district_id, UserQuery(active=True), cursor)
        counted: Counter[str] = Counter()
        for item in items:
            counselor = item.get("counselor_email", {}).get("S")
            if counselor is not None:
                counted[normalised_email(counselor)] += 1
            if len(counted) == self._most_counselors:
                return counted, item["user_id"]["S"]
        return counted, end

    def _part(
        self, district_id: DistrictId, query: UserQuery, cursor: str | None
    ) -> tuple[Sequence[_Item], str | None]:
        """What passes the filters of the next users of all shards, by user_id, and the id up to which that is all."""
        with ThreadPoolExecutor(SHARDS) as threads:
            read = partial(self._shard, query, cursor or "")
            parts = list(threads.map(read, shard_keys(district_id)))
        ends = [end for _, end in parts if end is not None]
        end = min(ends) if ends else None
        found = [item for items, _ in parts for item in items if end is None or item["user_id"]["S"] <= end]
        return sorted(found, key=lambda item: item["user_id"]["S"]), end

    def _shard(self, query: UserQuery, after: str, shard_key: str) -> tuple[Sequence[_Item], str | None]:
        """A shard's next users that pass the filters, and the id of the last one seen; None if there are no more."""
        names = {f"#{name}": name for name in _ATTRIBUTES}
        values: dict[str, Any] = {":shard_key": {"S": shard_key}}
        key = "shard_key = :shard_key"
        if after:
            key += " AND #user_id > :after"
            values[":after"] = {"S": after}
        filters: list[str] = []
        for name, operator, value in _filters(query):
            names[f"#{name}"] = name
            values[f":{name}"] = {"S": value}
            filters.append(f"contains(#{name}, :{name})" if operator == "contains" else f"#{name} = :{name}")
        if query.synced is not None:
            filters.append(f"attribute_{'exists' if query.synced else 'not_exists'}(#sourced_ids)")
        filtered: dict[str, Any] = {"FilterExpression": " AND ".join(filters)} if filters else {}
        answer = self._client.query(
            TableName=self._table_name,
            KeyConditionExpression=key,
            ProjectionExpression=", ".join(f"#{name}" for name in _ATTRIBUTES),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            Limit=self._looked_at,
            **filtered,
        )
        last = answer.get("LastEvaluatedKey")
        return answer["Items"], last["user_id"]["S"] if last else None


def _filters(query: UserQuery) -> list[tuple[str, str, str]]:
    filters: list[tuple[str, str, str]] = []
    if query.school_id is not None:
        filters.append(("school_ids", "contains", query.school_id))
    if query.role is not None:
        filters.append(("role", "=", query.role))
    if query.active is not None:
        filters.append(("status", "=", ACTIVE if query.active else INACTIVE))
    return filters


def _is_found(item: _Item, query: UserQuery) -> bool:
    if query.counselor_email is not None:
        counselor = item.get("counselor_email", {}).get("S")
        if counselor is None or normalised_email(counselor) != query.counselor_email:
            return False
    values = [item[name]["S"] for name in _TEXTS if name in item]
    return has_words(query.words, (*values, item["user_id"]["S"], *item.get("sourced_ids", {}).get("SS", ())))
