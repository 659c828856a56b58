"""Report what a sync would do, and do nothing of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from roster_sync.domain.change import Change, ChangeKind
from roster_sync.domain.diff import Comparison, Outcome
from roster_sync.domain.held_changes import HeldKind
from roster_sync.domain.issue import Issue
from roster_sync.domain.planned import Planned
from roster_sync.domain.reading import Reading
from roster_sync.domain.run import COUNT_OF_KIND, Counts, Run, RunState
from roster_sync.domain.usage import Usage
from roster_sync.domain.user_change import SAMPLES_OF_A_KIND, Attributes, UserChange, difference, synced
from roster_sync.use_cases.close_run import close_if_applied
from roster_sync.use_cases.ports import ChangeLog, LeaseStore, RunStore, UserStore


@dataclass(frozen=True, slots=True)
class Preview:
    """What a preview has found.

    Attributes:
        products: That a sync would add to users.
        held: How many changes a sync would hold, by their kind; they are listed with the preview.
        issues: All of them.
        provider_requests: How many were made.
    """

    run: Run
    products: frozenset[str]
    comparison: Comparison
    outcome: Outcome
    issues: Sequence[Issue]
    provider_requests: int
    reading: Reading
    held: Mapping[HeldKind, int]


def report_preview(
    preview: Preview,
    *,
    runs: RunStore,
    users: UserStore,
    leases: LeaseStore,
    log: ChangeLog,
    usage: Usage,
    now: datetime,
) -> RunState | None:
    """Store counts, samples and issues, and end the preview; its state, if this call ended it."""
    run, outcome = preview.run, preview.outcome
    runs.add_issues(run.district_id, run.run_id, run.attempt, preview.issues)
    samples = [preview.comparison.change(planned) for planned in _first_of_each_kind(outcome.planned)]
    stored = users.snapshots(run.district_id, [change.user_id for change in samples])
    compared = [_compared(change, stored.get(change.user_id, {}), preview.products, now) for change in samples]
    log.keep(run.district_id, run.run_id, attempt=run.attempt, number=1, fence=run.fence, changes=compared)

    verdict = outcome.verdict
    state = RunState.COMPLETED_WITH_ISSUES if preview.issues else RunState.COMPLETED
    reason = f"A sync would be blocked: {verdict.reason}" if verdict.blocks_run else verdict.reason
    would_count = Counter(COUNT_OF_KIND[planned.kind] for planned in outcome.planned)
    current = runs.begin_applying(
        run.district_id,
        run.run_id,
        attempt=run.attempt,
        chunks_expected=0,
        counts=outcome.counts + Counts(**would_count),
        issues_by_code=Counter(issue.code.value for issue in preview.issues),
        provider_requests=preview.provider_requests,
        outcome=RunState.BLOCKED if verdict.blocks_run else state,
        reason=reason,
        reading=preview.reading,
        held=preview.held,
        usage=usage,
    )
    reported = runs.get(run.district_id, run.run_id) if current else None
    return close_if_applied(reported, runs=runs, leases=leases, now=now) if reported else None


def _first_of_each_kind(planned: Iterable[Planned]) -> list[Planned]:
    seen: Counter[ChangeKind] = Counter()
    first: list[Planned] = []
    for change in planned:
        seen[change.kind] += 1
        if seen[change.kind] <= SAMPLES_OF_A_KIND:
            first.append(change)
    return first


def _compared(change: Change, before: Attributes, products: frozenset[str], now: datetime) -> UserChange:
    return difference(change.kind, change.user_id, before, synced(before, change, products, now))
