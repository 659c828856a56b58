"""Providers that send more than is needed: passwords, birth dates and whatever else stay at the door."""

import pytest

from roster_sync.domain.fingerprint import pack
from tests.support.reading import ReadRecord, a_record


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "Secret-1"},
        {"Password": "Secret-1", "passWord": "Secret-1"},
        {"userProfiles": [{"credentials": [{"username": "z", "password": "Secret-1"}]}]},
        {"userIds": [{"type": "LDAP", "identifier": "zberg", "password": "Secret-1"}]},
        {"metadata": {"homeroom": "2B", "password": "Secret-1", "ssn": "Secret-1"}},
        {"demographics": {"birthDate": "Secret-1"}, "ssn": "Secret-1"},
    ],
    ids=str,
)
def test_what_was_not_asked_for_is_left_behind(read_record: ReadRecord, fields: dict[str, object]) -> None:
    user, seen = read_record(a_record(**fields))

    assert user is not None
    assert b"zberg" in pack(user)
    assert b"Secret-1" not in pack(user)
    assert "Secret-1" not in str(seen)
