"""How a district's sync fares, by its last sync run."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from roster_sync.domain.run import Run, RunKind, RunState

LATE_AFTER: Final = timedelta(hours=26)
"""A night comes each day; two hours are for a long one."""

SYNCS: Final = frozenset({RunKind.NIGHTLY, RunKind.MANUAL})


class Health(StrEnum):
    """Worst first."""

    FAILED = "failed"
    LATE = "late"
    """No sync has begun for more than a day."""
    BLOCKED = "blocked"
    """Waits for a decision of the district."""
    SKIPPED = "skipped"
    """Something of the settings lacks, or a pause is on."""
    NEW = "new"
    """No sync yet."""
    RUNNING = "running"
    ISSUES = "issues"
    GOOD = "good"


_OF_STATE: Final = {
    RunState.FAILED: Health.FAILED,
    RunState.BLOCKED: Health.BLOCKED,
    RunState.SKIPPED: Health.SKIPPED,
    RunState.COMPLETED_WITH_ISSUES: Health.ISSUES,
    RunState.COMPLETED: Health.GOOD,
}


def health_of(last_sync: Run | None, now: datetime) -> Health:
    """The health of a district with this last sync; one that failed is not called late."""
    if last_sync is None:
        return Health.NEW
    if last_sync.state is not RunState.FAILED and last_sync.created_at + LATE_AFTER < now:
        return Health.LATE
    return _OF_STATE.get(last_sync.state, Health.RUNNING)
