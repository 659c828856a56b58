"""The Users table: the roster of a district, the writes of syncs and uploads, and reads of single users.

Reads of few users go through pynamodb. What a night has millions of goes to the client under it (`bench/storage.py`):
the roster, at 30 us of CPU a user instead of 114; creations, 25 in a request, at 0.16 ms instead of 1.3; and updates,
since pynamodb does not hand over the stored item when a condition fails, which tells a redelivered change from an
overtaken one without a read.
"""

import time
import zlib
from binascii import a2b_base64
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from botocore.exceptions import ClientError
from msgspec import structs
from pynamodb.attributes import (
    BinaryAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from roster_sync.domain.change import Change, ChangeKind, Chunk, ManualChange, Restoration
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId, UserId
from roster_sync.domain.manual_edit import KEPT, ManualEdit
from roster_sync.domain.run import COUNT_OF_KIND, Counts
from roster_sync.domain.user import Role, RosterEntry, SisUser, StoredUser, normalised_email
from roster_sync.domain.user_change import ACTIVE, INACTIVE, Attributes, part_name, stored_time
from roster_sync.storage.dynamodb import (
    CONDITION_FAILED,
    Bounds,
    errors_as_ours,
    low_level_client,
    outage,
    parse_plainly,
    pauses_s,
    serialize_plainly,
    unknown_cursor,
)
from roster_sync.storage.user_attributes import attributes_of, stored_value

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SHARDS: Final = 16
"""Partitions of a district: one partition takes 1,000 writes a second."""

THREADS: Final = 16
"""That write a chunk."""
_WRITES_S: Final = 60.0
"""The writes of a chunk take a second. While the table is throttled they are given up, and come again, before the
function's time is over; what was written stays so."""
_BATCH_GET_LIMIT: Final = 100
"""Items of one BatchGetItem, a limit of DynamoDB."""
_STATEMENTS_LIMIT: Final = 25
"""Of one BatchExecuteStatement, a limit of DynamoDB."""
_READ_AHEAD: Final = 8
"""Pages of the roster that are read at once; bounds memory to some 8 MB of answers."""

_EMAILS_BY_INDEX: Final = 2_000
"""More addresses than these are found in one pass over the roster, which a large upload costs less than as many
queries of the index."""

_PAGE_SCANNED: Final = 1_000
_MAX_SCANNED: Final = 5_000
"""Users that one page of filtered users looks at, at most, so that it is answered within a second or two."""

_ROSTER_ATTRIBUTES: Final = (
    "user_id",
    "fingerprint",
    "sourced_ids",
    "status",
    "role",
    "email",
    "given_name",
    "family_name",
    "identifier",
    "school_ids",
    "products",
    "run_id",
    "last_change",
    "record_digest",
    "sis_counselor_email",
)

_Item = TypeVar("_Item")

# DynamoDB's JSON: a value by the name of its type.
AttributeValue = dict[str, Any]


class _UsersByEmail(GlobalSecondaryIndex["_UserItem"]):  # type: ignore[no-untyped-call]  # pynamodb's own
    class Meta:
        index_name = "UsersByEmail"
        projection = KeysOnlyProjection()

    email_key = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute(range_key=True)


class _ProviderUserId(MapAttribute[str, str]):
    type = UnicodeAttribute()
    identifier = UnicodeAttribute()


class _UserItem(Model):
    class Meta(Bounds):
        table_name = ""

    shard_key = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute(range_key=True)
    email_key = UnicodeAttribute(null=True)
    users_by_email = _UsersByEmail()

    sourced_ids = UnicodeSetAttribute(null=True)
    status = UnicodeAttribute()
    username = UnicodeAttribute(null=True)
    given_name = UnicodeAttribute(null=True)
    middle_name = UnicodeAttribute(null=True)
    family_name = UnicodeAttribute(null=True)
    email = UnicodeAttribute(null=True)
    identifier = UnicodeAttribute(null=True)
    phone = UnicodeAttribute(null=True)
    sms = UnicodeAttribute(null=True)
    grades = UnicodeSetAttribute(null=True)
    school_ids = UnicodeSetAttribute(null=True)
    agents = UnicodeSetAttribute(null=True)
    user_ids = ListAttribute(of=_ProviderUserId, null=True)
    sis_role = UnicodeAttribute(null=True)
    sis_counselor_email = UnicodeAttribute(null=True)
    metadata: MapAttribute[str, str] = MapAttribute(null=True)  # type: ignore[no-untyped-call]  # pynamodb's own

    manual_role = UnicodeAttribute(null=True)
    manual_counselor_email = UnicodeAttribute(null=True)

    role = UnicodeAttribute()
    counselor_email = UnicodeAttribute(null=True)
    products = UnicodeSetAttribute(null=True)
    fingerprint = BinaryAttribute(null=True, legacy_encoding=False)
    record_digest = BinaryAttribute(null=True, legacy_encoding=False)
    fence = NumberAttribute(default=0)
    run_id = UnicodeAttribute(null=True)
    change_part = UnicodeAttribute(null=True)
    last_change = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute(null=True)
    updated_at = UTCDateTimeAttribute(null=True)
    deactivated_at = UTCDateTimeAttribute(null=True)


class Users:
    """The users of all districts."""

    def __init__(self, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        _UserItem.Meta.table_name = table_name
        self._table_name = table_name
        self._pause = pause
        self._client: DynamoDBClient = low_level_client()
        self._client.meta.events.register("before-parse.dynamodb.Query", _parse_fast)
        for operation in ("BatchGetItem", "UpdateItem", "BatchExecuteStatement"):
            self._client.meta.events.register(f"before-parse.dynamodb.{operation}", parse_plainly)
        for operation in ("UpdateItem", "BatchExecuteStatement"):
            serialize_plainly(self._client, operation)

    def roster(self, district_id: DistrictId) -> Iterator[Sequence[RosterEntry]]:
        """Every user of a district, in batches, in no order, as last written.

        A user who is missed, or seen as before the run that has just ended, would be taken for unchanged.
        """
        with errors_as_ours(), ThreadPoolExecutor(_READ_AHEAD) as threads:
            beginnings: list[_Position] = [(key, None) for key in shard_keys(district_id)]
            yield from _as_they_come(threads, beginnings, partial(_roster_page, self._client, self._table_name))

    @errors_as_ours()
    def get(self, district_id: DistrictId, user_id: UserId) -> StoredUser | None:
        """One user, as last written; None if the district has none of this id."""
        try:
            item = _UserItem.get(_shard_key(district_id, user_id), user_id, consistent_read=True)
        except DoesNotExist:
            return None
        return _stored_user(item)

    @errors_as_ours()
    def page(
        self,
        district_id: DistrictId,
        *,
        cursor: str | None = None,
        limit: int = 50,
        school_id: SchoolId | None = None,
        role: Role | None = None,
        active: bool | None = None,
        email: str | None = None,
        synced: bool | None = None,
    ) -> tuple[list[StoredUser], str | None]:
        """Users that pass every filter, and the cursor of the next page; None at the end.

        A page may hold fewer users than `limit`, even none, and yet have a next one: a call looks at a bounded number.

        Raises:
            ConfigurationError: The cursor is not one that was returned with a page.
        """
        if email is not None:
            users = self.by_emails(district_id, [email]).get(normalised_email(email), [])
            return [user for user in users if _passes(user, school_id, role, active, synced)], None
        shard, after = _position(cursor)
        condition = _filter(school_id, role, active, synced)
        found: list[StoredUser] = []
        scanned = 0
        while shard < SHARDS:
            key = f"{district_id}#{shard:02d}"
            pages = _UserItem.query(
                key,
                filter_condition=condition,
                last_evaluated_key={"shard_key": {"S": key}, "user_id": {"S": after}} if after else None,
                page_size=limit - len(found) if condition is None else _PAGE_SCANNED,
            ).page_iter
            answer: dict[str, Any] = next(pages)
            for raw in answer["Items"]:
                found.append(_stored_user(_UserItem.from_raw_data(raw)))
                if len(found) == limit:
                    return found, f"{shard:02d}{raw['user_id']['S']}"
            last = answer.get("LastEvaluatedKey")
            shard, after = (shard, last["user_id"]["S"]) if last else (shard + 1, "")
            scanned += answer["ScannedCount"]
            if scanned >= _MAX_SCANNED:
                break
        return found, f"{shard:02d}{after}" if shard < SHARDS else None

    @errors_as_ours()
    def snapshots(self, district_id: DistrictId, user_ids: Collection[UserId]) -> dict[UserId, Attributes]:
        """All attributes of stored users as last written; ids that are not stored are left out."""
        wanted = list(dict.fromkeys(user_ids))
        batches = [wanted[start : start + _BATCH_GET_LIMIT] for start in range(0, len(wanted), _BATCH_GET_LIMIT)]
        with ThreadPoolExecutor(_READ_AHEAD) as threads:
            read = threads.map(partial(self._batch, district_id), batches)
            return {UserId(item["user_id"]["S"]): attributes_of(item) for items in read for item in items}

    def _batch(self, district_id: DistrictId, user_ids: Sequence[UserId]) -> list[Mapping[str, Any]]:
        keys = [{"shard_key": {"S": _shard_key(district_id, each)}, "user_id": {"S": each}} for each in user_ids]
        found: list[Mapping[str, Any]] = []
        pauses = pauses_s()
        while True:
            request: Any = {self._table_name: {"Keys": keys, "ConsistentRead": True}}
            answer = self._client.batch_get_item(RequestItems=request)
            found += answer["Responses"].get(self._table_name, [])
            unread: Mapping[str, Any] = answer.get("UnprocessedKeys", {})
            if not unread:
                return found
            keys = unread[self._table_name]["Keys"]
            pause = next(pauses, None)
            if pause is None:
                raise outage()
            self._pause(pause)

    @errors_as_ours()
    def sis_users(self, district_id: DistrictId, user_ids: Collection[UserId]) -> dict[UserId, SisUser]:
        """The SIS-owned attributes of stored users; ids that are not stored, or of manual users, are left out."""
        return {
            UserId(item.user_id): _sis_user(item, Role(item.sis_role))
            for item in _items(district_id, user_ids)
            if item.sis_role
        }

    @errors_as_ours()
    def by_ids(self, district_id: DistrictId, user_ids: Collection[UserId]) -> dict[UserId, StoredUser]:
        """The users of these ids, as last written; ids that are not stored are left out."""
        return {UserId(item.user_id): _stored_user(item) for item in _items(district_id, user_ids)}

    @errors_as_ours()
    def by_emails(self, district_id: DistrictId, emails: Collection[str]) -> dict[str, list[StoredUser]]:
        """The users of each normalised e-mail address that has any, by user_id.

        May miss a user who got the address within the last second: the index follows the table.
        """
        wanted = {normalised_email(email) for email in emails}
        if len(wanted) > _EMAILS_BY_INDEX:
            user_ids = [
                entry.user_id
                for batch in self.roster(district_id)
                for entry in batch
                if entry.email and normalised_email(entry.email) in wanted
            ]
        else:
            with ThreadPoolExecutor(THREADS) as threads:
                found_ids = threads.map(partial(_ids_by_email, district_id), wanted)
                user_ids = [user_id for ids in found_ids for user_id in ids]
        found: dict[str, list[StoredUser]] = {}
        for item in sorted(_items(district_id, user_ids), key=lambda item: item.user_id):
            # An address may have changed between the index, or the roster, and the item itself.
            if item.email and normalised_email(item.email) in wanted:
                found.setdefault(normalised_email(item.email), []).append(_stored_user(item))
        return found

    def apply(self, chunk: Chunk, now: datetime) -> Counts:
        """Apply each change of a chunk unless a write of a higher fence is stored.

        A change that this run has applied before counts as applied and is not written again; one that a newer
        run or upload has overtaken counts as superseded, and so does a deactivation of a user who is none of the
        provider's.

        Raises:
            TransientError: Some change could not be written; all may be tried again.
        """
        return self._write((change.kind, _synced(chunk, change, now)) for change in chunk.changes)

    def apply_manual(
        self,
        district_id: DistrictId,
        changes: Sequence[ManualChange],
        *,
        run_id: RunId,
        fence: int,
        products: frozenset[str],
        now: datetime,
        part: str | None = None,
    ) -> Counts:
        """Apply an upload's changes, under the same rule as `apply`.

        A change with a profile is for users without a provider record, one without for users with one; a user who
        is of the other sort by now counts as superseded.

        Raises:
            TransientError: Some change could not be written; all may be tried again.
        """
        return self._write(
            (
                change.kind,
                _uploaded(district_id, change, run_id=run_id, fence=fence, products=products, now=now, part=part),
            )
            for change in changes
        )

    def apply_edit(
        self,
        district_id: DistrictId,
        edit: ManualEdit,
        *,
        run_id: RunId,
        fence: int,
        now: datetime,
        part: str | None = None,
    ) -> Counts:
        """Apply a change by hand, under the same rule as `apply`.

        A user who is of the SIS by now and was not when it was asked for, or the reverse, counts as superseded.

        Raises:
            TransientError: It could not be written; it may be tried again.
        """
        write = _edited(district_id, edit, run_id=run_id, fence=fence, now=now, part=part)
        return self._write([(ChangeKind.UPDATE, write)])

    @errors_as_ours()
    def _write(self, writes: "Iterable[tuple[ChangeKind, _Write]]") -> Counts:
        counts = dict.fromkeys(Counts().as_dict(), 0)
        threads, end = ThreadPoolExecutor(THREADS), time.monotonic() + _WRITES_S
        pending: list[tuple[ChangeKind, int, Future[int]]] = []
        insertions: list[_Write] = []
        try:
            for kind, write in writes:
                if write.insertable:
                    insertions.append(write)
                else:
                    pending.append((kind, 1, threads.submit(self._update, write)))
            for start in range(0, len(insertions), _STATEMENTS_LIMIT):
                batch = insertions[start : start + _STATEMENTS_LIMIT]
                pending.append((ChangeKind.CREATE, len(batch), threads.submit(self._insert, batch)))
            for kind, size, future in pending:
                applied = future.result(end - time.monotonic())
                counts[COUNT_OF_KIND[kind]] += applied
                counts["superseded"] += size - applied
        except TimeoutError as error:
            raise outage() from error
        finally:
            # After a failure the rest would only fail, too, and outlast the function's time.
            threads.shutdown(cancel_futures=True)
        return Counts(**counts)

    def _insert(self, writes: "Sequence[_Write]") -> int:
        """How many are applied. Whoever is stored already, or was throttled, is left to a write of its own."""
        statements: Any = [write.insertion(self._table_name) for write in writes]
        answers = self._client.batch_execute_statement(Statements=statements)["Responses"]
        return sum(
            self._update(write) if "Error" in answer else 1 for write, answer in zip(writes, answers, strict=True)
        )

    def _update(self, write: "_Write") -> bool:
        """Whether the change is applied, now or by an earlier delivery."""
        try:
            self._client.update_item(
                TableName=self._table_name,
                Key=write.key,
                UpdateExpression=write.update_expression(),
                ConditionExpression=write.condition,
                ExpressionAttributeNames=write.names,
                ExpressionAttributeValues=write.values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"].get("Code") != CONDITION_FAILED:
                raise
            # botocore's type of a response does not know the item that is returned with this error.
            stored: Mapping[str, AttributeValue] = error.response.get("Item", {})  # type: ignore[assignment]
            return stored.get("fence") == write.values[":fence"]
        return True


@dataclass(slots=True)
class _Write:
    """One conditional UpdateItem in the making; or, of an item that is not there, an INSERT.

    Every name has a placeholder, for DynamoDB reserves some 570 words, `role` and `status` among them.
    """

    key: dict[str, AttributeValue]
    condition: str = ""
    insertable: bool = False
    """Expected to make an item: its condition holds where there is none."""
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, AttributeValue] = field(default_factory=dict)
    _sets: list[str] = field(default_factory=list)
    _removes: list[str] = field(default_factory=list)
    _adds: list[str] = field(default_factory=list)

    def set(self, name: str, value: AttributeValue) -> None:
        self.names[f"#{name}"] = name
        self.values[f":{name}"] = value
        self._sets.append(f"#{name} = :{name}")

    def set_first(self, name: str, of: str, value: AttributeValue) -> None:
        """Set an attribute to another's, or to `value` if that one is absent."""
        self.names[f"#{name}"] = name
        self.names[f"#{of}"] = of
        self.values[f":{name}"] = value
        self._sets.append(f"#{name} = if_not_exists(#{of}, :{name})")

    def copy(self, name: str, of: str) -> None:
        """Set an attribute to another's, which is there."""
        self.names[f"#{name}"] = name
        self.names[f"#{of}"] = of
        self._sets.append(f"#{name} = #{of}")

    def remove(self, name: str) -> None:
        self.names[f"#{name}"] = name
        self._removes.append(f"#{name}")

    def set_or_remove(self, name: str, value: AttributeValue | None) -> None:
        if value is None:
            self.remove(name)
        else:
            self.set(name, value)

    def add_products(self, products: Collection[str]) -> None:
        # A set in DynamoDB is never empty.
        if products:
            self.names["#products"] = "products"
            self.values[":products"] = {"SS": list(products)}
            self._adds.append("#products :products")

    def update_expression(self) -> str:
        clauses = (("SET", self._sets), ("REMOVE", self._removes), ("ADD", self._adds))
        return " ".join(f"{verb} {', '.join(actions)}" for verb, actions in clauses if actions)

    def insertion(self, table_name: str) -> dict[str, Any]:
        """The item that the update would make, as a PartiQL statement, which is refused where there is one."""
        item = {**self.key, **{placeholder[1:]: value for placeholder, value in self.values.items()}}
        names = ", ".join(f"'{name}': ?" for name in item)
        return {"Statement": f'INSERT INTO "{table_name}" VALUE {{{names}}}', "Parameters": list(item.values())}


def _synced(chunk: Chunk, change: Change, now: datetime) -> _Write:
    write = _begun(chunk.district_id, change.user_id, change.kind, chunk.run_id, chunk.fence, now)
    write.set("change_part", {"S": part_name(chunk.attempt, chunk.number)})
    if change.restoration:
        _restore(write, chunk.district_id, change.restoration)
        return write
    if chunk.unchanged_since is not None:
        write.values[":unchanged_since"] = {"N": str(chunk.unchanged_since)}
        write.condition = "attribute_not_exists(#fence) OR #fence <= :unchanged_since"
    user = change.user
    if user is None:
        # Also keeps a sync from deactivating a manual user, and from making an item that is nothing but inactive.
        write.condition = f"attribute_exists(#sourced_ids) AND ({write.condition})"
        write.names["#sourced_ids"] = "sourced_ids"
        write.set("status", {"S": INACTIVE})
        write.set_first("deactivated_at", "deactivated_at", _time(now))
        return write
    write.insertable = change.kind is ChangeKind.CREATE and chunk.unchanged_since is None
    write.set("status", {"S": ACTIVE})
    write.remove("deactivated_at")
    write.set_first("created_at", "created_at", _time(now))
    write.add_products(chunk.products)
    write.set("sourced_id", {"S": user.sourced_ids[0]})
    write.set("sourced_ids", {"SS": list(user.sourced_ids)})
    write.set("sis_role", {"S": user.sis_role})
    write.set_first("role", "manual_role", {"S": user.sis_role})
    for name in ("username", "given_name", "middle_name", "family_name", "identifier", "phone", "sms"):
        write.set_or_remove(name, _text(getattr(user, name)))
    _set_email(write, chunk.district_id, user.email)
    for name in ("grades", "school_ids", "agents"):
        write.set_or_remove(name, _texts(getattr(user, name)))
    write.set_or_remove(
        "user_ids",
        {"L": [{"M": {"type": {"S": type_}, "identifier": {"S": id_}}} for type_, id_ in user.user_ids]}
        if user.user_ids
        else None,
    )
    write.set_or_remove(
        "metadata", {"M": {key: {"S": value} for key, value in user.metadata}} if user.metadata else None
    )
    write.set_or_remove("sis_counselor_email", _text(user.sis_counselor_email))
    if user.sis_counselor_email:
        write.set("counselor_email", {"S": user.sis_counselor_email})
    else:
        write.set_first("counselor_email", "manual_counselor_email", {"NULL": True})
    write.set_or_remove("fingerprint", {"B": change.fingerprint} if change.fingerprint else None)
    write.set_or_remove("record_digest", {"B": change.record_digest} if change.record_digest else None)
    return write


def _restore(write: _Write, district_id: DistrictId, restoration: Restoration) -> None:
    # Written by the run that is taken back, or by an earlier attempt of the one that does it.
    write.condition = f"(#run_id = :of_run OR #run_id = :run_id) AND ({write.condition})"
    write.values[":of_run"] = {"S": restoration.of_run}
    for name, value in restoration.before.items():
        write.set(name, stored_value(name, value))
    for name in restoration.gone:
        write.remove(name)
    if "email" in restoration.before:
        write.set("email_key", {"S": _email_key(district_id, restoration.before["email"])})
    elif "email" in restoration.gone:
        write.remove("email_key")


def _uploaded(
    district_id: DistrictId,
    change: ManualChange,
    *,
    run_id: RunId,
    fence: int,
    products: frozenset[str],
    now: datetime,
    part: str | None,
) -> _Write:
    write = _begun(district_id, change.user_id, change.kind, run_id, fence, now)
    write.set_or_remove("change_part", _text(part))
    write.names["#sourced_ids"] = "sourced_ids"
    write.add_products(products)
    write.set("manual_role", {"S": change.role})
    write.set("role", {"S": change.role})
    if change.counselor_email:
        write.set("manual_counselor_email", {"S": change.counselor_email})
        write.set_first("counselor_email", "sis_counselor_email", {"S": change.counselor_email})
    profile = change.profile
    if profile is None:
        write.condition = f"attribute_exists(#sourced_ids) AND ({write.condition})"
        return write
    write.condition = f"attribute_not_exists(#sourced_ids) AND ({write.condition})"
    write.insertable = change.kind is ChangeKind.CREATE
    write.set_first("created_at", "created_at", _time(now))
    write.set("status", {"S": ACTIVE if profile.active else INACTIVE})
    if profile.active:
        write.remove("deactivated_at")
    else:
        write.set_first("deactivated_at", "deactivated_at", _time(now))
    _set_email(write, district_id, profile.email)
    for name in ("given_name", "family_name", "identifier"):
        write.set_or_remove(name, _text(getattr(profile, name)))
    for name in ("grades", "school_ids"):
        write.set_or_remove(name, _texts(getattr(profile, name)))
    return write


def _edited(
    district_id: DistrictId, edit: ManualEdit, *, run_id: RunId, fence: int, now: datetime, part: str | None
) -> _Write:
    write = _begun(district_id, edit.user_id, ChangeKind.UPDATE, run_id, fence, now)
    write.set_or_remove("change_part", _text(part))
    write.names["#sourced_ids"] = "sourced_ids"
    write.names["#status"] = "status"
    of_whom = "attribute_exists(#sourced_ids)" if edit.from_sis else "attribute_not_exists(#sourced_ids)"
    # Whoever is not stored has no status, and is not made.
    write.condition = f"attribute_exists(#status) AND {of_whom} AND ({write.condition})"
    if edit.role is not KEPT:
        write.set_or_remove("manual_role", _text(edit.role))
        if edit.role:
            write.set("role", {"S": edit.role})
        else:
            write.copy("role", of="sis_role")
    if edit.counselor_email is not KEPT:
        write.set_or_remove("manual_counselor_email", _text(edit.counselor_email))
        if edit.counselor_email or edit.from_sis:
            counselor = _text(edit.counselor_email) or {"NULL": True}
            write.set_first("counselor_email", "sis_counselor_email", counselor)
        else:
            write.remove("counselor_email")
    return write


def _begun(
    district_id: DistrictId, user_id: UserId, kind: ChangeKind, run_id: RunId, fence: int, now: datetime
) -> _Write:
    """What every write has: key, condition, and who wrote."""
    write = _Write({"shard_key": {"S": _shard_key(district_id, user_id)}, "user_id": {"S": user_id}})
    write.set("fence", {"N": str(fence)})
    write.condition = "attribute_not_exists(#fence) OR #fence < :fence"
    write.set("run_id", {"S": run_id})
    write.set("last_change", {"S": kind})
    write.set("updated_at", _time(now))
    return write


def _set_email(write: _Write, district_id: DistrictId, email: str | None) -> None:
    write.set_or_remove("email", _text(email))
    write.set_or_remove("email_key", {"S": _email_key(district_id, email)} if email else None)


def _text(value: str | None) -> AttributeValue | None:
    return {"S": value} if value else None


def _texts(values: Sequence[str]) -> AttributeValue | None:
    return {"SS": list(values)} if values else None


def _time(moment: datetime) -> AttributeValue:
    return {"S": stored_time(moment)}


def _shard_key(district_id: DistrictId, user_id: UserId) -> str:
    return f"{district_id}#{zlib.crc32(user_id.encode()) % SHARDS:02d}"


def shard_keys(district_id: DistrictId) -> list[str]:
    """The partitions of a district."""
    return [f"{district_id}#{shard:02d}" for shard in range(SHARDS)]


def _email_key(district_id: DistrictId, email: str) -> str:
    return f"{district_id}#{normalised_email(email)}"


_Position = tuple[str, AttributeValue | None]
"""A shard's key, and the key after which its next page begins; None for its first."""


def _as_they_come(
    threads: ThreadPoolExecutor,
    waiting: list[_Position],
    read: Callable[[_Position], tuple[_Item, _Position | None]],
) -> Iterator[_Item]:
    """What each page holds, from every position on; pages are read ahead while the caller works."""
    running: set[Future[tuple[_Item, _Position | None]]] = set()
    try:
        while waiting or running:
            while waiting and len(running) < _READ_AHEAD:
                running.add(threads.submit(read, waiting.pop(0)))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                page, following = future.result()
                if following is not None:
                    waiting.append(following)
                yield page
    finally:
        for future in running:
            future.cancel()


def _roster_page(
    client: "DynamoDBClient", table_name: str, position: _Position
) -> tuple[list[RosterEntry], _Position | None]:
    key, start = position
    start_key: dict[str, Any] = {} if start is None else {"ExclusiveStartKey": start}
    answer = client.query(
        TableName=table_name,
        KeyConditionExpression="shard_key = :shard_key",
        ExpressionAttributeValues={":shard_key": {"S": key}},
        ProjectionExpression=_PROJECTION,
        ExpressionAttributeNames=_PROJECTED_NAMES,
        ConsistentRead=True,
        **start_key,
    )
    last: AttributeValue | None = answer.get("LastEvaluatedKey")
    return [_roster_entry(item) for item in answer["Items"]], (key, last) if last else None


_PROJECTION: Final = ", ".join(f"#{name}" for name in _ROSTER_ATTRIBUTES)
_PROJECTED_NAMES: Final = {f"#{name}": name for name in _ROSTER_ATTRIBUTES}


def _parse_fast(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """Parse a Query's answer in botocore's stead, whose parser walks every value by its type in Python."""
    if response_dict["status_code"] == 200:
        answer = msgspec.json.decode(response_dict["body"])
        for item in answer["Items"]:
            for name in ("fingerprint", "record_digest"):
                if name in item:
                    item[name]["B"] = a2b_base64(item[name]["B"])
        customized_response_dict.update(answer)
        response_dict["body"] = b"{}"


def _roster_entry(item: Mapping[str, Any]) -> RosterEntry:
    return RosterEntry(
        UserId(item["user_id"]["S"]),
        item["fingerprint"]["B"] if "fingerprint" in item else None,
        tuple(sorted(item["sourced_ids"]["SS"])) if "sourced_ids" in item else (),
        item["status"]["S"] == ACTIVE,
        item["role"]["S"],
        item["email"]["S"] if "email" in item else None,
        item["given_name"]["S"] if "given_name" in item else None,
        item["family_name"]["S"] if "family_name" in item else None,
        item["identifier"]["S"] if "identifier" in item else None,
        tuple(sorted(item["school_ids"]["SS"])) if "school_ids" in item else (),
        frozenset(item["products"]["SS"]) if "products" in item else frozenset(),
        RunId(item["run_id"]["S"]) if "run_id" in item else None,
        item["last_change"]["S"] if "last_change" in item else None,
        item["record_digest"]["B"] if "record_digest" in item else None,
        item["sis_counselor_email"]["S"] if "sis_counselor_email" in item else None,
    )


def _ids_by_email(district_id: DistrictId, email: str) -> list[UserId]:
    return [UserId(item.user_id) for item in _UserItem.users_by_email.query(_email_key(district_id, email))]


def _items(district_id: DistrictId, user_ids: Iterable[UserId]) -> Iterator[_UserItem]:
    keys = [(_shard_key(district_id, user_id), user_id) for user_id in dict.fromkeys(user_ids)]
    return _UserItem.batch_get(keys, consistent_read=True)


def _position(cursor: str | None) -> tuple[int, str]:
    """Shard and user_id behind which a page begins."""
    if cursor is None:
        return 0, ""
    shard, after = cursor[:2], cursor[2:]
    if not shard.isdecimal() or int(shard) >= SHARDS:
        raise unknown_cursor()
    return int(shard), after


def _filter(
    school_id: SchoolId | None, role: Role | None, active: bool | None, synced: bool | None
) -> Condition | None:
    conditions: list[Condition] = []
    if school_id is not None:
        conditions.append(_UserItem.school_ids.contains(school_id))
    if role is not None:
        conditions.append(_UserItem.role == role.value)
    if active is not None:
        conditions.append(_UserItem.status == (ACTIVE if active else INACTIVE))
    if synced is not None:
        conditions.append(_UserItem.sourced_ids.exists() if synced else _UserItem.sourced_ids.does_not_exist())
    condition: Condition | None = None
    for further in conditions:
        condition = further if condition is None else condition & further
    return condition


def _passes(
    user: StoredUser, school_id: SchoolId | None, role: Role | None, active: bool | None, synced: bool | None
) -> bool:
    return (
        (school_id is None or school_id in user.school_ids)
        and (role is None or user.role is role)
        and (active is None or user.active is active)
        and (synced is None or bool(user.sourced_ids) is synced)
    )


def _sis_user(item: _UserItem, sis_role: Role) -> SisUser:
    return SisUser(
        sourced_ids=tuple(SourcedId(value) for value in sorted(item.sourced_ids or ())),
        sis_role=sis_role,
        username=item.username,
        given_name=item.given_name,
        middle_name=item.middle_name,
        family_name=item.family_name,
        email=item.email,
        identifier=item.identifier,
        phone=item.phone,
        sms=item.sms,
        grades=tuple(sorted(item.grades or ())),
        school_ids=tuple(SchoolId(value) for value in sorted(item.school_ids or ())),
        agents=tuple(SourcedId(value) for value in sorted(item.agents or ())),
        user_ids=tuple((entry.type, entry.identifier) for entry in item.user_ids or ()),
        sis_counselor_email=item.sis_counselor_email,
        metadata=tuple(sorted(_metadata(item).items())),
    )


def _stored_user(item: _UserItem) -> StoredUser:
    sis_role = Role(item.sis_role) if item.sis_role else None
    sis_owned = structs.asdict(_sis_user(item, sis_role or Role.STUDENT))
    return StoredUser(
        **{**sis_owned, "sis_role": sis_role, "metadata": _metadata(item) or None},
        district_id=DistrictId(item.shard_key.rpartition("#")[0]),
        user_id=UserId(item.user_id),
        active=item.status == ACTIVE,
        role=Role(item.role),
        manual_role=Role(item.manual_role) if item.manual_role else None,
        counselor_email=item.counselor_email,
        manual_counselor_email=item.manual_counselor_email,
        products=frozenset(item.products or ()),
        fingerprint=item.fingerprint,
        record_digest=item.record_digest,
        fence=int(item.fence),
        run_id=RunId(item.run_id) if item.run_id else None,
        change_part=item.change_part,
        last_change=item.last_change,
        created_at=item.created_at,
        updated_at=item.updated_at,
        deactivated_at=item.deactivated_at,
    )


def _metadata(item: _UserItem) -> dict[str, str]:
    metadata: MapAttribute[str, str] | None = item.metadata
    return {} if metadata is None else {key: metadata[key] for key in metadata}
