"""Which of the provider's collections a fetch reads: the cheapest that give everybody of the mapped schools."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from roster_sync.domain.identifiers import SourcedId
from roster_sync.domain.normalise import Rules

MOST_SCHOOLS: Final = 100
"""Read one after another, each with some requests; the pages of a whole district are read side by side."""

_ROLE_OF_SCHOOL_ENDPOINT: Final = {"students": "student", "teachers": "teacher"}
_ROLES_BY_FILTER: Final = ("administrator",)
"""No endpoint of a school gives them; they are few, so those of other schools cost little."""


class Scope(StrEnum):
    """Whose users a fetch reads."""

    DISTRICT = "district"
    SCHOOLS = "schools"
    """Of the mapped schools alone."""


class SchoolLists(StrEnum):
    """What a whole district showed of the lists that the provider keeps of each school's users."""

    UNTRIED = "untried"
    COMPLETE = "complete"
    """They hold everybody whom the whole district has of these schools."""
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class UsersCollection:
    """Users that are read from one endpoint.

    Attributes:
        role: Each record must have it, else the provider does not honour the filter; None: any.
    """

    endpoint: str
    filter: str | None = None
    role: str | None = None


ROLE_BY_ROLE: Final = tuple(map(UsersCollection, ("students", "teachers")))
"""All lists of users by role that OneRoster has (1.1 §3.2). Administrators and others are in none."""


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What to read.

    Attributes:
        collections: In order; a user may be in several.
        reason: Why just these, in a sentence.
    """

    scope: Scope
    collections: tuple[UsersCollection, ...]
    reason: str


def whole_district(why: str) -> FetchPlan:
    """The plan that loses nobody."""
    return FetchPlan(Scope.DISTRICT, (UsersCollection("users"),), f"The whole district was read: {why}")


def role_by_role(collections: Sequence[UsersCollection], why: str) -> FetchPlan:
    """The plan that is left where there is no list of all users."""
    names = " and ".join(f"/{collection.endpoint}" for collection in collections)
    return FetchPlan(
        Scope.DISTRICT, tuple(collections), f"The whole district was read, from {names} and nothing else: {why}"
    )


def choose_plan(rules: Rules, at_provider: Set[SourcedId] | None, lists: SchoolLists | None) -> FetchPlan:
    """The whole district if all schools are mapped, or if it is in doubt whether less would lose somebody.

    Args:
        rules: With the schools that are mapped, and the roles that are imported.
        at_provider: The provider's orgs of type school; None if it does not tell.
        lists: What the last run with these rules and settings knew; None if there was none.
    """
    mapped = rules.schools.keys()
    if not at_provider:
        return whole_district("the provider does not tell which schools it has.")
    if at_provider <= mapped:
        return whole_district("all schools of the provider are mapped.")
    if mapped - at_provider:
        return whole_district("a mapped org is no school, and only schools have lists of their own.")
    if len(mapped) > MOST_SCHOOLS:
        return whole_district(f"that is faster than to read {len(mapped)} schools one by one.")
    if any("/" in school or not school.strip(".") for school in mapped):
        return whole_district("the OneRoster ID of a school cannot be part of an address.")
    if rules.role_metadata_key:
        return whole_district("roles come from metadata, so any user may be one to import.")
    if further := sorted(rules.roles.keys() - {*_ROLE_OF_SCHOOL_ENDPOINT.values(), *_ROLES_BY_FILTER}):
        return whole_district(f"schools have no list of users with the role {_shown(further)}.")
    if lists is None:
        return whole_district("it is the first fetch with these settings and schools.")
    if lists is SchoolLists.INCOMPLETE:
        return whole_district("the provider's lists of single schools do not hold everybody.")
    collections = [
        UsersCollection(f"schools/{school}/{name}") for school in sorted(mapped) for name in _ROLE_OF_SCHOOL_ENDPOINT
    ]
    collections += [UsersCollection("users", f"role='{role}'", role) for role in _ROLES_BY_FILTER]
    reason = (
        f"Only the {len(mapped)} mapped of {len(at_provider)} schools were read, and the district's administrators."
    )
    return FetchPlan(Scope.SCHOOLS, tuple(collections), reason)


def _shown(roles: Collection[str]) -> str:
    return " or ".join(roles)
