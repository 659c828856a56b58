"""Fetch one district's users from its provider and send what changed to be applied."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice

from roster_sync.domain.change import Chunk, chunk_bounds
from roster_sync.domain.diff import Comparison, Outcome
from roster_sync.domain.district import Settings, mapped_schools, why_not_run
from roster_sync.domain.errors import ConfigurationError, DistrictBusyError, TransientError
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId
from roster_sync.domain.issue import Issue, IssueCode, RecordKind, in_mending_order
from roster_sync.domain.lease import CHUNK_TIME, LEASE_TIME, PAUSE_S, Lease
from roster_sync.domain.normalise import references_in, rules_of
from roster_sync.domain.roster import Roster
from roster_sync.domain.run import Run, RunKind, RunState, is_upload
from roster_sync.use_cases.close_run import close_if_applied, close_run
from roster_sync.use_cases.ports import ChangeQueue, DistrictStore, LeaseStore, RunStore, UserStore
from roster_sync.use_cases.provider import OpenProvider, Page, Provider
from roster_sync.use_cases.take_lease import take_lease

_ABANDONED_AT_MOST = 25
"""Runs that are looked at for some that died: those of three weeks."""

_UPLOAD_PATIENCE = timedelta(minutes=3)
"""Most uploads take seconds. The rest of the function's time is the provider's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """What a fetch needs of the outside.

    Attributes:
        offered_products: The products of this deployment.
        clock: Says what time it is.
        pause: Waits for so many seconds.
    """

    districts: DistrictStore
    leases: LeaseStore
    runs: RunStore
    users: UserStore
    queue: ChangeQueue
    open_provider: OpenProvider
    offered_products: frozenset[str]
    clock: Callable[[], datetime]
    pause: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a SyncRequest.

    Attributes:
        ended: The run's state, if the fetch ended it; None if its chunks are on their way.
    """

    ended: RunState | None
    records: int = 0
    chunks: int = 0
    provider_requests: int = 0


class _ProviderFailedError(Exception):
    """The provider's data cannot be had; the text is the run's reason."""

    requests_made = 0


def fetch_roster(district_id: DistrictId, run_id: RunId, fetcher: Fetcher, *, deadline: datetime) -> Fetched:
    """Run the fetch of a queued run, or run it anew if an earlier attempt died.

    Whatever is wrong with settings or provider ends the run with a reason; nothing is applied of a fetch that lacks
    a page.

    Args:
        district_id: Of the SyncRequest.
        run_id: Of the SyncRequest.
        fetcher: The outside.
        deadline: When the fetch must have ended, else the run fails.

    Raises:
        TransientError: Database or queue did not answer; the SyncRequest may come again.
    """
    districts, leases, runs, clock = fetcher.districts, fetcher.leases, fetcher.runs, fetcher.clock
    settings, schools = districts.settings(district_id), districts.schools(district_id)
    reason = why_not_run(settings, schools, fetcher.offered_products)
    if reason or settings is None:
        # An earlier attempt, when the settings were still complete, may have died with the lease.
        leases.release(district_id, run_id)
        return Fetched(_close(runs, district_id, run_id, RunState.SKIPPED, reason, clock()))
    try:
        lease = _lease_after_upload(district_id, run_id, fetcher)
    except DistrictBusyError as error:
        return Fetched(_close(runs, district_id, run_id, RunState.SKIPPED, str(error), clock()))
    now = clock()
    _end_abandoned(runs, lease.previous_holder, district_id, run_id, now)
    run = runs.begin_attempt(district_id, run_id, lease.fence, now)
    if run is None:
        leases.release(district_id, run_id)
        return Fetched(None)
    if run.sent_attempt:
        # A chunk of an earlier attempt may be in work. What it writes must be in the roster when that is read.
        fetcher.pause(CHUNK_TIME.total_seconds())
    try:
        return _fetch(run, settings, mapped_schools(schools), fetcher, deadline)
    except _ProviderFailedError as error:
        made = error.requests_made
        ended = close_run(
            run, RunState.FAILED, str(error), runs=runs, leases=leases, now=clock(), provider_requests=made
        )
        return Fetched(ended, provider_requests=made)


def _lease_after_upload(district_id: DistrictId, run_id: RunId, fetcher: Fetcher) -> Lease:
    """The lease of the district; waits for an upload, else the night would be lost on a minute, but for no sync."""
    patience = fetcher.clock() + _UPLOAD_PATIENCE
    while True:
        now = fetcher.clock()
        try:
            return take_lease(district_id, run_id, now, LEASE_TIME, leases=fetcher.leases, runs=fetcher.runs)
        except DistrictBusyError as busy:
            if not is_upload(busy.holder) or now >= patience:
                raise
        fetcher.pause(PAUSE_S)


def _end_abandoned(
    runs: RunStore, previous_holder: RunId | None, district_id: DistrictId, run_id: RunId, now: datetime
) -> None:
    """End what died: who held the lease last, and earlier syncs that never came to take it or to give it back."""
    newest, _ = runs.page(district_id, limit=_ABANDONED_AT_MOST)
    abandoned = [
        run.run_id
        for run in newest
        if run.run_id < run_id and run.kind is not RunKind.UPLOAD and not run.state.is_terminal
    ]
    for earlier in {*abandoned, *([previous_holder] if previous_holder else [])}:
        runs.close(district_id, earlier, RunState.FAILED, "It stopped without a word; a later sync took over.", now)


def _close(
    runs: RunStore, district_id: DistrictId, run_id: RunId, state: RunState, reason: str | None, now: datetime
) -> RunState | None:
    return state if runs.close(district_id, run_id, state, reason, now) else None


def _fetch(
    run: Run, settings: Settings, schools: Mapping[SourcedId, SchoolId], fetcher: Fetcher, deadline: datetime
) -> Fetched:
    with _opened(fetcher.open_provider, settings) as provider, ThreadPoolExecutor(1) as reader:
        products = settings.products & fetcher.offered_products
        issues: list[Issue] = []
        told_schools = _known_schools(schools, provider, issues)
        known_schools = schools if told_schools is None else told_schools
        roster = Roster(known_schools.values(), products, run.run_id)
        reading = reader.submit(roster.fill, fetcher.users.roster(run.district_id))
        rules = rules_of(settings, known_schools)
        pages = _pages(provider, fetcher.clock, deadline)
        # The first page is read beside the roster, for which a comparison waits.
        first = list(islice(pages, 1))
        reading.result()
        comparison = Comparison(run.district_id, roster, rules, provider.reader)
        for page in chain(first, pages):
            if page.starts_over:
                comparison = Comparison(run.district_id, roster, rules, provider.reader)
            comparison.add(page.raw_records)
        if not comparison.received:
            raise _ProviderFailedError(
                "The provider sent no users at all. Check in the SIS that it shares users with this system."
            )
        if told_schools is None:
            issues += _unseen_schools(comparison, len(schools))
        outcome = comparison.finish(
            provider.proof(comparison.received),
            lambda user_ids: fetcher.users.sis_users(run.district_id, user_ids),
            percent=settings.deactivation_percent,
            minimum=settings.deactivation_minimum,
        )
        requests_made = provider.requests_made
    issues = in_mending_order([*issues, *outcome.issues])
    return _send(run, products, comparison, outcome, issues, requests_made, fetcher)


@contextmanager
def _opened(open_provider: OpenProvider, settings: Settings) -> Iterator[Provider]:
    """The provider, until it is no longer needed; a failure tells how many requests were made."""
    try:
        provider = open_provider(settings)
    except ConfigurationError as error:
        raise _ProviderFailedError(str(error)) from error
    with closing(provider):
        try:
            yield provider
        except _ProviderFailedError as error:
            error.requests_made = provider.requests_made
            raise


def _pages(provider: Provider, clock: Callable[[], datetime], deadline: datetime) -> Iterator[Page]:
    """The users' pages, until the deadline."""
    try:
        for page in provider.pages("users"):
            if clock() > deadline:
                raise _ProviderFailedError(
                    "The provider answers so slowly that the users could not be read in time. Try a larger page size, "
                    "or ask the vendor of the SIS."
                )
            yield page
    except (ConfigurationError, TransientError) as error:
        raise _ProviderFailedError(str(error)) from error


