"""Find runs that died without a word; let them go on, or end them."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.environment import SweepEnvironment
from roster_sync.messaging.events import events_of
from roster_sync.messaging.queue import Queues, SyncRequestsQueue
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.observability import RUN_ENDED, Metric, count, logger, metrics
from roster_sync.storage.districts import Districts
from roster_sync.storage.runs import Runs
from roster_sync.use_cases.sweep_runs import Sweeper, sweep_runs


@cache
def sync_requests() -> SyncRequestsQueue:
    """Connect when a run is first resumed."""
    return SyncRequestsQueue(SweepEnvironment.from_env().sync_requests_queue_url)


def request_sync(district_id: DistrictId, run_id: RunId) -> None:
    """Send a run's SyncRequest again."""
    sync_requests().send([SyncRequest(district_id, run_id)])


@cache
def sweeper() -> Sweeper:
    """Connect once per execution environment, not on import."""
    environment = SweepEnvironment.from_env()
    return Sweeper(
        leases=Districts(environment.districts_table),
        runs=Runs(environment.sync_runs_table),
        backlog=Queues(environment.sync_requests_queue_url, environment.user_changes_queue_url).backlog,
        request_sync=request_sync,
        clock=lambda: datetime.now(UTC),
        events=events_of(environment.event_bus, values=environment.event_values),
    )


@logger.inject_lambda_context
@metrics.log_metrics
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    """Sweep all districts; the event says nothing."""
    swept = sweep_runs(sweeper())
    count(Metric.RUNS_RESUMED, len(swept.resumed))
    for district_id, run_id in swept.resumed:
        logger.warning("Resumed a run", extra={"district_id": district_id, "run_id": run_id})
    for district_id, run_id, state in swept.ended:
        count(RUN_ENDED[state])
        logger.warning("Ended a run", extra={"district_id": district_id, "run_id": run_id, "ended": state})
    return {"resumed": len(swept.resumed), "ended": len(swept.ended)}
