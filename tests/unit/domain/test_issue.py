"""Every finding says what it cost and what to do."""

import re
from pathlib import Path

import pytest

from roster_sync.domain.issue import ADVICE, Issue, IssueCode, RecordKind, Severity, in_mending_order

DOCUMENTED = Path(__file__).parents[3] / "docs" / "issues.md"


@pytest.mark.parametrize("code", IssueCode)
def test_every_code_has_a_severity_and_a_remedy_in_a_sentence(code: IssueCode) -> None:
    issue = Issue(code, "Something is wrong.")

    assert issue.severity in Severity
    assert issue.remedy[0].isupper()
    assert issue.remedy.endswith(".")


def test_there_is_no_advice_without_a_code() -> None:
    assert set(ADVICE) == set(IssueCode)


def test_schools_are_mended_before_staff_before_students_and_then_what_is_between_them() -> None:
    ordered = [
        Issue(IssueCode.SCHOOL_UNKNOWN, "1", "org-1", record_kind=RecordKind.ORG),
        Issue(IssueCode.FETCH_NOT_WHOLE, "2"),
        Issue(IssueCode.ROLE_MISSING, "3", "U-1"),
        Issue(IssueCode.EMAIL_INVALID, "4", "T-1", record_kind=RecordKind.STAFF),
        Issue(IssueCode.ORGS_MISSING, "5", "S-1", record_kind=RecordKind.STUDENT),
        Issue(IssueCode.EMAIL_INVALID, "6", "S-1", record_kind=RecordKind.STUDENT),
        Issue(IssueCode.EMAIL_INVALID, "7", "S-2", record_kind=RecordKind.STUDENT),
        Issue(IssueCode.EMAIL_SHARED, "8", "T-1", record_kind=RecordKind.STAFF),
        Issue(IssueCode.COUNSELOR_UNKNOWN, "9", "S-1", record_kind=RecordKind.STUDENT),
        Issue(IssueCode.CHANGED_SINCE, "10", "S-3"),
    ]

    assert in_mending_order(reversed(ordered)) == ordered


def test_the_documented_codes_are_those_that_there_are_in_the_order_of_mending() -> None:
    rows = re.findall(
        r"^\| (\d) \| `(\w+)` \| (\w+) \| [^|]+ \| ([^|]+) \|$", DOCUMENTED.read_text("utf-8"), re.MULTILINE
    )

    ordered = sorted(IssueCode, key=lambda code: ADVICE[code].step)
    assert rows == [
        (str(ADVICE[code].step.value), code.value, ADVICE[code].severity.value, ADVICE[code].remedy) for code in ordered
    ]
