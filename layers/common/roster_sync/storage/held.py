"""What blocked runs hold aside and what was decided about it, in the SyncRuns table; forgotten with the run.

Two hundred changes are one item, compressed, under the number of its last: a hundred thousand are written in seconds.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from roster_sync.domain.audit import AuditEntry
from roster_sync.domain.held_changes import Decision, HeldChange, HeldKind
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId
from roster_sync.storage.audit import plain_line
from roster_sync.storage.dynamodb import errors_as_ours, low_level_client, put_new, queried, unknown_cursor
from roster_sync.storage.run_keys import expires_at, part_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CHANGES: Final = 200
_BYTES: Final = 350_000
"""Of an item before compression; it may have 400 kB."""
_ITEMS_AT_ONCE: Final = 10
_MOST_ITEMS: Final = 20
"""That one page looks through: a second's work."""
_LAST: Final = 9_999_999

_decode_changes: Final = msgspec.json.Decoder(list[HeldChange]).decode
_decode_decision: Final = msgspec.json.Decoder(Decision).decode
_encode: Final = msgspec.json.Encoder().encode


class Held:
    """The held changes of all runs."""

    def __init__(self, table_name: str) -> None:
        self._table_name = table_name
        self._client: DynamoDBClient = low_level_client()

    @errors_as_ours()
    def add(self, district_id: DistrictId, run_id: RunId, attempt: int, changes: Iterable[HeldChange]) -> None:
        """Store what an attempt of a run holds, in the order of their numbers; the same call again replaces."""
        encoded: list[bytes] = []
        number = size = 0
        for change in changes:
            one = _encode(change)
            if encoded and (len(encoded) == _CHANGES or size + len(one) > _BYTES):
                self._put(district_id, run_id, attempt, number, encoded)
                encoded, size = [], 0
            encoded.append(one)
            size += len(one) + 1
            number = change.number
        if encoded:
            self._put(district_id, run_id, attempt, number, encoded)

    @errors_as_ours()
    def page(
        self,
        district_id: DistrictId,
        run_id: RunId,
        attempt: int,
        *,
        school_id: SchoolId | None = None,
        kind: HeldKind | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[HeldChange], str | None]:
        """Held changes by number, of a school and a kind if asked, and the cursor of the next page; None at the end.

        A page may hold fewer than `limit`, even none, and yet have a next one: a call looks at a bounded number.

        Raises:
            ConfigurationError: The cursor is not one that was returned with a page.
        """
        if cursor is not None and not (cursor.isdecimal() and int(cursor) < _LAST):
            raise unknown_cursor()
        seen = int(cursor or 0)
        found: list[HeldChange] = []
        for looked, changes in enumerate(self._items(district_id, run_id, attempt, seen)):
            if looked == _MOST_ITEMS:
                return found, str(seen)
            for change in changes:
                if change.number <= seen:
                    continue
                if (school_id is None or school_id in change.school_ids) and kind in (None, change.kind):
                    if len(found) == limit:
                        return found, str(seen)
                    found.append(change)
                seen = change.number
        return found, None

    def all(self, district_id: DistrictId, run_id: RunId, attempt: int) -> Iterator[HeldChange]:
        """Everything that an attempt holds, by number."""
        with errors_as_ours():
            for changes in self._items(district_id, run_id, attempt, 0):
                yield from changes

    @errors_as_ours()
    def decisions(self, district_id: DistrictId, run_id: RunId) -> list[Decision]:
        """The decisions about what a run holds, in their order."""
        items = self._query(district_id, run_id, _decision_item(1), _decision_item(_LAST))
        return [_decode_decision(item["decision"]["S"]) for item in items]

    @errors_as_ours()
    def decide(
        self, district_id: DistrictId, run_id: RunId, decision: Decision, number: int, entry: AuditEntry | None = None
    ) -> bool:
        """Store a run's decision of this number, counted from 1, and a line of the audit log.

        False if there is such a decision, which stays.
        """
        item = {
            **_key(district_id, run_id, _decision_item(number)),
            "decision": {"S": _encode(decision).decode()},
        }
        lines = [plain_line(entry)] if entry else []
        return put_new(self._client, self._table_name, item, beside=lines)

    def _put(self, district_id: DistrictId, run_id: RunId, attempt: int, number: int, encoded: list[bytes]) -> None:
        packed = zlib.compress(b"[" + b",".join(encoded) + b"]")
        item = {**_key(district_id, run_id, _held_item(attempt, number)), "packed": {"B": packed}}
        self._client.put_item(TableName=self._table_name, Item=item)

    def _items(self, district_id: DistrictId, run_id: RunId, attempt: int, after: int) -> Iterator[list[HeldChange]]:
        first, last = _held_item(attempt, after + 1), _held_item(attempt, _LAST)
        for item in self._query(district_id, run_id, first, last):
            yield _decode_changes(zlib.decompress(item["packed"]["B"]))

    def _query(self, district_id: DistrictId, run_id: RunId, first: str, last: str) -> Iterator[dict[str, Any]]:
        return queried(
            self._client,
            TableName=self._table_name,
            KeyConditionExpression="run_key = :run_key AND #item BETWEEN :first AND :last",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={
                ":run_key": {"S": part_key(district_id, run_id)},
                ":first": {"S": first},
                ":last": {"S": last},
            },
            ConsistentRead=True,
            Limit=_ITEMS_AT_ONCE,
        )


def _key(district_id: DistrictId, run_id: RunId, item: str) -> dict[str, Any]:
    return {
        "run_key": {"S": part_key(district_id, run_id)},
        "item": {"S": item},
        "expires_at": {"N": str(expires_at(run_id))},
    }


def _held_item(attempt: int, number: int) -> str:
    return f"held#{attempt:04d}#{number:07d}"


def _decision_item(number: int) -> str:
    return f"decision#{number:07d}"
