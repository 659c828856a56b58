"""Fetch one district's users from its provider and send what changed to be applied."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime

from roster_sync.domain.change import chunk_bounds
from roster_sync.domain.credentials import expiry_issues, refused_after_good_nights
from roster_sync.domain.delta import FetchChoice, choose_fetch, everybody
from roster_sync.domain.diff import Comparison, Outcome
from roster_sync.domain.district import Settings, mapped_schools, why_not_run
from roster_sync.domain.earlier_runs import last_good, last_reading
from roster_sync.domain.errors import (
    ConfigurationError,
    CredentialsRefusedError,
    DistrictBusyError,
    OwnOutageError,
    RosterSyncError,
    TransientError,
)
from roster_sync.domain.fetch_plan import FetchPlan, SchoolLists, choose_plan
from roster_sync.domain.held_changes import HELD_AT_MOST, HeldChange, HeldKind
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId
from roster_sync.domain.issue import Issue, in_mending_order
from roster_sync.domain.journal import Journal
from roster_sync.domain.lease import CHUNK_TIME, LEASE_TIME
from roster_sync.domain.limits import LIFTED, Limits, limits_of
from roster_sync.domain.modified import NewestChange
from roster_sync.domain.normalise import rules_of
from roster_sync.domain.reading import Fetch, Reading, reading_key
from roster_sync.domain.roster import Roster
from roster_sync.domain.run import Run, RunKind, RunState, is_preview, is_soon_over
from roster_sync.domain.usage import ACCOUNTING_OF_A_FETCH
from roster_sync.use_cases.close_run import close_run
from roster_sync.use_cases.continuation import MOST_READING, Continuation, HandedOverError
from roster_sync.use_cases.fetcher import Fetched, Fetcher
from roster_sync.use_cases.ports import (
    RunStore,
)
from roster_sync.use_cases.preview import Preview, report_preview
from roster_sync.use_cases.prove_date_filter import honours_date_filter
from roster_sync.use_cases.provider import NO_USERS, OpenProvider, Provider, ProviderFailedError
from roster_sync.use_cases.read_schools import read_schools, unseen_schools
from roster_sync.use_cases.read_users import DeltaUnfitError, UsersRead, read_changes, read_users
from roster_sync.use_cases.send_chunks import chunks_of, send_chunks
from roster_sync.use_cases.take_lease import wait_for_lease
from roster_sync.use_cases.users_source import UsersSource

_EARLIER_AT_MOST = 25
"""Runs that are looked at, for some that died and for what was learnt: those of three weeks."""


def fetch_roster(district_id: DistrictId, run_id: RunId, fetcher: Fetcher, *, deadline: datetime) -> Fetched:
    """Run the fetch of a queued run, or go on with it if an earlier attempt has handed over or died.

    Whatever is wrong with settings or provider ends the run with a reason; nothing is applied of a fetch that lacks
    a page.

    Args:
        district_id: Of the SyncRequest.
        run_id: Of the SyncRequest.
        fetcher: The outside.
        deadline: When it must have read all users, else it hands over to another invocation.

    Raises:
        TransientError: Database or queue did not answer, or an upload, edit, approval or undo takes longer than a
            sync waits for it; the SyncRequest may come again.
    """
    districts, leases, runs, clock = fetcher.districts, fetcher.leases, fetcher.runs, fetcher.clock
    settings, schools = districts.settings(district_id), districts.schools(district_id)
    reason = why_not_run(settings, schools, fetcher.offered_products, preview=is_preview(run_id))
    if reason or settings is None:
        # An earlier attempt, when the settings were still complete, may have died with the lease.
        leases.release(district_id, run_id)
        return Fetched(_close(runs, district_id, run_id, RunState.SKIPPED, reason, clock()))
    try:
        lease = wait_for_lease(district_id, run_id, leases=leases, runs=runs, clock=clock, pause=fetcher.pause)
    except DistrictBusyError as busy:
        if is_soon_over(busy.holder) and not is_preview(run_id):
            # Skipped, its night would be lost to what reads no provider.
            raise TransientError(str(busy)) from busy
        return Fetched(_close(runs, district_id, run_id, RunState.SKIPPED, str(busy), clock()))
    now = clock()
    newest, _ = runs.page(district_id, limit=_EARLIER_AT_MOST)
    earlier = [run for run in newest if run.run_id < run_id]
    _end_abandoned(runs, lease.previous_holder, district_id, earlier, now)
    run = runs.begin_attempt(district_id, run_id, lease.fence, now)
    if run is None:
        leases.release(district_id, run_id)
        return Fetched(None)
    if run.sent_attempt and run.kind is not RunKind.PREVIEW:
        # A chunk of an earlier attempt may be in work. What it writes must be in the roster when that is read.
        fetcher.pause(CHUNK_TIME.total_seconds())
    continuation = _continuation(run, settings, fetcher, deadline)
    try:
        limits = limits_of(settings, schools, now)
        syncs = [other for other in earlier if other.kind is not RunKind.PREVIEW]
        fetched = _fetch(run, settings, mapped_schools(schools), limits, syncs, fetcher, continuation)
    except HandedOverError:
        return _hand_over(run, fetcher)
    except ProviderFailedError as error:
        made = continuation.journal.requests_before + error.requests_made
        ended = close_run(
            run, RunState.FAILED, str(error), runs=runs, leases=leases, now=clock(), provider_requests=made
        )
        fetched = Fetched(ended, provider_requests=made)
    continuation.forget()
    return fetched


def _continuation(run: Run, settings: Settings, fetcher: Fetcher, deadline: datetime) -> Continuation:
    """With what earlier attempts have read, unless one of them came to an end of that."""
    now, store = fetcher.clock(), fetcher.checkpoints
    prefix = f"{settings.version}-{run.sent_attempt}-"
    parts = store.load(run.district_id, run.run_id, prefix) if run.attempt > 1 else ()
    journal = Journal(now, parts)
    if now - journal.began > MOST_READING:
        journal = Journal(now)
    return Continuation(
        district_id=run.district_id,
        run_id=run.run_id,
        prefix=prefix,
        attempt=run.attempt,
        store=store,
        clock=fetcher.clock,
        deadline=deadline,
        journal=journal,
        saved_at=now,
    )


def _hand_over(run: Run, fetcher: Fetcher) -> Fetched:
    """Ask for another invocation, unless a newer attempt is that already or the run has ended."""
    stored = fetcher.runs.get(run.district_id, run.run_id)
    current = stored is not None and not stored.state.is_terminal and stored.attempt == run.attempt
    if not current or not fetcher.leases.renew(run.district_id, run.run_id, fetcher.clock() + LEASE_TIME):
        return Fetched(None)
    fetcher.request_sync(run.district_id, run.run_id)
    return Fetched(None, handed_over=True)


def _end_abandoned(
    runs: RunStore, previous_holder: RunId | None, district_id: DistrictId, earlier: Sequence[Run], now: datetime
) -> None:
    """End what died or waits: who held the lease last, and earlier syncs that never took it or never gave it back."""
    abandoned = {run.run_id: run for run in earlier if run.kind is not RunKind.UPLOAD and not run.state.is_terminal}
    for run_id in {*abandoned, *([previous_holder] if previous_holder else [])}:
        waits = run_id in abandoned and abandoned[run_id].state is RunState.QUEUED
        how = "It had not begun" if waits else "It stopped without a word"
        runs.close(district_id, run_id, RunState.FAILED, f"{how}; a later sync took over.", now)


def _close(
    runs: RunStore, district_id: DistrictId, run_id: RunId, state: RunState, reason: str | None, now: datetime
) -> RunState | None:
    return state if runs.close(district_id, run_id, state, reason, now) else None


def _fetch(
    run: Run,
    settings: Settings,
    schools: Mapping[SourcedId, SchoolId],
    limits: Limits,
    earlier: Sequence[Run],
    fetcher: Fetcher,
    continuation: Continuation,
) -> Fetched:
    journal = continuation.journal
    with _opened(fetcher.open_provider, settings) as provider, ThreadPoolExecutor(1) as reader:
        provider.remember(journal)
        products = settings.products & fetcher.offered_products
        found = read_schools(schools, provider)
        rules = rules_of(settings, found.mapped)
        key = reading_key(settings, rules)
        last = last_reading(earlier, key)
        lists = last.school_lists if last else SchoolLists.UNTRIED
        choice = choose_fetch(settings, run, earlier, key)
        newest = NewestChange(fetcher.clock()) if settings.delta_nights else None
        roster = Roster(found.mapped.values(), products, run.run_id)
        filling = reader.submit(roster.fill, fetcher.users.roster(run.district_id))

        def compare() -> Comparison:
            filling.result()
            return Comparison(run.district_id, roster, rules, provider.reader)

        source = UsersSource(
            provider, compare, lambda: continuation.page_came(provider), newest.note if newest else None
        )
        plan = choose_plan(rules, found.at_provider, last.school_lists if last else None)
        try:
            choice, read = _read(choice, plan, lists, source)
        except OwnOutageError:
            # The message comes again, and the fetch goes on.
            raise
        except (ConfigurationError, TransientError) as error:
            raise ProviderFailedError(_reason(error, settings, earlier)) from error
        comparison = read.comparison
        if not comparison.received:
            raise ProviderFailedError(NO_USERS)
        issues = list(found.issues)
        if found.doubtful and choice.fetch is Fetch.FULL:
            issues += unseen_schools(comparison, found.doubtful, len(schools))
        outcome = comparison.finish(
            read.proof,
            lambda user_ids: fetcher.users.sis_users(run.district_id, user_ids),
            limits,
            partial=choice.fetch is Fetch.DELTA,
        )
        filters_dates = choice.fetch is Fetch.DELTA or (settings.delta_nights and honours_date_filter(provider))
        requests_made = journal.requests_before + provider.requests_made
    reading = Reading(
        scope=read.plan.scope,
        scope_reason=read.plan.reason,
        fetch=choice.fetch,
        fetch_reason=choice.reason,
        key=key,
        school_lists=read.lists,
        filters_dates=filters_dates,
        newest_change=_newest_change(choice, newest) if read.proof.whole else None,
    )
    issues = in_mending_order([*issues, *outcome.issues, *expiry_issues(settings, fetcher.clock().date())])
    held = _hold(run, comparison, outcome, fetcher)
    if run.kind is RunKind.PREVIEW:
        preview = Preview(run, products, comparison, outcome, issues, requests_made, reading, held)
        ended = report_preview(
            preview,
            runs=fetcher.runs,
            users=fetcher.users,
            leases=fetcher.leases,
            log=fetcher.log,
            usage=fetcher.metered() + ACCOUNTING_OF_A_FETCH,
            now=fetcher.clock(),
        )
        if ended:
            fetcher.districts.save_previewed(run.district_id, fetcher.clock(), settings.version)
        return Fetched(ended, comparison.received, 0, requests_made, reading)
    reason = _reason_of(outcome, limits)
    return _send(run, products, comparison, outcome, issues, requests_made, reading, held, reason, fetcher)


def _read(
    choice: FetchChoice, plan: FetchPlan, lists: SchoolLists, source: UsersSource
) -> tuple[FetchChoice, UsersRead]:
    """What changed, else all."""
    if choice.since:
        try:
            return choice, read_changes(choice.since, lists, source)
        except DeltaUnfitError as unfit:
            choice = everybody(str(unfit))
    return choice, read_users(plan, lists, source)


def _newest_change(choice: FetchChoice, seen: NewestChange | None) -> datetime | None:
    """By the records' dates, never by our clock; a delta does not go back."""
    moments = [moment for moment in (choice.newest_change, seen.moment if seen else None) if moment]
    return max(moments, default=None)


