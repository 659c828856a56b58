"""Change one user by hand: the manual role and the manual counselor."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from roster_sync.domain.audit import Act, Author
from roster_sync.domain.errors import ConflictError, NotFoundError, TransientError
from roster_sync.domain.identifiers import DistrictId, RunId, UserId
from roster_sync.domain.manual_edit import ManualEdit, asked_counselor, needed_of
from roster_sync.domain.run import Run, RunKind, RunState
from roster_sync.domain.usage import ACCOUNTING_OF_A_FETCH, Usage
from roster_sync.domain.user import StoredUser
from roster_sync.domain.user_change import part_name
from roster_sync.use_cases.close_run import close_run
from roster_sync.use_cases.keep_changes import keep_edit
from roster_sync.use_cases.ports import ChangeLog, EventSink, LeaseStore, Metered, RunStore, UserStore
from roster_sync.use_cases.take_lease import end_previous, take_lease
from roster_sync.use_cases.tell_of_end import tell_of_end

NO_SUCH_USER = "There is no such user. Look the user up in the list of users."


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """What a change by hand needs of the outside.

    Attributes:
        lease_lasts: At least as long as the function may run.
        clock: Says what time it is.
        metered: What this run has used so far.
        by: Whom the audit log names.
        events: Who is told of it, if anybody is.
    """

    leases: LeaseStore
    runs: RunStore
    users: UserStore
    log: ChangeLog
    lease_lasts: timedelta
    clock: Callable[[], datetime]
    metered: Metered = Usage
    by: Author | None = None
    events: EventSink | None = None


def edit_user(
    edit: ManualEdit, district_id: DistrictId, run_id: RunId, editor: Editor, *, seen: int | None = None
) -> StoredUser:
    """Make the change under the district's lease, as a run of its own, and return the user as stored then.

    What is so already makes no run. Whether the user is of the SIS is judged here, whatever `edit` says.

    Args:
        edit: As asked for.
        district_id: Whose user.
        run_id: Of the run that it becomes.
        editor: The outside.
        seen: The fence of the user as whoever asks has seen it; None for any.

    Raises:
        ConfigurationError: A rule is against it.
        ConflictError: The user was written since `seen`.
        DistrictBusyError: A sync or an upload is under way.
        NotFoundError: There is no such user.
        TransientError: The database did not answer.
    """
    leases, runs, clock = editor.leases, editor.runs, editor.clock
    now = clock()
    lease = take_lease(district_id, run_id, now, editor.lease_lasts, leases=leases, runs=runs)
    begun: Run | None = None
    try:
        end_previous(lease, district_id, runs, now)
        user = _stored(district_id, edit.user_id, editor)
        if seen is not None and seen != user.fence:
            raise ConflictError("This person was changed meanwhile. Load the page again, and look before you save.")
        needed = _needed(edit, user, editor)
        if needed is not None:
            new = Run(district_id=district_id, run_id=run_id, kind=RunKind.EDIT, state=RunState.QUEUED, created_at=now)
            entry = editor.by.did(Act.USER_CHANGED, district_id, run_id) if editor.by else None
            runs.create(new, entry)
            begun = runs.begin_attempt(district_id, run_id, lease.fence, now)
            if begun is not None:
                _apply(needed, begun, editor)
    except TransientError as error:
        if begun is not None:
            reason = f"{error} Look at the user, and make the change again if need be."
            if close_run(begun, RunState.FAILED, reason, runs=runs, leases=leases, now=clock()):
                _tell_of_end(begun, editor)
        raise
    finally:
        leases.release(district_id, run_id)
    return _stored(district_id, edit.user_id, editor) if begun else user


def _stored(district_id: DistrictId, user_id: UserId, editor: Editor) -> StoredUser:
    user = editor.users.by_ids(district_id, [user_id]).get(user_id)
    if user is None:
        raise NotFoundError(NO_SUCH_USER)
    return user


def _needed(edit: ManualEdit, user: StoredUser, editor: Editor) -> ManualEdit | None:
    email = asked_counselor(edit)
    named = editor.users.by_emails(user.district_id, [email]).get(email, []) if email else []
    return needed_of(replace(edit, from_sis=bool(user.sourced_ids)), user, named)


def _apply(edit: ManualEdit, run: Run, editor: Editor) -> None:
    """Keep what was before, tell of the change, write it, and close the run."""
    runs, now = editor.runs, editor.clock()
    changes = keep_edit(edit, run, users=editor.users, log=editor.log)
    if editor.events:
        # Before it is written: once it is, a repetition finds nothing to do, and would not tell of it.
        editor.events.users_changed(run, changes)
    counts = editor.users.apply_edit(
        run.district_id, edit, run_id=run.run_id, fence=run.fence, now=now, part=part_name(run.attempt, 1)
    )
    newest = runs.begin_applying(
        run.district_id,
        run.run_id,
        attempt=run.attempt,
        chunks_expected=0,
        counts=counts,
        issues_by_code={},
        provider_requests=0,
        outcome=RunState.COMPLETED,
        reason=None,
        usage=editor.metered() + ACCOUNTING_OF_A_FETCH,
    )
    if newest:
        close_run(run, RunState.COMPLETED, None, runs=runs, leases=editor.leases, now=editor.clock())
        _tell_of_end(run, editor)


def _tell_of_end(run: Run, editor: Editor) -> None:
    """Tell of a run that has ended; a bus that does not answer makes nothing undone, so it is left at that."""
    with suppress(TransientError):
        tell_of_end(run.district_id, run.run_id, editor.runs, editor.events)
