"""A user whom a run has changed is brought back whole, wherever users are kept, and only if nobody else wrote since."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from roster_sync.domain.change import Change, ChangeKind, ManualChange
from roster_sync.domain.identifiers import RunId, SourcedId, UserId
from roster_sync.domain.reverting import Reverting
from roster_sync.domain.run import Counts
from roster_sync.domain.user_change import BOOKKEEPING, Attributes, KeptChanges, UserChange, difference
from roster_sync.storage.users import Users
from tests.support.builders import (
    DISTRICT,
    LATER_RUN,
    NOW,
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
REVERT = RunId("20261126T090000Z-revert-00000001")
LATER = NOW + timedelta(days=1)
SERVE, JOBS = frozenset({"serve"}), frozenset({"jobs"})


def snapshot(users: AnyUsers) -> dict[str, Any]:
    return dict(users.snapshots(DISTRICT, [USER])[USER])


def owned(attributes: Attributes) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name not in BOOKKEEPING}


def write(users: AnyUsers, change: Change | ManualChange, fence: int, run_id: RunId) -> None:
    if isinstance(change, Change):
        users.apply(a_chunk([change], fence=fence, run_id=run_id, products=JOBS), LATER)
    else:
        users.apply_manual(DISTRICT, [change], run_id=run_id, fence=fence, products=JOBS, now=LATER)


def a_manual(**overrides: Any) -> ManualChange:
    return a_manual_change(user_id=USER, **overrides)


def restore(
    users: AnyUsers, before: Attributes, after: Attributes, *, fence: int = 9, run_id: RunId = REVERT
) -> Counts:
    """Take back what lies between two snapshots, as changed by LATER_RUN."""
    kept = KeptChanges(1, 1, 5, [difference(ChangeKind.UPDATE, USER, before, after)])
    change = Reverting(LATER_RUN, [kept]).restoring(USER, LATER)
    return users.apply(a_chunk([change], fence=fence, run_id=run_id, products=frozenset()), LATER)


USER_BEFORE: Sequence[Change | ManualChange] = (a_change(record_digest=b"\x02" * 16),)
LINKED: Sequence[Change | ManualChange] = (a_manual(counselor_email="head@example.org"), a_change(kind=ChangeKind.LINK))
BARE = a_change(kind=ChangeKind.UPDATE, user=a_bare_sis_user(), fingerprint=b"\x03" * 16)
OTHER = a_change(
    kind=ChangeKind.UPDATE,
    user=a_sis_user(email="other@example.org", grades=("03",), user_ids=(("AD", "l"), ("AD", "s")), metadata=()),
)


@pytest.mark.parametrize(
    ("earlier", "change"),
    [
        (USER_BEFORE, BARE),
        (USER_BEFORE, OTHER),
        (USER_BEFORE, a_deactivation()),
        (USER_BEFORE, a_manual(profile=None, counselor_email="ned@example.org")),
        ((*USER_BEFORE, a_deactivation()), a_change(kind=ChangeKind.REACTIVATE)),
        ((a_change(user=a_bare_sis_user()),), OTHER),
        (LINKED, BARE),
        (LINKED, a_deactivation()),
        ((a_manual(),), a_change(kind=ChangeKind.LINK)),
        ((a_manual(profile=a_manual_profile(active=False)),), a_change(kind=ChangeKind.LINK)),
        ((a_manual(),), a_manual(profile=a_manual_profile(email="o@example.org", identifier=None, grades=("01",)))),
        ((a_manual(),), a_manual(profile=a_manual_profile(active=False), counselor_email="ned@example.org")),
    ],
)
def test_a_change_is_taken_back_attribute_by_attribute(
    users: AnyUsers, earlier: Sequence[Change | ManualChange], change: Change | ManualChange
) -> None:
    for fence, each in enumerate(earlier, start=1):
        write(users, each, fence, RUN)
    before = snapshot(users)
    write(users, change, 5, LATER_RUN)
    after = snapshot(users)

    counts = restore(users, before, after)

    restored = snapshot(users)
    assert owned(after) != owned(before)
    assert counts.changed == 1
    assert owned(restored) == owned(before)
    assert (restored["run_id"], restored["fence"]) == (REVERT, 9)


def test_a_user_is_found_by_the_address_of_before_again(users: AnyUsers) -> None:
    write(users, USER_BEFORE[0], 1, RUN)
    before = snapshot(users)
    write(users, OTHER, 5, LATER_RUN)

    restore(users, before, snapshot(users))

    assert [user.user_id for user in users.by_emails(DISTRICT, ["lisa@example.org"])["lisa@example.org"]] == [USER]
    assert users.by_emails(DISTRICT, ["other@example.org"]) == {}


def test_an_address_that_was_not_there_before_is_gone(users: AnyUsers) -> None:
    write(users, a_change(user=a_bare_sis_user()), 1, RUN)
    before = snapshot(users)
    write(users, OTHER, 5, LATER_RUN)

    restore(users, before, snapshot(users))

    assert users.by_emails(DISTRICT, ["other@example.org"]) == {}


def test_whom_another_run_has_changed_since_is_left_alone(users: AnyUsers) -> None:
    write(users, USER_BEFORE[0], 1, RUN)
    before = snapshot(users)
    write(users, OTHER, 5, LATER_RUN)
    after = snapshot(users)
    write(users, BARE, 6, RunId("20261125T100000Z-1"))
    since = snapshot(users)

    counts = restore(users, before, after)

    assert counts == Counts(superseded=1)
    assert snapshot(users) == since


def test_a_second_delivery_counts_as_applied_and_writes_nothing(users: AnyUsers) -> None:
    write(users, USER_BEFORE[0], 1, RUN)
    before = snapshot(users)
    write(users, OTHER, 5, LATER_RUN)
    after = snapshot(users)
    restore(users, before, after)
    once = snapshot(users)

    counts = restore(users, before, after)

    assert counts == Counts(updated=1)
    assert snapshot(users) == once


def test_a_further_attempt_of_the_same_run_writes_it_again(users: AnyUsers) -> None:
    write(users, USER_BEFORE[0], 1, RUN)
    before = snapshot(users)
    write(users, OTHER, 5, LATER_RUN)
    after = snapshot(users)
    restore(users, before, after)

    counts = restore(users, before, after, fence=10)

    assert counts == Counts(updated=1)
    assert owned(snapshot(users)) == owned(before)


def test_a_stale_delivery_writes_nothing(users: AnyUsers) -> None:
    write(users, USER_BEFORE[0], 1, RUN)
    before = snapshot(users)
    write(users, OTHER, 5, LATER_RUN)
    after = snapshot(users)

    counts = restore(users, before, after, fence=4)

    assert counts == Counts(superseded=1)
    assert snapshot(users) == after


def test_whom_a_run_created_goes_inactive_and_keeps_the_rest(users: AnyUsers) -> None:
    write(users, a_change(), 5, LATER_RUN)
    created = snapshot(users)
    kept = KeptChanges(1, 1, 5, [UserChange(ChangeKind.CREATE, USER)])
    change = Reverting(LATER_RUN, [kept]).restoring(USER, LATER)

    counts = users.apply(a_chunk([change], fence=9, run_id=REVERT, products=frozenset()), LATER)

    stored = snapshot(users)
    assert counts == Counts(deactivated=1)
    assert stored.pop("deactivated_at").startswith("2026-11-25T09:00:00")
    assert owned(stored) == {**owned(created), "status": "inactive"}


def test_nobody_is_made_who_is_not_there(users: AnyUsers) -> None:
    kept = KeptChanges(1, 1, 5, [UserChange(ChangeKind.UPDATE, USER, SourcedId("S-1"), {"given_name": "Lisa"}, {})])
    change = Reverting(LATER_RUN, [kept]).restoring(USER, LATER)

    counts = users.apply(a_chunk([change], fence=9, run_id=REVERT), LATER)

    assert counts == Counts(superseded=1)
    assert users.snapshots(DISTRICT, [USER]) == {}
