"""Record-level findings of a run: code, severity, sentence, remedy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """What a finding cost."""

    WARNING = "warning"
    """The record was kept; an optional value was dropped or a choice was made."""
    ERROR = "error"
    """The record was kept out, or the change was not made."""


class RecordKind(StrEnum):
    """What kind of record a finding is about."""

    ORG = "org"
    STAFF = "staff"
    STUDENT = "student"


class IssueCode(StrEnum):
    """Each kind of finding; of one kind of record they are mended in this order."""

    SCHOOL_UNKNOWN = "school_unknown"
    CREDENTIALS_EXPIRE = "credentials_expire"
    FETCH_NOT_WHOLE = "fetch_not_whole"
    WORK_NOT_DONE = "work_not_done"
    ABSENT_OUTSIDE_SCHOOL_YEAR = "absent_outside_school_year"
    RECORD_NOT_AN_OBJECT = "record_not_an_object"
    SOURCED_ID_MISSING = "sourced_id_missing"
    SOURCED_ID_TOO_LONG = "sourced_id_too_long"
    RECORD_TOO_LARGE = "record_too_large"
    ORGS_MISSING = "orgs_missing"
    ROLE_MISSING = "role_missing"
    ROLE_UNKNOWN = "role_unknown"
    STATUS_UNKNOWN = "status_unknown"
    ENABLED_USER_UNKNOWN = "enabled_user_unknown"
    EMAIL_INVALID = "email_invalid"
    COUNSELOR_EMAIL_INVALID = "counselor_email_invalid"
    VALUE_DROPPED = "value_dropped"
    EMAIL_SHARED = "email_shared"
    EMAIL_AMBIGUOUS = "email_ambiguous"
    COUNSELOR_UNKNOWN = "counselor_unknown"
    CHANGED_SINCE = "changed_since"
    DISTRICT_ADMINISTRATOR_KEPT = "district_administrator_kept"
    UPLOAD_ROW_INVALID = "upload_row_invalid"
    UPLOAD_NOTICE = "upload_notice"


class Step(IntEnum):
    """What is mended before what: a later step's findings may go with those of an earlier one."""

    SOURCE = 1
    """The fetch as a whole, and the schools."""
    RECORDS = 2
    """Each record by itself."""
    BETWEEN_RECORDS = 3
    """What one record says of another, or of a stored user."""
    LAST = 4
    """What asks for nothing, or goes away with the others."""


class _Advice(NamedTuple):
    severity: Severity
    step: Step
    remedy: str


