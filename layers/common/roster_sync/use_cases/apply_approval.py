"""Apply the changes that an administrator has approved: exactly those that a blocked run holds, and no others."""

from collections import Counter
from collections.abc import Sequence

from roster_sync.domain.change import CHANGE_BYTES, Change, chunk_bounds
from roster_sync.domain.fingerprint import pack
from roster_sync.domain.held_changes import MOVED_ON, HeldChange, has_moved_on
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.issue import Issue, IssueCode, RecordKind
from roster_sync.domain.run import COUNT_OF_KIND, Counts, Run, RunState
from roster_sync.domain.usage import ACCOUNTING_OF_A_FETCH
from roster_sync.domain.user import Role
from roster_sync.use_cases.begin_run import begin_run
from roster_sync.use_cases.close_run import close_run
from roster_sync.use_cases.fetcher import Fetched, Fetcher
from roster_sync.use_cases.send_chunks import chunks_of, send_chunks
from roster_sync.use_cases.take_held import runs_since, take_held

_USERS_AT_ONCE = 500


def apply_approval(district_id: DistrictId, run_id: RunId, fetcher: Fetcher) -> Fetched:
    """Send what an approval's run is to apply, or run it anew if an earlier attempt died.

    A user who was written since the blocked run is left alone and named in an issue.

    Args:
        district_id: Of the SyncRequest.
        run_id: Of the SyncRequest; its decision is stored under it.
        fetcher: The outside; the provider is not asked.

    Raises:
        TransientError: Database or queue did not answer; the SyncRequest may come again.
    """
    leases, runs, clock = fetcher.leases, fetcher.runs, fetcher.clock
    run = begin_run(district_id, run_id, fetcher)
    if not isinstance(run, Run):
        return Fetched(run)
    blocked = runs.get(district_id, run.of_run) if run.of_run else None
    asked = next(iter(fetcher.held.decisions(district_id, run_id)), None)
    if blocked is None or asked is None:
        reason = "What was approved is no longer kept. Sync again, and look at what that run holds."
        return Fetched(close_run(run, RunState.FAILED, reason, runs=runs, leases=leases, now=clock()))
    if has_moved_on(blocked, runs_since(blocked, runs)):
        return Fetched(close_run(run, RunState.SKIPPED, MOVED_ON, runs=runs, leases=leases, now=clock()))
    return _apply(run, blocked, take_held(blocked, asked, fetcher.held), fetcher)


def _apply(run: Run, blocked: Run, taken: Sequence[HeldChange], fetcher: Fetcher) -> Fetched:
    district_id, runs, leases = run.district_id, fetcher.runs, fetcher.leases
    changes, issues, counts = _unchanged_since(run, blocked, taken, fetcher)
    bounds = chunk_bounds(CHANGE_BYTES + len(pack(change.user) if change.user else b"") for change in changes)
    settings = fetcher.districts.settings(district_id)
    products = settings.products & fetcher.offered_products if settings else frozenset[str]()
    runs.add_issues(district_id, run.run_id, run.attempt, issues)
    current = runs.begin_applying(
        district_id,
        run.run_id,
        attempt=run.attempt,
        chunks_expected=len(bounds),
        counts=counts,
        issues_by_code=Counter(issue.code.value for issue in issues),
        provider_requests=0,
        outcome=RunState.COMPLETED_WITH_ISSUES if issues else RunState.COMPLETED,
        reason=_reason(taken, issues),
        usage=fetcher.metered() + ACCOUNTING_OF_A_FETCH,
    )
    if not current:
        return Fetched(None)
    chunks = chunks_of(run, bounds, lambda start, stop: changes[start:stop], products, blocked.fence)
    ended = send_chunks(run, chunks, runs=runs, leases=leases, queue=fetcher.queue, clock=fetcher.clock)
    return Fetched(ended, chunks=len(bounds))


def _unchanged_since(
    run: Run, blocked: Run, taken: Sequence[HeldChange], fetcher: Fetcher
) -> tuple[list[Change], list[Issue], Counts]:
    """The changes that can be applied, issues of those that cannot, and counts of what is not to be sent (again)."""
    changes: list[Change] = []
    issues: list[Issue] = []
    counts = Counter[str]()
    for start in range(0, len(taken), _USERS_AT_ONCE):
        batch = taken[start : start + _USERS_AT_ONCE]
        stored = fetcher.users.by_ids(run.district_id, [held.change.user_id for held in batch])
        for held in batch:
            user = stored.get(held.change.user_id)
            if user and user.run_id == run.run_id:
                counts[COUNT_OF_KIND[held.change.kind]] += 1
            elif user and user.fence <= blocked.fence:
                changes.append(held.change)
            else:
                counts["superseded"] += 1
                kind = RecordKind.STUDENT if user and user.role is Role.STUDENT else RecordKind.STAFF
                message = "The user was changed after the approved run had looked; the approval was not applied."
                issues.append(Issue(IssueCode.CHANGED_SINCE, message, held.sourced_id, record_kind=kind))
    return changes, issues, Counts(**counts)


def _reason(taken: Sequence[HeldChange], issues: Sequence[Issue]) -> str | None:
    if not taken:
        return "Nothing was left to approve: it was decided before, or names nobody whom the run holds."
    if issues:
        return f"{len(issues)} of {len(taken)} users were changed since, and were left as they are."
    return None
