"""Test a district's OneRoster settings against its provider, and report step by step."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from itertools import chain
from threading import Event
from typing import Final, TypeVar
from urllib.parse import urlsplit

from roster_sync.domain.district import School
from roster_sync.domain.errors import NotOfferedError, RosterSyncError
from roster_sync.domain.fetch_plan import ROLE_BY_ROLE
from roster_sync.domain.school_year import latest_school_year
from roster_sync.security.egress import (
    HandshakeBrokenError,
    HostUnreachableError,
    TimedOutError,
    TlsError,
    TruncatedError,
)
from roster_sync.use_cases.probe import readings, verdicts
from roster_sync.use_cases.probe.closer_look import closer_look
from roster_sync.use_cases.probe.provider import ProbedPage, ProbedProvider, ProviderErrors
from roster_sync.use_cases.probe.questions import (
    LOOKED_AT,
    SCHOOLS,
    SESSIONS,
    USERS,
    Answer,
    Failed,
    Got,
    Query,
    Sample,
    Untried,
    questions,
    students_of,
)
from roster_sync.use_cases.probe.records import MOST_ORGS, Orgs, metadata_of, roles_of
from roster_sync.use_cases.probe.report import Findings, ProbeReport, SchoolCount, StepName, UnknownSchool
from roster_sync.use_cases.probe.target import ProbeTarget

SAMPLE_USERS: Final = 200
"""Users whose roles and metadata are looked at."""
MOST_ORG_PAGES: Final = 20
"""More than any district has; a provider that never ends is stopped here."""
MOST_REQUESTS: Final = 60
"""To the provider, those tried again included; a district without oddities takes about twenty."""
MOST_AT_ONCE: Final = 4
"""Requests."""
MOST_TESTS: Final = 5
"""Of one district within the time below: a wrong secret must not be shown so often that a provider locks the key."""
TESTS_COUNTED_FOR: Final = timedelta(minutes=5)
_REQUESTS_FOR_ORGS: Final = 30
"""After so many no further page of orgs is read."""
_MOST_UNKNOWN_SCHOOLS: Final = 1000
"""Of a report."""
_NO_TIME: Final = Untried("Not tried for lack of time.", "Test again when the provider has less to do.")
_NO_ANSWER: Final = Untried(
    "No answer came before the time of the test was over.", "Test again when the provider has less to do."
)
_ENOUGH: Final = Untried(
    "Not tried: the provider took too many requests before.", "Nothing to do: the sync finds it out itself."
)
_A_PAUSE: Final = Untried(
    "Not tried, because the provider gets too many requests.", "Test again later, while no sync of the district runs."
)

_T = TypeVar("_T")


def report_of_refusal(error: RosterSyncError) -> ProbeReport:
    """The report if there is nothing that could be probed."""
    findings = Findings()
    findings.failed(StepName.ADDRESS, str(error))
    return ProbeReport(ok=False, steps=findings.steps())


def report_of_too_many_tests(wait_for: timedelta) -> ProbeReport:
    """The report if the district was tested too often of late."""
    seconds = max(1, round(wait_for.total_seconds()))
    minutes = TESTS_COUNTED_FOR // timedelta(minutes=1)
    findings = Findings()
    findings.failed(
        StepName.ADDRESS,
        f"The settings of this district were tested {MOST_TESTS} times within {minutes} minutes, and providers lock "
        f"keys that fail too often. Test again in {seconds} seconds.",
    )
    return ProbeReport(ok=False, steps=findings.steps(), retry_after_s=seconds)


def probe_provider(
    target: ProbeTarget,
    schools: Sequence[School],
    open_provider: Callable[[ProbeTarget], ProbedProvider],
    *,
    errors: ProviderErrors,
    deadline_s: float,
    monotonic: Callable[[], float],
) -> ProbeReport:
    """What a few requests to the provider show, at the latest after `deadline_s`: then what is known by then.

    Only what the sync needs can fail: /orgs, /users, the configured schools, and pages that can be read at all. Where
    the sync reads something else for /orgs or /users, the probe does, too, and says so.

    Args:
        target: From `probe_target`.
        schools: The district's schools as configured.
        open_provider: Signs in. Its requests should end by themselves before the deadline.
        errors: Those of the provider.
        deadline_s: From now on.
        monotonic: Seconds.
    """
    return _Probe(target, open_provider, errors, deadline_s, monotonic).report(schools)


class _Probe:
    """One probe; each call to the provider is made by a worker, for which nobody waits longer than the deadline."""

    def __init__(
        self,
        target: ProbeTarget,
        open_provider: Callable[[ProbeTarget], ProbedProvider],
        errors: ProviderErrors,
        deadline_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._target = target
        self._open_provider = open_provider
        self._errors = errors
        self._deadline_s = deadline_s
        self._monotonic = monotonic
        self._ends_at = monotonic() + deadline_s
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="probe")
        self._findings = Findings()
        self._seconds: defaultdict[StepName, float] = defaultdict(float)
        self._over = False
        parts = urlsplit(target.base_url)
        self._host = parts.netloc
        self._encrypted = parts.scheme == "https"
        self._provider: ProbedProvider | None = None
        self._orgs = Orgs()
        self._orgs_lacking: NotOfferedError | None = None
        self._users_lacking: NotOfferedError | None = None
        self._samples: list[Sample] = []
        self._known: dict[Query, Answer] = {}
        self._origin = 0

    def report(self, schools: Sequence[School]) -> ProbeReport:
        """Read orgs and users, compare, and look closer."""
        self._provider = provider = self._opened()
        try:
            unknown = self._read(provider, schools) if provider else []
            answers = self._asked(provider, schools) if provider else {}
            ahead_s = provider.clock_ahead_s if provider else None
            requests = provider.requests_made if provider else 0
        finally:
            self._worker.shutdown(wait=False, cancel_futures=True)
            if provider:
                provider.close()
        closer = closer_look(
            next(iter(self._samples), None),
            answers,
            page_size=self._target.page_size,
            school=self._some_school(schools),
            errors=self._errors,
            host=self._host,
        )
        self._findings.note(*closer.steps)
        if requests:
            self._findings.note(verdicts.clock(ahead_s))
        steps = self._findings.steps()
        users = [user for sample in self._samples for user in sample.users]
        keys, examples = metadata_of(users)
        return ProbeReport(
            ok=not any(step.ok is False for step in steps),
            steps=steps,
            sign_in=provider.sign_in if provider else None,
            requests=requests,
            total_users=readings.together(sample.total for sample in self._samples),
            sampled_users=len(users),
            roles=roles_of(users),
            metadata_keys=keys,
            metadata_examples=examples,
            schools=self._orgs.schools,
            schools_left_out=self._orgs.schools_left_out,
            unknown_schools=unknown[:_MOST_UNKNOWN_SCHOOLS],
            students_of_schools=_counted(schools, answers),
            endpoints=closer.endpoints,
            page_cap=closer.page_cap,
            sorting=closer.sorting,
            filters=closer.filters,
            delta=closer.delta,
            school_year=_school_year(answers.get(SESSIONS)),
        )

    def _opened(self) -> ProbedProvider | None:
        try:
            return self._within(lambda: self._open_provider(self._target))
        except TimeoutError:
            text = "The stored consumer secret could not be decrypted in time. Try again later."
        except RosterSyncError as error:
            text = str(error)
        self._findings.failed(StepName.ADDRESS, text)
        return None

    def _read(self, provider: ProbedProvider, schools: Sequence[School]) -> list[UnknownSchool]:
        """The first orgs, the users, then the other orgs: if time runs out, something is known of both."""
        begun = self._try(StepName.ORGS, lambda: self._begin_orgs(provider))
        self._read_users(provider)
        lacking, seconds = self._orgs_lacking, self._seconds
        if begun is None:
            if lacking:
                users_read = bool(self._samples)
                self._findings.note(readings.no_orgs(lacking, users_read=users_read, seconds=seconds[StepName.ORGS]))
            if lacking and self._samples:
                self._findings.note(readings.schools_found(schools, None, complete=False)[0])
            return []
        pages, complete = begun
        if not complete:
            rest = self._try(StepName.ORGS, lambda: self._read_orgs(provider, pages, MOST_ORG_PAGES - 1))
            complete = rest or False
        self._findings.note(readings.orgs_read(self._orgs, lacking, complete=complete, seconds=seconds[StepName.ORGS]))
        step, unknown = readings.schools_found(schools, self._orgs, complete=complete)
        self._findings.note(step)
        return unknown

    def _begin_orgs(self, provider: ProbedProvider) -> tuple[Iterator[ProbedPage], bool]:
        """The pages of /orgs, or of /schools where that is lacking, of which the first has come; whether it was all.

        Raises:
            NotOfferedError: Neither is to be had; the error is that of /orgs.
        """
        pages = provider.pages("orgs")
        try:
            complete = self._read_orgs(provider, pages, 1)
        except NotOfferedError as error:
            lacking = error
        else:
            if self._orgs.sourced_ids or not self._orgs.announced:
                return pages, complete
            lacking = readings.none_came("orgs", self._orgs.announced)
        self._orgs_lacking, self._orgs = lacking, Orgs(only_schools=True)
        pages, begun = provider.pages("schools"), self._monotonic()
        try:
            complete = self._read_orgs(provider, pages, 1)
        except RosterSyncError as error:
            self._known[SCHOOLS] = Failed(error, self._monotonic() - begun)
            raise lacking from None
        self._known[SCHOOLS] = Got((), self._orgs.count, self._orgs.announced, self._monotonic() - begun)
        if not self._orgs.sourced_ids:
            raise lacking
        return pages, complete

    def _read_orgs(self, provider: ProbedProvider, pages: Iterator[ProbedPage], most: int) -> bool:
        """Whether that was all, within `most` pages."""
        for number, page in enumerate(pages, 1):
            if page.starts_over:
                self._orgs = Orgs(only_schools=self._orgs.only_schools)
            self._orgs.add(page.head(MOST_ORGS), page.total)
            if number == most or self._orgs.full or provider.requests_made >= _REQUESTS_FOR_ORGS:
                return False
        return True

    def _read_users(self, provider: ProbedProvider) -> None:
        limit = min(SAMPLE_USERS, self._target.page_size)
        pages = self._try(StepName.USERS, lambda: self._first_users(provider, limit))
        if pages is None:
            return
        self._samples = [
            Sample(
                limit=limit,
                records=page.head(SAMPLE_USERS),
                received=len(page.raw_records),
                announced=page.total,
                total=self._total(provider, endpoint, page, limit),
                linked=page.linked,
                endpoint=endpoint,
            )
            for endpoint, page in pages.items()
            if page.raw_records
        ]
        lacking, seconds = self._users_lacking, self._seconds[StepName.USERS]
        self._findings.note(readings.users_read(self._samples, pages, lacking, seconds=seconds))

    def _first_users(self, provider: ProbedProvider, limit: int) -> dict[str, ProbedPage]:
        """The first page of /users, or those of the lists by role that are to be had, where that is lacking.

        Raises:
            NotOfferedError: None is to be had; the error is that of /users.
        """
        pages: dict[str, ProbedPage] = {}
        try:
            pages[USERS] = page = self._first_page(provider, USERS, limit)
        except NotOfferedError as error:
            lacking = error
        else:
            if page.raw_records or not page.total:
                return pages
            lacking = readings.none_came(USERS, page.total)
        by_role = self._lists_by_role(provider, limit)
        if any(page.raw_records for page in by_role.values()):
            self._users_lacking = lacking
            return by_role
        if not pages:
            raise lacking
        return pages

    def _lists_by_role(self, provider: ProbedProvider, limit: int) -> dict[str, ProbedPage]:
        pages = {}
        for endpoint in (collection.endpoint for collection in ROLE_BY_ROLE):
            begun = self._monotonic()
            answer: Answer
            try:
                pages[endpoint] = page = self._first_page(provider, endpoint, limit)
                answer = Got(page.head(LOOKED_AT), len(page.raw_records), page.total, self._monotonic() - begun)
            except NotOfferedError as error:
                answer = Failed(error, self._monotonic() - begun)
            self._known[Query(endpoint)] = answer
        return pages

    def _first_page(self, provider: ProbedProvider, endpoint: str, limit: int) -> ProbedPage:
        """The first page, also of a provider that refuses an offset of 0 because it counts from 1."""
        try:
            return provider.page(endpoint, limit=limit, offset=0)
        except self._errors.request_refused as refusal:
            try:
                page = provider.page(endpoint, limit=limit, offset=1)
            except RosterSyncError:
                raise refusal from None
            self._origin = 1
            return page

    def _total(self, provider: ProbedProvider, endpoint: str, page: ProbedPage, limit: int) -> int | None:
        """How many users there are.

        Some providers give a page's count as the total: then, and if they give none, it is looked whether more come.
        """
        read = len(page.raw_records)
        if page.total is not None and (page.total > read or page.total == read < limit):
            return page.total
        try:
            more = self._within(lambda: provider.page(endpoint, limit=limit, offset=read + self._origin))
        except (RosterSyncError, TimeoutError):
            return None
        return None if more.raw_records else read

    def _asked(self, provider: ProbedProvider, schools: Sequence[School]) -> dict[Query, Answer]:
        """The answers to all questions, if orgs or users could be read."""
        if not self._findings.passed(StepName.SIGNATURE):
            return {}
        sample = next(iter(self._samples), None)
        wanted = questions(sample, self._target.page_size, self._some_school(schools), self._present(schools))
        asked = [query for query in wanted if query not in self._known]
        if self._over:
            return dict.fromkeys(asked, _NO_TIME) | self._known
        askers = ThreadPoolExecutor(
            min(MOST_AT_ONCE, self._target.parallel_requests), thread_name_prefix="probe-questions"
        )
        throttled = Event()
        answers = {query: askers.submit(self._ask, provider, query, throttled) for query in asked}
        wait(answers.values(), timeout=self._remaining_s())
        askers.shutdown(wait=False, cancel_futures=True)
        return {query: _answer_of(future) for query, future in answers.items()} | self._known

    def _ask(self, provider: ProbedProvider, query: Query, throttled: Event) -> Answer:
        if throttled.is_set():
            return _A_PAUSE
        if provider.requests_made >= MOST_REQUESTS - MOST_AT_ONCE:
            return _ENOUGH
        begun = self._monotonic()
        try:
            page = provider.ask(
                query.endpoint,
                limit=query.limit,
                offset=max(query.offset, self._origin),
                descending=query.descending,
                condition=query.condition,
            )
            return Got(page.head(LOOKED_AT), len(page.raw_records), page.total, self._monotonic() - begun)
        except RosterSyncError as error:
            if isinstance(error, self._errors.throttled):
                throttled.set()
            return Failed(error, self._monotonic() - begun)

    def _present(self, schools: Sequence[School]) -> list[str]:
        """The OneRoster IDs of the configured schools that the provider has, as far as that is known."""
        known = self._orgs.sourced_ids
        configured = [school.oneroster_id for school in schools if school.oneroster_id]
        return [school for school in configured if _fits_into_a_path(school) and (not known or school in known)]

    def _some_school(self, schools: Sequence[School]) -> str | None:
        """A configured school, else any."""
        others = filter(_fits_into_a_path, (school.sourced_id for school in self._orgs.schools))
        return next(chain(self._present(schools), others), None)

    def _try(self, step: StepName, work: Callable[[], _T]) -> _T | None:
        """What `work` returns; None if it fails, which is then among the findings, or if nothing can be tried more."""
        if self._over:
            return None
        begun = self._monotonic()
        try:
            result = self._within(work)
        except TimeoutError:
            self._seconds[step] += self._monotonic() - begun
            self._out_of_time(step)
            return None
        except RosterSyncError as error:
            self._seconds[step] += self._monotonic() - begun
            self._blame(step, error)
            return None
        self._seconds[step] += self._monotonic() - begun
        self._connected()
        self._signed_in()
        return result

    def _signed_in(self) -> None:
        way = self._provider.sign_in if self._provider else None
        accepted = f"Signed in by {way.in_words}." if way else "The consumer key and the consumer secret were accepted."
        self._findings.add(StepName.SIGNATURE, True, accepted)

    def _within(self, work: Callable[[], _T]) -> _T:
        """What `work` returns.

        Raises:
            TimeoutError: It is not done at the deadline.
        """
        return self._worker.submit(work).result(timeout=self._remaining_s())

    def _remaining_s(self) -> float:
        return max(0.0, self._ends_at - self._monotonic())

    def _out_of_time(self, step: StepName) -> None:
        """Blame the address unless it was reached before."""
        self._over = True
        if self._findings.settled(StepName.ADDRESS):
            text = (
                f"{self._host} had not answered when the {self._deadline_s:g} seconds of the test were over. Try again "
                "later; if it stays so, tell the provider."
            )
        else:
            step = StepName.ADDRESS
            text = (
                f"{self._host} could not be reached within {self._deadline_s:g} seconds. Check the host in the base "
                "URL; if it is right, ask the provider whether the server is up and open to the internet."
            )
        self._findings.failed(step, text, self._deadline_s if step is StepName.ADDRESS else self._seconds[step])

    def _blame(self, step: StepName, error: RosterSyncError) -> None:
        """Find the step that failed; without address, encryption or signature no further one can be tried."""
        match error:
            case HostUnreachableError() if not self._findings.settled(StepName.ADDRESS):
                blamed = StepName.ADDRESS
            case TlsError() | HandshakeBrokenError() if not self._findings.settled(StepName.TLS):
                self._reached()
                blamed = StepName.TLS
            case HostUnreachableError() | TlsError() | HandshakeBrokenError():
                blamed = step
            case TimedOutError() | TruncatedError():
                self._reached()
                if self._encrypted:
                    self._findings.add(StepName.TLS, None, "Not known, because no whole answer came.")
                blamed = step
            case NotOfferedError() if step is StepName.ORGS and not self._orgs.count:
                # Whether that hinders the sync depends on the users.
                self._connected()
                return
            case _:
                self._connected()
                refused = isinstance(error, self._errors.signature_refused)
                blamed = StepName.SIGNATURE if refused and not self._findings.settled(StepName.SIGNATURE) else step
        self._over = blamed not in (StepName.ORGS, StepName.USERS)
        self._findings.failed(blamed, str(error), self._seconds[step])

    def _reached(self) -> None:
        self._findings.add(StepName.ADDRESS, True, f"{self._host} was reached.")
        if not self._encrypted:
            self._findings.add(
                StepName.TLS,
                None,
                "Not used: the base URL begins with http://.",
                "Nothing to do: only a provider on this machine is asked so.",
            )

    def _connected(self) -> None:
        self._reached()
        if self._encrypted:
            self._findings.add(StepName.TLS, True, "The connection is encrypted, and the certificate is valid.")


def _fits_into_a_path(sourced_id: str) -> bool:
    """Whether an ID can be part of an endpoint's path: not if it would lead to another one."""
    return "/" not in sourced_id and bool(sourced_id.strip("."))


def _answer_of(future: Future[Answer]) -> Answer:
    """What is known when the time is over; a defect propagates."""
    if future.cancelled():
        return _NO_TIME
    return future.result() if future.done() else _NO_ANSWER


def _school_year(answer: Answer | None) -> dict[str, str] | None:
    year = latest_school_year(answer.records) if isinstance(answer, Got) else None
    return {"school_year_from": year.first.isoformat(), "school_year_until": year.last.isoformat()} if year else None


def _counted(schools: Sequence[School], answers: Mapping[Query, Answer]) -> list[SchoolCount]:
    """How many students the configured schools have, those that were asked about."""
    counted = []
    for school in schools:
        answer = answers.get(students_of(school.oneroster_id)) if school.oneroster_id else None
        students = verdicts.students(answer) if answer else None
        if students is not None:
            counted.append(SchoolCount(school.school_id, students))
    return counted
