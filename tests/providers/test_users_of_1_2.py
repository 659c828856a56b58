"""Providers that send users as OneRoster 1.2 has them: roles with orgs, profiles, a primary org."""

from typing import Any

import pytest
from msgspec import structs

from roster_sync.domain.user import Role, SisUser
from tests.support.reading import ReadRecord, a_record


def a_role(role: str, org: str, role_type: str) -> dict[str, Any]:
    return {
        "roleType": role_type,
        "role": role,
        "org": {"href": f"https://sis.example.org/orgs/{org}", "sourcedId": org, "type": "org"},
        "userProfile": "profile-1",
        "beginDate": "2026-08-01",
        "endDate": "2027-06-30",
    }


def a_record_of_1_2(*roles: dict[str, Any], **fields: Any) -> dict[str, Any]:
    record = a_record(
        roles=list(roles),
        userMasterIdentifier="M-1",
        preferredFirstName="Zo",
        pronouns="she/her",
        primaryOrg={"sourcedId": "school-1", "type": "org"},
        userProfiles=[
            {
                "profileId": "profile-1",
                "profileType": "LMS",
                "vendorId": "vendor",
                "credentials": [{"type": "LDAP", "username": "zoe.lms", "password": "Secret-2"}],
            }
        ],
        **fields,
    )
    del record["role"], record["orgs"]
    return record


def test_the_primary_role_counts_and_the_orgs_of_all(read_record: ReadRecord, plain_user: SisUser) -> None:
    record = a_record_of_1_2(a_role("student", "school-2", "secondary"), a_role("Teacher", "school-1", "primary"))

    user, seen = read_record(record)

    assert user == structs.replace(
        plain_user, sis_role=Role.SPONSOR, school_ids=("elementary", "high"), sis_counselor_email=None
    )
    assert seen.codes == []


def test_a_secondary_role_that_is_imported_counts_where_the_primary_one_is_not(
    read_record: ReadRecord, plain_user: SisUser
) -> None:
    record = a_record_of_1_2(a_role("parent", "school-2", "primary"), a_role("student", "school-1", "secondary"))

    assert read_record(record)[0] == structs.replace(plain_user, school_ids=("elementary", "high"))


def test_the_username_may_stand_in_the_profiles_alone(read_record: ReadRecord, plain_user: SisUser) -> None:
    record = a_record_of_1_2(a_role("student", "school-1", "primary"), username=None)

    assert read_record(record)[0] == structs.replace(plain_user, username="zoe.lms")


def test_the_primary_org_is_that_of_a_role_without_org(read_record: ReadRecord, plain_user: SisUser) -> None:
    record = a_record_of_1_2({"roleType": "primary", "role": "student"})

    assert read_record(record)[0] == plain_user


@pytest.mark.parametrize(
    ("role", "code"),
    [("districtAdministrator", None), ("systemAdministrator", None), ("aide", None), ("counselor", "role_unknown")],
)
def test_a_role_of_1_2_alone_is_left_out_or_named(read_record: ReadRecord, role: str, code: str | None) -> None:
    user, seen = read_record(a_record_of_1_2(a_role(role, "school-1", "primary")))

    assert (user, seen.codes) == (None, [(code, "U-1")] if code else [])
