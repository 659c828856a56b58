"""The SyncRuns table: runs, markers of their applied chunks, and their issues; all forgotten after 90 days."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pynamodb.attributes import BooleanAttribute, MapAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from roster_sync.domain.audit import AuditEntry
from roster_sync.domain.change import Chunk
from roster_sync.domain.fetch_plan import SchoolLists, Scope
from roster_sync.domain.held_changes import HeldKind
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.issue import Issue, IssueCode, RecordKind
from roster_sync.domain.reading import Fetch, Reading
from roster_sync.domain.run import Counts, Run, RunKind, RunState
from roster_sync.domain.usage import NOTHING_USED, Usage
from roster_sync.storage.audit import add_line
from roster_sync.storage.dynamodb import (
    BATCH_WRITE_LIMIT,
    Bounds,
    batch_written,
    condition_failed,
    connection,
    errors_as_ours,
    low_level_client,
    transacted,
    unknown_cursor,
    updated,
)
from roster_sync.storage.run_keys import ID_TIME, SHARDS, chunk_marker, expires_at, part_key, shard_name, shard_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

_USAGE_DIGITS: Final = 6
"""Behind the point: a read costs half a unit, a chunk some thousandths of a gigabyte and second."""

_LAST_ISSUE: Final = 999_999


class _CountsMap(MapAttribute[str, int]):
    fetched = NumberAttribute(default=0)
    created = NumberAttribute(default=0)
    updated = NumberAttribute(default=0)
    unchanged = NumberAttribute(default=0)
    linked = NumberAttribute(default=0)
    deactivated = NumberAttribute(default=0)
    reactivated = NumberAttribute(default=0)
    skipped = NumberAttribute(default=0)
    invalid = NumberAttribute(default=0)
    superseded = NumberAttribute(default=0)


class _ReadingMap(MapAttribute[str, Any]):
    scope = UnicodeAttribute()
    scope_reason = UnicodeAttribute()
    fetch = UnicodeAttribute()
    fetch_reason = UnicodeAttribute(null=True)
    key = UnicodeAttribute()
    school_lists = UnicodeAttribute()
    filters_dates = BooleanAttribute()
    newest_change = UTCDateTimeAttribute(null=True)


class _UnfinishedRuns(GlobalSecondaryIndex["_RunItem"]):  # type: ignore[no-untyped-call]  # pynamodb's own
    class Meta:
        index_name = "UnfinishedRuns"
        projection = KeysOnlyProjection()

    unfinished = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)


class _RunItem(Model):
    """A run, or the marker of one of its chunks, or one of its issues, by its keys."""

    class Meta(Bounds):
        table_name = ""

    run_key = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)
    expires_at = NumberAttribute()
    """Seconds since 1970, as DynamoDB's TTL wants it."""

    unfinished = UnicodeAttribute(null=True)
    """Only of a run that has not ended: its shard of the index. A night begins thousands of runs within a minute."""
    unfinished_runs = _UnfinishedRuns()
    kind = UnicodeAttribute(null=True)
    state = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute(null=True)
    started_at = UTCDateTimeAttribute(null=True)
    ended_at = UTCDateTimeAttribute(null=True)
    attempt = NumberAttribute(null=True)
    sent_attempt = NumberAttribute(null=True)
    fence = NumberAttribute(null=True)
    chunks_expected = NumberAttribute(null=True)
    chunks_applied = NumberAttribute(null=True)
    counts = _CountsMap(null=True)  # type: ignore[no-untyped-call]  # pynamodb's own
    issues_by_code: MapAttribute[str, int] = MapAttribute(null=True)  # type: ignore[no-untyped-call]  # pynamodb's own
    provider_requests = NumberAttribute(null=True)
    outcome = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    reading = _ReadingMap(null=True)  # type: ignore[no-untyped-call]  # pynamodb's own
    chunks_failed = NumberAttribute(null=True)
    outcome_reason = UnicodeAttribute(null=True)
    redrives = NumberAttribute(null=True)
    read_units = NumberAttribute(null=True)
    write_units = NumberAttribute(null=True)
    queue_requests = NumberAttribute(null=True)
    gb_seconds = NumberAttribute(null=True)
    invocations = NumberAttribute(null=True)
    resumes = NumberAttribute(null=True)
    resumed_at = UTCDateTimeAttribute(null=True)
    held: MapAttribute[str, int] = MapAttribute(null=True)  # type: ignore[no-untyped-call]  # pynamodb's own
    of_run = UnicodeAttribute(null=True)

    code = UnicodeAttribute(null=True)
    message = UnicodeAttribute(null=True)
    sourced_id = UnicodeAttribute(null=True)
    line = NumberAttribute(null=True)
    column = UnicodeAttribute(null=True)
    record_kind = UnicodeAttribute(null=True)


