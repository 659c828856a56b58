"""Read a district's users, and everybody where less turns out to lose somebody."""

from dataclasses import dataclass, replace
from datetime import datetime

from roster_sync.domain.diff import Comparison
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.fetch_plan import (
    ROLE_BY_ROLE,
    FetchPlan,
    SchoolLists,
    Scope,
    UsersCollection,
    role_by_role,
    whole_district,
)
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.modified import modified_since
from roster_sync.use_cases.users_source import NoListError, PlanUnfitError, UsersSource


@dataclass(frozen=True, slots=True)
class UsersRead:
    """The users as read.

    Attributes:
        comparison: Has taken in all records.
        plan: That was read at last.
        lists: What is known now of the provider's lists of single schools.
    """

    comparison: Comparison
    proof: FetchProof
    plan: FetchPlan
    lists: SchoolLists


class DeltaUnfitError(Exception):
    """What changed cannot be had, or not be judged alone; the text says why."""


def read_changes(since: datetime, lists: SchoolLists, source: UsersSource) -> UsersRead:
    """Read the users of the whole district whose record changed since a moment.

    Raises:
        DeltaUnfitError: All users must be read instead.
        ProviderFailedError: The users cannot be had.
    """
    collection = UsersCollection("users", modified_since(since))
    plan = FetchPlan(Scope.DISTRICT, (collection,), "What changed is asked for in the whole district.")
    try:
        comparison, proof = source.district(plan)
    except ConfigurationError as error:
        raise DeltaUnfitError("the provider refuses to filter by dateLastModified.") from error
    if not comparison.received:
        # At least the newest change of all is asked for again.
        raise DeltaUnfitError("the provider gave nobody, not even the last one known to have changed.")
    if not proof.whole:
        raise DeltaUnfitError(f"what changed did not come provably whole. {proof.reason}")
    if why := comparison.needs_the_rest():
        raise DeltaUnfitError(why)
    return UsersRead(comparison, proof, plan, lists)


def read_users(plan: FetchPlan, lists: SchoolLists, source: UsersSource) -> UsersRead:
    """Read all users of a plan.

    Lists of single schools that are not yet known to be complete vouch for nobody's absence: whoever is missing from
    them is looked for in the whole district.

    Args:
        plan: What to read.
        lists: What is known of the lists of single schools.
        source: Where from.

    Raises:
        ConfigurationError: See `Provider`; so for TransientError.
        ProviderFailedError: The time for reading is over.
    """
    if plan.scope is Scope.DISTRICT:
        return _read_everybody(plan, lists, source)
    try:
        by_school, proof = source.schools(plan)
    except PlanUnfitError as unfit:
        return _read_everybody(whole_district(str(unfit)), SchoolLists.INCOMPLETE, source)
    if lists is SchoolLists.COMPLETE or not proof.whole:
        return UsersRead(by_school, proof, plan, lists)
    if not by_school.lacks_somebody():
        return UsersRead(by_school, proof, plan, SchoolLists.COMPLETE)
    plan = whole_district("somebody was missing from the provider's lists of the mapped schools.")
    everybody = _read_everybody(plan, SchoolLists.INCOMPLETE, source)
    if everybody.plan is plan and not everybody.comparison.people() - by_school.people():
        return replace(everybody, lists=SchoolLists.COMPLETE)
    return everybody


def _read_everybody(plan: FetchPlan, lists: SchoolLists, source: UsersSource) -> UsersRead:
    """All users of the district; students and teachers alone if the provider does not give all."""
    try:
        comparison, proof = source.district(plan)
    except NoListError:
        by_role = _read_by_role("the provider does not give /users.", lists, source)
        if by_role is None:
            raise
        return by_role
    everybody = UsersRead(comparison, proof, plan, lists)
    if comparison.received or not proof.announced:
        return everybody
    why = f"the provider announces {proof.announced} users for /users and sends none."
    return _read_by_role(why, lists, source) or everybody


def _read_by_role(why: str, lists: SchoolLists, source: UsersSource) -> UsersRead | None:
    """Students and teachers, as far as they are to be had; None if nobody is. That vouches for nobody's absence."""
    comparison, read = source.whatever_comes(ROLE_BY_ROLE)
    if not comparison.received:
        return None
    comparison.leave_persons_in_part_alone()
    reason = "The provider's lists of students and teachers were read, in which there are no administrators or others."
    proof = FetchProof(whole=False, reason=reason, announced=None, received=comparison.received)
    return UsersRead(comparison, proof, role_by_role(read, why), lists)
