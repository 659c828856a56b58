"""A manual upload: what a file says, and what it changes."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.change import ChangeKind, ManualChange
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.identifiers import RunId, SchoolId, SourcedId, UserId
from roster_sync.domain.identity import user_id_from_email
from roster_sync.domain.issue import Issue, IssueCode
from roster_sync.domain.upload import (
    MAX_ROWS,
    ManualChanges,
    Upload,
    UploadRow,
    manual_changes,
    new_user_ids,
    read_upload,
)
from roster_sync.domain.user import Role, StoredUser, normalised_email
from tests.support.builders import DISTRICT, a_school, a_user

HEADER = "First Name,Last Name,Email,Default User Password,ID,Grade,Role,Counselor Email,Status,School or Move To\n"
UPLOAD_RUN = RunId("20261124T101530Z-upload-0a1b2c3d")
SCHOOLS = [
    a_school(school_id=SchoolId("elementary"), name="Springfield Elementary", oneroster_id=SourcedId("org-1")),
    a_school(school_id=SchoolId("high"), name="Springfield High", oneroster_id=None),
]


def reading(text: str) -> Upload:
    return read_upload(text.encode(), SCHOOLS)


def a_row(**overrides: str) -> str:
    values = {
        "first_name": "Ned",
        "last_name": "Flanders",
        "email": "ned@example.org",
        "password": "",
        "id": "2001",
        "grade": "",
        "role": "counselor",
        "counselor_email": "",
        "status": "",
        "school": "Springfield Elementary",
    }
    return ",".join({**values, **overrides}.values()) + "\n"


def an_upload_row(**overrides: str) -> UploadRow:
    (row,) = reading(HEADER + a_row(**overrides)).rows
    return row


def errors(upload: Upload) -> list[Issue]:
    return [issue for issue in upload.issues if issue.code is IssueCode.UPLOAD_ROW_INVALID]


def the_error(upload: Upload) -> Issue:
    (error,) = errors(upload)
    return error


def refusal(content: bytes) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read_upload(content, SCHOOLS)
    return str(refused.value)


class TestEncoding:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    def test_utf_8_is_read_with_and_without_byte_order_mark(self, encoding: str) -> None:
        content = (HEADER + a_row(first_name="Zoë", last_name="Łukasz")).encode(encoding)

        upload = read_upload(content, SCHOOLS)

        assert [(row.given_name, row.family_name) for row in upload.rows] == [("Zoë", "Łukasz")]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_utf_16_is_refused_by_name(self, encoding: str) -> None:
        said = refusal((HEADER + a_row()).encode(encoding))

        assert said == (
            "The file is encoded as UTF-16, not as UTF-8. "
            'Save it as UTF-8 (in Excel: "CSV UTF-8 (Comma delimited)") and upload it again.'
        )

    def test_utf_16_is_refused_by_name_after_a_gateway_took_it_for_text(self) -> None:
        content = (HEADER + a_row()).encode("utf-16").decode("utf-8", "replace").encode()

        assert "UTF-16" in refusal(content)

    def test_another_encoding_is_refused_whole_with_the_line_that_shows_it(self) -> None:
        content = (HEADER + a_row() + a_row(first_name="Zoë", email="zoe@example.org")).encode("latin-1")

        assert refusal(content).startswith("The file is not encoded as UTF-8: line 3 has a character that cannot")
        assert refusal(content.decode("utf-8", "replace").encode()) == refusal(content)

    @pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n", b" , \n"])
    def test_an_empty_file_is_refused(self, content: bytes) -> None:
        assert refusal(content) == "The file is empty. Put a header and at least one user into it."

    def test_a_file_of_only_a_header_is_refused(self) -> None:
        assert refusal(HEADER.encode()).startswith("The file has a header but no rows.")


class TestHeader:
    def test_a_header_of_more_columns_than_any_file_has_is_refused_whole(self) -> None:
        """Each column that is not known is a notice: 25 million of them, in a file of 50 MB, took 2.6 GB."""
        said = refusal(("Email,Role,School" + ",x" * 98 + "\n").encode())

        assert said.startswith("The header has more than 100 columns.")

    @pytest.mark.parametrize(
        "header",
        [
            "Email,Role,School or Move To",
            "EMAIL , role,  school  OR move to",
            "E-mail,Role,school_or_move_to",
            "Email,Role,School",
            "Email,Role,Move To",
        ],
    )
    def test_matching_is_tolerant_of_case_and_spaces(self, header: str) -> None:
        upload = reading(f"{header}\nned@example.org,counselor,Springfield High\n")

        assert [(row.email, row.role, row.school_id) for row in upload.rows] == [
            ("ned@example.org", Role.COUNSELOR, "high")
        ]
        assert not upload.issues

    def test_columns_come_in_any_order(self) -> None:
        upload = reading("School,Role,Last Name,Email\nhigh,student,Flanders,rod@example.org\n")

        assert [(row.email, row.family_name, row.given_name) for row in upload.rows] == [
            ("rod@example.org", "Flanders", None)
        ]

    def test_missing_columns_are_named(self) -> None:
        said = refusal(b"First Name,Email\nNed,ned@example.org\n")

        assert said.startswith("The header lacks the columns Role and School or Move To. The first line must name")

    def test_a_column_that_is_there_twice_is_refused(self) -> None:
        assert refusal(b"Email,Role,School,email\n") == "The column Email is there twice. Remove one of them."

    def test_an_unknown_column_is_ignored_with_a_notice(self) -> None:
        upload = reading("Email,Role,School,Shoe Size\nned@example.org,counselor,high,44\n")

        (notice,) = upload.issues
        assert (notice.code, notice.line, notice.column) == (IssueCode.UPLOAD_NOTICE, 1, "Shoe Size")
        assert len(upload.rows) == 1

    def test_passwords_are_ignored_with_one_notice(self) -> None:
        upload = reading(HEADER + a_row(password="hunter2") + a_row(password="hunter3", email="rod@example.org"))

        (notice,) = upload.issues
        assert notice.message == "Passwords are not stored; the column was ignored."
        assert "hunter" not in repr(upload)

    def test_move_to_wins_over_school_where_it_is_filled(self) -> None:
        upload = reading(
            "Email,Role,School,Move To\n"
            "a@example.org,student,Springfield Elementary,Springfield High\n"
            "b@example.org,student,Springfield Elementary,\n"
        )

        assert [row.school_id for row in upload.rows] == ["high", "elementary"]


class TestRows:
    def test_a_bad_row_is_reported_by_line_and_column_and_the_good_ones_are_kept(self) -> None:
        upload = reading(HEADER + a_row() + a_row(email="rod at example") + a_row(email="todd@example.org"))

        assert [row.line for row in upload.rows] == [2, 4]
        assert (the_error(upload).line, the_error(upload).column) == (3, "Email")
        assert upload.row_count == 3

    @pytest.mark.parametrize(
        ("overrides", "column", "message"),
        [
            ({"email": ""}, "Email", "The e-mail address is missing. Enter one."),
            ({"email": "ned"}, "Email", "This is not a valid e-mail address. Correct it."),
            (
                {"role": "janitor"},
                "Role",
                "This role is none of ours. Use student, sponsor, administrator, counselor or district administrator.",
            ),
            (
                {"role": ""},
                "Role",
                "The role is missing. Use student, sponsor, administrator, counselor or district administrator.",
            ),
            (
                {"school": "Shelbyville"},
                "School or Move To",
                "There is no such school. Enter the name, the ID or the OneRoster ID of one of yours.",
            ),
            (
                {"school": ""},
                "School or Move To",
                "The school is missing. Enter its name, its ID or its OneRoster ID.",
            ),
            (
                {"role": "District Administrator"},
                "School or Move To",
                "A district administrator is in no school. Leave the school empty.",
            ),
            (
                {"counselor_email": "nobody"},
                "Counselor Email",
                "This is not a valid e-mail address. Correct it, or leave it empty.",
            ),
            ({"status": "asleep"}, "Status", "This status is not known. Use active or inactive, or leave it empty."),
            ({"first_name": "N" * 256}, "First Name", "The value is longer than 255 characters."),
        ],
    )
    def test_a_value_that_cannot_be_is_one_clear_sentence(
        self, overrides: Mapping[str, str], column: str, message: str
    ) -> None:
        upload = reading(HEADER + a_row(**overrides))

        assert not upload.rows
        assert (the_error(upload).column, the_error(upload).message, the_error(upload).line) == (column, message, 2)

    def test_every_bad_value_of_a_row_is_reported(self) -> None:
        upload = reading(HEADER + a_row(email="", role="janitor", school="Shelbyville"))

        assert [error.column for error in errors(upload)] == ["Email", "Role", "School or Move To"]

    def test_a_report_repeats_no_value_of_a_bad_row(self) -> None:
        upload = reading(HEADER + a_row(email="ned@@example", role="ned@example.org", school="12 Evergreen"))

        assert not any(value in repr(upload.issues) for value in ("ned@", "Evergreen", "Flanders"))

    @pytest.mark.parametrize(
        ("named", "role"),
        [
            ("Student", Role.STUDENT),
            ("SPONSOR", Role.SPONSOR),
            ("teacher", Role.SPONSOR),
            ("administrator", Role.ADMINISTRATOR),
            (" counselor ", Role.COUNSELOR),
        ],
    )
    def test_roles_are_ours_in_any_case(self, named: str, role: Role) -> None:
        assert an_upload_row(role=named).role is role

    @pytest.mark.parametrize("named", ["District Administrator", "district_administrator"])
    def test_a_district_administrator_is_in_no_school(self, named: str) -> None:
        row = an_upload_row(role=named, school="")

        assert (row.role, row.school_id) == (Role.DISTRICT_ADMINISTRATOR, None)

    @pytest.mark.parametrize("named", ["springfield  ELEMENTARY", "elementary", "org-1"])
    def test_a_school_is_known_by_its_name_its_id_and_its_oneroster_id(self, named: str) -> None:
        assert an_upload_row(school=named).school_id == "elementary"

    def test_a_name_of_several_schools_is_no_guess(self) -> None:
        schools = [a_school(school_id=SchoolId(name), name="North", oneroster_id=None) for name in ("one", "two")]

        upload = read_upload((HEADER + a_row(school="North")).encode(), schools)

        assert the_error(upload).message == "Several schools have this name. Enter the school's ID instead."

    @pytest.mark.parametrize(("status", "active"), [("Active", True), ("inactive", False), ("", None)])
    def test_status_is_active_inactive_or_left_as_it_is(self, status: str, active: bool | None) -> None:
        assert an_upload_row(status=status).active is active

    @pytest.mark.parametrize(("grade", "stored"), [("9", "09"), ("12", "12"), ("k", "KG"), ("PS", "PS"), ("", None)])
    def test_grades_are_written_as_the_sis_writes_them(self, grade: str, stored: str | None) -> None:
        assert an_upload_row(grade=grade).grade == stored

    def test_the_second_row_of_an_e_mail_address_is_an_error_that_names_the_first(self) -> None:
        upload = reading(HEADER + a_row() + a_row(email="NED@example.org "))

        assert [row.line for row in upload.rows] == [2]
        assert the_error(upload).line == 3
        assert the_error(upload).message == "Line 2 has the same e-mail address. Remove one of the two."

    def test_line_numbers_count_quoted_line_breaks_and_empty_lines(self) -> None:
        upload = reading("\n" + HEADER + "\n" + a_row(first_name='"Ned\nJunior"') + ",,,\n" + a_row(email="bad"))

        assert [(row.line, row.given_name) for row in upload.rows] == [(4, "Ned Junior")]
        assert the_error(upload).line == 7
        assert upload.row_count == 2

    @pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
    def test_line_breaks_are_those_of_any_system(self, line_break: str) -> None:
        upload = reading((HEADER + a_row() + a_row(email="bad")).replace("\n", line_break))

        assert [row.line for row in upload.rows] == [2]
        assert the_error(upload).line == 3

    def test_a_quotation_mark_that_is_never_closed_swallows_nothing_in_silence(self) -> None:
        upload = reading(HEADER + a_row() + a_row(first_name='"Rod', email="rod@example.org") + a_row(email="t@e.org"))

        assert [row.line for row in upload.rows] == [2]
        assert the_error(upload).message.startswith("Lines 3 to 4 cannot be read. Check its quotation marks")

    def test_a_row_with_more_values_than_columns_is_an_error(self) -> None:
        upload = reading("Email,Role,School\nned@example.org,counselor,high,extra\n")

        assert the_error(upload).message.startswith("The row has more values than the header has columns.")

    def test_a_hundred_thousand_rows_are_read_and_one_more_is_refused(self) -> None:
        header = "Email,Role,School\n"
        rows = [f"u{number}@example.org,student,high\n" for number in range(MAX_ROWS)]

        assert len(reading(header + "".join(rows)).rows) == MAX_ROWS
        said = refusal((header + "".join(rows) + "last@example.org,student,high\n").encode())
        assert said == "The file has more than 100,000 rows. Split it into several files."


def deciding(
    rows: Sequence[UploadRow],
    *users: StoredUser,
    products: frozenset[str] = frozenset(),
    taken: Sequence[UserId] = (),
) -> ManualChanges:
    by_email: dict[str, list[StoredUser]] = {}
    for user in users:
        by_email.setdefault(normalised_email(user.email or ""), []).append(user)
    return manual_changes(
        rows, by_email, district_id=DISTRICT, run_id=UPLOAD_RUN, products=products, taken=frozenset(taken)
    )


def the_change(decided: ManualChanges) -> ManualChange:
    (change,) = decided.changes
    return change


def a_manual_user(**overrides: object) -> StoredUser:
    """Whom `a_row` describes, as an upload stored them."""
    values: dict[str, object] = {
        "user_id": UserId("m-1"),
        "sourced_ids": (),
        "sis_role": None,
        "role": Role.COUNSELOR,
        "manual_role": Role.COUNSELOR,
        "given_name": "Ned",
        "family_name": "Flanders",
        "email": "ned@example.org",
        "identifier": "2001",
        "grades": (),
        "school_ids": (SchoolId("elementary"),),
        "counselor_email": None,
        "manual_counselor_email": None,
        "products": frozenset(),
        "active": True,
    }
    return a_user(**{**values, **overrides})


def a_sis_user_of_the_row(**overrides: object) -> StoredUser:
    values: dict[str, object] = {
        "user_id": UserId("s-1"),
        "sourced_ids": (SourcedId("sis-1"),),
        "sis_role": Role.SPONSOR,
        "role": Role.SPONSOR,
        "manual_role": None,
    }
    return a_manual_user(**{**values, **overrides})


class TestChanges:
    def test_a_new_user_is_created_under_an_id_of_the_e_mail_address(self) -> None:
        decided = deciding([an_upload_row(grade="9", counselor_email="cy@example.org")])

        change = the_change(decided)
        assert change.kind is ChangeKind.CREATE
        assert change.user_id == user_id_from_email(DISTRICT, "NED@example.org")
        assert (change.role, change.counselor_email) == (Role.COUNSELOR, "cy@example.org")
        assert change.profile is not None
        assert (change.profile.email, change.profile.grades, change.profile.active) == (
            "ned@example.org",
            ("09",),
            True,
        )
        assert change.profile.school_ids == ("elementary",)

    def test_a_manual_user_who_is_as_the_row_says_is_unchanged(self) -> None:
        decided = deciding([an_upload_row()], a_manual_user())

        assert (decided.changes, decided.counts.unchanged) == ([], 1)

    @pytest.mark.parametrize(
        "overrides",
        [
            {"first_name": "Nedward"},
            {"last_name": "Simpson"},
            {"email": "Ned@Example.org"},
            {"id": "2002"},
            {"grade": "9"},
            {"role": "administrator"},
            {"counselor_email": "cy@example.org"},
            {"status": "inactive"},
            {"school": "high"},
        ],
    )
    def test_a_manual_user_who_differs_in_any_value_is_updated(self, overrides: Mapping[str, str]) -> None:
        decided = deciding([an_upload_row(**overrides)], a_manual_user())

        assert (the_change(decided).kind, the_change(decided).user_id) == (ChangeKind.UPDATE, "m-1")

    def test_moving_to_another_school_leaves_the_first(self) -> None:
        decided = deciding([an_upload_row(school="high")], a_manual_user())

        profile = the_change(decided).profile
        assert profile is not None
        assert profile.school_ids == ("high",)

    def test_an_empty_value_leaves_what_is_stored(self) -> None:
        stored = a_manual_user(active=False, grades=("09",))

        decided = deciding([an_upload_row(first_name="", last_name="", id="", grade="", status="")], stored)

        assert (decided.changes, decided.counts.unchanged) == ([], 1)

    def test_rule_6_a_product_switched_on_since_is_added_by_the_next_upload(self) -> None:
        decided = deciding([an_upload_row()], a_manual_user(products={"serve"}), products=frozenset({"serve", "jobs"}))

        assert the_change(decided).kind is ChangeKind.UPDATE

    def test_rule_6_a_product_switched_off_since_changes_nothing(self) -> None:
        decided = deciding([an_upload_row()], a_manual_user(products={"serve", "jobs"}), products=frozenset({"serve"}))

        assert not decided.changes

    def test_a_user_of_the_sis_gets_role_and_counselor_only(self) -> None:
        decided = deciding([an_upload_row(counselor_email="cy@example.org")], a_sis_user_of_the_row())

        change = the_change(decided)
        assert (change.user_id, change.profile) == ("s-1", None)
        assert (change.role, change.counselor_email) == (Role.COUNSELOR, "cy@example.org")
        assert not decided.issues

    @pytest.mark.parametrize(
        "overrides", [{"first_name": "Nedward"}, {"grade": "9"}, {"school": "high"}, {"status": "inactive"}]
    )
    def test_a_row_that_differs_in_what_the_sis_owns_gets_a_notice(self, overrides: Mapping[str, str]) -> None:
        decided = deciding([an_upload_row(**overrides)], a_sis_user_of_the_row())

        (notice,) = decided.issues
        assert (notice.code, notice.line) == (IssueCode.UPLOAD_NOTICE, 2)
        assert the_change(decided).profile is None

    def test_a_user_of_the_sis_with_that_manual_role_is_unchanged(self) -> None:
        decided = deciding([an_upload_row()], a_sis_user_of_the_row(manual_role=Role.COUNSELOR, role=Role.COUNSELOR))

        assert (decided.changes, decided.counts.unchanged) == ([], 1)

    def test_rule_4_a_user_of_the_sis_becomes_no_district_administrator(self) -> None:
        decided = deciding([an_upload_row(role="district administrator", school="")], a_sis_user_of_the_row())

        (error,) = decided.issues
        assert (error.code, decided.changes, decided.counts.invalid) == (IssueCode.UPLOAD_ROW_INVALID, [], 1)

    def test_rule_4_a_manual_user_who_becomes_district_administrator_leaves_the_schools(self) -> None:
        decided = deciding([an_upload_row(role="district administrator", school="")], a_manual_user())

        profile = the_change(decided).profile
        assert profile is not None
        assert profile.school_ids == ()

    def test_an_e_mail_address_of_several_users_is_an_error(self) -> None:
        decided = deciding([an_upload_row()], a_manual_user(), a_sis_user_of_the_row())

        (error,) = decided.issues
        assert error.message.startswith("Several users have this e-mail address.")
        assert (error.line, error.column, decided.counts.invalid) == (2, "Email", 1)

    def test_a_new_row_never_overwrites_a_user_who_had_its_e_mail_address_before(self) -> None:
        row = an_upload_row()

        decided = deciding([row], taken=new_user_ids([row], {}, DISTRICT))

        assert (decided.changes, decided.counts.invalid) == ([], 1)

    def test_a_row_that_this_upload_applied_before_counts_as_then(self) -> None:
        created = a_manual_user(run_id=UPLOAD_RUN, last_change="create")

        decided = deciding([an_upload_row()], created)

        assert (decided.changes, decided.counts.created, decided.counts.unchanged) == ([], 1, 0)


CELLS = st.sampled_from(
    [
        "",
        "ned@example.org",
        "rod@example.org",
        "student",
        "teacher",
        "high",
        "org-1",
        "K",
        '"',
        '"a\nb"',
        "x,y",
        "\r",
        "é",
    ]
) | st.text(max_size=12)
FILES = st.builds(
    lambda header, rows: header + "".join(",".join(row) + "\n" for row in rows),
    st.sampled_from(["", HEADER, "Email,Role,School\n", "Role,Email,Move To,Extra\n"]),
    st.lists(st.lists(CELLS, max_size=11), max_size=8),
)


class TestAnyText:
    @given(content=FILES.map(lambda text: text.encode("utf-8", "ignore")) | st.binary(max_size=200))
    def test_any_file_is_refused_in_a_sentence_or_every_row_counted_once(self, content: bytes) -> None:
        users = [a_manual_user(), a_sis_user_of_the_row(email="rod@example.org")]

        try:
            upload = read_upload(content, SCHOOLS)
        except ConfigurationError as refused:
            sentence = str(refused)
            assert sentence.endswith(".")
            return
        decided = deciding(upload.rows, *users)

        lines_with_errors = {error.line for error in errors(upload)}
        assert upload.row_count == len(upload.rows) + len(lines_with_errors)
        assert len(upload.rows) == len(decided.changes) + decided.counts.unchanged + decided.counts.invalid
        assert all(issue.message.endswith(".") for issue in [*upload.issues, *decided.issues])
