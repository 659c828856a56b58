"""Logger and metrics of the functions, and the names of the metrics.

What may be logged: ids of districts, runs, chunks and users, counts, durations, states and codes. Never names, e-mail
addresses, secrets, bodies, tokens, or a URL with its query.
"""

from collections.abc import Mapping
from enum import StrEnum

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from roster_sync.domain.run import RunState

logger = Logger()
metrics = Metrics()


class Metric(StrEnum):
    """What the night did, counted (unit: count) per service.

    An alarm reads one of these, which says so; the others are on queues, failing functions and nights that did not
    begin.
    """

    RUNS_REQUESTED = "RunsRequested"
    """Districts that `dispatch` sent a SyncRequest for."""
    RUNS_SKIPPED = "RunsSkipped"
    """Districts whose run cannot be, because settings are incomplete."""
    RUNS_COMPLETED = "RunsCompleted"
    """Runs that ended completed or completed_with_issues."""
    RUNS_BLOCKED = "RunsBlocked"
    """Runs that wait for an administrator's approval of their deactivations."""
    RUNS_FAILED = "RunsFailed"
    """Runs that ended failed."""
    RUNS_RESUMED = "RunsResumed"
    """Runs that had died without a word and were started anew by `sweep`."""
    DEAD_LETTERS_KEPT = "DeadLettersKept"
    """Messages that failed as often as they were tried, and are kept with their run (DeadLettersKeptAlarm)."""
    FETCHES_HANDED_OVER = "FetchesHandedOver"
    """Invocations of `fetch` whose time was over before all users were read, and that another one goes on from."""
    PROVIDER_REQUESTS = "ProviderRequests"
    """HTTP requests to providers, retries included."""
    RECORDS_FETCHED = "RecordsFetched"
    """Distinct provider records received."""
    CHUNKS_SENT = "ChunksSent"
    """Messages sent to UserChanges."""
    CHUNKS_APPLIED = "ChunksApplied"
    """Messages of UserChanges applied, redeliveries included."""
    USERS_CHANGED = "UsersChanged"
    """Users created, updated, linked, deactivated or reactivated, by sync or upload."""
    CHANGES_SUPERSEDED = "ChangesSuperseded"
    """Changes dropped because a newer run or upload had written the user."""

    DISTRICTS_DELETED = "DistrictsDeleted"
    """Deletions of districts that came to their end."""


RUN_ENDED: Mapping[RunState, Metric] = {
    RunState.COMPLETED: Metric.RUNS_COMPLETED,
    RunState.COMPLETED_WITH_ISSUES: Metric.RUNS_COMPLETED,
    RunState.BLOCKED: Metric.RUNS_BLOCKED,
    RunState.SKIPPED: Metric.RUNS_SKIPPED,
    RunState.FAILED: Metric.RUNS_FAILED,
}
"""The metric of each terminal state."""


def count(metric: Metric, value: int = 1) -> None:
    """Add to a metric; it is sent when the invocation ends (`metrics.log_metrics`)."""
    metrics.add_metric(name=metric, unit=MetricUnit.Count, value=value)
