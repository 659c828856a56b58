"""Start the nights that are due: a SyncRequest for each active district whose time has come."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.schedule import Schedule
from roster_sync.environment import DispatchEnvironment
from roster_sync.messaging.queue import SyncRequestsQueue
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.observability import Metric, count, logger, metrics
from roster_sync.storage.districts import Districts
from roster_sync.storage.runs import Runs
from roster_sync.use_cases.dispatch_runs import dispatch_runs


@cache
def environment() -> DispatchEnvironment:
    """Read the variables once per execution environment, not on import."""
    return DispatchEnvironment.from_env()


@cache
def districts() -> Districts:
    """Connect once per execution environment."""
    return Districts(environment().districts_table)


@cache
def runs() -> Runs:
    """Connect once per execution environment."""
    return Runs(environment().sync_runs_table)


@cache
def sync_requests() -> SyncRequestsQueue:
    """Connect once per execution environment."""
    return SyncRequestsQueue(environment().sync_requests_queue_url)


def request_syncs(requests: Sequence[tuple[DistrictId, RunId]]) -> None:
    """Send a SyncRequest for each run."""
    sync_requests().send([SyncRequest(district_id, run_id) for district_id, run_id in requests])


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    """Dispatch the nights due at the event's `scheduled_time`; the same time again dispatches nothing twice."""
    dispatched = dispatch_runs(
        datetime.fromisoformat(event["scheduled_time"]).astimezone(UTC),
        districts=districts(),
        runs=runs(),
        request_syncs=request_syncs,
        offered_products=environment().products,
        default_schedule=Schedule(at=environment().default_sync_time, zone=environment().default_timezone),
        now=datetime.now(UTC),
    )
    count(Metric.RUNS_REQUESTED, dispatched.requested)
    count(Metric.RUNS_SKIPPED, dispatched.skipped)
    logger.info(
        "Dispatched the nights that were due", extra={"requested": dispatched.requested, "skipped": dispatched.skipped}
    )
    return {"requested": dispatched.requested, "skipped": dispatched.skipped}
