"""What each run changed of whom, in the SyncRuns table; forgotten after 30 days.

A chunk's changes are one item, compressed. A run has sixteen partitions, for one takes 1,000 writes a second. Whatever
does not fit into the item lies beside it, under the hash of its bytes.
"""

import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import msgspec

from roster_sync.domain.change import ChangeKind, Chunk
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.user_change import KEPT, KeptChanges, UserChange
from roster_sync.storage.dynamodb import errors_as_ours, low_level_client, put_new, queried, unknown_cursor
from roster_sync.storage.run_keys import expires_at, part_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SHARDS: Final = 16
_PART_BYTES: Final = 350_000
"""Of an item, which has at most 400 kB."""
_CHUNKS_AT_ONCE: Final = 10
_MOST_CHUNKS: Final = 40
"""That one page looks through."""

_decode: Final = msgspec.json.Decoder(list[UserChange]).decode


class ChangeLog:
    """The changes of all runs."""

    def __init__(self, table_name: str) -> None:
        self._table_name = table_name

    @cached_property
    def _client(self) -> "DynamoDBClient":
        return low_level_client()

    @errors_as_ours()
    def keep(
        self,
        district_id: DistrictId,
        run_id: RunId,
        *,
        attempt: int,
        number: int,
        fence: int,
        changes: Sequence[UserChange],
    ) -> None:
        """Keep what a chunk changes; what was kept before under the same attempt and number stays as it is.

        Whoever keeps before it writes so keeps what was there before the first write, however often a chunk comes.
        """
        packed = zlib.compress(msgspec.json.encode(changes))
        first, *others = [packed[start : start + _PART_BYTES] for start in range(0, len(packed), _PART_BYTES)]
        names = [blake2b(part, digest_size=16).hexdigest() for part in others]
        head = _key(district_id, run_id, attempt, number)
        expiry = {"N": str(expires_at(run_id, KEPT))}
        for name, part in zip(names, others, strict=True):
            item = {
                **head,
                "item": {"S": f"{head['item']['S']}#{name}"},
                "expires_at": expiry,
                "packed": {"B": part},
            }
            self._client.put_item(TableName=self._table_name, Item=item)
        item = {
            **head,
            "expires_at": expiry,
            "fence": {"N": str(fence)},
            "packed": {"B": first},
            "parts": {"L": [{"S": name} for name in names]},
        }
        put_new(self._client, self._table_name, item)

    @errors_as_ours()
    def kept(self, chunk: Chunk) -> Sequence[UserChange]:
        """What was kept of a chunk first; nothing if nothing was."""
        return self._kept(chunk.district_id, chunk.run_id, chunk.attempt, chunk.number)

    @errors_as_ours()
    def part(self, district_id: DistrictId, run_id: RunId, part: str) -> Sequence[UserChange]:
        """What was kept of one part of a run's changes, as `part_name` gives it; nothing if nothing is."""
        attempt, _, number = part.partition(".")
        return self._kept(district_id, run_id, int(attempt), int(number))

    def _kept(self, district_id: DistrictId, run_id: RunId, attempt: int, number: int) -> Sequence[UserChange]:
        key = _key(district_id, run_id, attempt, number)
        item = self._client.get_item(TableName=self._table_name, Key=key, ConsistentRead=True).get("Item")
        return _decode(zlib.decompress(self._packed(item))) if item else []

    def all(self, district_id: DistrictId, run_id: RunId) -> Iterator[KeptChanges]:
        """What every chunk of every attempt of a run changes, in no order."""
        with errors_as_ours():
            for key in change_keys(district_id, run_id):
                yield from self._chunks(key)

    @errors_as_ours()
    def page(
        self,
        district_id: DistrictId,
        run_id: RunId,
        *,
        kind: ChangeKind | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[tuple[int, UserChange]], str | None]:
        """Changes of a run, of one kind if told so, each with its fence, and the cursor of the next page.

        A page may hold fewer than `limit`, even none, and yet have a next one: a call looks at a bounded number. Who
        was changed by two attempts of a run comes twice.
        """
        shard, after, skip = _position(cursor)
        found: list[tuple[int, UserChange]] = []
        looked = 0
        while shard < SHARDS:
            last = after
            for kept in self._chunks(_shard_key(district_id, run_id, shard), after):
                name = _name(kept.attempt, kept.number)
                for place, change in enumerate(kept.changes):
                    if place < skip or (kind and change.kind is not kind):
                        continue
                    if len(found) == limit:
                        return found, _cursor(shard, last, place)
                    found.append((kept.fence, change))
                last, skip, looked = name, 0, looked + 1
                if looked == _MOST_CHUNKS:
                    return found, _cursor(shard, last, 0)
            shard, after, skip = shard + 1, "", 0
        return found, None

    def _chunks(self, run_key: str, after: str = "") -> Iterator[KeptChanges]:
        """The chunks of a partition behind one of them, by attempt and number."""
        start: Any = {"ExclusiveStartKey": {"run_key": {"S": run_key}, "item": {"S": after}}} if after else {}
        for item in queried(
            self._client,
            TableName=self._table_name,
            KeyConditionExpression="run_key = :run_key",
            ExpressionAttributeValues={":run_key": {"S": run_key}},
            ConsistentRead=True,
            Limit=_CHUNKS_AT_ONCE,
            **start,
        ):
            if "fence" in item:
                attempt, number = item["item"]["S"].split("#")
                changes = _decode(zlib.decompress(self._packed(item)))
                yield KeptChanges(int(attempt), int(number), int(item["fence"]["N"]), changes)

    def _packed(self, head: Any) -> bytes:
        packed: bytes = head["packed"]["B"]
        for part in head["parts"]["L"]:
            key = {"run_key": head["run_key"], "item": {"S": f"{head['item']['S']}#{part['S']}"}}
            answer = self._client.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
            packed += answer["Item"]["packed"]["B"]
        return packed


def change_keys(district_id: DistrictId, run_id: RunId) -> list[str]:
    """The partitions of a run's changes."""
    return [_shard_key(district_id, run_id, shard) for shard in range(SHARDS)]


def _key(district_id: DistrictId, run_id: RunId, attempt: int, number: int) -> dict[str, Any]:
    return {
        "run_key": {"S": _shard_key(district_id, run_id, number % SHARDS)},
        "item": {"S": _name(attempt, number)},
    }


def _shard_key(district_id: DistrictId, run_id: RunId, shard: int) -> str:
    return f"{part_key(district_id, run_id)}#changes#{shard:02d}"


def _name(attempt: int, number: int) -> str:
    return f"{attempt:04d}#{number:06d}"


def _cursor(shard: int, after: str, skip: int) -> str:
    """Shard, the last chunk that is done with, and how many changes of the next one are, too."""
    return f"{shard:02d}-{after.replace('#', '_')}-{skip}"


def _position(cursor: str | None) -> tuple[int, str, int]:
    if cursor is None:
        return 0, "", 0
    shard, _, rest = cursor.partition("-")
    after, _, skip = rest.partition("-")
    digits = after.replace("_", "", 1)
    if not (shard.isdecimal() and skip.isdecimal() and int(shard) < SHARDS and (not after or digits.isdecimal())):
        raise unknown_cursor()
    return int(shard), after.replace("_", "#"), int(skip)
