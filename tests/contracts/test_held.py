"""What holds for the changes that runs hold aside, and the decisions about them, wherever they are kept."""

from datetime import timedelta

import boto3
import pytest

from roster_sync.domain.change import Change, ChangeKind
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.held_changes import Action, HeldChange, HeldKind, Selection
from roster_sync.domain.identifiers import SchoolId, UserId
from roster_sync.storage.held import Held
from tests.contracts.conftest import ON_AWS, Names
from tests.support.builders import (
    DISTRICT,
    LATER_RUN,
    NOW,
    OTHER_DISTRICT,
    RUN,
    a_bare_sis_user,
    a_decision,
    a_held_change,
    a_sis_user,
)
from tests.support.fakes import InMemoryHeld

AnyHeld = InMemoryHeld | Held


@pytest.fixture
def held(tables: Names | None) -> AnyHeld:
    return Held(tables["SyncRunsTable"]) if tables else InMemoryHeld()


def pages(held: AnyHeld, *, limit: int, school_id: str | None = None) -> list[HeldChange]:
    found: list[HeldChange] = []
    cursor = None
    while True:
        page, cursor = held.page(
            DISTRICT, RUN, 1, school_id=SchoolId(school_id) if school_id else None, cursor=cursor, limit=limit
        )
        assert len(page) <= limit
        found += page
        if cursor is None:
            return found


def test_held_changes_are_kept_whole_and_in_order(held: AnyHeld) -> None:
    update = Change(ChangeKind.UPDATE, UserId("u-2"), a_sis_user(), b"\xff" * 16, b"\x00" * 12)
    bare = Change(ChangeKind.LINK, UserId("u-3"), a_bare_sis_user(), b"\x01" * 16)
    changes = [a_held_change(1), a_held_change(2, change=update), a_held_change(3, change=bare, school_ids=())]

    held.add(DISTRICT, RUN, 1, iter(changes))

    assert list(held.all(DISTRICT, RUN, 1)) == changes


def test_more_changes_than_one_item_takes_come_page_by_page(held: AnyHeld) -> None:
    changes = [a_held_change(number) for number in range(1, 502)]

    held.add(DISTRICT, RUN, 1, changes)

    assert pages(held, limit=120) == changes
    assert list(held.all(DISTRICT, RUN, 1)) == changes


def test_changes_of_the_largest_users_are_kept(held: AnyHeld) -> None:
    user = a_sis_user(metadata=(("essay", "x" * 190_000),))
    changes = [
        a_held_change(number, change=Change(ChangeKind.UPDATE, UserId(f"u-{number}"), user, b"\x01" * 16))
        for number in range(1, 5)
    ]

    held.add(DISTRICT, RUN, 1, changes)

    assert list(held.all(DISTRICT, RUN, 1)) == changes


def test_a_page_can_be_of_one_school(held: AnyHeld) -> None:
    schools = [("elementary",), ("high",), ("elementary", "high")]
    changes = [a_held_change(number, school_ids=tuple(map(SchoolId, schools[number % 3]))) for number in range(1, 1000)]

    held.add(DISTRICT, RUN, 1, changes)

    assert pages(held, limit=50, school_id="high") == [change for change in changes if "high" in change.school_ids]
    assert pages(held, limit=50, school_id="middle") == []


def test_a_page_can_be_of_one_kind(held: AnyHeld) -> None:
    kinds = list(HeldKind)
    changes = [a_held_change(number, kind=kinds[number % len(kinds)]) for number in range(1, 30)]

    held.add(DISTRICT, RUN, 1, changes)

    for kind in kinds:
        assert held.page(DISTRICT, RUN, 1, kind=kind) == ([each for each in changes if each.kind is kind], None)


@ON_AWS
def test_a_page_looks_at_a_bounded_number(tables: Names) -> None:
    held = Held(tables["SyncRunsTable"])
    changes = [a_held_change(number) for number in range(1, 4_300)]
    held.add(DISTRICT, RUN, 1, [*changes, a_held_change(4_300, school_ids=(SchoolId("high"),))])

    first, cursor = held.page(DISTRICT, RUN, 1, school_id=SchoolId("high"))
    second, end = held.page(DISTRICT, RUN, 1, school_id=SchoolId("high"), cursor=cursor)

    assert (first, cursor) == ([], "4000")
    assert ([each.number for each in second], end) == ([4_300], None)


def test_attempts_runs_and_districts_hold_their_own(held: AnyHeld) -> None:
    held.add(DISTRICT, RUN, 1, [a_held_change(1)])
    held.add(DISTRICT, RUN, 2, [a_held_change(2)])
    held.add(OTHER_DISTRICT, RUN, 1, [a_held_change(3)])

    assert list(held.all(DISTRICT, RUN, 1)) == [a_held_change(1)]
    assert list(held.all(DISTRICT, RUN, 2)) == [a_held_change(2)]
    assert list(held.all(DISTRICT, LATER_RUN, 1)) == []


def test_a_cursor_that_no_page_gave_is_refused(held: AnyHeld) -> None:
    for cursor in ("x", "-1", "99999999"):
        with pytest.raises(ConfigurationError):
            held.page(DISTRICT, RUN, 1, cursor=cursor)


def test_decisions_are_kept_in_their_order(held: AnyHeld) -> None:
    discard = a_decision(selection=Selection(school_id=SchoolId("high"), kind=HeldKind.DEACTIVATION))
    approve = a_decision(
        action=Action.APPROVE,
        selection=Selection(user_ids=frozenset({UserId("u-1"), UserId("u-2")})),
        decided_at=NOW + timedelta(minutes=1),
        run_id=LATER_RUN,
        users=None,
    )

    assert held.decide(DISTRICT, RUN, discard, 1)
    assert held.decide(DISTRICT, RUN, approve, 2)

    assert held.decisions(DISTRICT, RUN) == [discard, approve]
    assert held.decisions(DISTRICT, LATER_RUN) == []
    assert held.decisions(OTHER_DISTRICT, RUN) == []


def test_of_two_decisions_at_once_the_first_stays(held: AnyHeld) -> None:
    held.decide(DISTRICT, RUN, a_decision(decided_by="first@example.org"), 1)

    late = held.decide(DISTRICT, RUN, a_decision(decided_by="second@example.org"), 1)

    assert not late
    assert [decision.decided_by for decision in held.decisions(DISTRICT, RUN)] == ["first@example.org"]


@ON_AWS
def test_all_of_it_is_forgotten_90_days_after_the_run_began(tables: Names) -> None:
    held = Held(tables["SyncRunsTable"])
    held.add(DISTRICT, RUN, 1, [a_held_change()])
    held.decide(DISTRICT, RUN, a_decision(), 1)

    items = boto3.client("dynamodb").scan(TableName=tables["SyncRunsTable"])["Items"]

    assert len(items) == 2
    assert {item["expires_at"]["N"] for item in items} == {str(int((NOW + timedelta(days=90)).timestamp()))}