class Runs:
    """Runs, their accounting and their issues; reads of single runs are strongly consistent."""

    def __init__(self, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        _RunItem.Meta.table_name = table_name
        self._table_name = table_name
        self._pause = pause

    @cached_property
    def _client(self) -> "DynamoDBClient":
        return low_level_client()

    @cached_property
    def _transactions(self) -> Connection:
        return connection()

    @errors_as_ours()
    def create(self, run: Run, entry: AuditEntry | None = None) -> bool:
        """Store a new run, and a line of the audit log; False if one of this id exists, which stays as it is."""
        item = _RunItem(
            run.district_id,
            run.run_id,
            expires_at=expires_at(run.run_id),
            unfinished=None if run.state.is_terminal else shard_of(run.district_id),
            kind=run.kind.value,
            state=run.state.value,
            created_at=run.created_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            attempt=run.attempt,
            sent_attempt=run.sent_attempt,
            fence=run.fence,
            chunks_expected=run.chunks_expected,
            chunks_applied=run.chunks_applied,
            counts=_counts_map(run.counts),
            issues_by_code=dict(run.issues_by_code),
            provider_requests=run.provider_requests,
            outcome=run.outcome.value if run.outcome else None,
            reason=run.reason,
            reading=_reading_map(run.reading) if run.reading else None,
            chunks_failed=run.chunks_failed,
            outcome_reason=run.outcome_reason,
            redrives=run.redrives,
            resumes=run.resumes or None,
            read_units=run.usage.read_units or None,
            write_units=run.usage.write_units or None,
            queue_requests=run.usage.queue_requests or None,
            gb_seconds=run.usage.gb_seconds or None,
            invocations=run.usage.invocations or None,
            resumed_at=run.resumed_at,
            held=dict(run.held) or None,
            of_run=run.of_run,
        )
        if entry:

            def write(transaction: TransactWrite) -> None:
                transaction.save(item, _RunItem.run_key.does_not_exist())
                add_line(transaction, entry)

            return transacted(self._transactions, write, self._pause)
        try:
            item.save(_RunItem.run_key.does_not_exist())
        except PutError as error:
            if condition_failed(error):
                return False
            raise
        return True

    @errors_as_ours()
    def get(self, district_id: DistrictId, run_id: RunId) -> Run | None:
        """A run as it stands."""
        try:
            return _run(_RunItem.get(district_id, run_id, consistent_read=True))
        except DoesNotExist:
            return None

    @errors_as_ours()
    def page(self, district_id: DistrictId, cursor: str | None = None, limit: int = 50) -> tuple[list[Run], str | None]:
        """A district's runs, newest first, and the cursor of the next page; None at the end.

        Args:
            district_id: Whose runs.
            cursor: As returned with the page before; None for the first.
            limit: Runs of one page.
        """
        older = _RunItem.item < cursor if cursor else None
        items = list(_RunItem.query(district_id, older, scan_index_forward=False, limit=limit + 1))
        more = items[limit - 1].item if len(items) > limit else None
        return [_run(item) for item in items[:limit]], more

    def unfinished(self, created_before: datetime) -> Iterator[tuple[DistrictId, RunId]]:
        """The runs of all districts that have not ended, in no order; one that has just ended may be among them.

        By a sparse index: where all is well, it costs one read of each shard.
        """
        older = _RunItem.item < f"{created_before:{ID_TIME}}"
        with errors_as_ours():
            for shard in range(SHARDS):
                for item in _RunItem.unfinished_runs.query(shard_name(shard), older):
                    yield DistrictId(item.run_key), RunId(item.item)

    @errors_as_ours()
    def resume(self, run: Run, now: datetime) -> bool:
        """Note that `run` is started anew; False if it has gone on or ended since it was read."""
        as_read = (_RunItem.state == run.state.value) & (_RunItem.attempt == run.attempt)
        # A second sweep at the same time must not count.
        as_read &= _RunItem.resumes == run.resumes if run.resumes else _RunItem.resumes.does_not_exist()
        actions = [_RunItem.resumes.add(1), _RunItem.resumed_at.set(now)]
        return _updated(run.district_id, run.run_id, actions, as_read) is not None

    @errors_as_ours()
    def begin_attempt(self, district_id: DistrictId, run_id: RunId, fence: int, now: datetime) -> Run | None:
        """Start fetching anew: attempt + 1, counts, chunks and issues empty; None if the run has ended."""
        begun = _updated(
            district_id,
            run_id,
            [
                _RunItem.attempt.add(1),
                _RunItem.state.set(RunState.FETCHING.value),
                _RunItem.fence.set(fence),
                _RunItem.started_at.set(_RunItem.started_at | now),
                _RunItem.chunks_expected.set(0),
                _RunItem.chunks_applied.set(0),
                _RunItem.chunks_failed.set(0),
                _RunItem.redrives.set(0),
                _RunItem.counts.set(_counts_map(Counts())),
                _RunItem.issues_by_code.set({}),
                _RunItem.provider_requests.set(0),
                _RunItem.outcome.remove(),
                _RunItem.reason.remove(),
                _RunItem.outcome_reason.remove(),
                _RunItem.reading.remove(),
                _RunItem.held.remove(),
            ],
            _has_not_ended(),
        )
        return _run(begun) if begun else None

    @errors_as_ours()
    def begin_applying(
        self,
        district_id: DistrictId,
        run_id: RunId,
        *,
        attempt: int,
        chunks_expected: int,
        counts: Counts,
        issues_by_code: Mapping[str, int],
        provider_requests: int,
        outcome: RunState,
        reason: str | None,
        reading: Reading | None = None,
        held: Mapping[HeldKind, int] = MappingProxyType({}),
        usage: Usage = NOTHING_USED,
    ) -> bool:
        """Record what was fetched; chunks may now be counted. False if the attempt is not the newest or has ended.

        The same call again, before any chunk was counted, is true again: a lost answer is no lost run.
        """
        applying = _updated(
            district_id,
            run_id,
            [
                _RunItem.state.set(RunState.APPLYING.value),
                _RunItem.sent_attempt.set(attempt),
                _RunItem.chunks_expected.set(chunks_expected),
                _RunItem.counts.set(_counts_map(counts)),
                _RunItem.issues_by_code.set(dict(issues_by_code)),
                _RunItem.provider_requests.set(provider_requests),
                _RunItem.outcome.set(outcome.value),
                _RunItem.reason.set(reason) if reason else _RunItem.reason.remove(),
                _RunItem.outcome_reason.set(reason) if reason else _RunItem.outcome_reason.remove(),
                _RunItem.reading.set(_reading_map(reading)) if reading else _RunItem.reading.remove(),
                _RunItem.held.set({kind.value: count for kind, count in held.items()})
                if held
                else _RunItem.held.remove(),
                *_added(usage),
            ],
            (_RunItem.attempt == attempt)
            & (_RunItem.chunks_applied == 0)
            & _RunItem.state.is_in(RunState.FETCHING.value, RunState.APPLYING.value),
        )
        return applying is not None

    @errors_as_ours()
    def count_chunk(self, chunk: Chunk, counts: Counts, usage: Usage = NOTHING_USED) -> bool:
        """Add a chunk's counts to its run, once: False if it was counted before, or the attempt is not the newest.

        Raises:
            TransientError: Other chunks of the run were being counted at every try.
        """
        marker = _RunItem(
            part_key(chunk.district_id, chunk.run_id),
            chunk_marker(chunk.attempt, chunk.number),
            expires_at=expires_at(chunk.run_id),
        )
        add: list[Action] = [_RunItem.chunks_applied.set(_RunItem.chunks_applied + 1)]
        for name, count in counts.as_dict().items():
            if count:
                stored = getattr(_RunItem.counts, name)
                add.append(stored.set(stored + count))
        add += _added(usage)
        run = _RunItem(chunk.district_id, chunk.run_id)

        def write(transaction: TransactWrite) -> None:
            transaction.save(marker, _RunItem.run_key.does_not_exist())
            transaction.update(run, add, _RunItem.attempt == chunk.attempt)

        return transacted(self._transactions, write, self._pause)

    @errors_as_ours()
    def close(
        self,
        district_id: DistrictId,
        run_id: RunId,
        state: RunState,
        reason: str | None,
        now: datetime,
        *,
        attempt: int | None = None,
        redrives: int = 0,
        provider_requests: int | None = None,
    ) -> bool:
        """End the run; False if it had ended before, or if `attempt` and `redrives` are not the newest."""
        actions: list[Action] = [
            _RunItem.state.set(state.value),
            _RunItem.ended_at.set(now),
            _RunItem.unfinished.remove(),
            _RunItem.reason.set(reason) if reason else _RunItem.reason.remove(),
        ]
        if provider_requests is not None:
            actions.append(_RunItem.provider_requests.set(provider_requests))
        condition = _has_not_ended()
        if attempt is not None:
            condition &= (_RunItem.attempt == attempt) & (_RunItem.redrives == redrives)
        return _updated(district_id, run_id, actions, condition) is not None

    @errors_as_ours()
    def add_issues(
        self, district_id: DistrictId, run_id: RunId, attempt: int, issues: Sequence[Issue], first_number: int = 1
    ) -> None:
        """Store issues of an attempt, numbered from `first_number`; the same number replaces.

        Raises:
            TransientError: DynamoDB took only some of them, however often it was asked.
        """
        key, expiry = part_key(district_id, run_id), expires_at(run_id)
        requests: list[WriteRequestTypeDef] = []
        for number, issue in enumerate(issues, first_number):
            item: dict[str, dict[str, str]] = {
                "run_key": {"S": key},
                "item": {"S": _issue_item(attempt, number)},
                "expires_at": {"N": str(expiry)},
                "code": {"S": issue.code.value},
                "message": {"S": issue.message},
            }
            if issue.sourced_id is not None:
                item["sourced_id"] = {"S": issue.sourced_id}
            if issue.line is not None:
                item["line"] = {"N": str(issue.line)}
            if issue.column is not None:
                item["column"] = {"S": issue.column}
            if issue.record_kind is not None:
                item["record_kind"] = {"S": issue.record_kind.value}
            requests.append({"PutRequest": {"Item": item}})
        for start in range(0, len(requests), BATCH_WRITE_LIMIT):
            batch_written(self._client, self._table_name, requests[start : start + BATCH_WRITE_LIMIT], self._pause)

    @errors_as_ours()
    def issues(
        self, district_id: DistrictId, run_id: RunId, attempt: int, cursor: str | None = None, limit: int = 100
    ) -> tuple[list[Issue], str | None]:
        """Issues of an attempt in the order of their numbers, and the cursor of the next page; None at the end."""
        if cursor is not None and not (cursor.isdecimal() and int(cursor) < _LAST_ISSUE):
            raise unknown_cursor()
        start = int(cursor or 0) + 1
        items = list(
            _RunItem.query(
                part_key(district_id, run_id),
                _RunItem.item.between(_issue_item(attempt, start), _issue_item(attempt, _LAST_ISSUE)),
                limit=limit + 1,
            )
        )
        more = items[limit - 1].item.rpartition("#")[2] if len(items) > limit else None
        return [_issue(item) for item in items[:limit]], more


def _issue_item(attempt: int, number: int) -> str:
    return f"issue#{attempt:04d}#{number:06d}"


def _has_not_ended() -> Condition:
    return _RunItem.state.is_in(*(state.value for state in RunState if not state.is_terminal))


def _updated(
    district_id: DistrictId, run_id: RunId, actions: Sequence[Action], condition: Condition
) -> _RunItem | None:
    """The run after an update; None if the condition did not hold."""
    item = _RunItem(district_id, run_id)
    return item if updated(item, actions, condition) else None


def _added(usage: Usage) -> list[Action]:
    return [
        getattr(_RunItem, name).add(round(value, _USAGE_DIGITS)) for name, value in usage.as_dict().items() if value
    ]


def _counts_map(counts: Counts) -> _CountsMap:
    return _CountsMap(**counts.as_dict())  # type: ignore[no-untyped-call]  # pynamodb's own


def _reading_map(reading: Reading) -> _ReadingMap:
    return _ReadingMap(  # type: ignore[no-untyped-call]  # pynamodb's own
        scope=reading.scope.value,
        scope_reason=reading.scope_reason,
        fetch=reading.fetch.value,
        fetch_reason=reading.fetch_reason,
        key=reading.key,
        school_lists=reading.school_lists.value,
        filters_dates=reading.filters_dates,
        newest_change=reading.newest_change,
    )


def _reading(stored: _ReadingMap | None) -> Reading | None:
    if stored is None:
        return None
    return Reading(
        scope=Scope(stored.scope),
        scope_reason=stored.scope_reason,
        fetch=Fetch(stored.fetch),
        fetch_reason=stored.fetch_reason,
        key=stored.key,
        school_lists=SchoolLists(stored.school_lists),
        filters_dates=bool(stored.filters_dates),
        newest_change=stored.newest_change,
    )


def _held(stored: MapAttribute[str, int] | None) -> dict[str, int]:
    return {} if stored is None else {kind: int(stored[kind]) for kind in stored}


def _run(item: _RunItem) -> Run:
    return Run(
        district_id=DistrictId(item.run_key),
        run_id=RunId(item.item),
        kind=RunKind(item.kind),
        state=RunState(item.state),
        created_at=item.created_at,
        started_at=item.started_at,
        ended_at=item.ended_at,
        attempt=int(item.attempt),
        sent_attempt=int(item.sent_attempt or 0),
        fence=int(item.fence),
        chunks_expected=int(item.chunks_expected),
        chunks_applied=int(item.chunks_applied),
        counts=Counts(**{name: int(getattr(item.counts, name)) for name in Counts().as_dict()}),
        issues_by_code={code: int(item.issues_by_code[code]) for code in item.issues_by_code},
        provider_requests=int(item.provider_requests),
        outcome=RunState(item.outcome) if item.outcome else None,
        reason=item.reason,
        reading=_reading(item.reading),
        chunks_failed=int(item.chunks_failed or 0),
        outcome_reason=item.outcome_reason,
        redrives=int(item.redrives or 0),
        usage=Usage(
            read_units=float(item.read_units or 0),
            write_units=float(item.write_units or 0),
            queue_requests=int(item.queue_requests or 0),
            gb_seconds=float(item.gb_seconds or 0),
            invocations=int(item.invocations or 0),
        ),
        resumes=int(item.resumes or 0),
        resumed_at=item.resumed_at,
        held=_held(item.held),
        of_run=RunId(item.of_run) if item.of_run else None,
    )


def _issue(item: _RunItem) -> Issue:
    return Issue(
        code=IssueCode(item.code),
        message=item.message,
        sourced_id=item.sourced_id,
        line=int(item.line) if item.line else None,
        column=item.column,
        record_kind=RecordKind(item.record_kind) if item.record_kind else None,
    )
