"""A manual upload: the bytes of a CSV file become rows, and rows become changes of users."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from roster_sync.domain.change import ChangeKind, ManualChange, ManualProfile
from roster_sync.domain.district import School
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, UserId
from roster_sync.domain.identity import user_id_from_email
from roster_sync.domain.issue import Issue, IssueCode
from roster_sync.domain.run import COUNT_OF_KIND, Counts
from roster_sync.domain.user import Role, StoredUser, normalised_email

CONTENT_TYPE = "text/csv"
MAX_ROWS = 100_000
MAX_FILE_BYTES = 50_000_000
"""Far more than MAX_ROWS of usual length; bounds the memory of an import."""
MAX_COLUMNS = 100
"""Each that is not known is a notice."""
MAX_VALUE_LENGTH = 255

HOW_TO_SAVE_AS_UTF8 = 'Save it as UTF-8 (in Excel: "CSV UTF-8 (Comma delimited)") and upload it again.'


class Column(StrEnum):
    """The columns of an upload, as its template names them."""

    FIRST_NAME = "First Name"
    LAST_NAME = "Last Name"
    EMAIL = "Email"
    PASSWORD = "Default User Password"
    ID = "ID"
    GRADE = "Grade"
    ROLE = "Role"
    COUNSELOR_EMAIL = "Counselor Email"
    STATUS = "Status"
    SCHOOL_OR_MOVE_TO = "School or Move To"
    SCHOOL = "School"
    MOVE_TO = "Move To"


TEMPLATE_COLUMNS = tuple(column for column in Column if column not in (Column.SCHOOL, Column.MOVE_TO))

_SCHOOL_COLUMNS = (Column.SCHOOL_OR_MOVE_TO, Column.MOVE_TO, Column.SCHOOL)
"""By precedence, should a file have several."""

_ROLES: Mapping[str, Role] = {
    "student": Role.STUDENT,
    "sponsor": Role.SPONSOR,
    "teacher": Role.SPONSOR,
    "administrator": Role.ADMINISTRATOR,
    "counselor": Role.COUNSELOR,
    "districtadministrator": Role.DISTRICT_ADMINISTRATOR,
}

_STATUSES: Mapping[str, bool | None] = {"": None, "active": True, "inactive": False}

_EMAIL = re.compile(r"[^\s@,;:<>()\"\\]+@[^\s@,;:<>()\"\\]+\.[^\s@,;:<>()\"\\.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRow:
    """One usable row.

    Attributes:
        line: The line of the file on which the row begins, counting from 1.
        active: None if the row leaves the status as it is.
        school_id: None for a district administrator, who is in no school.
    """

    line: int
    email: str
    given_name: str | None
    family_name: str | None
    identifier: str | None
    grade: str | None
    role: Role
    counselor_email: str | None
    active: bool | None
    school_id: SchoolId | None


@dataclass(frozen=True, slots=True)
class Upload:
    """What a file says.

    Attributes:
        row_count: Rows of the file, usable or not, without header and empty lines.
        issues: By line. A row that is not in `rows` has at least one.
    """

    rows: Sequence[UploadRow]
    row_count: int
    issues: Sequence[Issue]


def read_upload(content: bytes, schools: Sequence[School]) -> Upload:
    """The rows of a file, and what is wrong with the others.

    Raises:
        ConfigurationError: The file as a whole cannot be used; the message says why and what to do.
    """
    records = _records(_decoded(content))
    header = next(records, None)
    if header is None:
        raise ConfigurationError("The file is empty. Put a header and at least one user into it.")
    if header.cells is None:
        raise ConfigurationError(f"The header in line {header.line} cannot be read. {_QUOTATION}")
    columns = _columns(header.cells)
    issues = list(_header_notices(header.line, header.cells, columns))

    directory = _SchoolDirectory(schools)
    line_of_email: dict[str, int] = {}
    rows: list[UploadRow] = []
    row_count = 0
    for record in records:
        row_count += 1
        if row_count > MAX_ROWS:
            raise ConfigurationError(f"The file has more than {MAX_ROWS:,} rows. Split it into several files.")
        draft = _Draft(record, columns, len(header.cells))
        row = draft.row(directory, line_of_email)
        issues.extend(draft.issues)
        if row is not None:
            rows.append(row)
    if not row_count:
        raise ConfigurationError("The file has a header but no rows. Put at least one user into it.")
    return Upload(rows, row_count, issues)


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise ConfigurationError(f"The file is encoded as UTF-32, not as UTF-8. {HOW_TO_SAVE_AS_UTF8}")
    # A byte order mark, or the zero byte that every second one is in plain English text.
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content:
        raise ConfigurationError(f"The file is encoded as UTF-16, not as UTF-8. {HOW_TO_SAVE_AS_UTF8}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"The file is not encoded as UTF-8: line {line} has a character that cannot be read. {HOW_TO_SAVE_AS_UTF8}"
        ) from error
    # What a gateway or an editor puts in place of bytes that are no UTF-8: the characters themselves are lost.
    lost = text.find("\N{REPLACEMENT CHARACTER}")
    if lost >= 0:
        line = text.count("\n", 0, lost) + 1
        raise ConfigurationError(
            f"The file is not encoded as UTF-8: line {line} has a character that cannot be read. {HOW_TO_SAVE_AS_UTF8}"
        )
    return text


_QUOTATION = "Check its quotation marks: each must be closed before the next comma, and doubled inside a value."


@dataclass(frozen=True, slots=True)
class _Record:
    """The cells that begin on a line; None if they cannot be told apart."""

    line: int
    last_line: int
    cells: Sequence[str] | None


def _records(text: str) -> Iterator[_Record]:
    """The file's records without the empty ones. A record spans several lines where a quoted value does."""
    # Strict: otherwise a quotation mark that is never closed swallows the rest of the file in silence.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [_cleaned(cell) for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            yield _Record(line, reader.line_num, None)
            continue
        if any(cells):
            yield _Record(line, reader.line_num, cells)


