"""Test a district's OneRoster settings against its provider, and report step by step."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

from roster_sync.domain.district import School, Settings
from roster_sync.domain.errors import ConfigurationError, RosterSyncError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.security.egress import (
    HandshakeBrokenError,
    HostUnreachableError,
    TimedOutError,
    TlsError,
    TruncatedError,
)
from roster_sync.use_cases.change_settings import require_secret_for_another_host

SAMPLE_USERS: Final = 200
"""Users whose roles and metadata are looked at."""
MOST_ORG_PAGES: Final = 50
"""More than any district has; a provider that never ends is stopped here."""
_MOST_SHOWN: Final = 100
"""Of roles and of metadata keys, the most frequent first."""
_LONGEST_SHOWN: Final = 100
"""Characters of a role or a metadata key."""
_MOST_NAMED: Final = 5
"""Schools that a sentence names."""
_DISTRICT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

_T = TypeVar("_T")


class StepName(StrEnum):
    """The steps of a probe, in order."""

    ADDRESS = "Address reached"
    TLS = "TLS"
    SIGNATURE = "Signature accepted"
    ORGS = "/orgs read"
    USERS = "/users read"
    SCHOOLS = "Configured schools found"


@dataclass(frozen=True, slots=True)
class Step:
    """What is known of one step.

    Attributes:
        ok: None if the step was not reached, or does not apply.
        seconds: Spent with it; None if no time of its own was.
        message: One sentence.
        remedy: What to do; None if there is nothing to do.
    """

    name: StepName
    ok: bool | None
    seconds: float | None
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class SchoolAtProvider:
    """An org of type school."""

    sourced_id: str
    name: str | None


@dataclass(frozen=True, slots=True)
class UnknownSchool:
    """A configured school whose OneRoster ID no org has."""

    school_id: str
    name: str
    oneroster_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What a probe found: names of schools, but nothing of persons.

    Attributes:
        ok: No step failed.
        total_users: None if the provider does not tell.
        roles: How many of the sampled users have each role, as the provider spells it.
        metadata_keys: How many of the sampled users have a value for each key.
        schools: The orgs of type school that were read.
    """

    ok: bool
    steps: Sequence[Step]
    total_users: int | None = None
    sampled_users: int = 0
    roles: Mapping[str, int] = field(default_factory=dict)
    metadata_keys: Mapping[str, int] = field(default_factory=dict)
    schools: Sequence[SchoolAtProvider] = ()
    unknown_schools: Sequence[UnknownSchool] = ()

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return asdict(self)


class ProbedPage(Protocol):
    """Some records of a collection."""

    @property
    def records(self) -> Sequence[object]:
        """As the provider sent them."""

    @property
    def total(self) -> int | None:
        """The provider's count of the whole collection; None if it gives none."""


