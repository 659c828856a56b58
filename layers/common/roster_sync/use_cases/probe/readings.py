"""What a probe's reading of orgs and users means: the steps of the report that can hinder the sync."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from roster_sync.domain.district import School
from roster_sync.domain.errors import NotOfferedError
from roster_sync.domain.fetch_plan import ROLE_BY_ROLE
from roster_sync.use_cases.probe.questions import Sample
from roster_sync.use_cases.probe.records import Orgs
from roster_sync.use_cases.probe.report import Step, StepName, UnknownSchool, cause_and_remedy, rounded
from roster_sync.use_cases.provider import NO_USERS

_NO_ORGS: Final = "The provider gives no orgs. Ask the provider to share the district's schools with this consumer key."
_MOST_NAMED: Final = 5
"""Schools that a sentence names."""


def none_came(endpoint: str, announced: int) -> NotOfferedError:
    """The error if an endpoint announces records and sends none."""
    return NotOfferedError(
        f"The provider announces {announced} {endpoint} for /{endpoint} and sends none. {_ask_for(endpoint)}"
    )


def orgs_read(orgs: Orgs, lacking: NotOfferedError | None, *, complete: bool, seconds: float) -> Step:
    """What orgs there are.

    Args:
        orgs: As far as they were read: of /schools if /orgs is lacking.
        lacking: Why it is.
        complete: Whether these are all.
        seconds: Spent with them.
    """
    if not orgs.count:
        return _failed(StepName.ORGS, _NO_ORGS, seconds)
    described = orgs.described()
    if orgs.schools_left_out:
        described += f", and the first {len(orgs.schools)} of these are listed"
    message = f"{described}." if complete else f"The first {described}."
    if lacking:
        message = f"{_cause(lacking)} The sync reads /schools instead. {message}"
        return Step(StepName.ORGS, None, rounded(seconds), message, _ask_for("orgs"))
    remedy = None if orgs.schools else "Ask the provider which of its orgs are the schools."
    return Step(StepName.ORGS, True, rounded(seconds), message, remedy)


def no_orgs(lacking: NotOfferedError, *, users_read: bool, seconds: float) -> Step:
    """What it means that there is neither /orgs nor /schools: with users the sync does without."""
    if not users_read:
        return _failed(StepName.ORGS, str(lacking), seconds)
    message = (
        f"{_cause(lacking)} Nor is /schools to be had: the sync does without, and takes a OneRoster ID for wrong only "
        "if no user is of that school."
    )
    return Step(StepName.ORGS, None, rounded(seconds), message, _ask_for("orgs"))


def schools_found(schools: Sequence[School], orgs: Orgs | None, *, complete: bool) -> tuple[Step, list[UnknownSchool]]:
    """Whether the configured schools exist, and those that no org is; none is named unless all orgs were read.

    Args:
        schools: As configured.
        orgs: As far as they were read; None if there are none to be had.
        complete: Whether these are all.
    """
    name, configured = StepName.SCHOOLS, [(school, school.oneroster_id) for school in schools if school.oneroster_id]
    if not configured:
        return Step(name, True, None, "No school has a OneRoster ID yet.", "Give each school its OneRoster ID."), []
    if orgs is None:
        message = "Not known, because the provider does not tell which schools it has."
        return Step(name, None, None, message, "Compare the OneRoster IDs with those that the SIS shows."), []
    unknown = [
        UnknownSchool(school.school_id, school.name, oneroster_id)
        for school, oneroster_id in configured
        if oneroster_id not in orgs.sourced_ids
    ]
    if not unknown:
        return Step(name, True, None, f"The OneRoster IDs of all {len(configured)} schools exist."), []
    if not complete:
        message = "Not known, because not all orgs could be read."
        return Step(name, None, None, message, "Compare the OneRoster IDs with those that the provider shows."), []
    if orgs.only_schools:
        message = f"/schools has no OneRoster ID of {_named(unknown)}: it is that of an org of another type, or wrong."
        remedy = "Compare it with the SIS; the sync takes it for wrong only if no user is of that school."
        return Step(name, None, None, message, remedy), []
    message = f"The provider has no org with the OneRoster ID of {_named(unknown)}."
    remedy = "Give each of these schools the ID of one of the provider's schools, spelled exactly alike."
    return Step(name, False, None, message, remedy), unknown


def users_read(
    samples: Sequence[Sample], lists: Collection[str], lacking: NotOfferedError | None, *, seconds: float
) -> Step:
    """How many users there are.

    Args:
        samples: Those of /users, or of lists by role if that is lacking; without the empty ones.
        lists: The endpoints that are to be had.
        lacking: Why /users is not.
        seconds: Spent with them.
    """
    if not samples:
        return _failed(StepName.USERS, NO_USERS, seconds)
    read, total = sum(len(sample.users) for sample in samples), together(sample.total for sample in samples)
    message = (
        f"{read} users were read as a sample; the provider does not say how many there are."
        if total is None
        else f"{read} of {total} users were read as a sample."
    )
    if lacking:
        message = f"{_cause(lacking)} {_in_place_of_users(lists)} {message}"
        return Step(StepName.USERS, None, rounded(seconds), message, _ask_for("users"))
    return Step(StepName.USERS, True, rounded(seconds), message)


def together(totals: Iterable[int | None]) -> int | None:
    """The sum of the totals of several collections; None if one of them is not known, or there are none."""
    known = list(totals)
    return sum(filter(None, known)) if known and None not in known else None


def _in_place_of_users(lists: Collection[str]) -> str:
    missing = [collection.endpoint for collection in ROLE_BY_ROLE if collection.endpoint not in lists]
    return (
        f"The sync reads {' and '.join(f'/{endpoint}' for endpoint in lists)} instead: no "
        f"{', '.join([*missing, 'administrators'])} or others come, and nobody is deactivated for being absent."
    )


def _ask_for(endpoint: str) -> str:
    return f"Ask the provider to let this consumer key read /{endpoint}."


def _cause(error: NotOfferedError) -> str:
    return cause_and_remedy(str(error))[0]


def _failed(name: StepName, text: str, seconds: float) -> Step:
    return Step(name, False, rounded(seconds), *cause_and_remedy(text))


def _named(unknown: Sequence[UnknownSchool]) -> str:
    names = ", ".join(school.name for school in unknown[:_MOST_NAMED])
    return f"{names} and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else names
