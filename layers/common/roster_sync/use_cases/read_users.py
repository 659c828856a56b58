"""Read a district's users, and everybody where less turns out to lose somebody."""

from dataclasses import dataclass
from datetime import datetime

from roster_sync.domain.diff import Comparison
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.fetch_plan import FetchPlan, SchoolLists, Scope, UsersCollection, whole_district
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.modified import modified_since
from roster_sync.use_cases.users_source import PlanUnfitError, UsersSource


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
        return UsersRead(*source.district(plan), plan, lists)
    try:
        by_school, proof = source.schools(plan)
    except PlanUnfitError as unfit:
        plan = whole_district(str(unfit))
        return UsersRead(*source.district(plan), plan, SchoolLists.INCOMPLETE)
    if lists is SchoolLists.COMPLETE or not proof.whole:
        return UsersRead(by_school, proof, plan, lists)
    if not by_school.lacks_somebody():
        return UsersRead(by_school, proof, plan, SchoolLists.COMPLETE)
    plan = whole_district("somebody was missing from the provider's lists of the mapped schools.")
    comparison, proof = source.district(plan)
    lists = SchoolLists.INCOMPLETE if comparison.people() - by_school.people() else SchoolLists.COMPLETE
    return UsersRead(comparison, proof, plan, lists)