def _cleaned(cell: str) -> str:
    """A cell without line breaks, repeated spaces and characters that cannot be seen."""
    text = " ".join(cell.split())
    return text if text.isprintable() else "".join(filter(str.isprintable, text)).strip()


def _key(name: str) -> str:
    """A name without what people vary: case, spaces, punctuation."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _columns(header: Sequence[str]) -> dict[Column, int]:
    """Where each known column is."""
    if len(header) > MAX_COLUMNS:
        raise ConfigurationError(
            f"The header has more than {MAX_COLUMNS} columns. Keep only those of the template, and one row to a line."
        )
    known = {_key(column): column for column in Column}
    columns: dict[Column, int] = {}
    for index, name in enumerate(header):
        column = known.get(_key(name))
        if column is None:
            continue
        if column in columns:
            raise ConfigurationError(f"The column {column} is there twice. Remove one of them.")
        columns[column] = index
    missing = [str(column) for column in (Column.EMAIL, Column.ROLE) if column not in columns]
    if not any(column in columns for column in _SCHOOL_COLUMNS):
        missing.append(Column.SCHOOL_OR_MOVE_TO)
    if missing:
        raise ConfigurationError(
            f"The header lacks {_enumerated(missing)}. The first line must name the columns, separated by commas: "
            f"{', '.join(TEMPLATE_COLUMNS)}."
        )
    return columns


def _enumerated(names: Sequence[str]) -> str:
    *first, last = names
    return f"the columns {', '.join(first)} and {last}" if first else f"the column {last}"


def _header_notices(line: int, header: Sequence[str], columns: Mapping[Column, int]) -> Iterator[Issue]:
    if Column.PASSWORD in columns:
        yield Issue(
            IssueCode.UPLOAD_NOTICE,
            "Passwords are not stored; the column was ignored.",
            line=line,
            column=header[columns[Column.PASSWORD]],
        )
    known = set(columns.values())
    for index, name in enumerate(header):
        if name and index not in known:
            yield Issue(
                IssueCode.UPLOAD_NOTICE, "This column is not known and was ignored.", line=line, column=name[:64]
            )


class _SchoolDirectory:
    """Finds a school by what a row calls it."""

    def __init__(self, schools: Sequence[School]) -> None:
        self._by_id: dict[str, SchoolId] = {school.school_id: school.school_id for school in schools}
        self._by_oneroster_id: dict[str, SchoolId] = {
            school.oneroster_id: school.school_id for school in schools if school.oneroster_id
        }
        self._by_name: dict[str, list[SchoolId]] = {}
        for school in schools:
            self._by_name.setdefault(" ".join(school.name.split()).casefold(), []).append(school.school_id)

    def find(self, named: str) -> Sequence[SchoolId]:
        """The schools that `named` may mean: a school_id, a OneRoster ID, or a name in any case."""
        exact = self._by_id.get(named) or self._by_oneroster_id.get(named)
        return [exact] if exact else self._by_name.get(named.casefold(), [])


class _Draft:
    """A row while it is checked; `issues` fills with what is wrong with it."""

    def __init__(self, record: _Record, columns: Mapping[Column, int], width: int) -> None:
        self._line = record.line
        self._last_line = record.last_line
        self._cells = record.cells
        self._columns = columns
        self._width = width
        self.issues: list[Issue] = []

    def row(self, schools: _SchoolDirectory, line_of_email: dict[str, int]) -> UploadRow | None:
        """The row, or None if something is wrong with it. Notes the row's e-mail address in `line_of_email`."""
        if self._cells is None:
            lines = (
                f"Line {self._line}" if self._last_line <= self._line else f"Lines {self._line} to {self._last_line}"
            )
            self._refuse(f"{lines} cannot be read. {_QUOTATION}")
            return None
        if any(self._cells[self._width :]):
            self._refuse(
                "The row has more values than the header has columns. Put a value with commas in quotation marks."
            )
            return None
        for column in self._columns:
            if column is not Column.PASSWORD and len(self._value(column) or "") > MAX_VALUE_LENGTH:
                self._refuse(f"The value is longer than {MAX_VALUE_LENGTH} characters.", column)
        email = self._email(line_of_email)
        role = self._role()
        school_id = self._school_id(role, schools)
        counselor_email = self._counselor_email()
        active = self._active()
        if self.issues or email is None or role is None:
            return None
        return UploadRow(
            line=self._line,
            email=email,
            given_name=self._value(Column.FIRST_NAME),
            family_name=self._value(Column.LAST_NAME),
            identifier=self._value(Column.ID),
            grade=_grade(self._value(Column.GRADE)),
            role=role,
            counselor_email=counselor_email,
            active=active,
            school_id=school_id,
        )

    def _value(self, column: Column) -> str | None:
        """The row's value; None if it is empty, or the file has no such column."""
        index = self._columns.get(column)
        if self._cells is None or index is None or index >= len(self._cells):
            return None
        return self._cells[index] or None

    def _refuse(self, message: str, column: Column | None = None) -> None:
        self.issues.append(Issue(IssueCode.UPLOAD_ROW_INVALID, message, line=self._line, column=column))

    def _email(self, line_of_email: dict[str, int]) -> str | None:
        email = self._value(Column.EMAIL)
        if email is None:
            self._refuse("The e-mail address is missing. Enter one.", Column.EMAIL)
            return None
        if not _is_email(email):
            self._refuse("This is not a valid e-mail address. Correct it.", Column.EMAIL)
            return None
        first_line = line_of_email.setdefault(normalised_email(email), self._line)
        if first_line != self._line:
            self._refuse(f"Line {first_line} has the same e-mail address. Remove one of the two.", Column.EMAIL)
        return email

    def _role(self) -> Role | None:
        name = self._value(Column.ROLE)
        if name is None:
            self._refuse(f"The role is missing. {_USE_ROLES}", Column.ROLE)
            return None
        role = _ROLES.get(_key(name))
        if role is None:
            self._refuse(f"This role is none of ours. {_USE_ROLES}", Column.ROLE)
        return role

    def _school_id(self, role: Role | None, schools: _SchoolDirectory) -> SchoolId | None:
        column, named = next(
            ((column, named) for column in _SCHOOL_COLUMNS if (named := self._value(column))), (None, None)
        )
        if role is Role.DISTRICT_ADMINISTRATOR:
            if column is not None:
                self._refuse("A district administrator is in no school. Leave the school empty.", column)
            return None
        if column is None or named is None:
            present = next(column for column in _SCHOOL_COLUMNS if column in self._columns)
            self._refuse("The school is missing. Enter its name, its ID or its OneRoster ID.", present)
            return None
        found = schools.find(named)
        if not found:
            self._refuse("There is no such school. Enter the name, the ID or the OneRoster ID of one of yours.", column)
            return None
        if len(found) > 1:
            self._refuse("Several schools have this name. Enter the school's ID instead.", column)
        return found[0]

    def _counselor_email(self) -> str | None:
        email = self._value(Column.COUNSELOR_EMAIL)
        if email is not None and not _is_email(email):
            self._refuse("This is not a valid e-mail address. Correct it, or leave it empty.", Column.COUNSELOR_EMAIL)
        return email

    def _active(self) -> bool | None:
        status = _key(self._value(Column.STATUS) or "")
        if status not in _STATUSES:
            self._refuse("This status is not known. Use active or inactive, or leave it empty.", Column.STATUS)
        return _STATUSES.get(status)


