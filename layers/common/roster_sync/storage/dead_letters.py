"""Dead letters in the SyncRuns table: kept with their run, counted in it once, and what sending them again changes."""

import time
import zlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

from pynamodb.attributes import BinaryAttribute, MapAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from roster_sync.domain.audit import AuditEntry
from roster_sync.domain.dead_letter import DeadLetter, LetterKind
from roster_sync.domain.issue import IssueCode
from roster_sync.domain.run import Run, RunState
from roster_sync.storage.audit import add_line
from roster_sync.storage.dynamodb import Bounds, connection, errors_as_ours, transacted
from roster_sync.storage.run_keys import chunk_marker, expires_at, part_key, shard_of


class _Item(Model):
    """A dead letter, or what it changes of its run."""

    class Meta(Bounds):
        table_name = ""

    run_key = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)
    expires_at = NumberAttribute(null=True)

    letter = UnicodeAttribute(null=True)
    number = NumberAttribute(null=True)
    changes = NumberAttribute(null=True)
    body = BinaryAttribute(null=True, legacy_encoding=False)
    """Compressed: a chunk has up to about 200 kB, and a write is paid by the kilobyte."""

    state = UnicodeAttribute(null=True)
    attempt = NumberAttribute(null=True)
    redrives = NumberAttribute(null=True)
    chunks_failed = NumberAttribute(null=True)
    issues_by_code: MapAttribute[str, int] = MapAttribute(null=True)  # type: ignore[no-untyped-call]  # pynamodb's own
    reason = UnicodeAttribute(null=True)
    ended_at = UnicodeAttribute(null=True)
    unfinished = UnicodeAttribute(null=True)


class DeadLetters:
    """Dead letters by run, attempt and how often that was sent again."""

    def __init__(self, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        _Item.Meta.table_name = table_name
        self._pause = pause

    @cached_property
    def _transactions(self) -> Connection:
        return connection()

    @errors_as_ours()
    def keep(self, letter: DeadLetter, run: Run) -> bool:
        """Keep a letter, and count it and its issue in its run, once.

        False if it was kept before, if it is of a chunk that was applied, or if the run is not as it was read.

        Raises:
            TransientError: The run was being changed at every try.
        """
        key = part_key(run.district_id, run.run_id)
        kept = _Item(
            key,
            f"{_prefix(run)}{letter.kind.value}#{letter.number:06d}",
            expires_at=expires_at(run.run_id),
            letter=letter.kind.value,
            number=letter.number,
            changes=letter.changes,
            body=zlib.compress(letter.body.encode()),
        )
        count: list[Action] = [_Item.state.set(_Item.state)]
        if letter.kind is LetterKind.CHANGES:
            count.append(_Item.chunks_failed.add(1))
        if not run.redrives:
            # A letter that dies again has its issue already.
            stored: Any = _Item.issues_by_code[IssueCode.WORK_NOT_DONE.value]
            count.append(stored.set((stored | 0) + 1))
        marker = chunk_marker(run.attempt, letter.number)

        def write(transaction: TransactWrite) -> None:
            transaction.save(kept, _Item.run_key.does_not_exist())
            transaction.update(_Item(run.district_id, run.run_id), count, _as_read(run))
            if letter.kind is LetterKind.CHANGES:
                transaction.condition_check(_Item, key, marker, _Item.run_key.does_not_exist())

        return transacted(self._transactions, write, self._pause)

    @errors_as_ours()
    def of_run(self, run: Run) -> list[DeadLetter]:
        """The letters of a run's attempt that were not sent again since."""
        of_attempt = _Item.item.startswith(_prefix(run))
        return [
            DeadLetter(
                kind=LetterKind(item.letter),
                district_id=run.district_id,
                run_id=run.run_id,
                body=zlib.decompress(item.body).decode(),
                attempt=run.attempt if item.letter == LetterKind.CHANGES.value else None,
                number=int(item.number),
                changes=int(item.changes),
            )
            for item in _Item.query(part_key(run.district_id, run.run_id), of_attempt, consistent_read=True)
        ]

    @errors_as_ours()
    def reopen(self, run: Run, state: RunState, entry: AuditEntry | None = None) -> bool:
        """Let a failed run go on as `state`, and write a line of the audit log; False if it is not as it was read."""
        actions: list[Action] = [
            _Item.state.set(state.value),
            _Item.redrives.set(run.redrives + 1),
            _Item.chunks_failed.set(0),
            _Item.unfinished.set(shard_of(run.district_id)),
            _Item.ended_at.remove(),
            _Item.reason.set(run.outcome_reason) if run.outcome_reason else _Item.reason.remove(),
        ]

        def write(transaction: TransactWrite) -> None:
            transaction.update(_Item(run.district_id, run.run_id), actions, _as_read(run))
            add_line(transaction, entry)

        return transacted(self._transactions, write, self._pause)


def _as_read(run: Run) -> Condition:
    same: Condition = _Item.state == run.state.value
    same &= _Item.attempt == run.attempt
    same &= _Item.redrives == run.redrives
    return same


def _prefix(run: Run) -> str:
    return f"dead#{run.attempt:04d}#{run.redrives:02d}#"