def _reason(error: RosterSyncError, settings: Settings, earlier: Sequence[Run]) -> str:
    """What the run says of the provider's failure."""
    good = last_good(earlier) if isinstance(error, CredentialsRefusedError) and error.may_have_expired else None
    return refused_after_good_nights(settings, good.created_at.date(), str(error)) if good else str(error)


@contextmanager
def _opened(open_provider: OpenProvider, settings: Settings) -> Iterator[Provider]:
    """The provider, until it is no longer needed; a failure tells how many requests were made."""
    try:
        provider = open_provider(settings)
    except ConfigurationError as error:
        raise ProviderFailedError(str(error)) from error
    with closing(provider):
        try:
            yield provider
        except ProviderFailedError as error:
            error.requests_made = provider.requests_made
            raise


def _send(
    run: Run,
    products: frozenset[str],
    comparison: Comparison,
    outcome: Outcome,
    issues: list[Issue],
    requests_made: int,
    reading: Reading,
    held: Mapping[HeldKind, int],
    reason: str | None,
    fetcher: Fetcher,
) -> Fetched:
    """Store what the fetch found, then send the chunks; the last one applied closes the run."""
    runs = fetcher.runs
    planned = outcome.planned
    bounds = chunk_bounds(comparison.sizes(planned))
    runs.add_issues(run.district_id, run.run_id, run.attempt, issues)
    state = RunState.COMPLETED_WITH_ISSUES if issues else RunState.COMPLETED
    current = runs.begin_applying(
        run.district_id,
        run.run_id,
        attempt=run.attempt,
        chunks_expected=len(bounds),
        counts=outcome.counts,
        issues_by_code=Counter(issue.code.value for issue in issues),
        provider_requests=requests_made,
        reading=reading,
        outcome=RunState.BLOCKED if outcome.verdict.blocks_run else state,
        reason=reason,
        held=held,
        usage=fetcher.metered() + ACCOUNTING_OF_A_FETCH,
    )
    ended = None
    if current:
        chunks = chunks_of(
            run, bounds, lambda start, stop: [comparison.change(change) for change in planned[start:stop]], products
        )
        ended = send_chunks(run, chunks, runs=runs, leases=fetcher.leases, queue=fetcher.queue, clock=fetcher.clock)
    return Fetched(ended, comparison.received, len(bounds), requests_made, reading)


def _hold(run: Run, comparison: Comparison, outcome: Outcome, fetcher: Fetcher) -> Counter[HeldKind]:
    """Store the changes that wait for a decision; how many of each kind."""
    counts = Counter[HeldKind]()

    def counted() -> Iterator[HeldChange]:
        for change in comparison.withheld(outcome.withheld):
            counts[change.kind] += 1
            yield change

    if outcome.withheld:
        fetcher.held.add(run.district_id, run.run_id, run.attempt, counted())
    return counts


def _reason_of(outcome: Outcome, limits: Limits) -> str | None:
    reasons = [outcome.verdict.reason] if outcome.verdict.reason else []
    if len(outcome.withheld) > HELD_AT_MOST:
        reasons.append(f"The first {HELD_AT_MOST} are on the list; the sync after that lists the rest.")
    if limits.lifted:
        reasons.append(LIFTED)
    return " ".join(reasons) or None
