"""The run that a path names."""

from roster_sync.domain.errors import NotFoundError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import Run
from roster_sync.use_cases.ports import RunStore


def existing_run(runs: RunStore, district_id: DistrictId, run_id: RunId) -> Run:
    """The run.

    Raises:
        NotFoundError: There is none of this id.
    """
    run = runs.get(district_id, run_id)
    if run is None:
        raise NotFoundError("There is no such run. Runs are kept for 90 days; load the list of runs again.")
    return run
