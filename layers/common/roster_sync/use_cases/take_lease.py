"""Take a district's lease, also from a run that ended and could not give it back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from roster_sync.domain.errors import DistrictBusyError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.lease import LEASE_TIME, PAUSE_S, Lease
from roster_sync.domain.run import RunState, is_preview, is_soon_over
from roster_sync.use_cases.ports import LeaseStore, RunStore

PATIENCE: Final = timedelta(minutes=3)
"""With what asks no provider, most of which takes seconds. The rest of a function's time is for its work."""


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


def end_previous(lease: Lease, district_id: DistrictId, runs: RunStore, now: datetime) -> None:
    """End the run that held the lease until it expired, and died with it."""
    if lease.previous_holder is not None:
        reason = "It stopped without a word. Start it again."
        runs.close(district_id, lease.previous_holder, RunState.FAILED, reason, now)


def wait_for_lease(
    district_id: DistrictId,
    run_id: RunId,
    *,
    leases: LeaseStore,
    runs: RunStore,
    clock: Callable[[], datetime],
    pause: Callable[[float], None],
) -> Lease:
    """The lease for as long as a run needs it; waits for runs that ask no provider, which take seconds, for no others.

    Raises:
        DistrictBusyError: A sync holds it, or after three minutes something else still does.
    """
    patience = clock() + PATIENCE
    while True:
        now = clock()
        try:
            return take_lease(district_id, run_id, now, LEASE_TIME, leases=leases, runs=runs)
        except DistrictBusyError as busy:
            if not is_soon_over(busy.holder) or now >= patience:
                raise
        pause(PAUSE_S)