_USE_ROLES = "Use student, sponsor, administrator, counselor or district administrator."


def _grade(text: str | None) -> str | None:
    """A grade as the SIS writes it (CEDS): 09 for 9, KG for K."""
    if text is None or text.isdecimal():
        return text and text.zfill(2)
    return "KG" if text.upper() == "K" else text


def _is_email(text: str) -> bool:
    return len(text) <= MAX_VALUE_LENGTH and _EMAIL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ManualChanges:
    """What rows change in the stored users.

    Attributes:
        counts: The rows that change nothing: unchanged, refused, or applied before by this upload.
    """

    changes: Sequence[ManualChange]
    issues: Sequence[Issue]
    counts: Counts


def manual_changes(
    rows: Sequence[UploadRow],
    users_by_email: Mapping[str, Sequence[StoredUser]],
    *,
    district_id: DistrictId,
    run_id: RunId,
    products: frozenset[str],
    taken: Container[UserId],
) -> ManualChanges:
    """The changes that make the stored users as the rows say; an empty value leaves what is stored.

    Args:
        rows: Of one upload, so no two have the same e-mail address.
        users_by_email: The stored users of each normalised e-mail address.
        district_id: Whose users these are.
        run_id: Of this upload, to tell a row that it applied before, when it was cut off, from an unchanged one.
        products: Those switched on; a user who lacks one of them counts as changed.
        taken: The ids that `new_user_ids` gave for these rows and that belong to somebody all the same.
    """
    changes: list[ManualChange] = []
    issues: list[Issue] = []
    counts: Counter[str] = Counter()
    for row in rows:
        users = users_by_email.get(normalised_email(row.email), ())
        refusal = _refusal(row, users, district_id, taken)
        if refusal is not None:
            issues.append(Issue(IssueCode.UPLOAD_ROW_INVALID, refusal, line=row.line, column=Column.EMAIL))
            counts["invalid"] += 1
            continue
        user = users[0] if users else None
        if user is not None and user.sourced_ids and _differs_in_sis_attributes(row, user):
            issues.append(
                Issue(
                    IssueCode.UPLOAD_NOTICE,
                    "This person comes from the SIS: only role and counselor were taken from the row. "
                    "Change name, ID, grade, school and status in the SIS.",
                    line=row.line,
                )
            )
        change = _change(row, user, district_id)
        if user is None or _changes_something(change, user, products):
            changes.append(change)
        elif user.run_id == run_id and user.last_change is not None:
            counts[COUNT_OF_KIND[ChangeKind(user.last_change)]] += 1
        else:
            counts["unchanged"] += 1
    return ManualChanges(changes, issues, Counts(**counts))


