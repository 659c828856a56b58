"""What a probe asks once orgs and users could be read: few requests for few records each, none of them twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from roster_sync.domain.errors import RosterSyncError
from roster_sync.domain.modified import FAR_FUTURE, FAR_PAST, modified_since

MOST_SCHOOLS_COUNTED: Final = 5
"""Configured schools whose students are counted."""
FAR_BEYOND: Final = 5_000_000
"""Behind the last user of any district."""
LOOKED_AT: Final = 10
"""Records of an answer."""
USERS: Final = "users"
_FEW: Final = 2


@dataclass(frozen=True, slots=True)
class Query:
    """One request.

    Attributes:
        condition: A filter of OneRoster 1.1 §3.4.3.
    """

    endpoint: str
    limit: int = _FEW
    offset: int = 0
    descending: bool = False
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Got:
    """What came.

    Attributes:
        records: The first.
        count: How many came.
        total: As announced; None if it was not.
    """

    records: Sequence[object]
    count: int
    total: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Why nothing came."""

    error: RosterSyncError
    seconds: float


@dataclass(frozen=True, slots=True)
class Untried:
    """Why it was not asked, or not waited for, and what to do."""

    why: str
    remedy: str


Answer = Got | Failed | Untried


@dataclass(frozen=True, slots=True)
class Sample:
    """The first users of a provider.

    Attributes:
        limit: How many were asked for.
        records: The first of those that came.
        received: How many came.
        announced: The total that came with them.
        total: How many users there are; None if the provider does not tell, or tells the page's count.
        linked: Whether a link to the next page came.
        endpoint: Where they were read: "users", or a list by role where that is lacking.
    """

    limit: int
    records: Sequence[object]
    received: int
    announced: int | None
    total: int | None
    linked: bool
    endpoint: str = USERS

    @property
    def of_everybody(self) -> bool:
        """Whether it is one of all users, and not of those of one role."""
        return self.endpoint == USERS

    @property
    def users(self) -> list[Mapping[str, object]]:
        """Those that are records at all."""
        return [record for record in self.records if isinstance(record, Mapping)]

    @property
    def complete(self) -> bool:
        """Whether these are all users."""
        return self.total is not None and self.received >= self.total

    @property
    def capped(self) -> bool:
        """Whether there are more users, though the page was not filled."""
        return self.received < self.limit and not self.complete

    @property
    def other_role(self) -> str:
        """A role of OneRoster that the first user has not, so that a filter that is ignored shows."""
        first = self.users[0].get("role") if self.users else None
        return "teacher" if isinstance(first, str) and first.lower() == "student" else "student"


SIXTH_OFFSET: Final = 5
SIXTH_LIMIT: Final = 3
CHANGED_IN_THE_FUTURE: Final = Query(USERS, condition=modified_since(FAR_FUTURE))
CHANGED_EVER: Final = Query(USERS, condition=modified_since(FAR_PAST))
SCHOOLS: Final = Query("schools")
SESSIONS: Final = Query("academicSessions", limit=LOOKED_AT)
"""With the school year among them, as a rule."""


def from_the_sixth(sample: Sample) -> Query:
    """What comes first tells an offset that is ignored, counts from 1, counts pages, or is rounded to the limit."""
    return Query(sample.endpoint, limit=SIXTH_LIMIT, offset=SIXTH_OFFSET)


def descending(sample: Sample) -> Query:
    """The last users first."""
    return Query(sample.endpoint, descending=True)


def beyond(sample: Sample) -> Query:
    """What comes behind the last user."""
    return Query(sample.endpoint, offset=FAR_BEYOND if sample.announced is None else sample.announced)


def by_role(sample: Sample) -> Query:
    """Users of one role."""
    return Query(USERS, limit=3, condition=f"role='{sample.other_role}'")


def full_page(sample: Sample, page_size: int) -> Query | None:
    """A page as nights ask for it; None if the sample shows already what would come."""
    if page_size <= sample.limit or sample.complete or sample.received != sample.limit:
        return None
    return Query(sample.endpoint, limit=page_size)


def of_endpoints(school: str | None) -> list[Query]:
    """One for each endpoint but /orgs and /users; /demographics is left alone, for the sync never reads it."""
    of_school = [students_of(school), Query(f"schools/{school}/teachers")] if school else []
    names = ["classes", "courses", "enrollments"]
    return [*of_school, *map(Query, ["students", "teachers"]), SCHOOLS, SESSIONS, *map(Query, names)]


def students_of(school: str) -> Query:
    """The students of a school."""
    return Query(f"schools/{school}/students")


def questions(sample: Sample | None, page_size: int, school: str | None, configured: Sequence[str]) -> list[Query]:
    """All of them, in order of their importance.

    Without /users neither a role nor a date can be asked for.

    Args:
        sample: None if no users could be read: then the endpoints alone are asked.
        page_size: As nights have it.
        school: The sourcedId of one whose endpoints are asked.
        configured: The sourcedIds of configured schools.
    """
    asked: list[Query | None] = []
    if sample:
        of_users = sample.of_everybody
        asked += [from_the_sixth(sample), beyond(sample)]
        asked += [CHANGED_IN_THE_FUTURE, CHANGED_EVER] if of_users else []
        asked.append(descending(sample))
        asked += [by_role(sample)] if of_users else []
    asked += of_endpoints(school)
    if sample:
        asked.append(full_page(sample, page_size))
    asked += map(students_of, configured[:MOST_SCHOOLS_COUNTED])
    return list(dict.fromkeys(filter(None, asked)))