def _known_schools(
    schools: Mapping[SourcedId, SchoolId], provider: Provider, issues: list[Issue]
) -> dict[SourcedId, SchoolId] | None:
    """The mapped schools that the provider has; the others become issues, and their users are left as they are.

    None if the provider does not tell: some share users but no orgs.
    """
    try:
        found = {
            sourced_id
            for page in provider.pages("orgs")
            for record in page.records
            for sourced_id in references_in([record])
        }
    except (ConfigurationError, TransientError):
        return None
    for sourced_id in sorted(set(schools) - found):
        message = f'The provider has no school with the OneRoster ID "{sourced_id}"; its users were left as they are.'
        issues.append(Issue(IssueCode.SCHOOL_UNKNOWN, message, sourced_id, record_kind=RecordKind.ORG))
    known = {sourced_id: school_id for sourced_id, school_id in schools.items() if sourced_id in found}
    if not known:
        raise _ProviderFailedError(
            "The provider has no school with any of the OneRoster IDs entered here. Choose them anew; Test Settings "
            "lists the provider's schools."
        )
    return known


def _unseen_schools(comparison: Comparison, mapped: int) -> list[Issue]:
    """An issue for each mapped school of which nobody came; its OneRoster ID may be wrong, and nobody tells."""
    unseen = comparison.leave_unseen_schools_alone()
    if len(unseen) == mapped:
        raise _ProviderFailedError(
            "The provider sent no user of a school with any of the OneRoster IDs entered here, and does not tell which "
            "schools it has. Check the IDs, and that the SIS shares these schools with this system."
        )
    message = (
        'The provider sent nobody of a school with the OneRoster ID "{}", and does not tell which schools it has; the '
        "school's users were left as they are."
    )
    return [
        Issue(IssueCode.SCHOOL_UNKNOWN, message.format(sourced_id), sourced_id, record_kind=RecordKind.ORG)
        for sourced_id in unseen
    ]


def _send(
    run: Run,
    products: frozenset[str],
    comparison: Comparison,
    outcome: Outcome,
    issues: list[Issue],
    requests_made: int,
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
        outcome=RunState.BLOCKED if outcome.verdict.blocks_run else state,
        reason=outcome.verdict.reason,
    )
    fetched = Fetched(None, comparison.received, len(bounds), requests_made)
    # The first chunk may wait its turn behind a whole night of other districts.
    if not current or not fetcher.leases.renew(run.district_id, run.run_id, fetcher.clock() + LEASE_TIME):
        return fetched
    fetcher.queue.send(
        Chunk(
            district_id=run.district_id,
            run_id=run.run_id,
            attempt=run.attempt,
            fence=run.fence,
            number=number,
            products=products,
            changes=[comparison.change(change) for change in planned[start:stop]],
        )
        for number, (start, stop) in enumerate(bounds, start=1)
    )
    stored = runs.get(run.district_id, run.run_id)
    if stored is None:
        return fetched
    ended = close_if_applied(stored, runs=runs, leases=fetcher.leases, now=fetcher.clock())
    return Fetched(ended, comparison.received, len(bounds), requests_made)
