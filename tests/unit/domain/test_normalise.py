"""One provider record, as the standard says and as providers send it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.district import DEFAULT_ROLES
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.issue import Issue
from roster_sync.domain.normalise import NotStored, Rules, normalise, sourced_id_of
from roster_sync.domain.user import Role, SisUser

RULES = Rules(
    schools={SourcedId("org-1"): SchoolId("elementary")},
    roles=DEFAULT_ROLES,
    counselor_metadata_key="counselor",
    metadata_keys=("homeroom", "ic.legacysourceId"),
)


def a_record(**fields: Any) -> dict[str, Any]:
    """A whole record as OneRoster 1.1 §4.13 has it, with a password, which nobody asked for."""
    record = {
        "sourcedId": "S-1",
        "status": "active",
        "dateLastModified": "2026-11-01T00:00:00.000Z",
        "metadata": {"counselor": "ruth@example.org", "homeroom": "2B", "shoe": "38"},
        "username": "lisa.simpson",
        "userIds": [{"type": "LDAP", "identifier": "lsimpson"}],
        "enabledUser": "true",
        "givenName": "Lisa",
        "familyName": "Simpson",
        "middleName": "Marie",
        "role": "student",
        "identifier": "1001",
        "email": "Lisa@Example.org",
        "sms": "555-0101",
        "phone": "555-0100",
        "agents": [{"href": "https://sis.example.org/users/P-1", "sourcedId": "P-1", "type": "user"}],
        "orgs": [{"href": "https://sis.example.org/orgs/org-1", "sourcedId": "org-1", "type": "org"}],
        "grades": ["02"],
        "password": "secret",
    }
    return {**record, **fields}


def read(record: dict[str, Any]) -> tuple[SisUser | NotStored, list[str]]:
    issues: list[Issue] = []
    user = normalise(record, SourcedId("S-1"), RULES, issues)
    return user, [issue.code.value for issue in issues]


def read_user(**fields: Any) -> SisUser:
    user, _ = read(a_record(**fields))
    assert isinstance(user, SisUser)
    return user


def test_a_whole_record_becomes_a_user_without_its_password() -> None:
    user, issues = read(a_record())

    assert issues == []
    assert user == SisUser(
        sourced_ids=(SourcedId("S-1"),),
        sis_role=Role.STUDENT,
        username="lisa.simpson",
        given_name="Lisa",
        middle_name="Marie",
        family_name="Simpson",
        email="Lisa@Example.org",
        identifier="1001",
        phone="555-0100",
        sms="555-0101",
        grades=("02",),
        school_ids=(SchoolId("elementary"),),
        agents=(SourcedId("P-1"),),
        user_ids=(("LDAP", "lsimpson"),),
        sis_counselor_email="ruth@example.org",
        metadata=(("homeroom", "2B"),),
    )


@pytest.mark.parametrize("absent", [None, "", "   "])
@pytest.mark.parametrize("field", ["username", "givenName", "middleName", "familyName", "email", "identifier", "sms"])
def test_an_absent_value_is_none(field: str, absent: str | None) -> None:
    user, issues = read(a_record(**{field: absent}))

    assert isinstance(user, SisUser)
    assert issues == []
    attribute = {"givenName": "given_name", "middleName": "middle_name", "familyName": "family_name"}.get(field, field)
    assert getattr(user, attribute) is None


@pytest.mark.parametrize(("sent", "read_as"), [(1001, "1001"), (True, "true"), (" 1001 ", "1001"), ("10\t01", "1001")])
def test_numbers_booleans_and_control_characters_become_text(sent: object, read_as: str) -> None:
    assert read_user(identifier=sent).identifier == read_as


def test_a_value_of_another_type_is_dropped_and_named() -> None:
    user, issues = read(a_record(givenName=["Lisa"]))

    assert isinstance(user, SisUser)
    assert (user.given_name, issues) == (None, ["value_dropped"])


@pytest.mark.parametrize("status", ["tobedeleted", "ToBeDeleted", "inactive", "to be deleted"])
def test_a_status_of_the_departed_is_gone(status: str) -> None:
    assert read(a_record(status=status)) == (NotStored.GONE, [])


@pytest.mark.parametrize("status", [None, "Active", ""])
def test_a_missing_or_oddly_spelt_status_is_active(status: str | None) -> None:
    assert read_user(status=status).username


def test_an_unknown_status_counts_as_active_and_is_named() -> None:
    user, issues = read(a_record(status="dormant"))

    assert isinstance(user, SisUser)
    assert issues == ["status_unknown"]


@pytest.mark.parametrize("enabled", [False, "false", "False", "f", 0, "0"])
def test_enabled_user_false_in_any_spelling_is_gone(enabled: object) -> None:
    assert read(a_record(enabledUser=enabled)) == (NotStored.GONE, [])


@pytest.mark.parametrize("enabled", [True, "true", "True", "t", 1, "1", None])
def test_enabled_user_true_in_any_spelling_stays(enabled: object) -> None:
    assert read_user(enabledUser=enabled).username


@pytest.mark.parametrize("role", ["Student", " STUDENT "])
def test_a_role_is_known_in_any_case(role: str) -> None:
    assert read_user(role=role).sis_role is Role.STUDENT


@pytest.mark.parametrize(("role", "code"), [(None, "role_missing"), ("wizard", "role_unknown"), (7, "role_missing")])
def test_a_role_that_is_none_of_ours_keeps_the_record_out_and_is_named(role: object, code: str) -> None:
    assert read(a_record(role=role)) == (NotStored.INVALID, [code])


@pytest.mark.parametrize(
    "orgs",
    [[{"sourcedId": "org-1"}], {"sourcedId": "org-1"}, "org-1", ["org-9", "org-1"], [None, {"sourcedId": "org-1"}]],
)
def test_orgs_are_read_as_objects_strings_or_a_single_one(orgs: object) -> None:
    assert read_user(orgs=orgs).school_ids == ("elementary",)


@pytest.mark.parametrize("orgs", [None, [], [{}], [{"sourcedId": ""}]])
def test_a_user_without_orgs_is_named(orgs: object) -> None:
    assert read(a_record(orgs=orgs)) == (NotStored.INVALID, ["orgs_missing"])


@pytest.mark.parametrize(
    ("grades", "read_as"),
    [
        ("09", ("09",)),
        ("9", ("09",)),
        (["K", "kg"], ("KG", "kg")),
        (9, ("09",)),
        (None, ()),
        ([], ()),
        (["10", "09"], ("09", "10")),
    ],
)
def test_grades_are_read_in_many_spellings(grades: object, read_as: tuple[str, ...]) -> None:
    assert read_user(grades=grades).grades == read_as


@pytest.mark.parametrize(
    "fields",
    [
        {"givenName": "x" * 1_001},
        {"agents": [{"sourcedId": f"P-{number}"} for number in range(101)]},
        {"userIds": [{"type": "t", "identifier": "x" * 1_001}]},
        {"metadata": {"homeroom": "x" * 1_001}},
    ],
)
def test_what_would_not_fit_into_an_item_is_dropped_and_named(fields: dict[str, object]) -> None:
    """A value of megabytes once made DynamoDB refuse the user for ever, and its chunk with it."""
    user, issues = read(a_record(**fields))

    assert isinstance(user, SisUser)
    assert issues == ["value_dropped"]
    assert len(str(user)) < 5_000


@pytest.mark.parametrize(
    "email", [f"{'x' * 250}@a.org", "no address", "@example.org", "lisa@", "two words@example.org", 5]
)
def test_an_email_that_is_none_is_dropped_and_named(email: object) -> None:
    user, issues = read(a_record(email=email))

    assert isinstance(user, SisUser)
    assert (user.email, issues) == (None, ["email_invalid"])


def test_a_metadata_key_with_dots_is_tried_literally_then_as_a_path() -> None:
    literal = read_user(metadata={"ic.legacysourceId": "a", "ic": {"legacysourceId": "b"}})
    path = read_user(metadata={"ic": {"legacysourceId": "b"}})

    assert (literal.metadata, path.metadata) == (
        (("ic.legacysourceId", "a"),),
        (("ic.legacysourceId", "b"),),
    )


@pytest.mark.parametrize(
    ("sent", "kept"), [("a b/c's", "a b/c's"), (" padded ", " padded "), (17, "17"), ("x" * 255, "x" * 255)]
)
def test_a_sourced_id_is_kept_to_the_letter(sent: object, kept: str) -> None:
    assert sourced_id_of({"sourcedId": sent}, []) == kept


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({}, "sourced_id_missing"),
        ({"sourcedId": " "}, "sourced_id_missing"),
        ({"sourcedId": True}, "sourced_id_missing"),
        ({"sourcedId": "x" * 256}, "sourced_id_too_long"),
        ("text", "record_not_an_object"),
        (None, "record_not_an_object"),
    ],
)
def test_a_record_without_a_usable_sourced_id_is_named(record: object, code: str) -> None:
    issues: list[Issue] = []

    assert sourced_id_of(record, issues) is None
    assert [issue.code.value for issue in issues] == [code]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(a_record(), _json)))
def test_nothing_that_json_can_hold_raises(fields: dict[str, Any]) -> None:
    issues: list[Issue] = []

    result = normalise({**a_record(), **fields}, SourcedId("S-1"), RULES, issues)

    assert isinstance(result, SisUser | NotStored)
    assert (result is NotStored.INVALID) <= bool(issues)


def a_record_of_1_2(*roles: object, **fields: Any) -> dict[str, Any]:
    """OneRoster 1.2: roles, each with its org, in place of role and orgs."""
    record = a_record(roles=list(roles), userProfiles=[], primaryOrg={"sourcedId": "org-9"}, **fields)
    del record["role"], record["orgs"]
    return record


def a_held_role(role: object, org: str = "org-1", role_type: str = "secondary") -> dict[str, Any]:
    return {"roleType": role_type, "role": role, "org": {"sourcedId": org, "type": "org"}}


def test_a_user_of_1_2_has_the_primary_role_and_the_orgs_of_all() -> None:
    user, issues = read(a_record_of_1_2(a_held_role("student", "org-9"), a_held_role("teacher", role_type="primary")))

    assert isinstance(user, SisUser)
    assert (user.sis_role, user.school_ids) == (Role.SPONSOR, ("elementary",))
    assert issues == []


def test_a_role_of_1_2_that_is_imported_goes_before_a_primary_one_that_is_not() -> None:
    user, _ = read(a_record_of_1_2(a_held_role("parent", role_type="primary"), a_held_role("Teacher")))

    assert isinstance(user, SisUser)
    assert user.sis_role is Role.SPONSOR


@pytest.mark.parametrize("roles", [[], [None], ["teacher"], [{"role": 5}], [{}]])
def test_a_user_of_1_2_without_a_readable_role_is_named(roles: list[object]) -> None:
    assert read(a_record_of_1_2(*roles)) == (NotStored.INVALID, ["role_missing"])


def test_a_role_of_1_2_without_an_org_leaves_the_user_without_one() -> None:
    assert read(a_record_of_1_2({"role": "teacher"})) == (NotStored.INVALID, ["orgs_missing"])
