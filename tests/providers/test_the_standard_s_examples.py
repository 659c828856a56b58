"""A user, an org and failures just as the tables of OneRoster 1.1 have them, field by field.

Fields, types, multiplicities and vocabularies follow §4.13 (User), §4.9 (Org), §4.1 (GUIDRef) and §3.6 (errors); the
values are the tests' own.
"""

from typing import Any

import pytest

from roster_sync.domain.errors import RosterSyncError
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.normalise import references_in
from roster_sync.domain.user import Role, SisUser
from roster_sync.oneroster.errors import (
    ForbiddenError,
    NotFoundAtProviderError,
    ProviderBrokenError,
    RequestRefusedError,
    SignInRefusedError,
    ThrottledError,
)
from tests.providers.conftest import fetching, night
from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users

SECTION_4_13_USER: dict[str, Any] = {
    "sourcedId": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "status": "active",
    "dateLastModified": "2012-04-23T18:25:43.511Z",
    "metadata": {"homeroom": "2B"},
    "username": "pjohnson",
    "userIds": [{"type": "LDAP", "identifier": "Und2s27ywh"}, {"type": "LTI", "identifier": "8uh9nhg"}],
    "enabledUser": "true",
    "givenName": "Phil",
    "familyName": "Johnson",
    "middleName": "Michael",
    "role": "student",
    "identifier": "9898-PJ",
    "email": "pjohnson@example.org",
    "sms": "+44 07789 123456",
    "phone": "+44 07789 654321",
    "agents": [
        {"href": "https://sis.example.org/users/91", "sourcedId": "91", "type": "user"},
        {"href": "https://sis.example.org/users/92", "sourcedId": "92", "type": "user"},
    ],
    "orgs": [{"href": "https://sis.example.org/orgs/school-1", "sourcedId": "school-1", "type": "org"}],
    "grades": ["10"],
    "password": "fbh73839jsy45",
}
SECTION_4_9_ORG: dict[str, Any] = {
    "sourcedId": "school-1",
    "status": "active",
    "dateLastModified": "2012-04-23T18:25:43.511Z",
    "metadata": {"ncesId": "3604740"},
    "name": "Springfield Elementary",
    "type": "school",
    "identifier": "3604740",
    "parent": {"href": "https://sis.example.org/orgs/district", "sourcedId": "district", "type": "org"},
    "children": [
        {"href": "https://sis.example.org/orgs/d1", "sourcedId": "d1", "type": "org"},
        {"href": "https://sis.example.org/orgs/d2", "sourcedId": "d2", "type": "org"},
    ],
}


def section_3_6_status(code: str, description: str) -> dict[str, str]:
    return {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_messageRefIdentifier": "12",
        "imsx_operationRefIdentifier": "13",
        "imsx_CodeMinor": code,
        "imsx_description": description,
    }


def test_a_user_of_section_4_13_has_every_field_that_is_kept() -> None:
    seen = night([SECTION_4_13_USER])

    assert seen.users == {
        SECTION_4_13_USER["sourcedId"]: SisUser(
            sourced_ids=(SECTION_4_13_USER["sourcedId"],),
            sis_role=Role.STUDENT,
            username="pjohnson",
            given_name="Phil",
            middle_name="Michael",
            family_name="Johnson",
            email="pjohnson@example.org",
            identifier="9898-PJ",
            phone="+44 07789 654321",
            sms="+44 07789 123456",
            grades=("10",),
            school_ids=(SchoolId("elementary"),),
            agents=(SourcedId("91"), SourcedId("92")),
            user_ids=(("LDAP", "Und2s27ywh"), ("LTI", "8uh9nhg")),
            sis_counselor_email=None,
            metadata=(("homeroom", "2B"),),
        )
    }
    assert seen.codes == []


@pytest.mark.parametrize(
    ("role", "kept"),
    [
        ("administrator", Role.ADMINISTRATOR),
        ("aide", None),
        ("guardian", None),
        ("parent", None),
        ("proctor", None),
        ("relative", None),
        ("student", Role.STUDENT),
        ("teacher", Role.SPONSOR),
    ],
)
def test_every_role_of_section_4_13_is_known(role: str, kept: Role | None) -> None:
    seen = night([{**SECTION_4_13_USER, "role": role}])

    assert [user.sis_role for user in seen.users.values()] == ([kept] if kept else [])
    assert seen.codes == []


