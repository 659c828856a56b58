"""Apply a manual upload to a district's users, and keep its report as a run."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from roster_sync.domain.audit import Act, Author
from roster_sync.domain.errors import ConfigurationError, DistrictBusyError, TransientError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.issue import Issue, Severity
from roster_sync.domain.lease import PAUSE_S
from roster_sync.domain.run import Counts, Run, RunKind, RunState
from roster_sync.domain.upload import Upload, manual_changes, new_user_ids, read_upload
from roster_sync.domain.usage import ACCOUNTING_OF_A_FETCH, Usage
from roster_sync.domain.user import normalised_email
from roster_sync.domain.user_change import part_name
from roster_sync.use_cases.close_run import close_run
from roster_sync.use_cases.keep_changes import keep_upload
from roster_sync.use_cases.ports import ChangeLog, DistrictStore, EventSink, LeaseStore, Metered, RunStore, UserStore
from roster_sync.use_cases.take_lease import end_previous, take_lease

ROWS_AT_ONCE = 2_000
"""Rows whose users are read and written together; bounds memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """What an import needs of the outside.

    Attributes:
        offered_products: The products of this deployment.
        lease_lasts: At least as long as the function may run.
        clock: Says what time it is.
        metered: What this run has used so far.
        by: Whom the audit log names; None for a file that was sent to its URL.
        events: Who is told of it, if anybody is.
    """

    districts: DistrictStore
    leases: LeaseStore
    runs: RunStore
    users: UserStore
    log: ChangeLog
    offered_products: frozenset[str]
    lease_lasts: timedelta
    clock: Callable[[], datetime]
    metered: Metered = Usage
    by: Author | None = None
    events: EventSink | None = None


def import_upload(upload: Upload, district_id: DistrictId, run_id: RunId, importer: Importer) -> Run:
    """Apply an upload's rows under the district's lease and return its run, ended.

    Repeating it is harmless: an ended run stays as it is, and one that was cut off goes on to the same counts. Of two
    calls at once the later one ends the run; to the other it is still under way.

    Raises:
        DistrictBusyError: A sync or another upload is under way; nothing was stored, not even a run.
        TransientError: The database did not answer; the run has ended `failed`.
    """
    leases, runs, clock = importer.leases, importer.runs, importer.clock
    ended = _ended(district_id, run_id, importer)
    if ended is not None:
        return ended
    now = clock()
    lease = take_lease(district_id, run_id, now, importer.lease_lasts, leases=leases, runs=runs)
    end_previous(lease, district_id, runs, now)
    create_upload_run(district_id, run_id, importer, now)
    begun = runs.begin_attempt(district_id, run_id, lease.fence, now)
    if begun is None:
        leases.release(district_id, run_id)
    else:
        try:
            _apply(upload, begun, importer)
        except TransientError as error:
            reason = f"{error} Upload the file again."
            close_run(begun, RunState.FAILED, reason, runs=runs, leases=leases, now=clock())
            _stored(district_id, run_id, importer)
            raise
    return _stored(district_id, run_id, importer)


def import_file(
    content: bytes,
    district_id: DistrictId,
    run_id: RunId,
    importer: Importer,
    *,
    pause: Callable[[float], None],
    patience: timedelta,
) -> Run:
    """Apply a whole file that nobody waits for, and return its run, ended; what is wrong becomes the run's reason.

    Waits until a sync or another upload has ended, but no longer than `patience`.

    Raises:
        TransientError: The database did not answer; the run has ended `failed`.
    """
    ended = _ended(district_id, run_id, importer)
    if ended is not None:
        return ended
    create_upload_run(district_id, run_id, importer, importer.clock())
    try:
        upload = read_upload(content, importer.districts.schools(district_id))
    except ConfigurationError as refusal:
        return refuse_file(str(refusal), district_id, run_id, importer)
    deadline = importer.clock() + patience
    while True:
        try:
            return import_upload(upload, district_id, run_id, importer)
        except DistrictBusyError as busy:
            if importer.clock() >= deadline:
                return refuse_file(f"{busy} Then upload the file again.", district_id, run_id, importer)
        pause(PAUSE_S)


