"""Tell products that a run has ended."""

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.use_cases.ports import EventSink, RunStore


def tell_of_end(district_id: DistrictId, run_id: RunId, runs: RunStore, events: EventSink | None) -> None:
    """Tell of a run if it has ended, whoever ended it; it is read only if somebody is to be told.

    Raises:
        TransientError: The database did not answer, or the event was not taken after retries.
    """
    run = runs.get(district_id, run_id) if events else None
    if events and run and run.state.is_terminal:
        events.run_ended(run)
