"""Providers that spell roles in their own way, or send others than the standard has."""

from dataclasses import replace

import pytest
from msgspec import structs

from roster_sync.domain.user import Role, SisUser
from tests.support.reading import RULES, ReadRecord, a_record


@pytest.mark.parametrize(
    ("sent", "role"),
    [
        ("Student", Role.STUDENT),
        ("STUDENT ", Role.STUDENT),
        ("students", Role.STUDENT),
        ("Pupil", Role.STUDENT),
        ("Teacher", Role.SPONSOR),
        ("instructor", Role.SPONSOR),
        ("Administrator", Role.ADMINISTRATOR),
        ("Site Administrator", Role.ADMINISTRATOR),
    ],
)
def test_a_role_is_known_in_any_case_and_usual_spelling(
    read_record: ReadRecord, plain_user: SisUser, sent: str, role: Role
) -> None:
    user, seen = read_record(a_record(role=sent, metadata=None))

    assert user == structs.replace(plain_user, sis_role=role, sis_counselor_email=None, metadata=())
    assert seen.codes == []


@pytest.mark.parametrize("role", ["aide", "Guardian", "parents", "proctor", "relative", "districtAdministrator"])
def test_a_role_that_is_not_imported_is_left_out_without_a_finding(read_record: ReadRecord, role: str) -> None:
    user, seen = read_record(a_record(role=role))

    assert (user, seen.skipped, seen.codes) == (None, 1, [])


@pytest.mark.parametrize("role", ["counselor", "staff", "Principal", "tutor", "Ω"])
def test_a_role_outside_the_list_is_named(read_record: ReadRecord, role: str) -> None:
    user, seen = read_record(a_record(role=role))

    assert (user, seen.invalid, seen.codes) == (None, 1, [("role_unknown", "U-1")])
    assert f'"{role}"' in seen.issues[0].message
    assert seen.issues[0].remedy == "Correct the role in the SIS, or map it in the settings."


@pytest.mark.parametrize("role", [None, "", "  ", 7, {}, []])
def test_a_missing_role_is_named(read_record: ReadRecord, role: object) -> None:
    assert read_record(a_record(role=role))[1].codes == [("role_missing", "U-1")]


def test_a_role_outside_the_list_is_imported_where_the_district_maps_it(
    read_record: ReadRecord, plain_user: SisUser
) -> None:
    rules = replace(RULES, roles={**RULES.roles, "school counselor": Role.COUNSELOR})

    user, seen = read_record(a_record(role="School Counselor"), rules=rules)

    assert user == structs.replace(plain_user, sis_role=Role.COUNSELOR, sis_counselor_email=None)
    assert seen.codes == []
