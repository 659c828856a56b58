"""The index of the stored users that a comparison reads."""

import pytest

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.identity import NO_KEY, email_key, identifier_key, person_key
from roster_sync.domain.roster import (
    ACTIVE,
    HAS_PRODUCTS,
    IN_SCOPE,
    MANUAL,
    SEVERAL_RECORDS,
    UNTOUCHABLE,
    Roster,
)
from roster_sync.domain.user import Role, RosterEntry
from tests.support.builders import LATER_RUN, RUN, a_roster_entry

DIGEST = b"\x07" * 16


def a_roster(*entries: RosterEntry) -> Roster:
    """Elementary is mapped, serve is active, and the later run compares."""
    roster = Roster([SchoolId("elementary")], frozenset({"serve"}), LATER_RUN)
    roster.fill([[entry] for entry in entries])
    return roster


@pytest.mark.parametrize(
    ("attributes", "flags"),
    [
        ({}, ACTIVE | IN_SCOPE | HAS_PRODUCTS),
        ({"active": False}, IN_SCOPE | HAS_PRODUCTS),
        ({"school_ids": ("high",)}, ACTIVE | HAS_PRODUCTS),
        ({"school_ids": ("elementary", "high")}, ACTIVE | IN_SCOPE | HAS_PRODUCTS),
        ({"sourced_ids": ()}, ACTIVE | IN_SCOPE | HAS_PRODUCTS | MANUAL),
        ({"sourced_ids": ("A", "B")}, ACTIVE | IN_SCOPE | HAS_PRODUCTS | SEVERAL_RECORDS),
        ({"role": Role.DISTRICT_ADMINISTRATOR}, ACTIVE | IN_SCOPE | HAS_PRODUCTS | UNTOUCHABLE),
        ({"products": frozenset({"jobs"})}, ACTIVE | IN_SCOPE),
        ({"products": frozenset({"jobs", "serve"})}, ACTIVE | IN_SCOPE | HAS_PRODUCTS),
    ],
)
def test_each_flag_tells_one_thing_of_a_user(attributes: dict[str, object], flags: int) -> None:
    roster = a_roster(a_roster_entry(**attributes))

    assert roster.flags[0] == flags


def test_rows_have_all_flags_asked_for_and_none_that_must_lack() -> None:
    roster = a_roster(
        a_roster_entry(user_id="here"),
        a_roster_entry(user_id="gone", active=False),
        a_roster_entry(user_id="manual", sourced_ids=()),
        a_roster_entry(user_id="elsewhere", school_ids=("high",)),
    )

    rows = roster.rows(having=ACTIVE | IN_SCOPE, lacking=MANUAL)

    assert [roster.user_ids[row] for row in rows] == ["here"]


def test_every_batch_is_taken_in_and_each_sourced_id_finds_its_user() -> None:
    roster = a_roster(
        a_roster_entry(user_id="one", sourced_ids=("A", "B")), a_roster_entry(user_id="two", sourced_ids=("C",))
    )

    found = {sourced_id: roster.user_ids[row] for sourced_id, row in roster.by_sourced_id.items()}

    assert len(roster) == 2
    assert found == {"A": "one", "B": "one", "C": "two"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"user_id": "z", "sourced_ids": ("A", "B")}, {"user_id": "a", "sourced_ids": ("B",), "active": False}),
        ({"user_id": "z", "sourced_ids": ("B",)}, {"user_id": "a", "sourced_ids": ("A", "B")}),
        ({"user_id": "a", "sourced_ids": ("B",)}, {"user_id": "z", "sourced_ids": ("B",)}),
    ],
)
def test_a_sourced_id_of_two_users_is_the_same_one_s_in_whatever_order_they_come(
    one: dict[str, object], other: dict[str, object]
) -> None:
    entries = [a_roster_entry(**one), a_roster_entry(**other)]

    rosters = [a_roster(*entries), a_roster(*reversed(entries))]

    assert [roster.user_ids[roster.by_sourced_id[SourcedId("B")]] for roster in rosters] == [one["user_id"]] * 2


def test_each_user_is_known_by_its_own_fingerprint_and_record() -> None:
    roster = a_roster(
        a_roster_entry(fingerprint=b"\x01" * 16, record_digest=DIGEST),
        a_roster_entry(fingerprint=b"\x02" * 16, record_digest=b"\x08" * 16),
    )

    assert [roster.has_fingerprint(row, b"\x02" * 16) for row in (0, 1)] == [False, True]
    assert [roster.has_record(row, DIGEST) for row in (0, 1)] == [True, False]


def test_a_user_whom_no_sync_has_written_is_known_by_no_fingerprint_and_shifts_nobody_s() -> None:
    roster = a_roster(a_roster_entry(fingerprint=None), a_roster_entry(record_digest=DIGEST))

    assert not roster.has_fingerprint(0, b"\x01" * 16)
    assert roster.has_fingerprint(1, b"\x01" * 16)
    assert not roster.has_record(0, DIGEST)
    assert roster.has_record(1, DIGEST)


def test_keys_are_those_of_the_user() -> None:
    roster = a_roster(
        a_roster_entry(email="Ada@Example.org", given_name="Ada", family_name="Berg", identifier="7"),
        a_roster_entry(email=None, identifier=None),
    )

    assert list(roster.email_keys) == [email_key("ada@example.org"), NO_KEY]
    assert list(roster.person_keys) == [person_key("ada@example.org", "Ada", "Berg"), NO_KEY]
    assert list(roster.identifier_keys) == [identifier_key("7", "Ada", "Berg"), NO_KEY]


@pytest.mark.parametrize("kind", ChangeKind)
def test_what_an_earlier_attempt_of_the_comparing_run_did_is_remembered(kind: ChangeKind) -> None:
    roster = a_roster(a_roster_entry(run_id=LATER_RUN, last_change=kind.value))

    assert roster.written_by_this_run(0) is kind


def test_what_an_earlier_run_did_is_not_this_run_s() -> None:
    roster = a_roster(a_roster_entry(run_id=RUN, last_change="create"))

    assert roster.written_by_this_run(0) is None


def test_active_counselors_are_known_however_their_address_is_spelt() -> None:
    roster = a_roster(
        a_roster_entry(role=Role.COUNSELOR, email=" Ruth@Example.org"),
        a_roster_entry(role=Role.COUNSELOR, email="gone@example.org", active=False),
        a_roster_entry(role=Role.COUNSELOR, email=None),
        a_roster_entry(role=Role.SPONSOR, email="sponsor@example.org"),
    )

    assert roster.counselor_emails == {"ruth@example.org"}


def test_students_of_one_counselor_share_the_counselor_s_number() -> None:
    roster = a_roster(
        a_roster_entry(sis_counselor_email="Ruth@Example.org"),
        a_roster_entry(sis_counselor_email=None),
        a_roster_entry(sis_counselor_email="ruth@example.org "),
        a_roster_entry(sis_counselor_email="other@example.org"),
    )

    names = [roster.counselor_names[number] for number in roster.counselors]
    assert names == ["ruth@example.org", None, "ruth@example.org", "other@example.org"]
    assert roster.counselors[0] == roster.counselors[2]
