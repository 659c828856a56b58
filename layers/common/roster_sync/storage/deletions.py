"""Deletions of districts, an item of the Districts table each; a line of the audit log at its beginning and end."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Final

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from roster_sync.domain.audit import KEPT, AuditEntry
from roster_sync.domain.deletion import Contents, Deletion
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.storage.audit import AuditLog, add_line
from roster_sync.storage.districts import LEASE, SETTINGS
from roster_sync.storage.dynamodb import Bounds, connection, errors_as_ours, transacted, updated

DELETION: Final = "deletion"
"""Its range key."""


class _DeletionItem(Model):
    """A deletion, or another item of the district that goes with its beginning or end."""

    class Meta(Bounds):
        table_name = ""

    district_id = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)
    deletion_id = UnicodeAttribute()
    asked_by = UnicodeAttribute()
    asked_at = UTCDateTimeAttribute()
    users = NumberAttribute(null=True)
    schools = NumberAttribute(null=True)
    runs = NumberAttribute(null=True)
    ended_at = UTCDateTimeAttribute(null=True)
    forget_at = NumberAttribute(null=True)
    """Seconds since 1970, as DynamoDB's TTL wants it; once it has ended, as long as the audit log."""


class Deletions:
    """The newest deletion of each district."""

    def __init__(self, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        _DeletionItem.Meta.table_name = table_name
        AuditLog(table_name)  # tells lines where they go
        self._pause = pause

    @cached_property
    def _transactions(self) -> Connection:
        return connection()

    @errors_as_ours()
    def get(self, district_id: DistrictId) -> Deletion | None:
        """The newest deletion, ended or not; None if there was none within the time of the audit log."""
        try:
            item = _DeletionItem.get(district_id, DELETION, consistent_read=True)
        except DoesNotExist:
            return None
        return Deletion(
            district_id=DistrictId(item.district_id),
            deletion_id=RunId(item.deletion_id),
            asked_by=item.asked_by,
            asked_at=item.asked_at,
            contents=_contents(item),
            ended_at=item.ended_at,
        )

    @errors_as_ours()
    def begin(self, deletion: Deletion, entry: AuditEntry) -> bool:
        """Store a deletion and its line, and delete the settings: no night begins. False if one is under way."""
        item = _DeletionItem(
            deletion.district_id,
            DELETION,
            deletion_id=deletion.deletion_id,
            asked_by=deletion.asked_by,
            asked_at=deletion.asked_at,
        )
        none_under_way = _DeletionItem.district_id.does_not_exist() | _DeletionItem.ended_at.exists()

        def write(transaction: TransactWrite) -> None:
            transaction.save(item, none_under_way)
            transaction.delete(_DeletionItem(deletion.district_id, SETTINGS))
            add_line(transaction, entry)

        return transacted(self._transactions, write, self._pause)

    @errors_as_ours()
    def count(self, deletion: Deletion, contents: Contents) -> None:
        """Note what there is to delete; what was noted before stays."""
        noted: list[Action] = [
            _DeletionItem.users.set(contents.users),
            _DeletionItem.schools.set(contents.schools),
            _DeletionItem.runs.set(contents.runs),
        ]
        first = (_DeletionItem.deletion_id == deletion.deletion_id) & _DeletionItem.users.does_not_exist()
        updated(_DeletionItem(deletion.district_id, DELETION), noted, first)

    @errors_as_ours()
    def end(self, deletion: Deletion, now: datetime) -> bool:
        """Note that it has ended, with its line, and delete the lease; False if it had ended before."""
        ended: list[Action] = [
            _DeletionItem.ended_at.set(now),
            _DeletionItem.forget_at.set(int((now + KEPT).timestamp())),
        ]
        under_way = (_DeletionItem.deletion_id == deletion.deletion_id) & _DeletionItem.ended_at.does_not_exist()

        def write(transaction: TransactWrite) -> None:
            transaction.update(_DeletionItem(deletion.district_id, DELETION), ended, under_way)
            transaction.delete(_DeletionItem(deletion.district_id, LEASE))
            add_line(transaction, deletion.ended(now))

        return transacted(self._transactions, write, self._pause)


def _contents(item: _DeletionItem) -> Contents | None:
    users: float | None = item.users
    return None if users is None else Contents(int(users), int(item.schools), int(item.runs))
