from typing import Any

import pytest

from local.cli_api import RefusedError
from local.stack import Stack
from tests.e2e.conftest import ADistrict
from tests.e2e.expected import Attributes

TOLD = frozenset({"fence", "run_id", "last_change", "updated_at"})


def owned(users: list[Attributes]) -> dict[str, Attributes]:
    """Users by their id, without what tells which run wrote them."""
    return {user["user_id"]: {name: user[name] for name in user if name not in TOLD} for user in users}


def test_a_night_is_taken_back_and_comes_again(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    district.night()
    before = owned(district.users())
    district.provider.change_overnight()
    night = district.night()
    after = owned(district.users())
    changes = list(district.api.items(f"runs/{night.run['run_id']}/changes"))

    revert = district.run(district.api.post(f"runs/{night.run['run_id']}/revert")["run_id"])

    users = owned(district.users())
    created = users.keys() - before.keys()
    assert {user_id: user for user_id, user in users.items() if user_id in before} == before
    assert created
    assert {users[user_id]["status"] for user_id in created} == {"inactive"}
    assert (revert["kind"], revert["state"], revert["of_run"]) == ("revert", "completed", night.run["run_id"])
    assert sum(revert["counts"][name] for name in ("updated", "reactivated", "deactivated")) == night.writes
    assert {change["user_id"] for change in changes} == {
        user_id for user_id, user in after.items() if user != before.get(user_id)
    }
    assert_shown(changes, before, after)

    again = district.night()

    assert again.writes == night.writes
    shown = {user_id: {**user, "deactivated_at": None} for user_id, user in owned(district.users()).items()}
    assert shown == {user_id: {**user, "deactivated_at": None} for user_id, user in after.items()}


def assert_shown(changes: list[Any], before: dict[str, Attributes], after: dict[str, Attributes]) -> None:
    """Each change shows what was stored before and after it."""
    for change in changes:
        for state, shown in ((before, change["before"]), (after, change["after"])):
            stored = state.get(change["user_id"], {})
            for name, value in shown.items():
                assert (sorted(stored[name]) if isinstance(stored[name], set) else stored[name]) == value


def test_an_unchanged_night_has_nothing_to_take_back(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    district.night()
    unchanged = district.night()

    with pytest.raises(RefusedError, match="There is nothing to undo"):
        district.api.post(f"runs/{unchanged.run['run_id']}/revert")