@pytest.mark.parametrize(
    "grade", ["IT", "PR", "PK", "TK", "KG", *(f"{grade:02d}" for grade in range(1, 14)), "PS", "UG", "Other"]
)
def test_every_grade_of_section_4_13_is_kept(grade: str) -> None:
    [user] = night([{**SECTION_4_13_USER, "grades": [grade]}]).users.values()

    assert user.grades == (grade,)


@pytest.mark.parametrize(("status", "count"), [("active", 1), ("tobedeleted", 0)])
def test_every_status_of_section_4_13_is_known(status: str, count: int) -> None:
    seen = night([{**SECTION_4_13_USER, "status": status}])

    assert (len(seen.users), seen.codes) == (count, [])


@pytest.mark.parametrize(("enabled", "count"), [("true", 1), ("false", 0)])
def test_enabled_user_of_section_4_13_is_a_string(enabled: str, count: int) -> None:
    assert len(night([{**SECTION_4_13_USER, "enabledUser": enabled}]).users) == count


@pytest.mark.parametrize("optional", sorted({*SECTION_4_13_USER} - {"sourcedId", "role", "orgs", "status"}))
def test_a_user_of_section_4_13_without_an_optional_field_is_whole(optional: str) -> None:
    seen = night([{name: value for name, value in SECTION_4_13_USER.items() if name != optional}])

    assert (len(seen.users), seen.codes) == (1, [])


@pytest.mark.parametrize("endpoint", ["orgs", "schools"])
def test_an_org_of_section_4_9_comes_as_it_is_with_its_sourced_id(endpoint: str) -> None:
    fetched = fetching([SECTION_4_9_ORG], endpoint=endpoint)

    assert fetched.records == [SECTION_4_9_ORG]
    assert references_in(fetched.records) == {"school-1"}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_selection_field", RequestRefusedError),
        (400, "invalid_filter_field", RequestRefusedError),
        (400, "invalid_sort_field", RequestRefusedError),
        (401, "unauthorised", SignInRefusedError),
        (403, "forbidden", ForbiddenError),
        (404, "unknownobject", NotFoundAtProviderError),
        (422, "invaliddata", RequestRefusedError),
        (429, "server_busy", ThrottledError),
        (500, "internal_server_error", ProviderBrokenError),
    ],
)
@pytest.mark.parametrize("frame", ["flat", "statusInfoSet", "imsx_StatusInfo"])
@pytest.mark.parametrize("told_with", ["its status", "200"])
def test_a_failure_of_section_3_6_is_the_one_of_its_code(
    fetch: Fetch, status: int, code: str, kind: type[RosterSyncError], frame: str, told_with: str
) -> None:
    info = section_3_6_status(code, "It cannot be done.")
    content = {"flat": info, "statusInfoSet": {"statusInfoSet": [info]}, "imsx_StatusInfo": {"imsx_StatusInfo": info}}

    with pytest.raises(kind) as caught:
        fetch(users(5), lambda _: Scripted(content[frame], 200 if told_with == "200" else status))

    assert type(caught.value) is kind
    assert f'"It cannot be done., {code}"' in str(caught.value)


@pytest.mark.parametrize("charset", ["", "; charset=utf-8"])
def test_a_failure_of_section_3_6_may_come_as_xml(fetch: Fetch, charset: str) -> None:
    info = section_3_6_status("forbidden", "No access.")
    xml = "".join(f"<{name}>{value}</{name}>" for name, value in info.items())
    body = f'<?xml version="1.0"?><imsx_StatusInfo xmlns="urn:ims">{xml}</imsx_StatusInfo>'.encode()

    with pytest.raises(ForbiddenError, match="No access"):
        fetch(users(5), lambda _: Scripted(body, 403, {"Content-Type": f"application/xml{charset}"}))