def refuse_file(reason: str, district_id: DistrictId, run_id: RunId, importer: Importer) -> Run:
    """End an upload's run as failed, before anything of the file was applied, and return it."""
    create_upload_run(district_id, run_id, importer, importer.clock())
    importer.runs.close(district_id, run_id, RunState.FAILED, reason, importer.clock())
    return _stored(district_id, run_id, importer)


def create_upload_run(district_id: DistrictId, run_id: RunId, importer: Importer, now: datetime) -> None:
    """Store the run of an upload that is about to be applied, unless it is stored already."""
    importer.runs.create(
        Run(
            district_id=district_id,
            run_id=run_id,
            kind=RunKind.UPLOAD,
            state=RunState.QUEUED,
            created_at=now,
        ),
        importer.by.did(Act.USERS_UPLOADED, district_id, run_id) if importer.by else None,
    )


def _ended(district_id: DistrictId, run_id: RunId, importer: Importer) -> Run | None:
    """The run if it has ended."""
    run = _told(district_id, run_id, importer)
    return run if run and run.state.is_terminal else None


def _told(district_id: DistrictId, run_id: RunId, importer: Importer) -> Run | None:
    """The run; if it has ended it is told of, for whoever ended it may have died before."""
    run = importer.runs.get(district_id, run_id)
    if importer.events and run and run.state.is_terminal:
        importer.events.run_ended(run)
    return run


def _stored(district_id: DistrictId, run_id: RunId, importer: Importer) -> Run:
    run = _told(district_id, run_id, importer)
    if run is None:
        raise TransientError("The run of this upload was not found.")
    return run


def _apply(upload: Upload, run: Run, importer: Importer) -> None:
    """Apply all rows and close the run."""
    runs, clock = importer.runs, importer.clock
    counts = Counts(fetched=upload.row_count, invalid=upload.row_count - len(upload.rows))
    issues = list(upload.issues)
    for start in range(0, len(upload.rows), ROWS_AT_ONCE):
        applied, found = _apply_rows(upload, start, run, importer)
        counts += applied
        issues += found
    issues.sort(key=lambda issue: issue.line or 0)
    runs.add_issues(run.district_id, run.run_id, run.attempt, issues)

    outcome, reason = _outcome(counts, issues)
    newest = runs.begin_applying(
        run.district_id,
        run.run_id,
        attempt=run.attempt,
        chunks_expected=0,
        counts=counts,
        issues_by_code=Counter(str(issue.code) for issue in issues),
        provider_requests=0,
        outcome=outcome,
        reason=reason,
        usage=importer.metered() + ACCOUNTING_OF_A_FETCH,
    )
    if newest:
        close_run(run, outcome, reason, runs=runs, leases=importer.leases, now=clock())


def _apply_rows(upload: Upload, start: int, run: Run, importer: Importer) -> tuple[Counts, list[Issue]]:
    district_id, users = run.district_id, importer.users
    rows = upload.rows[start : start + ROWS_AT_ONCE]
    settings = importer.districts.settings(district_id)
    products = settings.products & importer.offered_products if settings else frozenset[str]()
    users_by_email = users.by_emails(district_id, [normalised_email(row.email) for row in rows])
    decided = manual_changes(
        rows,
        users_by_email,
        district_id=district_id,
        run_id=run.run_id,
        products=products,
        taken=users.sis_users(district_id, new_user_ids(rows, users_by_email, district_id)),
    )
    now = importer.clock()
    number = start // ROWS_AT_ONCE + 1
    changes = keep_upload(decided.changes, number, run, products, users=users, log=importer.log, now=now)
    if importer.events:
        # Before they are written: whoever dies in between comes again, and takes what is written for done.
        importer.events.users_changed(run, changes)
    applied = users.apply_manual(
        district_id,
        decided.changes,
        run_id=run.run_id,
        fence=run.fence,
        products=products,
        now=now,
        part=part_name(run.attempt, number),
    )
    return decided.counts + applied, list(decided.issues)


def _outcome(counts: Counts, issues: list[Issue]) -> tuple[RunState, str | None]:
    if not any(issue.severity is Severity.ERROR for issue in issues):
        return RunState.COMPLETED, None
    return (
        RunState.COMPLETED_WITH_ISSUES,
        f"{counts.invalid} of {counts.fetched} rows could not be used. Correct them and upload the file again.",
    )
