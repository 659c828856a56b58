"""What a district's earlier runs tell the next one."""

from collections.abc import Iterable

from roster_sync.domain.reading import Reading
from roster_sync.domain.run import Run, RunState

COMPLETED = (RunState.COMPLETED, RunState.COMPLETED_WITH_ISSUES)


def last_good(earlier: Iterable[Run]) -> Run | None:
    """The newest sync that completed; None if there is none."""
    return next((run for run in earlier if run.state in COMPLETED and run.kind.is_sync), None)


def last_reading(earlier: Iterable[Run], key: str) -> Reading | None:
    """How the newest completed sync with this key read the provider; None if there is none.

    Args:
        earlier: Newest first.
        key: Of `reading_key`.
    """
    readings = (run.reading for run in earlier if run.state in COMPLETED and run.kind.is_sync and run.reading)
    return next((reading for reading in readings if reading.key == key), None)
