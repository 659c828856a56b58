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


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        (1001, "1001"),
        (1001.0, "1001"),
        (10.01, "10.01"),
        (1e30, "1e+30"),
        (True, "true"),
        (" 1001 ", "1001"),
        ("10\t01", "1001"),
    ],
)
def test_numbers_booleans_and_control_characters_become_text(sent: object, read_as: str) -> None:
    assert read_user(identifier=sent).identifier == read_as


def test_a_value_of_another_type_is_dropped_and_named() -> None:
    user, issues = read(a_record(givenName=["Lisa"]))

    assert isinstance(user, SisUser)
    assert (user.given_name, issues) == (None, ["value_dropped"])


@pytest.mark.parametrize(
    "status", ["tobedeleted", "ToBeDeleted", "inactive", "to be deleted", "to_be_deleted", "To-Be-Deleted", " Deleted "]
)
def test_a_status_of_the_departed_is_gone(status: str) -> None:
    assert read(a_record(status=status)) == (NotStored.GONE, [])


@pytest.mark.parametrize("status", [None, "Active", ""])
def test_a_missing_or_oddly_spelt_status_is_active(status: str | None) -> None:
    assert read_user(status=status).username


def test_an_unknown_status_counts_as_active_and_is_named() -> None:
    user, issues = read(a_record(status="dormant"))

    assert isinstance(user, SisUser)
    assert issues == ["status_unknown"]


@pytest.mark.parametrize("enabled", [False, "false", "False", "f", 0, 0.0, "0", " NO "])
def test_enabled_user_false_in_any_spelling_is_gone(enabled: object) -> None:
    assert read(a_record(enabledUser=enabled)) == (NotStored.GONE, [])


@pytest.mark.parametrize("enabled", [True, "true", "True", "t", 1, 1.0, "1", "yes", "", None])
def test_enabled_user_true_in_any_spelling_stays(enabled: object) -> None:
    assert read_user(enabledUser=enabled).username


@pytest.mark.parametrize("enabled", ["maybe", 2, [], {}])
def test_an_enabled_user_that_is_neither_counts_as_true_and_is_named(enabled: object) -> None:
    user, issues = read(a_record(enabledUser=enabled))

    assert isinstance(user, SisUser)
    assert issues == ["enabled_user_unknown"]


@pytest.mark.parametrize("role", ["Student", " STUDENT ", "students", "Pupil", "learner"])
def test_a_student_is_known_in_any_spelling(role: str) -> None:
    assert read_user(role=role).sis_role is Role.STUDENT


@pytest.mark.parametrize(
    ("role", "read_as"),
    [
        ("Teachers", Role.SPONSOR),
        ("instructor", Role.SPONSOR),
        ("Admin", Role.ADMINISTRATOR),
        ("siteAdministrator", Role.ADMINISTRATOR),
        ("Site Administrator", Role.ADMINISTRATOR),
    ],
)
def test_staff_are_known_in_any_spelling(role: str, read_as: Role) -> None:
    assert read_user(role=role).sis_role is read_as


@pytest.mark.parametrize(
    "role", ["aide", "Parents", "guardian", "RELATIVE", "proctor", "districtAdministrator", "system_administrator"]
)
def test_a_role_of_the_standard_that_is_not_imported_is_no_finding(role: str) -> None:
    assert read(a_record(role=role, orgs=None, status="dormant")) == (NotStored.ROLE_NOT_IMPORTED, [])


@pytest.mark.parametrize(
    ("role", "code"),
    [
        (None, "role_missing"),
        (" ", "role_missing"),
        ("wizard", "role_unknown"),
        ("Staff", "role_unknown"),
        ("counselor", "role_unknown"),
        ("Principal", "role_unknown"),
        (7, "role_missing"),
    ],
)
def test_a_role_that_is_none_of_ours_keeps_the_record_out_and_is_named(role: object, code: str) -> None:
    assert read(a_record(role=role)) == (NotStored.INVALID, [code])


@pytest.mark.parametrize("mapped", ["school counselor", "schoolcounselor"])
def test_a_role_that_the_district_maps_goes_before_what_the_standard_makes_of_it(mapped: str) -> None:
    rules = Rules(schools=RULES.schools, roles={**DEFAULT_ROLES, mapped: Role.COUNSELOR, "pupil": Role.SPONSOR})

    roles = [normalise(a_record(role=role), SourcedId("S-1"), rules, []) for role in ("School Counselor", "Pupil")]

    assert [user.sis_role for user in roles if isinstance(user, SisUser)] == [Role.COUNSELOR, Role.SPONSOR]


@pytest.mark.parametrize(
    "orgs",
    [[{"sourcedId": "org-1"}], {"sourcedId": "org-1"}, "org-1", ["org-9", "org-1"], [None, {"sourcedId": "org-1"}]],
)
def test_orgs_are_read_as_objects_strings_or_a_single_one(orgs: object) -> None:
    assert read_user(orgs=orgs).school_ids == ("elementary",)


@pytest.mark.parametrize("orgs", [None, [], [{}], [{"sourcedId": ""}]])
def test_a_user_without_orgs_is_named(orgs: object) -> None:
    assert read(a_record(orgs=orgs)) == (NotStored.INVALID, ["orgs_missing"])


