"""Counts and deletes what the tables hold of a district: 25 items at a time, several partitions at once."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.storage.audit import PREFIX as AUDIT_PREFIX
from roster_sync.storage.beginnings import beginnings_key
from roster_sync.storage.change_log import change_keys
from roster_sync.storage.deletions import DELETION
from roster_sync.storage.districts import LEASE
from roster_sync.storage.dynamodb import BATCH_WRITE_LIMIT, batch_written, errors_as_ours, low_level_client
from roster_sync.storage.run_keys import part_key
from roster_sync.storage.users import shard_keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

_THREADS: Final = 16
"""A district's users have as many partitions, each of which takes 1,000 writes a second."""

_RUNS_AT_ONCE: Final = 25

InTime = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Partition:
    table: str
    hash_name: str
    range_name: str
    key: str


class DistrictContents:
    """All that the three tables hold of a district, but its audit log, its lease and its deletion.

    What is deleted is looked for each time, so a call that was cut off is made again.
    """

    def __init__(
        self,
        *,
        districts_table: str,
        users_table: str,
        sync_runs_table: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._districts_table = districts_table
        self._users_table = users_table
        self._sync_runs_table = sync_runs_table
        self._pause = pause
        self._client: DynamoDBClient = low_level_client()

    @errors_as_ours()
    def count_users(self, district_id: DistrictId) -> int:
        """How many users are stored."""
        with ThreadPoolExecutor(_THREADS) as threads:
            return sum(threads.map(self._count, self._shards(district_id)))

    @errors_as_ours()
    def delete_users(self, district_id: DistrictId, in_time: InTime) -> bool:
        """Delete users while `in_time`; whether none is left."""
        return self._emptied(self._shards(district_id), in_time)

    @errors_as_ours()
    def delete_runs(self, district_id: DistrictId, in_time: InTime) -> bool:
        """Delete runs while `in_time`, each after what belongs to it; whether nothing is left."""
        ours = self._of_runs(district_id)
        while run_ids := [RunId(key["item"]["S"]) for key in islice(self._keys(ours), _RUNS_AT_ONCE)]:
            parts = [
                self._of_runs(key)
                for run_id in run_ids
                for key in (part_key(district_id, run_id), *change_keys(district_id, run_id))
            ]
            if not self._emptied(parts, in_time):
                return False
            self._delete(ours, [{"run_key": {"S": district_id}, "item": {"S": run_id}} for run_id in run_ids])
        return self._emptied([self._of_runs(beginnings_key(district_id))], in_time)

    @errors_as_ours()
    def delete_settings_and_schools(self, district_id: DistrictId) -> None:
        """Delete settings, schools, the consent to exports and what is counted of the district."""
        ours = _Partition(self._districts_table, "district_id", "item", district_id)
        kept = (AUDIT_PREFIX, LEASE, DELETION)
        keys = iter([key for key in self._keys(ours) if not key["item"]["S"].startswith(kept)])
        while some := list(islice(keys, BATCH_WRITE_LIMIT)):
            self._delete(ours, some)

    def _shards(self, district_id: DistrictId) -> list[_Partition]:
        return [_Partition(self._users_table, "shard_key", "user_id", key) for key in shard_keys(district_id)]

    def _of_runs(self, key: str) -> _Partition:
        return _Partition(self._sync_runs_table, "run_key", "item", key)

    def _emptied(self, partitions: Sequence[_Partition], in_time: InTime) -> bool:
        with ThreadPoolExecutor(_THREADS) as threads:
            return all(list(threads.map(partial(self._empty, in_time=in_time), partitions)))

    def _empty(self, partition: _Partition, *, in_time: InTime) -> bool:
        keys = self._keys(partition)
        while some := list(islice(keys, BATCH_WRITE_LIMIT)):
            if not in_time():
                return False
            self._delete(partition, some)
        return True

    def _delete(self, partition: _Partition, keys: Sequence[dict[str, Any]]) -> None:
        requests: list[WriteRequestTypeDef] = [{"DeleteRequest": {"Key": key}} for key in keys]
        batch_written(self._client, partition.table, requests, self._pause)

    def _count(self, partition: _Partition) -> int:
        return sum(answer["Count"] for answer in self._answers(partition, Select="COUNT"))

    def _keys(self, partition: _Partition) -> Iterator[dict[str, Any]]:
        for answer in self._answers(
            partition,
            ProjectionExpression="#hash, #range",
            names={"#hash": partition.hash_name, "#range": partition.range_name},
        ):
            yield from answer["Items"]

    def _answers(
        self, partition: _Partition, *, names: dict[str, str] | None = None, **query: Any
    ) -> Iterator[dict[str, Any]]:
        """Each page of a partition, as last written."""
        while True:
            answer: Any = self._client.query(
                TableName=partition.table,
                KeyConditionExpression="#hash = :key",
                ExpressionAttributeNames={"#hash": partition.hash_name, **(names or {})},
                ExpressionAttributeValues={":key": {"S": partition.key}},
                ConsistentRead=True,
                **query,
            )
            yield answer
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
