"""Which collections a fetch reads."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from roster_sync.domain.fetch_plan import (
    MOST_SCHOOLS,
    SchoolLists,
    Scope,
    UsersCollection,
    choose_plan,
)
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.normalise import Rules, rules_of
from roster_sync.domain.user import Role
from tests.support.builders import settings

AT_PROVIDER = frozenset(map(SourcedId, ["org-1", "org-2", "org-3"]))


def rules(*mapped: str, roles: Mapping[str, Role] | None = None) -> Rules:
    schools = {SourcedId(org): SchoolId(f"school of {org}") for org in mapped or ("org-1", "org-2")}
    return rules_of(settings(roles=roles or {}), schools)


@pytest.mark.parametrize("lists", [SchoolLists.UNTRIED, SchoolLists.COMPLETE])
def test_of_some_schools_only_their_lists_and_the_administrators_are_read(lists: SchoolLists) -> None:
    plan = choose_plan(rules(), AT_PROVIDER, lists)

    assert plan.scope is Scope.SCHOOLS
    assert plan.collections == (
        UsersCollection("schools/org-1/students"),
        UsersCollection("schools/org-1/teachers"),
        UsersCollection("schools/org-2/students"),
        UsersCollection("schools/org-2/teachers"),
        UsersCollection("users", "role='administrator'", "administrator"),
    )
    assert plan.reason == ("Only the 2 mapped of 3 schools were read, and the district's administrators.")


def test_the_whole_district_is_read_if_all_its_schools_are_mapped() -> None:
    plan = choose_plan(rules("org-1", "org-2", "org-3"), AT_PROVIDER, SchoolLists.COMPLETE)

    assert (plan.scope, plan.collections) == (Scope.DISTRICT, (UsersCollection("users"),))
    assert plan.reason == "The whole district was read: all schools of the provider are mapped."


@pytest.mark.parametrize(
    ("doubtful", "at_provider", "lists", "why"),
    [
        (rules(), None, SchoolLists.COMPLETE, "does not tell which schools"),
        (rules(), frozenset(), SchoolLists.COMPLETE, "does not tell which schools"),
        (rules("org-1", "department"), AT_PROVIDER, SchoolLists.COMPLETE, "is no school"),
        (rules(), AT_PROVIDER, None, "first fetch with these settings and schools"),
        (rules(), AT_PROVIDER, SchoolLists.INCOMPLETE, "do not hold everybody"),
        (rules(roles={"aide": Role.SPONSOR}), AT_PROVIDER, SchoolLists.COMPLETE, "with the role aide"),
        (
            replace(rules(), role_metadata_key="staffRole"),
            AT_PROVIDER,
            SchoolLists.COMPLETE,
            "roles come from metadata",
        ),
        (rules("a/b"), frozenset({SourcedId("a/b"), *AT_PROVIDER}), SchoolLists.COMPLETE, "part of an address"),
        (rules(".."), frozenset({SourcedId(".."), *AT_PROVIDER}), SchoolLists.COMPLETE, "part of an address"),
    ],
)
def test_in_doubt_the_whole_district_is_read(
    doubtful: Rules, at_provider: frozenset[SourcedId] | None, lists: SchoolLists | None, why: str
) -> None:
    plan = choose_plan(doubtful, at_provider, lists)

    assert plan.scope is Scope.DISTRICT
    assert why in plan.reason


@pytest.mark.parametrize(("count", "scope"), [(MOST_SCHOOLS, Scope.SCHOOLS), (MOST_SCHOOLS + 1, Scope.DISTRICT)])
def test_many_schools_are_not_read_one_by_one(count: int, scope: Scope) -> None:
    names = [f"org-{number}" for number in range(count + 1)]

    plan = choose_plan(rules(*names[1:]), frozenset(map(SourcedId, names)), SchoolLists.COMPLETE)

    assert plan.scope is scope
