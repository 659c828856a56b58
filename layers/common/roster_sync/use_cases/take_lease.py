"""Take a district's lease, also from a run that ended and could not give it back."""

from datetime import datetime, timedelta

from roster_sync.domain.errors import DistrictBusyError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.lease import Lease
from roster_sync.domain.run import RunState, is_preview
from roster_sync.use_cases.ports import LeaseStore, RunStore


def take_lease(
    district_id: DistrictId, run_id: RunId, now: datetime, lasts: timedelta, *, leases: LeaseStore, runs: RunStore
) -> Lease:
    """The lease; whoever ends a run may die before it gives the lease back, and nobody needs to wait for that.

    Nor for a preview, which has nothing to lose: whatever changes users ends it.

    Raises:
        DistrictBusyError: A run or upload that has not ended holds it.
    """
    try:
        return leases.acquire(district_id, run_id, now, now + lasts)
    except DistrictBusyError as busy:
        holder = RunId(busy.holder)
        # As it is seen now: an ended run that is sent its dead letters again takes it anew.
        held = leases.held(district_id)
        if is_preview(holder) and not is_preview(run_id):
            reason = "Another sync or upload began meanwhile. Start the preview again when that has ended."
            runs.close(district_id, holder, RunState.FAILED, reason, now)
            held = leases.held(district_id)
        run = runs.get(district_id, holder)
        if run is None or not run.state.is_terminal:
            raise
        if held:
            leases.release(district_id, holder, held.expires_at)
        return leases.acquire(district_id, run_id, now, now + lasts)
