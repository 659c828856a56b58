"""Take a district's lease, also from a run that ended and could not give it back."""

from datetime import datetime, timedelta

from roster_sync.domain.errors import DistrictBusyError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.lease import Lease
from roster_sync.use_cases.ports import LeaseStore, RunStore


def take_lease(
    district_id: DistrictId, run_id: RunId, now: datetime, lasts: timedelta, *, leases: LeaseStore, runs: RunStore
) -> Lease:
    """The lease; whoever ends a run may die before it gives the lease back, and nobody needs to wait for that.

    Raises:
        DistrictBusyError: A run or upload that has not ended holds it.
    """
    try:
        return leases.acquire(district_id, run_id, now, now + lasts)
    except DistrictBusyError as busy:
        holder = runs.get(district_id, RunId(busy.holder))
        if holder is None or not holder.state.is_terminal:
            raise
        leases.release(district_id, holder.run_id)
        return leases.acquire(district_id, run_id, now, now + lasts)
