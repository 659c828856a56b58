"""What is said that a change makes of a user is what is then stored, wherever users are kept."""

from typing import Any

import pytest

from roster_sync.domain.change import Change, ChangeKind, ManualChange
from roster_sync.domain.identifiers import SourcedId, UserId
from roster_sync.domain.user import Role
from roster_sync.domain.user_change import Attributes, UserChange, difference, synced, uploaded
from roster_sync.storage.users import Users
from tests.support.builders import (
    DISTRICT,
    LATER_RUN,
    NOW,
    OTHER_DISTRICT,
    RUN,
    a_bare_sis_user,
    a_change,
    a_chunk,
    a_deactivation,
    a_manual_change,
    a_manual_profile,
    a_sis_user,
)
from tests.support.fakes import InMemoryUsers

AnyUsers = InMemoryUsers | Users
USER = UserId("u-1")
SERVE = frozenset({"serve"})
JOBS = frozenset({"jobs"})


def snapshot(users: AnyUsers) -> Attributes:
    return users.snapshots(DISTRICT, [USER]).get(USER, {})


def a_manual(**overrides: Any) -> ManualChange:
    return a_manual_change(user_id=USER, **overrides)


FIRST: dict[str, list[Change | ManualChange]] = {
    "nobody": [],
    "a user": [a_change(record_digest=b"\x02" * 16)],
    "a bare user": [a_change(user=a_bare_sis_user(), fingerprint=None)],
    "an inactive user": [a_change(), a_deactivation()],
    "a manual user": [a_manual(counselor_email="head@example.org")],
    "an inactive manual user": [a_manual(profile=a_manual_profile(active=False))],
    "a linked user": [a_manual(), a_change(kind=ChangeKind.LINK)],
}
RENAMED = a_sis_user(given_name="Liza", grades=("03", "04"), sis_counselor_email=None, user_ids=(), metadata=())


def store(users: AnyUsers, change: Change | ManualChange, fence: int, products: frozenset[str] = SERVE) -> None:
    if isinstance(change, Change):
        users.apply(a_chunk([change], fence=fence, run_id=LATER_RUN, products=products), NOW)
    else:
        users.apply_manual(DISTRICT, [change], run_id=RUN, fence=fence, products=products, now=NOW)


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize(
    "change",
    [
        a_change(kind=ChangeKind.UPDATE, user=RENAMED, fingerprint=b"\x03" * 16),
        a_change(kind=ChangeKind.UPDATE, user=a_bare_sis_user(), fingerprint=b"\x03" * 16),
        a_change(kind=ChangeKind.REACTIVATE, user=a_sis_user(sourced_ids=(SourcedId("S-1"), SourcedId("S-2")))),
    ],
)
def test_what_a_sync_makes_of_a_user_is_foretold(users: AnyUsers, first: str, change: Change) -> None:
    for fence, earlier in enumerate(FIRST[first], start=1):
        store(users, earlier, fence)
    before = snapshot(users)

    store(users, change, fence=9, products=JOBS)

    assert difference(change.kind, USER, synced(before, change, JOBS, NOW), snapshot(users)) == UserChange(
        change.kind, USER, SourcedId("S-1")
    )


@pytest.mark.parametrize("first", ["a user", "an inactive user", "a linked user"])
def test_what_a_deactivation_makes_of_a_user_is_foretold(users: AnyUsers, first: str) -> None:
    for fence, earlier in enumerate(FIRST[first], start=1):
        store(users, earlier, fence)
    before, change = snapshot(users), a_deactivation()

    store(users, change, fence=9)

    assert difference(change.kind, USER, synced(before, change, SERVE, NOW), snapshot(users)) == UserChange(
        change.kind, USER, SourcedId("S-1")
    )


@pytest.mark.parametrize("first", ["nobody", "a manual user", "an inactive manual user"])
@pytest.mark.parametrize(
    "change",
    [
        a_manual(profile=a_manual_profile(given_name="Todd", identifier=None, school_ids=(), grades=("01",))),
        a_manual(profile=a_manual_profile(active=False), role=Role.SPONSOR, counselor_email="ned@example.org"),
    ],
)
def test_what_an_upload_makes_of_a_manual_user_is_foretold(users: AnyUsers, first: str, change: ManualChange) -> None:
    for fence, earlier in enumerate(FIRST[first], start=1):
        store(users, earlier, fence)
    before = snapshot(users)

    store(users, change, fence=9, products=JOBS)

    foretold = uploaded(before, change, JOBS, NOW)
    assert difference(change.kind, USER, foretold, snapshot(users)) == UserChange(change.kind, USER)


@pytest.mark.parametrize("first", ["a user", "a bare user", "an inactive user", "a linked user"])
def test_what_an_upload_makes_of_a_users_role_is_foretold(users: AnyUsers, first: str) -> None:
    for fence, earlier in enumerate(FIRST[first], start=1):
        store(users, earlier, fence)
    before, change = snapshot(users), a_manual(profile=None, counselor_email="ned@example.org")

    store(users, change, fence=9, products=JOBS)

    foretold = uploaded(before, change, JOBS, NOW)
    assert difference(change.kind, USER, foretold, snapshot(users)) == UserChange(change.kind, USER, SourcedId("S-1"))


def test_users_who_are_not_stored_are_left_out(users: AnyUsers) -> None:
    users.apply(a_chunk([a_change(user_id=f"u-{number}") for number in range(150)]), NOW)
    users.apply(a_chunk([a_change(user_id="u-200")], district_id=OTHER_DISTRICT), NOW)

    found = users.snapshots(DISTRICT, [UserId(f"u-{number}") for number in (*range(150), 200, 7)])

    assert sorted(found) == sorted(f"u-{number}" for number in range(150))
    assert (found[UserId("u-7")]["run_id"], found[UserId("u-7")]["fence"]) == (RUN, 1)