def test_the_district_beside_the_school_is_no_school() -> None:
    assert read_user(orgs=[{"sourcedId": "district", "type": "org"}, {"sourcedId": "org-1"}]).school_ids == (
        "elementary",
    )


@pytest.mark.parametrize("fields", [{}, {"role": "wizard"}, {"role": None}, {"email": 5}, {"status": "dormant"}])
def test_who_is_of_the_district_or_of_other_schools_alone_is_left_out_without_a_finding(
    fields: dict[str, object],
) -> None:
    record = a_record(orgs=[{"sourcedId": "district", "type": "org"}], **fields)

    assert read(record) == (NotStored.UNMAPPED_SCHOOL, [])


@pytest.mark.parametrize(
    ("grades", "read_as"),
    [
        ("09", ("09",)),
        ("9", ("09",)),
        (["K", "kg"], ("KG",)),
        (["Kindergarten", "Pre-K", "OTHER", "it"], ("IT", "KG", "Other", "PK")),
        ([9, 10.0, "11.0"], ("09", "10", "11")),
        (["Grade 9", "10th grade", "1st", "GRADE 12"], ("01", "09", "10", "12")),
        ("09, 10,", ("09", "10")),
        (["Year 9", "0", "-1"], ("-1", "0", "Year 9")),
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


@pytest.mark.parametrize("agents", ["P-1", {"sourcedId": "P-1"}, [None, {"sourcedId": "P-1"}], ["P-1", "P-1"]])
def test_agents_are_read_as_orgs_are(agents: object) -> None:
    user, issues = read(a_record(agents=agents))

    assert isinstance(user, SisUser)
    assert (user.agents, issues) == (("P-1",), [])


@pytest.mark.parametrize("agent", [{}, {"sourcedId": None}, " ", True, ["P-2"]])
def test_an_agent_without_a_usable_sourced_id_is_dropped_and_named(agent: object) -> None:
    user, issues = read(a_record(agents=["P-1", agent]))

    assert isinstance(user, SisUser)
    assert (user.agents, issues) == (("P-1",), ["value_dropped"])


@pytest.mark.parametrize(
    ("value", "kept"),
    [("2B", "2B"), (7, "7"), (False, "false"), (["2B"], "2B"), ("", None), (None, None), ([], None), ({}, None)],
)
def test_a_metadata_value_becomes_text_if_it_can(value: object, kept: str | None) -> None:
    user, issues = read(a_record(metadata={"homeroom": value}))

    assert isinstance(user, SisUser)
    assert user.metadata == ((("homeroom", kept),) if kept else ())
    assert issues == (["value_dropped"] if value in ([], {}) else [])


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


@pytest.mark.parametrize("roles", [[], [None], ["teacher"], [{"role": 5}], [{"role": " "}], [{}]])
def test_a_user_of_1_2_without_a_readable_role_is_named(roles: list[object]) -> None:
    record = {**a_record_of_1_2(*roles), "primaryOrg": {"sourcedId": "org-1"}}

    assert read(record) == (NotStored.INVALID, ["role_missing"])


def test_of_roles_of_1_2_that_are_not_imported_an_unknown_one_is_named() -> None:
    assert read(a_record_of_1_2(a_held_role("parent"), a_held_role("aide"))) == (NotStored.ROLE_NOT_IMPORTED, [])
    assert read(a_record_of_1_2(a_held_role("parent"), a_held_role("wizard"))) == (NotStored.INVALID, ["role_unknown"])


def test_a_single_role_of_1_2_need_not_stand_in_a_list() -> None:
    record = a_record_of_1_2()
    record["roles"] = a_held_role("teacher")

    user, _ = read(record)

    assert isinstance(user, SisUser)
    assert user.sis_role is Role.SPONSOR


def test_the_primary_org_of_1_2_is_that_of_a_role_without_org() -> None:
    record = a_record_of_1_2({"role": "teacher"})

    elsewhere, _ = read(record)
    here, _ = read({**record, "primaryOrg": {"sourcedId": "org-1"}})
    nowhere = read({**record, "primaryOrg": None})

    assert elsewhere is NotStored.UNMAPPED_SCHOOL
    assert isinstance(here, SisUser)
    assert here.school_ids == ("elementary",)
    assert nowhere == (NotStored.INVALID, ["orgs_missing"])


@pytest.mark.parametrize(
    ("profiles", "username"),
    [
        (None, None),
        ([], None),
        ([{"credentials": None}, {"credentials": [{}, {"username": 7}]}, "text"], None),
        ([{"credentials": [{"type": "LDAP", "username": " lisa ", "password": "secret"}]}], "lisa"),
        ([{"credentials": []}, {"credentials": {"username": "lisa"}}, {"credentials": [{"username": "l.s"}]}], "lisa"),
        ({"credentials": [{"username": "lisa"}]}, "lisa"),
    ],
)
def test_the_username_of_1_2_may_stand_in_the_profiles(profiles: object, username: str | None) -> None:
    assert read_user(username=None, userProfiles=profiles).username == username
    assert read_user(userProfiles=profiles).username == "lisa.simpson"
