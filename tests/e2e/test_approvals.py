from collections.abc import Mapping
from typing import Any

import pytest

from local.cli_api import RefusedError
from local.stack import Stack
from tests.e2e.conftest import ADistrict
from tests.e2e.district import LiveDistrict


def lose_a_school(district: LiveDistrict) -> set[str]:
    """Let the provider send nobody of the largest school any more; the sourcedIds of the users who are gone."""
    by_school: dict[str, set[str]] = {}
    for user in district.users():
        if "sourced_id" in user:
            for school in user["school_ids"]:
                by_school.setdefault(school, set()).add(user["sourced_id"])
    lost = max(by_school, key=lambda school: len(by_school[school]))
    staying = [user for user in district.provider.users if lost not in [org["sourcedId"] for org in user["orgs"]]]
    district.provider.serve(staying)
    gone = by_school[lost] - district.expected_users().keys()
    assert len(gone) > 20
    return gone


def blocked_night(district: LiveDistrict, gone: set[str]) -> Mapping[str, Any]:
    """The run of a night that holds just these users."""
    night = district.night()
    held = list(district.api.items(f"runs/{night.run['run_id']}/held"))
    assert (night.run["state"], night.run["held"], night.writes) == ("blocked", {"deactivation": len(gone)}, 0)
    assert {each["sourced_id"] for each in held} == gone
    return night.run


def approved(district: LiveDistrict, run: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The run of an approval, ended."""
    asked = district.api.post(f"runs/{run['run_id']}/approve", body)
    return district.run(asked["run_id"])


def inactive(district: LiveDistrict) -> set[str]:
    return {user["sourced_id"] for user in district.users() if user["status"] == "inactive"}


def test_what_is_approved_of_a_blocked_night_is_deactivated_and_nobody_else(
    stack: Stack, a_district: ADistrict
) -> None:
    district = a_district(stack)
    district.night()
    gone = lose_a_school(district)
    run = blocked_night(district, gone)
    spared, *_ = district.api.items(f"runs/{run['run_id']}/held")

    discarded = district.api.post(f"runs/{run['run_id']}/discard", {"user_ids": [spared["user_id"]]})
    approval = approved(district, run, {"all": True})

    assert (discarded["users"], approval["kind"], approval["state"]) == (1, "approval", "completed")
    assert {name: count for name, count in approval["counts"].items() if count} == {"deactivated": len(gone) - 1}
    assert inactive(district) == gone - {spared["sourced_id"]}
    again = approved(district, run, {"all": True})
    assert (again["state"], again["chunks_expected"]) == ("completed", 0)


def test_a_discarded_night_leaves_everybody_and_cannot_be_approved_after_the_next(
    stack: Stack, a_district: ADistrict
) -> None:
    district = a_district(stack)
    district.night()
    gone = lose_a_school(district)
    run = blocked_night(district, gone)

    district.api.post(f"runs/{run['run_id']}/discard", {"all": True})

    assert inactive(district) == set()
    blocked_night(district, gone)
    with pytest.raises(RefusedError, match="A later sync has read the provider since"):
        district.api.post(f"runs/{run['run_id']}/approve", {"all": True})


def test_broken_addresses_are_held_and_stored_once_they_are_approved(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    district.night()
    before = {user["user_id"]: user for user in district.users()}
    uploaded = {counselor.email for counselor in district.counselors}
    district.provider.serve(
        {**user, "email": f"x{user['email']}"} if user.get("email") and user["email"] not in uploaded else user
        for user in district.provider.users
    )

    night = district.night()

    held = night.run["held"]["email"]
    assert (night.run["state"], night.writes, district.users()) == ("blocked", 0, list(before.values()))
    first, *_ = district.api.items(f"runs/{night.run['run_id']}/held")
    assert first["after"]["email"] == f"x{first['before']['email']}" == f"x{first['email']}"
    approval = approved(district, night.run, {"all": True, "kind": "email"})
    assert (approval["state"], approval["counts"]["updated"]) == ("completed", held)
    changed = [user for user in district.users() if user != before[user["user_id"]]]
    assert len(changed) == held
    assert all(user["email"] == f"x{before[user['user_id']]['email']}" for user in changed)
    assert district.night().writes == 0
