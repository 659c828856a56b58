"""Record-level findings of a run: code, severity, sentence, remedy."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """What a finding cost."""

    WARNING = "warning"
    """The record was kept; an optional value was dropped or a choice was made."""
    ERROR = "error"
    """The record was kept out, or the change was not made."""


class IssueCode(StrEnum):
    """Each kind of finding."""

    RECORD_NOT_AN_OBJECT = "record_not_an_object"
    SOURCED_ID_MISSING = "sourced_id_missing"
    SOURCED_ID_TOO_LONG = "sourced_id_too_long"
    ROLE_MISSING = "role_missing"
    ROLE_UNKNOWN = "role_unknown"
    ORGS_MISSING = "orgs_missing"
    STATUS_UNKNOWN = "status_unknown"
    ENABLED_USER_UNKNOWN = "enabled_user_unknown"
    VALUE_DROPPED = "value_dropped"
    EMAIL_INVALID = "email_invalid"
    COUNSELOR_EMAIL_INVALID = "counselor_email_invalid"
    COUNSELOR_UNKNOWN = "counselor_unknown"
    EMAIL_SHARED = "email_shared"
    EMAIL_AMBIGUOUS = "email_ambiguous"
    DISTRICT_ADMINISTRATOR_KEPT = "district_administrator_kept"
    SCHOOL_UNKNOWN = "school_unknown"
    FETCH_NOT_WHOLE = "fetch_not_whole"
    DEACTIVATION_KEPT = "deactivation_kept"
    UPLOAD_ROW_INVALID = "upload_row_invalid"
    UPLOAD_NOTICE = "upload_notice"


class _Advice(NamedTuple):
    severity: Severity
    remedy: str


ADVICE: Mapping[IssueCode, _Advice] = {
    IssueCode.RECORD_NOT_AN_OBJECT: _Advice(Severity.ERROR, "Report this to the vendor of the SIS."),
    IssueCode.SOURCED_ID_MISSING: _Advice(Severity.ERROR, "Give the person a sourcedId in the SIS."),
    IssueCode.SOURCED_ID_TOO_LONG: _Advice(Severity.ERROR, "Shorten the person's sourcedId to 255 characters."),
    IssueCode.ROLE_MISSING: _Advice(Severity.ERROR, "Give the person a role in the SIS."),
    IssueCode.ROLE_UNKNOWN: _Advice(Severity.ERROR, "Correct the role in the SIS, or map it in the settings."),
    IssueCode.ORGS_MISSING: _Advice(Severity.ERROR, "Assign the person to a school in the SIS."),
    IssueCode.STATUS_UNKNOWN: _Advice(Severity.WARNING, "Correct the status in the SIS; it counts as active."),
    IssueCode.ENABLED_USER_UNKNOWN: _Advice(Severity.WARNING, "Correct enabledUser in the SIS; it counts as true."),
    IssueCode.VALUE_DROPPED: _Advice(Severity.WARNING, "Correct the value in the SIS."),
    IssueCode.EMAIL_INVALID: _Advice(Severity.WARNING, "Correct the e-mail address in the SIS."),
    IssueCode.COUNSELOR_EMAIL_INVALID: _Advice(Severity.WARNING, "Correct the counselor e-mail in the SIS."),
    IssueCode.COUNSELOR_UNKNOWN: _Advice(Severity.WARNING, "Upload the counselor, or correct the e-mail in the SIS."),
    IssueCode.EMAIL_SHARED: _Advice(Severity.WARNING, "Give each person an e-mail address of their own in the SIS."),
    IssueCode.EMAIL_AMBIGUOUS: _Advice(Severity.WARNING, "Leave only one user with this e-mail address."),
    IssueCode.DISTRICT_ADMINISTRATOR_KEPT: _Advice(
        Severity.WARNING, "Nothing to do: district administrators are managed by upload only."
    ),
    IssueCode.SCHOOL_UNKNOWN: _Advice(
        Severity.ERROR, "Choose the school's OneRoster ID anew; Test Settings lists them."
    ),
    IssueCode.FETCH_NOT_WHOLE: _Advice(
        Severity.WARNING, "Run Test Settings; if it persists, ask the vendor of the SIS."
    ),
    IssueCode.DEACTIVATION_KEPT: _Advice(Severity.ERROR, "Check in the SIS whether this person has really left."),
    IssueCode.UPLOAD_ROW_INVALID: _Advice(Severity.ERROR, "Correct the row and upload the file again."),
    IssueCode.UPLOAD_NOTICE: _Advice(Severity.WARNING, "Nothing to do."),
}


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding.

    Attributes:
        message: One sentence: what is wrong with which value; no personal data beyond the sourcedId.
        sourced_id: Of the record concerned, if it has one.
        line: Of the uploaded file, counting the header as line 1; None for a sync.
        column: Of the uploaded file, as its header names it.
    """

    code: IssueCode
    message: str
    sourced_id: str | None = None
    line: int | None = None
    column: str | None = None

    @property
    def severity(self) -> Severity:
        """What the finding cost."""
        return ADVICE[self.code].severity

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return ADVICE[self.code].remedy
