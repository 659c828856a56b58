"""Test a district's OneRoster settings against its provider, and report step by step."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar
from urllib.parse import urlsplit

from roster_sync.domain.district import School
from roster_sync.domain.errors import RosterSyncError
from roster_sync.security.egress import (
    HandshakeBrokenError,
    HostUnreachableError,
    TimedOutError,
    TlsError,
    TruncatedError,
)
from roster_sync.use_cases.probe.provider import ProbedPage, ProbedProvider
from roster_sync.use_cases.probe.records import keys_with_value, most_frequent, schools_among, text_of
from roster_sync.use_cases.probe.report import Findings, ProbeReport, StepName, UnknownSchool
from roster_sync.use_cases.probe.target import ProbeTarget

SAMPLE_USERS: Final = 200
"""Users whose roles and metadata are looked at."""
MOST_ORG_PAGES: Final = 50
"""More than any district has; a provider that never ends is stopped here."""
_MOST_NAMED: Final = 5
"""Schools that a sentence names."""

_T = TypeVar("_T")


def report_of_refusal(error: RosterSyncError) -> ProbeReport:
    """The report if there is nothing that could be probed."""
    findings = Findings()
    findings.failed(StepName.ADDRESS, str(error))
    return ProbeReport(ok=False, steps=findings.steps())


def probe_provider(
    target: ProbeTarget,
    schools: Sequence[School],
    open_provider: Callable[[ProbeTarget], ProbedProvider],
    *,
    signature_refused: type[RosterSyncError],
    deadline_s: float,
    monotonic: Callable[[], float],
) -> ProbeReport:
    """What a few requests to the provider show, at the latest after `deadline_s`: then what is known by then.

    Args:
        target: From `probe_target`.
        schools: The district's schools as configured.
        open_provider: Signs in. Its requests should end by themselves before the deadline.
        signature_refused: The provider's error that blames key or secret.
        deadline_s: From now on.
        monotonic: Seconds.
    """
    return _Probe(target, open_provider, signature_refused, deadline_s, monotonic).report(schools)


class _Probe:
    """One probe; each call to the provider is made by a worker, for which nobody waits longer than the deadline."""

    def __init__(
        self,
        target: ProbeTarget,
        open_provider: Callable[[ProbeTarget], ProbedProvider],
        signature_refused: type[RosterSyncError],
        deadline_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._target = target
        self._open_provider = open_provider
        self._signature_refused = signature_refused
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
        self._orgs: list[object] = []
        self._users: list[Mapping[str, object]] = []
        self._total_users: int | None = None

    def report(self, schools: Sequence[School]) -> ProbeReport:
        """Read orgs and users, and compare."""
        provider = self._opened()
        try:
            unknown = self._read(provider, schools) if provider else []
        finally:
            self._worker.shutdown(wait=False, cancel_futures=True)
            if provider:
                provider.close()
        steps = self._findings.steps()
        return ProbeReport(
            ok=not any(step.ok is False for step in steps),
            steps=steps,
            total_users=self._total_users,
            sampled_users=len(self._users),
            roles=most_frequent(text_of(user.get("role")) for user in self._users),
            metadata_keys=most_frequent(key for user in self._users for key in keys_with_value(user.get("metadata"))),
            schools=schools_among(self._orgs),
            unknown_schools=unknown,
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
        pages = provider.pages("orgs")
        complete = self._try(StepName.ORGS, lambda: self._read_orgs(pages, 1))
        self._read_users(provider)
        if complete is None:
            return []
        if not complete:
            complete = self._try(StepName.ORGS, lambda: self._read_orgs(pages, MOST_ORG_PAGES - 1)) or False
        self._judge_orgs(complete=complete)
        return self._judge_schools(schools, complete=complete)

    def _read_orgs(self, pages: Iterator[ProbedPage], most: int) -> bool:
        """Whether that was all, within `most` pages."""
        for number, page in enumerate(pages, 1):
            self._orgs.extend(page.records)
            if number == most:
                return False
        return True

    def _judge_orgs(self, *, complete: bool) -> None:
        if not self._orgs:
            self._findings.failed(
                StepName.ORGS,
                "The provider gives no orgs. Ask the provider to share the district's schools with this consumer key.",
                self._seconds[StepName.ORGS],
            )
            return
        schools = len(schools_among(self._orgs))
        read = f"{len(self._orgs)} orgs were read" if complete else f"The first {len(self._orgs)} orgs were read"
        self._findings.add(
            StepName.ORGS,
            True,
            f"{read}, {schools} of them of type school.",
            None if schools else "Ask the provider which of its orgs are the schools.",
            self._seconds[StepName.ORGS],
        )

    def _judge_schools(self, schools: Sequence[School], *, complete: bool) -> list[UnknownSchool]:
        """The configured schools that no org is; none is named unless all orgs were read."""
        configured = [(school, school.oneroster_id) for school in schools if school.oneroster_id]
        known = {org.get("sourcedId") for org in self._orgs if isinstance(org, Mapping)}
        unknown = [
            UnknownSchool(school.school_id, school.name, oneroster_id)
            for school, oneroster_id in configured
            if oneroster_id not in known
        ]
        if not configured:
            self._findings.add(
                StepName.SCHOOLS, True, "No school has a OneRoster ID yet.", "Give each school its OneRoster ID."
            )
        elif not unknown:
            self._findings.add(StepName.SCHOOLS, True, f"The OneRoster IDs of all {len(configured)} schools exist.")
        elif not complete:
            self._findings.add(StepName.SCHOOLS, None, "Not known, because not all orgs could be read.")
            return []
        else:
            names = ", ".join(school.name for school in unknown[:_MOST_NAMED])
            others = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
            self._findings.add(
                StepName.SCHOOLS,
                False,
                f"The provider has no org with the OneRoster ID of {names}{others}.",
                "Give each of these schools the ID of one of the provider's schools, spelled exactly alike.",
            )
        return unknown

    def _read_users(self, provider: ProbedProvider) -> None:
        limit = min(SAMPLE_USERS, self._target.page_size)
        page = self._try(StepName.USERS, lambda: provider.page("users", limit=limit, offset=0))
        if page is None:
            return
        if not page.records:
            self._findings.failed(
                StepName.USERS,
                "The roster is empty: the provider gives no users. Ask the provider to share the district's users with "
                "this consumer key.",
                self._seconds[StepName.USERS],
            )
            return
        self._users = [record for record in page.records if isinstance(record, Mapping)]
        self._total_users = self._total(provider, page, limit)
        self._findings.add(
            StepName.USERS,
            True,
            f"{len(self._users)} users were read as a sample; the provider does not say how many there are."
            if self._total_users is None
            else f"{len(self._users)} of {self._total_users} users were read as a sample.",
            seconds=self._seconds[StepName.USERS],
        )

    def _total(self, provider: ProbedProvider, page: ProbedPage, limit: int) -> int | None:
        """How many users there are.

        Some providers give a page's count as the total: then, and if they give none, it is looked whether more come.
        """
        read = len(page.records)
        if page.total is not None and (page.total > read or page.total == read < limit):
            return page.total
        try:
            more = self._within(lambda: provider.page("users", limit=limit, offset=read))
        except (RosterSyncError, TimeoutError):
            return None
        return None if more.records else read

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
        self._findings.add(StepName.SIGNATURE, True, "The consumer key and the consumer secret were accepted.")
        return result

    def _within(self, work: Callable[[], _T]) -> _T:
        """What `work` returns.

        Raises:
            TimeoutError: It is not done at the deadline.
        """
        return self._worker.submit(work).result(timeout=max(0.0, self._ends_at - self._monotonic()))

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
            case _:
                self._connected()
                refused = isinstance(error, self._signature_refused)
                blamed = StepName.SIGNATURE if refused and not self._findings.settled(StepName.SIGNATURE) else step
        self._over = blamed not in (StepName.ORGS, StepName.USERS)
        self._findings.failed(blamed, str(error), self._seconds[step])

    def _reached(self) -> None:
        self._findings.add(StepName.ADDRESS, True, f"{self._host} was reached.")
        if not self._encrypted:
            self._findings.add(StepName.TLS, None, "Not used: the base URL begins with http://.")

    def _connected(self) -> None:
        self._reached()
        if self._encrypted:
            self._findings.add(StepName.TLS, True, "The connection is encrypted, and the certificate is valid.")
