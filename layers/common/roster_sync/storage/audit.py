"""The audit log in the Districts table: append-only, newest first, forgotten after 400 days."""

from typing import Any, Final

from pynamodb.attributes import ListAttribute, MapAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from roster_sync.domain.audit import KEPT, Act, Alteration, AuditEntry
from roster_sync.domain.identifiers import DistrictId
from roster_sync.storage.dynamodb import Bounds, errors_as_ours

PREFIX: Final = "audit#"
"""Of its range keys."""


class _AlterationMap(MapAttribute[str, str]):
    name = UnicodeAttribute()
    before = UnicodeAttribute(null=True)
    after = UnicodeAttribute(null=True)


class _AuditItem(Model):
    """A line of a district's log."""

    class Meta(Bounds):
        table_name = ""

    district_id = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)
    at = UTCDateTimeAttribute()
    actor = UnicodeAttribute()
    act = UnicodeAttribute()
    subject = UnicodeAttribute(null=True)
    alterations: ListAttribute[_AlterationMap] = ListAttribute(of=_AlterationMap, null=True)
    forget_at = NumberAttribute()
    """Seconds since 1970, as DynamoDB's TTL wants it."""


class AuditLog:
    """Who did what to a district; stores of what is done write their line themselves, in the same transaction."""

    def __init__(self, table_name: str) -> None:
        _AuditItem.Meta.table_name = table_name

    @errors_as_ours()
    def append(self, entry: AuditEntry) -> None:
        """Add a line for what is done elsewhere."""
        _item(entry).save(_AuditItem.item.does_not_exist())

    @errors_as_ours()
    def page(
        self, district_id: DistrictId, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[AuditEntry], str | None]:
        """A district's log, newest first, and the cursor of the next page; None at the end.

        Args:
            district_id: Whose log.
            cursor: As returned with the page before; None for the first.
            limit: Lines of one page.
        """
        lines = _AuditItem.item.between(PREFIX, PREFIX + (cursor or "~"))
        # One more, to know whether there is one; and the one that the cursor names, which `between` includes.
        wanted = limit + 1 + (cursor is not None)
        found = list(_AuditItem.query(district_id, lines, scan_index_forward=False, limit=wanted, consistent_read=True))
        entries = [entry for entry in map(_entry, found) if entry.entry_id != cursor]
        return entries[:limit], entries[limit - 1].entry_id if len(entries) > limit else None


def add_line(transaction: TransactWrite, entry: AuditEntry | None) -> None:
    """Let a transaction write a line, too, so that what it changes is not changed without it."""
    if entry:
        transaction.save(_item(entry), _AuditItem.item.does_not_exist())


def plain_line(entry: AuditEntry) -> tuple[str, dict[str, Any]]:
    """The same for a store that writes without pynamodb: the name of the table, and the item."""
    return _AuditItem.Meta.table_name, _item(entry).serialize()


def _item(entry: AuditEntry) -> _AuditItem:
    return _AuditItem(
        entry.district_id,
        PREFIX + entry.entry_id,
        at=entry.at,
        actor=entry.actor,
        act=entry.act.value,
        subject=entry.subject,
        alterations=[_map(each) for each in entry.alterations] or None,
        forget_at=int((entry.at + KEPT).timestamp()),
    )


def _map(alteration: Alteration) -> _AlterationMap:
    return _AlterationMap(  # type: ignore[no-untyped-call]  # pynamodb's own
        name=alteration.name, before=alteration.before, after=alteration.after
    )


def _entry(item: _AuditItem) -> AuditEntry:
    return AuditEntry(
        district_id=DistrictId(item.district_id),
        entry_id=item.item.removeprefix(PREFIX),
        at=item.at,
        actor=item.actor,
        act=Act(item.act),
        subject=item.subject,
        alterations=tuple(
            Alteration(name=each.name, before=each.before, after=each.after) for each in item.alterations or ()
        ),
    )
