from datetime import datetime
from typing import Any

import pytest

from local.stack import Stack
from tests.e2e.conftest import ADistrict
from tests.e2e.district import LiveDistrict
from tests.e2e.expected import BOOKKEEPING, Attributes, shard_key

WRITTEN_BY = frozenset({"run_id", "last_change"})


def by_name(users: list[Attributes]) -> dict[str, Attributes]:
    """Users by what they are expected under: sourced_id, or e-mail address if they have none."""
    return {user.get("sourced_id") or user["email"]: user for user in users}


def owned(user: Attributes) -> Attributes:
    """A user without what tells of runs."""
    return {name: value for name, value in user.items() if name not in BOOKKEEPING | WRITTEN_BY}


def assert_bookkeeping(district: LiveDistrict, user: Attributes, run: dict[str, Any]) -> None:
    """What a run that wrote a user must have left with that user."""
    from_provider = "sourced_id" in user
    names = {"user_id", "shard_key", "fence", "created_at", "updated_at", "run_id", "last_change", "change_part"}
    names |= {"fingerprint"} if from_provider else set()
    names |= {"record_digest"} if len(user.get("sourced_ids", ())) == 1 else set()
    assert set(user) - set(owned(user)) == names
    assert user["shard_key"] == shard_key(district.api.district_id, user["user_id"])
    created, updated = (datetime.fromisoformat(user[name]) for name in ("created_at", "updated_at"))
    if from_provider:
        assert user["run_id"] == run["run_id"]
        assert datetime.fromisoformat(run["started_at"]) <= updated <= datetime.fromisoformat(run["ended_at"])
        # The upload of the counselors came before, under a lower fence.
        assert user["fence"] == 2
        assert user["last_change"] == ("link" if "manual_role" in user else "create")
        assert (created < updated) if "manual_role" in user else (created == updated)
    else:
        assert (user["fence"], user["last_change"], created) == (1, "create", updated)
        assert "upload" in user["run_id"]


def test_a_first_night_stores_every_attribute_of_every_user(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)

    night = district.night()

    expected = district.expected_users()
    stored = by_name(district.users())
    assert {name: owned(user) for name, user in stored.items()} == expected
    for user in stored.values():
        assert_bookkeeping(district, user, dict(night.run))
    assert len({user["user_id"] for user in stored.values()}) == len(expected)


def test_a_first_night_accounts_for_every_record(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    records = district.provider.users
    odd = district.provider.district.odd

    night = district.night()

    people = district.expected.people(records)
    stored_records = sum(len(person) for person in people)
    unusable = len(odd["unknown_role"])
    assert night.run["state"] == "completed_with_issues"
    assert night.run["counts"] == {
        "fetched": len(records),
        "created": len(people) - 1,
        "updated": 0,
        "unchanged": 0,
        "linked": 1,
        "deactivated": 0,
        "reactivated": 0,
        "skipped": len(records) - stored_records - unusable,
        "invalid": unusable,
        "superseded": 0,
    }
    assert night.writes == len(people)
    assert {(issue["code"], issue["sourced_id"]) for issue in night.issues} == {
        *(("role_unknown", each) for each in odd["unknown_role"]),
        *(("email_shared", each) for each in odd["shared_email"]),
    }
    assert [person[0]["role"] for person in people if len(person) > 1] == ["administrator"]


def test_a_second_night_without_changes_sends_and_writes_nothing(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    first = district.night()
    before = district.users()

    second = district.night()

    assert district.users() == before
    assert (second.run["chunks_expected"], second.writes) == (0, 0)
    assert second.run["counts"]["unchanged"] == first.run["counts"]["created"] + first.run["counts"]["linked"]


@pytest.fixture
def changed(stack: Stack, a_district: ADistrict) -> tuple[LiveDistrict, dict[str, Attributes], Any, Any]:
    """A district after a night of changes: itself, its users before, what changed, and the night."""
    district = a_district(stack)
    district.night()
    before = by_name(district.users())
    changes = district.provider.change_overnight()
    return district, before, changes, district.night()


def test_a_night_of_changes_leaves_exactly_the_providers_users_active(
    changed: tuple[LiveDistrict, dict[str, Attributes], Any, Any],
) -> None:
    district, before, changes, _ = changed

    after = by_name(district.users())

    expected = district.expected_users()
    left = before.keys() - expected.keys()
    assert left == before.keys() & (set(changes.left) | (set(changes.moved) - expected.keys()))
    assert left
    for name in left:
        expected[name] = {**owned(before[name]), "status": "inactive"}
    assert {name: owned(user) for name, user in after.items()} == expected


def test_a_night_of_changes_writes_only_those_who_changed(
    changed: tuple[LiveDistrict, dict[str, Attributes], Any, Any],
) -> None:
    district, before, changes, night = changed

    after = by_name(district.users())

    joined, gone = after.keys() - before.keys(), {name for name in after if after[name]["status"] == "inactive"}
    written = {name for name in after if after[name] != before.get(name)}
    assert written <= {*changes.joined, *changes.left, *changes.moved, *changes.renamed}
    assert all(after[name]["run_id"] == night.run["run_id"] for name in written)
    counts = night.run["counts"]
    assert (counts["created"], counts["deactivated"]) == (len(joined), len(gone))
    assert counts["updated"] == len(written) - len(joined) - len(gone)
    assert counts["unchanged"] == len(before) - len(district.counselors) + 1 - counts["updated"] - counts["deactivated"]
    assert night.writes == len(written)
