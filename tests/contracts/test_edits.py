"""A change by hand writes what it says and nothing else, wherever users are kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from roster_sync.domain.change import Change, ManualChange
from roster_sync.domain.identifiers import UserId
from roster_sync.domain.manual_edit import ManualEdit
from roster_sync.domain.run import Counts
from roster_sync.domain.user import Role, StoredUser
from roster_sync.domain.user_change import BOOKKEEPING, edited
from roster_sync.storage.users import Users
from tests.support.builders import (
    DISTRICT,
    LATER_RUN,
    NOW,
    RUN,
    a_bare_sis_user,
    a_change,
    a_chunk,
    a_manual_change,
)
from tests.support.fakes import InMemoryUsers

AnyUsers = InMemoryUsers | Users
USER = UserId("u-1")
LATER = NOW + timedelta(days=1)
MANUAL = a_manual_change(user_id=USER)
WITH_COUNSELOR = a_manual_change(user_id=USER, counselor_email="ned@example.org")
NAMED = a_manual_change(user_id=USER, profile=None, counselor_email="ned@example.org")


def write(users: AnyUsers, *changes: Change | ManualChange) -> StoredUser:
    """Let syncs and uploads write the user, one after the other."""
    for fence, change in enumerate(changes, start=1):
        if isinstance(change, Change):
            users.apply(a_chunk([change], fence=fence), NOW)
        else:
            users.apply_manual(DISTRICT, [change], run_id=RUN, fence=fence, products=frozenset(), now=NOW)
    return stored(users)


def stored(users: AnyUsers) -> StoredUser:
    user = users.get(DISTRICT, USER)
    assert user
    return user


def edit(users: AnyUsers, *, fence: int = 5, from_sis: bool = True, **changes: Any) -> Counts:
    wanted = ManualEdit(user_id=USER, from_sis=from_sis, **changes)
    return users.apply_edit(DISTRICT, wanted, run_id=LATER_RUN, fence=fence, now=LATER)


def snapshot(users: AnyUsers) -> dict[str, Any]:
    found = users.snapshots(DISTRICT, [USER])[USER]
    return {name: value for name, value in found.items() if name not in BOOKKEEPING}


def test_a_manual_role_is_set_and_the_run_noted(users: AnyUsers) -> None:
    before = write(users, a_change())

    counts = edit(users, role=Role.COUNSELOR)

    assert counts == Counts(updated=1)
    assert stored(users) == replace(
        before,
        role=Role.COUNSELOR,
        manual_role=Role.COUNSELOR,
        fence=5,
        run_id=LATER_RUN,
        change_part=None,
        last_change="update",
        updated_at=LATER,
    )


def test_a_cleared_manual_role_gives_way_to_the_sis_s(users: AnyUsers) -> None:
    write(users, a_change(), NAMED)

    edit(users, role=None)

    user = stored(users)
    assert (user.role, user.manual_role, user.sis_role) == (Role.STUDENT, None, Role.STUDENT)
    assert user.manual_counselor_email == "ned@example.org"


def test_a_role_by_hand_survives_the_sync(users: AnyUsers) -> None:
    write(users, a_change())
    edit(users, role=Role.COUNSELOR)

    users.apply(a_chunk([a_change()], fence=6), LATER)

    assert (stored(users).role, stored(users).manual_role) == (Role.COUNSELOR, Role.COUNSELOR)


@pytest.mark.parametrize(
    ("changes", "from_sis", "effective"),
    [
        ((a_change(user=a_bare_sis_user()),), True, "new@example.org"),
        ((a_change(),), True, "counselor@example.org"),
        ((MANUAL,), False, "new@example.org"),
        ((WITH_COUNSELOR,), False, "new@example.org"),
    ],
)
def test_a_counselor_by_hand_counts_where_the_sis_names_none(
    users: AnyUsers, changes: Sequence[Change | ManualChange], from_sis: bool, effective: str
) -> None:
    write(users, *changes)

    edit(users, from_sis=from_sis, counselor_email="new@example.org")

    user = stored(users)
    assert (user.manual_counselor_email, user.counselor_email) == ("new@example.org", effective)


@pytest.mark.parametrize(
    ("changes", "from_sis", "effective"),
    [
        ((a_change(), NAMED), True, "counselor@example.org"),
        ((a_change(user=a_bare_sis_user()), NAMED), True, None),
        ((WITH_COUNSELOR,), False, None),
    ],
)
def test_a_cleared_counselor_leaves_the_sis_s(
    users: AnyUsers, changes: Sequence[Change | ManualChange], from_sis: bool, effective: str | None
) -> None:
    write(users, *changes)

    edit(users, from_sis=from_sis, counselor_email=None)

    assert (stored(users).manual_counselor_email, stored(users).counselor_email) == (None, effective)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ((a_change(),), {"role": Role.SPONSOR, "counselor_email": "new@example.org"}),
        ((a_change(), NAMED), {"role": None, "counselor_email": None}),
        ((a_change(user=a_bare_sis_user()), NAMED), {"counselor_email": None}),
        ((MANUAL,), {"from_sis": False, "role": Role.SPONSOR, "counselor_email": "new@example.org"}),
        ((WITH_COUNSELOR,), {"from_sis": False, "counselor_email": None}),
    ],
)
def test_what_is_kept_as_after_is_what_is_stored_then(
    users: AnyUsers, changes: Sequence[Change | ManualChange], wanted: dict[str, Any]
) -> None:
    write(users, *changes)
    before = snapshot(users)

    edit(users, **wanted)

    change = ManualEdit(**{"user_id": USER, "from_sis": True, **wanted})
    assert snapshot(users) == edited(before, change) != before


def test_an_edit_applied_again_counts_the_same_and_writes_nothing(users: AnyUsers) -> None:
    write(users, a_change())
    edit(users, role=Role.COUNSELOR)
    once = stored(users)

    again = users.apply_edit(
        DISTRICT,
        ManualEdit(user_id=USER, from_sis=True, role=Role.COUNSELOR),
        run_id=LATER_RUN,
        fence=5,
        now=LATER + timedelta(hours=1),
    )

    assert (again, stored(users)) == (Counts(updated=1), once)


@pytest.mark.parametrize("options", [{"fence": 1}, {"from_sis": False}])
def test_an_edit_that_is_overtaken_writes_nothing(users: AnyUsers, options: dict[str, Any]) -> None:
    before = write(users, a_change(), replace(NAMED, counselor_email=None))

    counts = edit(users, role=Role.SPONSOR, **options)

    assert (counts, stored(users)) == (Counts(superseded=1), before)


def test_nobody_is_made_by_an_edit(users: AnyUsers) -> None:
    counts = edit(users, from_sis=False, role=Role.SPONSOR)

    assert (counts, users.get(DISTRICT, USER)) == (Counts(superseded=1), None)