class ProbedProvider(Protocol):
    """A OneRoster provider, signed in to; its errors are RosterSyncErrors with a cause and a remedy."""

    def page(self, endpoint: str, *, limit: int, offset: int) -> ProbedPage:
        """One page of a collection."""

    def pages(self, endpoint: str) -> Iterator[ProbedPage]:
        """Every page of a collection, in order."""

    def close(self) -> None:
        """Give connections back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTarget:
    """What to probe.

    Attributes:
        base_url: In its normal form.
        consumer_secret: Text as entered, or bytes as stored, encrypted.
    """

    district_id: DistrictId
    base_url: str
    consumer_key: str
    consumer_secret: str | bytes = field(repr=False)
    page_size: int
    parallel_requests: int


def probe_target(
    request: object,
    stored_settings: Callable[[DistrictId], Settings | None],
    normalise_base_url: Callable[[str], str],
) -> ProbeTarget:
    """What a request asks to probe: `{"district_id": ...}`, and unsaved `"settings"` in place of the stored ones.

    Unsaved settings without a secret are probed with the stored one, at the host that it was stored for only.

    Raises:
        ConfigurationError: Something is missing or cannot be; the message says what.
    """
    if not isinstance(request, Mapping):
        raise ConfigurationError('The request is no object. Send {"district_id": "..."}.')
    district_id = request.get("district_id")
    if not isinstance(district_id, str) or not _DISTRICT_ID.fullmatch(district_id):
        raise ConfigurationError(
            "The request names no district. Send a district_id of up to 64 letters, digits, hyphens and underscores."
        )
    stored = stored_settings(DistrictId(district_id))
    entered = request.get("settings")
    if entered is None and stored is None:
        raise ConfigurationError(
            f"There are no OneRoster settings of a district {district_id}. Check the district's id, or enter base URL, "
            "consumer key and consumer secret."
        )
    settings = stored or Settings(district_id=DistrictId(district_id))
    if entered is None:
        return _target(settings, settings.base_url, settings.consumer_key, None, normalise_base_url)
    if not isinstance(entered, Mapping):
        raise ConfigurationError("The settings are no object. Send base_url, consumer_key and consumer_secret in one.")
    settings = replace(
        settings,
        page_size=_number(entered, "page_size", settings.page_size),
        parallel_requests=_number(entered, "parallel_requests", settings.parallel_requests),
    )
    base_url, consumer_key, consumer_secret = (
        _line(entered, name) for name in ("base_url", "consumer_key", "consumer_secret")
    )
    return _target(settings, base_url, consumer_key, consumer_secret, normalise_base_url)


def _target(
    stored: Settings,
    base_url: str | None,
    consumer_key: str | None,
    entered_secret: str | None,
    normalise_base_url: Callable[[str], str],
) -> ProbeTarget:
    secret = entered_secret or stored.consumer_secret
    if not (base_url and consumer_key and secret):
        values = {"base URL": base_url, "consumer key": consumer_key, "consumer secret": secret}
        missing = ", ".join(name for name, value in values.items() if not value)
        raise ConfigurationError(f"The OneRoster settings lack: {missing}. Enter what is missing.")
    base_url = normalise_base_url(base_url)
    require_secret_for_another_host(base_url, entered_secret, stored)
    return ProbeTarget(
        district_id=stored.district_id,
        base_url=base_url,
        consumer_key=consumer_key,
        consumer_secret=secret,
        page_size=stored.page_size,
        parallel_requests=stored.parallel_requests,
    )


def _line(entered: Mapping[str, object], name: str) -> str | None:
    value = entered.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"The value of {name} is no text. Enter it as the provider gives it.")
    return value.strip() or None if value else None


def _number(entered: Mapping[str, object], name: str, default: int) -> int:
    value = entered.get(name, default)
    if not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"The value of {name} is no number above 0. Leave it out, or enter one.")
    return value


def report_of_refusal(error: RosterSyncError) -> ProbeReport:
    """The report if there is nothing that could be probed."""
    findings = _Findings()
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


class _Findings:
    """What is known of the steps so far; what was said first of a step holds, unless it left open whether it passed."""

    def __init__(self) -> None:
        self._known: dict[StepName, Step] = {}

    def settled(self, name: StepName) -> bool:
        known = self._known.get(name)
        return known is not None and known.ok is not None

    def add(
        self, name: StepName, ok: bool | None, message: str, remedy: str | None = None, seconds: float | None = None
    ) -> None:
        rounded = None if seconds is None else round(seconds, 2)
        known = self._known.get(name)
        if known is None or known.ok is None:
            self._known[name] = Step(name, ok, rounded, message, remedy)

    def failed(self, name: StepName, text: str, seconds: float | None = None) -> None:
        """Take the last sentence for the remedy, as errors have it."""
        cause, parted, remedy = text.rpartition(". ")
        self.add(name, False, f"{cause}." if parted else text, remedy if parted else None, seconds)

    def steps(self) -> list[Step]:
        return [self._known.get(name) or Step(name, None, None, "Not reached.") for name in StepName]


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
        self._findings = _Findings()
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
            roles=_most_frequent(_text(user.get("role")) for user in self._users),
            metadata_keys=_most_frequent(key for user in self._users for key in _keys_with_value(user.get("metadata"))),
            schools=_schools(self._orgs),
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
        schools = len(_schools(self._orgs))
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


def _schools(orgs: Sequence[object]) -> list[SchoolAtProvider]:
    found = []
    for org in orgs:
        if isinstance(org, Mapping) and (_text(org.get("type")) or "").lower() == "school":
            sourced_id = org.get("sourcedId")
            if isinstance(sourced_id, str) and sourced_id:
                found.append(SchoolAtProvider(sourced_id, _text(org.get("name"))))
    return found


def _text(value: object) -> str | None:
    """Foreign text, short and printable; None if there is none."""
    if not isinstance(value, str):
        return None
    printable = "".join(character for character in value if character.isprintable()).strip()
    return printable[:_LONGEST_SHOWN] or None


def _keys_with_value(metadata: object) -> list[str]:
    if not isinstance(metadata, Mapping):
        return []
    return [str(key) for key, value in metadata.items() if value not in (None, "")]


def _most_frequent(values: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(filter(None, map(_text, values))).most_common(_MOST_SHOWN))
