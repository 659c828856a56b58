"""Two users have one fingerprint if, and only if, they are stored with equal SIS-owned attributes."""

from typing import Any

import pytest
from hypothesis import given

from roster_sync.domain.fingerprint import FINGERPRINT_BYTES, fingerprint, pack, unpack
from roster_sync.domain.user import Role, SisUser
from tests.support.builders import a_bare_sis_user, a_sis_user
from tests.support.rosters import sis_users


def test_the_fingerprint_of_a_user_never_changes_between_releases() -> None:
    """A release that changes it writes every user of every district once more."""
    assert fingerprint(pack(a_sis_user())).hex() == "653be14807c3a8ae7ffd05d5aa00596b"


@given(sis_users(), sis_users())
def test_fingerprints_are_equal_if_and_only_if_the_users_are(one: SisUser, other: SisUser) -> None:
    assert (fingerprint(pack(one)) == fingerprint(pack(other))) == (one == other)


@given(sis_users())
def test_a_user_comes_back_from_its_packed_form_with_the_same_fingerprint(user: SisUser) -> None:
    again = unpack(pack(user))

    assert again == user
    assert fingerprint(pack(again)) == fingerprint(pack(user))
    assert len(fingerprint(pack(user))) == FINGERPRINT_BYTES


@pytest.mark.parametrize("attribute", SisUser.__struct_fields__)
def test_every_sis_owned_attribute_counts(attribute: str) -> None:
    another = a_sis_user(sourced_ids=("S-9",), school_ids=("high",))
    other: Any = Role.SPONSOR if attribute == "sis_role" else getattr(another, attribute)

    assert fingerprint(pack(a_bare_sis_user(**{attribute: other}))) != fingerprint(pack(a_bare_sis_user()))


def test_absent_and_empty_are_different() -> None:
    assert fingerprint(pack(a_bare_sis_user(username=""))) != fingerprint(pack(a_bare_sis_user()))


def test_a_value_does_not_slide_into_the_next_attribute() -> None:
    one, other = a_bare_sis_user(phone="1", sms=None), a_bare_sis_user(phone=None, sms="1")

    assert fingerprint(pack(one)) != fingerprint(pack(other))
