"""Every finding says what it cost and what to do."""

import pytest

from roster_sync.domain.issue import ADVICE, Issue, IssueCode, Severity


@pytest.mark.parametrize("code", IssueCode)
def test_every_code_has_a_severity_and_a_remedy_in_a_sentence(code: IssueCode) -> None:
    issue = Issue(code, "Something is wrong.")

    assert issue.severity in Severity
    assert issue.remedy[0].isupper()
    assert issue.remedy.endswith(".")


def test_there_is_no_advice_without_a_code() -> None:
    assert set(ADVICE) == set(IssueCode)
