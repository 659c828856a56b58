"""Take back what a run changed: users whom nobody has changed since are as they were before it."""

from collections import Counter
from collections.abc import Sequence

from roster_sync.domain.change import CHANGE_BYTES, chunk_bounds
from roster_sync.domain.identifiers import DistrictId, RunId, UserId
from roster_sync.domain.issue import Issue, IssueCode
from roster_sync.domain.reverting import Reverting
from roster_sync.domain.run import Counts, Run, RunState
from roster_sync.domain.usage import ACCOUNTING_OF_A_FETCH
from roster_sync.use_cases.begin_run import begin_run
from roster_sync.use_cases.close_run import close_run
from roster_sync.use_cases.fetcher import Fetched, Fetcher
from roster_sync.use_cases.send_chunks import chunks_of, send_chunks

_USERS_AT_ONCE = 1_000


def revert_run(district_id: DistrictId, run_id: RunId, fetcher: Fetcher) -> Fetched:
    """Send what takes another run back, or run it anew if an earlier attempt died.

    Whoever was changed since is left alone and named in an issue.

    Args:
        district_id: Of the SyncRequest.
        run_id: Of the SyncRequest.
        fetcher: The outside; the provider is not asked.

    Raises:
        TransientError: Database or queue did not answer; the SyncRequest may come again.
    """
    runs, leases, clock = fetcher.runs, fetcher.leases, fetcher.clock
    run = begin_run(district_id, run_id, fetcher)
    if not isinstance(run, Run):
        return Fetched(run)
    reverted = runs.get(district_id, run.of_run) if run.of_run else None
    if reverted is None or not reverted.state.is_terminal:
        reason = "The run that was to be undone has gone on, or is no longer kept. Load the list of runs again."
        return Fetched(close_run(run, RunState.FAILED, reason, runs=runs, leases=leases, now=clock()))
    reverting = Reverting(reverted.run_id, fetcher.log.all(district_id, reverted.run_id))
    unchanged, issues = _unchanged_since(run, reverted, reverting, fetcher)
    return _send(run, reverted, reverting, unchanged, issues, fetcher)


def _unchanged_since(
    run: Run, reverted: Run, reverting: Reverting, fetcher: Fetcher
) -> tuple[list[UserId], list[Issue]]:
    """Whom to bring back, and an issue for everybody else whom the run has changed.

    Nobody writes meanwhile, as the run holds the lease; what an earlier attempt of it wrote is written again.
    """
    unchanged: list[UserId] = []
    issues: list[Issue] = []
    for start in range(0, len(reverting.user_ids), _USERS_AT_ONCE):
        user_ids = reverting.user_ids[start : start + _USERS_AT_ONCE]
        stored = fetcher.users.snapshots(run.district_id, user_ids)
        for user_id in user_ids:
            user = stored.get(user_id)
            if user is None or not reverting.was_written(user_id, user):
                continue
            if user["run_id"] in (reverted.run_id, run.run_id):
                unchanged.append(user_id)
            else:
                message = f"The user {user_id} was changed after the run that was undone, and was left as it is now."
                issues.append(Issue(IssueCode.CHANGED_SINCE, message, user.get("sourced_id")))
    return unchanged, issues


def _send(
    run: Run,
    reverted: Run,
    reverting: Reverting,
    unchanged: Sequence[UserId],
    issues: Sequence[Issue],
    fetcher: Fetcher,
) -> Fetched:
    runs, now = fetcher.runs, fetcher.clock()
    bounds = chunk_bounds(CHANGE_BYTES + reverting.size(user_id) for user_id in unchanged)
    runs.add_issues(run.district_id, run.run_id, run.attempt, issues)
    current = runs.begin_applying(
        run.district_id,
        run.run_id,
        attempt=run.attempt,
        chunks_expected=len(bounds),
        counts=Counts(superseded=len(issues)),
        issues_by_code=Counter(issue.code.value for issue in issues),
        provider_requests=0,
        outcome=RunState.COMPLETED_WITH_ISSUES if issues else RunState.COMPLETED,
        reason=_reason(reverted, len(unchanged), len(issues)),
        usage=fetcher.metered() + ACCOUNTING_OF_A_FETCH,
    )
    if not current:
        return Fetched(None)
    chunks = chunks_of(
        run, bounds, lambda start, stop: [reverting.restoring(user_id, now) for user_id in unchanged[start:stop]]
    )
    ended = send_chunks(run, chunks, runs=runs, leases=fetcher.leases, queue=fetcher.queue, clock=fetcher.clock)
    return Fetched(ended, chunks=len(bounds))


def _reason(reverted: Run, unchanged: int, changed_since: int) -> str:
    when = f"{reverted.created_at:%-d %B %Y, %H:%M} UTC"
    if not unchanged and not changed_since:
        return f"The run of {when} had changed nobody."
    left = f" {changed_since} were changed since, and were left as they are." if changed_since else ""
    return (
        f"{unchanged} users are again as they were before the run of {when}.{left} The next sync brings what the "
        "provider has then. If that is not wanted, correct the SIS first, or switch the products off."
    )
