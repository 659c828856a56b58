"""The report of a probe, and its steps as they become known."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


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


class Findings:
    """What is known of the steps so far; what was said first of a step holds, unless it left open whether it passed."""

    def __init__(self) -> None:
        self._known: dict[StepName, Step] = {}

    def settled(self, name: StepName) -> bool:
        """Whether a step is known to have passed or failed."""
        known = self._known.get(name)
        return known is not None and known.ok is not None

    def add(
        self, name: StepName, ok: bool | None, message: str, remedy: str | None = None, seconds: float | None = None
    ) -> None:
        """Note a step; `ok` is None if it is left open."""
        rounded = None if seconds is None else round(seconds, 2)
        known = self._known.get(name)
        if known is None or known.ok is None:
            self._known[name] = Step(name, ok, rounded, message, remedy)

    def failed(self, name: StepName, text: str, seconds: float | None = None) -> None:
        """Note a failed step; the last sentence is the remedy, as errors have it."""
        cause, parted, remedy = text.rpartition(". ")
        self.add(name, False, f"{cause}." if parted else text, remedy if parted else None, seconds)

    def steps(self) -> list[Step]:
        """Every step, in order."""
        return [self._known.get(name) or Step(name, None, None, "Not reached.") for name in StepName]
