"""Providers that say in their own way who is active."""

import pytest

from roster_sync.domain.user import SisUser
from tests.support.reading import ReadRecord, a_record


@pytest.mark.parametrize("status", ["active", "Active", " ACTIVE", "", None])
@pytest.mark.parametrize("enabled", [True, "true", "True", "t", 1, "1", "yes", "", None])
def test_who_is_active_in_any_spelling_is_created(
    read_record: ReadRecord, plain_user: SisUser, status: object, enabled: object
) -> None:
    user, seen = read_record(a_record(status=status, enabledUser=enabled))

    assert (user, seen.codes) == (plain_user, [])


@pytest.mark.parametrize("status", ["tobedeleted", "ToBeDeleted", "to be deleted", "to_be_deleted", "inactive"])
def test_who_is_gone_in_any_spelling_is_left_out(read_record: ReadRecord, status: str) -> None:
    user, seen = read_record(a_record(status=status))

    assert (user, seen.skipped, seen.codes) == (None, 1, [])


@pytest.mark.parametrize("enabled", [False, "false", "False", "FALSE", "f", 0, "0", "no"])
def test_who_is_not_enabled_in_any_spelling_is_left_out(read_record: ReadRecord, enabled: object) -> None:
    """The text "false" is true to most languages."""
    user, seen = read_record(a_record(enabledUser=enabled))

    assert (user, seen.skipped, seen.codes) == (None, 1, [])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"status": "dormant"}, "status_unknown"),
        ({"status": 1}, "status_unknown"),
        ({"status": {}}, "status_unknown"),
        ({"enabledUser": "perhaps"}, "enabled_user_unknown"),
        ({"enabledUser": []}, "enabled_user_unknown"),
    ],
)
def test_what_is_neither_counts_as_active_and_is_named(
    read_record: ReadRecord, plain_user: SisUser, fields: dict[str, object], code: str
) -> None:
    user, seen = read_record(a_record(**fields))

    assert (user, seen.codes) == (plain_user, [(code, "U-1")])


def test_of_who_is_left_out_anyway_nothing_is_named(read_record: ReadRecord) -> None:
    _, seen = read_record(a_record(status="dormant", orgs=["another school"], email="none"))

    assert (seen.skipped, seen.codes) == (1, [])
