"""Apply chunks of changes from the UserChanges queue to the Users table."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.domain.errors import OwnOutageError
from roster_sync.domain.usage import of_message
from roster_sync.environment import UpsertEnvironment
from roster_sync.messaging import user_changes
from roster_sync.messaging.events import events_of
from roster_sync.metering import METER
from roster_sync.observability import RUN_ENDED, Metric, count, logger, metrics
from roster_sync.storage.change_log import ChangeLog
from roster_sync.storage.districts import Districts
from roster_sync.storage.runs import Runs
from roster_sync.storage.users import Users
from roster_sync.use_cases.apply_chunk import AppliedChunk, apply_chunk

TIME_FOR_A_CHUNK_S = 65.0
"""A chunk's writes are given up after a minute, if the table is throttled; with less time none is begun."""


@cache
def applier() -> Callable[..., AppliedChunk]:
    """Connect once per execution environment, not on import."""
    environment = UpsertEnvironment.from_env()
    users, runs = Users(environment.users_table), Runs(environment.sync_runs_table)
    leases, log = Districts(environment.districts_table), ChangeLog(environment.sync_runs_table)
    return partial(
        apply_chunk,
        users=users,
        log=log,
        runs=runs,
        leases=leases,
        clock=lambda: datetime.now(UTC),
        events=events_of(environment.event_bus, values=environment.event_values),
    )


def apply_record(record: SQSRecord, *, remaining_s: Callable[[], float]) -> None:
    """Apply one message; raising sends it back to the queue."""
    chunk = user_changes.from_json(record.body)
    if remaining_s() < TIME_FOR_A_CHUNK_S:
        # A time-out would send those that were applied back, too.
        raise OwnOutageError("The writes of this batch were slow, and left no time for this chunk.")
    with logger.append_context_keys(district_id=chunk.district_id, run_id=chunk.run_id, chunk=chunk.number):
        applied = applier()(chunk, metered=METER.since_now(of_message(len(record.body))))
        count(Metric.CHUNKS_APPLIED)
        if applied.counts:
            count(Metric.USERS_CHANGED, applied.counts.changed)
            count(Metric.CHANGES_SUPERSEDED, applied.counts.superseded)
        if applied.ended:
            count(RUN_ENDED[applied.ended])
        logger.info("Applied a chunk", extra={"changes": len(chunk.changes), "ended": applied.ended})


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Report exactly the messages that must come again."""
    apply = partial(apply_record, remaining_s=lambda: context.get_remaining_time_in_millis() / 1000)
    return process_partial_response(event, apply, BatchProcessor(EventType.SQS), context)
