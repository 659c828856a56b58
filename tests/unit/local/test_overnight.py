"""A night at the made-up district changes what it says it changed, and nothing else."""

import pytest

from local.sample_provider.district import District, Record, generate_district
from local.sample_provider.overnight import OvernightChanges, change_overnight


@pytest.fixture(scope="module")
def before() -> District:
    return generate_district(1, 3000)


@pytest.fixture(scope="module")
def night(before: District) -> tuple[District, OvernightChanges]:
    return change_overnight(before, 7)


def by_id(district: District) -> dict[str, Record]:
    return {user["sourcedId"]: user for user in district.users}


def test_the_same_seed_gives_the_same_night(before: District, night: tuple[District, OvernightChanges]) -> None:
    again = change_overnight(before, 7)

    assert again == night


def test_one_in_a_hundred_changes_in_each_way(night: tuple[District, OvernightChanges]) -> None:
    _, changes = night

    assert changes.counts() == {"joined": 30, "left": 30, "moved": 30, "renamed": 30}


def test_nobody_else_changes(before: District, night: tuple[District, OvernightChanges]) -> None:
    after, changes = night
    old, new = by_id(before), by_id(after)

    assert set(new) - set(old) == set(changes.joined)
    assert set(old) - set(new) == set(changes.left)
    assert {sourced_id for sourced_id in set(old) & set(new) if old[sourced_id] != new[sourced_id]} == {
        *changes.moved,
        *changes.renamed,
    }


def test_the_changed_are_modified_after_everybody_else(night: tuple[District, OvernightChanges]) -> None:
    after, changes = night
    changed = {*changes.joined, *changes.moved, *changes.renamed}
    latest = max(user["dateLastModified"] for user in after.users if user["sourcedId"] not in changed)

    modified = {by_id(after)[sourced_id]["dateLastModified"] for sourced_id in changed}

    assert len(modified) == 1
    assert modified.pop() > latest


def test_who_moved_is_in_another_school_with_its_counselor(
    before: District, night: tuple[District, OvernightChanges]
) -> None:
    after, changes = night
    old, new = by_id(before), by_id(after)
    students = [new[sourced_id] for sourced_id in changes.moved if new[sourced_id]["role"] == "student"]

    assert all(old[sourced_id]["orgs"] != new[sourced_id]["orgs"] for sourced_id in changes.moved)
    assert students
    assert all(
        user["metadata"]["counselorEmail"] == after.counselors_by_school[user["orgs"][0]["sourcedId"]].email
        for user in students
    )


def test_who_is_renamed_differs_in_the_family_name_only(
    before: District, night: tuple[District, OvernightChanges]
) -> None:
    after, changes = night
    old, new = by_id(before), by_id(after)

    differing = {
        field
        for sourced_id in changes.renamed
        for field in old[sourced_id]
        if old[sourced_id][field] != new[sourced_id][field]
    }

    assert differing == {"familyName", "dateLastModified"}


def test_who_joins_takes_nobodys_email_address(before: District, night: tuple[District, OvernightChanges]) -> None:
    after, changes = night
    taken = {user.get("email") for user in before.users}

    assert not taken & {by_id(after)[sourced_id]["email"] for sourced_id in changes.joined}


def test_odd_users_stay_as_they_are(before: District, night: tuple[District, OvernightChanges]) -> None:
    after, _ = night
    odd = frozenset[str]().union(*before.odd.values())

    assert all(by_id(after)[sourced_id] == by_id(before)[sourced_id] for sourced_id in odd)


def test_each_night_is_later_than_the_last(night: tuple[District, OvernightChanges]) -> None:
    after, changes = night

    following, more = change_overnight(after, 8)

    assert by_id(following)[more.joined[0]]["dateLastModified"] > by_id(after)[changes.joined[0]]["dateLastModified"]


def test_nobody_moves_where_there_is_one_school() -> None:
    district = generate_district(1, 300, schools=1)

    _, changes = change_overnight(district, 7)

    assert changes.counts() == {"joined": 3, "left": 3, "moved": 0, "renamed": 3}
