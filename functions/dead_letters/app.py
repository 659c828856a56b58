"""Keep messages that were given up with their runs, and send those of a run again when staff asks for it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.domain.errors import ConflictError, NotFoundError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.environment import DeadLettersEnvironment
from roster_sync.messaging.dead_letters import read
from roster_sync.messaging.events import Events, events_of
from roster_sync.messaging.queue import SyncRequestsQueue, UserChangesQueue
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.observability import RUN_ENDED, Metric, count, logger, metrics
from roster_sync.storage.dead_letters import DeadLetters
from roster_sync.storage.districts import Districts
from roster_sync.storage.runs import Runs
from roster_sync.storage.uploads import upload_of
from roster_sync.use_cases.keep_dead_letter import keep_dead_letter
from roster_sync.use_cases.redrive_run import Redriver, redrive_run


def request_sync(district_id: DistrictId, run_id: RunId) -> None:
    """Send a SyncRequest."""
    SyncRequestsQueue(DeadLettersEnvironment.from_env().sync_requests_queue_url).send(
        [SyncRequest(district_id, run_id)]
    )


def send_changes(district_id: DistrictId, bodies: Sequence[str]) -> None:
    """Send chunks again."""
    UserChangesQueue(DeadLettersEnvironment.from_env().user_changes_queue_url).send_again(district_id, bodies)


@cache
def stores() -> tuple[DeadLetters, Runs, Districts]:
    """Connect once per execution environment, not on import."""
    environment = DeadLettersEnvironment.from_env()
    return (
        DeadLetters(environment.sync_runs_table),
        Runs(environment.sync_runs_table),
        Districts(environment.districts_table),
    )


@cache
def events() -> Events | None:
    """Connect once per execution environment."""
    environment = DeadLettersEnvironment.from_env()
    return events_of(environment.event_bus, values=environment.event_values)


def keep_record(record: SQSRecord) -> None:
    """Keep one message; raising leaves it in its dead-letter queue."""
    letters, runs, leases = stores()
    letter = read(record.body, upload_of)
    with logger.append_context_keys(district_id=letter.district_id, run_id=letter.run_id):
        kept = keep_dead_letter(
            letter, letters=letters, runs=runs, leases=leases, clock=lambda: datetime.now(UTC), events=events()
        )
        if kept.kept:
            count(Metric.DEAD_LETTERS_KEPT)
        if kept.ended:
            count(RUN_ENDED[kept.ended])
        logger.error("Read a dead letter", extra={"kind": letter.kind, "kept": kept.kept, "ended": kept.ended})


def redrive(district_id: DistrictId, run_id: RunId) -> dict[str, str]:
    """Send a run's dead letters again; the run's state, or why it is refused."""
    letters, runs, leases = stores()
    redriver = Redriver(
        letters=letters,
        runs=runs,
        leases=leases,
        request_sync=request_sync,
        send_changes=send_changes,
        clock=lambda: datetime.now(UTC),
    )
    with logger.append_context_keys(district_id=district_id, run_id=run_id):
        try:
            run = redrive_run(district_id, run_id, redriver)
        except (ConflictError, NotFoundError) as refusal:
            return {"run_id": run_id, "refused": str(refusal)}
        logger.info("Redrove a run", extra={"state": run.state})
    return {"run_id": run.run_id, "state": run.state}


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Keep what comes from the dead-letter queues; or redrive the run that a direct invocation names."""
    if "Records" in event:
        return process_partial_response(event, keep_record, BatchProcessor(EventType.SQS), context)
    return redrive(DistrictId(event["district_id"]), RunId(event["run_id"]))
