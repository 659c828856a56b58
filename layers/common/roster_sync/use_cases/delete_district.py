"""Delete everything of a district that staff want gone, but its audit log."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from roster_sync.domain.deletion import REASON, Contents, Deletion, quiet_from, unused
from roster_sync.domain.errors import DistrictBusyError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.lease import LEASE_TIME, PAUSE_S
from roster_sync.domain.run import Run
from roster_sync.use_cases.ports import (
    AccountStore,
    ContentsStore,
    DeletionSink,
    DeletionStore,
    DistrictStore,
    LeaseStore,
    RunStore,
)
from roster_sync.use_cases.take_lease import end_previous, take_lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleter:
    """What a deletion needs of the outside.

    Attributes:
        events: Who is told; None if nobody.
        forget_files: Each deletes all that one bucket holds of a district.
        clock: Says what time it is.
        pause: Waits for so many seconds.
    """

    deletions: DeletionStore
    districts: DistrictStore
    leases: LeaseStore
    runs: RunStore
    contents: ContentsStore
    accounts: AccountStore
    events: DeletionSink | None
    forget_files: Sequence[Callable[[DistrictId], None]]
    clock: Callable[[], datetime]
    pause: Callable[[float], None]


def delete_district(district_id: DistrictId, deleter: Deleter, *, deadline: datetime) -> Deletion | None:
    """Go on with a district's deletion, and return it as it stands; None if nobody has asked for one.

    Its settings went when it was asked for, so no night begins. What is under way is waited for; then go accounts,
    users, runs, files, schools, and the lease with the end. A call that was cut off anywhere is made again.

    Args:
        district_id: Whose.
        deleter: The outside.
        deadline: When it must be over; what is left then is for the next call.

    Raises:
        TransientError: A table, bucket, the user pool or the event bus did not answer; what is left is for the next
            call.
    """
    deletion = deleter.deletions.get(district_id)
    if deletion is None or deletion.ended_at:
        return deletion
    if not (_has_lease(deletion, deleter, deadline) and _is_quiet(deletion, deleter, deadline)):
        return deletion
    if deletion.contents is None:
        deletion = _counted(deletion, deleter)

    def in_time() -> bool:
        return deleter.clock() < deadline

    contents = deleter.contents
    if not deleter.accounts.delete(district_id, in_time):
        return deletion
    if not (contents.delete_users(district_id, in_time) and contents.delete_runs(district_id, in_time)):
        return deletion
    for forget in deleter.forget_files:
        forget(district_id)
    contents.delete_settings_and_schools(district_id)
    # Before its end is noted: who dies in between tells twice, and never nobody.
    if deleter.events:
        deleter.events.district_deleted(deletion)
    deleter.deletions.end(deletion, deleter.clock())
    return deleter.deletions.get(district_id)


def _has_lease(deletion: Deletion, deleter: Deleter, deadline: datetime) -> bool:
    """Whether the deletion holds the lease for longer than this call takes; waits for a run until the deadline."""
    district_id, leases, runs = deletion.district_id, deleter.leases, deleter.runs
    while (now := deleter.clock()) < deadline:
        try:
            lease = take_lease(district_id, deletion.deletion_id, now, LEASE_TIME, leases=leases, runs=runs)
        except DistrictBusyError:
            deleter.pause(PAUSE_S)
        else:
            end_previous(lease, district_id, runs, now)
            return True
    return False


def _is_quiet(deletion: Deletion, deleter: Deleter, deadline: datetime) -> bool:
    """Whether nobody else can write any more; ends runs that have not begun, and waits until the deadline."""
    for run in _all_runs(deletion.district_id, deleter.runs):
        if not run.state.is_terminal:
            deleter.runs.close(run.district_id, run.run_id, unused(run), REASON, deleter.clock())
    quiet = quiet_from(deletion, _all_runs(deletion.district_id, deleter.runs))
    wait = quiet - deleter.clock()
    if quiet >= deadline:
        return False
    if wait > timedelta():
        deleter.pause(wait.total_seconds())
    return True


def _counted(deletion: Deletion, deleter: Deleter) -> Deletion:
    district_id = deletion.district_id
    contents = Contents(
        users=deleter.contents.count_users(district_id),
        schools=len(deleter.districts.schools(district_id)),
        runs=sum(1 for _ in _all_runs(district_id, deleter.runs)),
    )
    deleter.deletions.count(deletion, contents)
    return deleter.deletions.get(district_id) or replace(deletion, contents=contents)


def _all_runs(district_id: DistrictId, runs: RunStore) -> Iterator[Run]:
    cursor = None
    while True:
        page, cursor = runs.page(district_id, cursor, 200)
        yield from page
        if cursor is None:
            return