ADVICE: Mapping[IssueCode, _Advice] = {
    IssueCode.FETCH_NOT_WHOLE: _Advice(
        Severity.WARNING, Step.SOURCE, "Run Test Settings; if it persists, ask the vendor of the SIS."
    ),
    IssueCode.WORK_NOT_DONE: _Advice(
        Severity.ERROR, Step.SOURCE, "Sync again, or upload the file again; if it fails again, ask support."
    ),
    IssueCode.ABSENT_OUTSIDE_SCHOOL_YEAR: _Advice(
        Severity.WARNING, Step.SOURCE, "Nothing to do, unless the dates of the school year in the settings are wrong."
    ),
    IssueCode.CREDENTIALS_EXPIRE: _Advice(
        Severity.WARNING, Step.SOURCE, "Enter the new consumer key and secret, and the date on which they expire."
    ),
    IssueCode.SCHOOL_UNKNOWN: _Advice(
        Severity.ERROR, Step.SOURCE, "Choose the school's OneRoster ID anew; Test Settings lists them."
    ),
    IssueCode.RECORD_NOT_AN_OBJECT: _Advice(Severity.ERROR, Step.RECORDS, "Report this to the vendor of the SIS."),
    IssueCode.SOURCED_ID_MISSING: _Advice(Severity.ERROR, Step.RECORDS, "Give the person a sourcedId in the SIS."),
    IssueCode.SOURCED_ID_TOO_LONG: _Advice(
        Severity.ERROR, Step.RECORDS, "Shorten the person's sourcedId to 255 characters."
    ),
    IssueCode.RECORD_TOO_LARGE: _Advice(
        Severity.ERROR, Step.RECORDS, "Remove from the person's grades, agents and userIds what is not needed."
    ),
    IssueCode.ORGS_MISSING: _Advice(Severity.ERROR, Step.RECORDS, "Assign the person to a school in the SIS."),
    IssueCode.ROLE_MISSING: _Advice(Severity.ERROR, Step.RECORDS, "Give the person a role in the SIS."),
    IssueCode.ROLE_UNKNOWN: _Advice(
        Severity.ERROR, Step.RECORDS, "Correct the role in the SIS, or map it in the settings."
    ),
    IssueCode.STATUS_UNKNOWN: _Advice(
        Severity.WARNING, Step.RECORDS, "Correct the status in the SIS; it counts as active."
    ),
    IssueCode.ENABLED_USER_UNKNOWN: _Advice(
        Severity.WARNING, Step.RECORDS, "Correct enabledUser in the SIS; it counts as true."
    ),
    IssueCode.EMAIL_INVALID: _Advice(Severity.WARNING, Step.RECORDS, "Correct the e-mail address in the SIS."),
    IssueCode.COUNSELOR_EMAIL_INVALID: _Advice(
        Severity.WARNING, Step.RECORDS, "Correct the counselor e-mail in the SIS."
    ),
    IssueCode.VALUE_DROPPED: _Advice(Severity.WARNING, Step.RECORDS, "Correct the value in the SIS."),
    IssueCode.EMAIL_SHARED: _Advice(
        Severity.WARNING, Step.BETWEEN_RECORDS, "Give each person an e-mail address of their own in the SIS."
    ),
    IssueCode.EMAIL_AMBIGUOUS: _Advice(
        Severity.WARNING, Step.BETWEEN_RECORDS, "Leave only one user with this e-mail address."
    ),
    IssueCode.COUNSELOR_UNKNOWN: _Advice(
        Severity.WARNING, Step.BETWEEN_RECORDS, "Upload the counselor, or correct the e-mail in the SIS."
    ),
    IssueCode.CHANGED_SINCE: _Advice(
        Severity.ERROR, Step.LAST, "Nothing to do: the next sync looks at this person again."
    ),
    IssueCode.DISTRICT_ADMINISTRATOR_KEPT: _Advice(
        Severity.WARNING, Step.LAST, "Nothing to do: district administrators are managed by upload only."
    ),
    IssueCode.UPLOAD_ROW_INVALID: _Advice(Severity.ERROR, Step.RECORDS, "Correct the row and upload the file again."),
    IssueCode.UPLOAD_NOTICE: _Advice(Severity.WARNING, Step.LAST, "Nothing to do."),
}
_PLACE_OF_CODE: Mapping[IssueCode, int] = {code: place for place, code in enumerate(IssueCode)}
_PLACE_OF_KIND: Mapping[RecordKind | None, int] = {
    RecordKind.ORG: 0,
    None: 1,
    RecordKind.STAFF: 2,
    RecordKind.STUDENT: 3,
}
"""Who has no readable role may be staff."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding.

    Attributes:
        message: One sentence: what is wrong with which value; no personal data beyond the sourcedId.
        sourced_id: Of the record concerned, if it has one.
        line: Of the uploaded file, counting the header as line 1; None for a sync.
        column: Of the uploaded file, as its header names it.
        record_kind: Of the record concerned, if it is known.
    """

    code: IssueCode
    message: str
    sourced_id: str | None = None
    line: int | None = None
    column: str | None = None
    record_kind: RecordKind | None = None

    @property
    def severity(self) -> Severity:
        """What the finding cost."""
        return ADVICE[self.code].severity

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return ADVICE[self.code].remedy


def in_mending_order(issues: Iterable[Issue]) -> list[Issue]:
    """Issues as they are best mended: schools before staff before students, and then what is between records."""
    return sorted(
        issues,
        key=lambda issue: (
            ADVICE[issue.code].step,
            _PLACE_OF_KIND[issue.record_kind],
            _PLACE_OF_CODE[issue.code],
            issue.sourced_id or "",
        ),
    )