def new_user_ids(
    rows: Sequence[UploadRow], users_by_email: Mapping[str, Sequence[StoredUser]], district_id: DistrictId
) -> list[UserId]:
    """The ids of the users whom the rows create."""
    return [
        user_id_from_email(district_id, row.email)
        for row in rows
        if not users_by_email.get(normalised_email(row.email))
    ]


def _refusal(
    row: UploadRow, users: Sequence[StoredUser], district_id: DistrictId, taken: Container[UserId]
) -> str | None:
    if len(users) > 1:
        return "Several users have this e-mail address. Give each an address of their own in the SIS first."
    if not users:
        # A user is named after the first address; the SIS may have given that user another one since.
        if user_id_from_email(district_id, row.email) in taken:
            return "This address belonged to a user who has another one now. Enter this person in the SIS."
        return None
    if users[0].sourced_ids and row.role is Role.DISTRICT_ADMINISTRATOR:
        return "This person comes from the SIS and is in a school. A district administrator needs another address."
    return None


def _change(row: UploadRow, user: StoredUser | None, district_id: DistrictId) -> ManualChange:
    return ManualChange(
        kind=ChangeKind.UPDATE if user else ChangeKind.CREATE,
        user_id=user.user_id if user else user_id_from_email(district_id, row.email),
        role=row.role,
        counselor_email=row.counselor_email,
        profile=None if user and user.sourced_ids else _profile(row, user),
    )


def _profile(row: UploadRow, user: StoredUser | None) -> ManualProfile:
    active = row.active if row.active is not None else user is None or user.active
    return ManualProfile(
        email=row.email,
        given_name=row.given_name or (user.given_name if user else None),
        family_name=row.family_name or (user.family_name if user else None),
        identifier=row.identifier or (user.identifier if user else None),
        grades=(row.grade,) if row.grade else (user.grades if user else ()),
        school_ids=(row.school_id,) if row.school_id else (),
        active=active,
    )


def _changes_something(change: ManualChange, user: StoredUser, products: frozenset[str]) -> bool:
    if change.role != user.manual_role or not products <= user.products:
        return True
    if change.counselor_email is not None and change.counselor_email != user.manual_counselor_email:
        return True
    profile = change.profile
    return profile is not None and (
        (profile.email, profile.given_name, profile.family_name, profile.identifier)
        != (user.email, user.given_name, user.family_name, user.identifier)
        or (profile.grades, profile.school_ids, profile.active) != (user.grades, user.school_ids, user.active)
    )


def _differs_in_sis_attributes(row: UploadRow, user: StoredUser) -> bool:
    pairs = ((row.given_name, user.given_name), (row.family_name, user.family_name), (row.identifier, user.identifier))
    return (
        any(ours is not None and ours != theirs for ours, theirs in pairs)
        or (row.grade is not None and row.grade not in user.grades)
        or (row.school_id is not None and row.school_id not in user.school_ids)
        or (row.active is not None and row.active != user.active)
    )
