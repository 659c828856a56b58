"""The report of a probe, small whatever the provider sends, and its steps as they become known."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from roster_sync.domain.sign_in import SignIn

_LONGEST_SENTENCE: Final = 1000


class StepName(StrEnum):
    """The steps of a probe, in order."""

    ADDRESS = "Address reached"
    TLS = "TLS"
    SIGNATURE = "Signature accepted"
    ORGS = "/orgs read"
    USERS = "/users read"
    SCHOOLS = "Configured schools found"
    CLOCK = "Clock"
    OFFSET = "Offset of pages"
    PAGE_SIZE = "Size of pages"
    TOTAL = "Total announced"
    LINKS = "Links between pages"
    BEYOND = "Behind the last page"
    SORTING = "Sorting"
    FILTERS = "Filters"
    DELTA = "Changes since a date"
    ENDPOINTS = "Other endpoints"


@dataclass(frozen=True, slots=True)
class Step:
    """What is known of one step.

    Attributes:
        ok: False hinders the sync; None if nothing is to be said against it: it was not reached, does not apply, or the
            provider does without and so does the sync.
        seconds: Spent with it; None if no time of its own was.
        message: One sentence.
        remedy: What to do, of a note also that nothing is; None if the step passed, or is not reached before another
            one is mended.
    """

    name: StepName
    ok: bool | None
    seconds: float | None
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class SchoolAtProvider:
    """An org of type school, as the provider spells it; its text is shortened, its sourcedId is not."""

    sourced_id: str
    name: str | None
    identifier: str | None
    type: str


@dataclass(frozen=True, slots=True)
class UnknownSchool:
    """A configured school whose OneRoster ID no org has."""

    school_id: str
    name: str
    oneroster_id: str


class EndpointState(StrEnum):
    """What came of the one request for an endpoint."""

    AVAILABLE = "available"
    EMPTY = "empty"
    NOT_SUBSCRIBED = "not subscribed"
    MISSING = "missing"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class EndpointFinding:
    """What is known of an endpoint that the sync can do without.

    Attributes:
        total: How many records it announces; None if it does not.
    """

    endpoint: str
    state: EndpointState
    total: int | None = None
    seconds: float | None = None
    message: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class SchoolCount:
    """How many students a configured school has at the provider."""

    school_id: str
    students: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What a probe found: names of schools, but nothing of persons.

    Attributes:
        ok: No step failed.
        sign_in: The way to sign in that the provider took.
        requests: Sent to the provider, those tried again included.
        total_users: None if the provider does not tell.
        roles: How many of the sampled users have each role, as the provider spells it.
        metadata_keys: How many of the sampled users have a value for each key.
        metadata_examples: The form of one value for each key; letters and digits are not its own.
        schools: The orgs of type school that were read.
        schools_left_out: How many more there are.
        page_cap: Most users that the provider gave at once, if that is fewer than were asked for.
        sorting, filters, delta: Whether the provider honours them; None if that is not known.
        school_year: The latest that the provider names; it suggests the dates of the settings.
        retry_after_s: Set only if the district was tested too often: nothing was asked of the provider.
    """

    ok: bool
    steps: Sequence[Step]
    sign_in: SignIn | None = None
    requests: int = 0
    total_users: int | None = None
    sampled_users: int = 0
    roles: Mapping[str, int] = field(default_factory=dict)
    metadata_keys: Mapping[str, int] = field(default_factory=dict)
    metadata_examples: Mapping[str, str] = field(default_factory=dict)
    schools: Sequence[SchoolAtProvider] = ()
    schools_left_out: int = 0
    unknown_schools: Sequence[UnknownSchool] = ()
    students_of_schools: Sequence[SchoolCount] = ()
    endpoints: Sequence[EndpointFinding] = ()
    page_cap: int | None = None
    sorting: bool | None = None
    filters: bool | None = None
    delta: bool | None = None
    school_year: Mapping[str, str] | None = None
    retry_after_s: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return asdict(self)


class Findings:
    """What is known of the steps so far; what was said first of a step holds, unless it left open whether it passed."""

    def __init__(self) -> None:
        self._known: dict[StepName, Step] = {}

    def settled(self, name: StepName) -> bool:
        """Whether a step is known to have passed or failed."""
        known = self._known.get(name)
        return known is not None and known.ok is not None

    def passed(self, name: StepName) -> bool:
        """Whether a step is known to have passed."""
        known = self._known.get(name)
        return known is not None and known.ok is True

    def add(
        self, name: StepName, ok: bool | None, message: str, remedy: str | None = None, seconds: float | None = None
    ) -> None:
        """Note a step; `ok` is None if it is left open."""
        self.note(Step(name, ok, rounded(seconds), message, remedy))

    def note(self, *steps: Step) -> None:
        """Note steps as they are."""
        for step in steps:
            if not self.settled(step.name):
                remedy = step.remedy and shortened(step.remedy)
                self._known[step.name] = replace(step, message=shortened(step.message), remedy=remedy)

    def failed(self, name: StepName, text: str, seconds: float | None = None) -> None:
        """Note a failed step."""
        self.add(name, False, *cause_and_remedy(text), seconds)

    def steps(self) -> list[Step]:
        """Every step, in order."""
        return [self._known.get(name) or Step(name, None, None, "Not reached.") for name in StepName]


def cause_and_remedy(text: str) -> tuple[str, str | None]:
    """An error's text in two: the last sentence is the remedy."""
    cause, parted, remedy = text.rpartition(". ")
    return (f"{cause}.", remedy) if parted else (text, None)


def rounded(seconds: float | None) -> float | None:
    """Hundredths are enough for a person."""
    return None if seconds is None else round(seconds, 2)


def shortened(sentence: str) -> str:
    """A sentence of bounded length: parts of it are a provider's."""
    return sentence if len(sentence) <= _LONGEST_SENTENCE else f"{sentence[:_LONGEST_SENTENCE]}…"
