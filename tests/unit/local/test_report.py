import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.cli_nights import Night
from local.report import COUNTS, print_night, write_reports

ISSUE = {"code": "role_unknown", "sourced_id": "S-1", "message": "The role [staff] is unknown.", "remedy": "Map it."}


def a_night(**run: Any) -> Night:
    whole = {
        "run_id": "20261124T090000Z-nightly",
        "state": "completed_with_issues",
        "reason": None,
        "scope": "district",
        "scope_reason": "The whole district was read.",
        "fetch": "full",
        "fetch_reason": None,
        "counts": dict.fromkeys(COUNTS, 7) | {"superseded": 0},
        "provider_requests": 4,
        "chunks_expected": 2,
    }
    return Night(run={**whole, **run}, issues=[ISSUE, ISSUE], writes=35, seconds=1.234)


def printed(night: Night, *, width: int = 120) -> str:
    output = StringIO()
    print_night(night, Console(file=output, width=width, markup=False))
    return output.getvalue()


def test_a_report_has_state_counts_issues_and_what_it_cost(tmp_path: Path) -> None:
    path = tmp_path / "report.json"

    write_reports(path, [a_night()])

    [report] = json.loads(path.read_text("utf-8"))
    assert report == {
        "state": "completed_with_issues",
        "reason": None,
        "scope": "district",
        "scope_reason": "The whole district was read.",
        "fetch": "full",
        "fetch_reason": None,
        "counts": dict.fromkeys(COUNTS, 7),
        "issues": [{name: ISSUE[name] for name in ("code", "sourced_id", "message")}] * 2,
        "provider_requests": 4,
        "messages": 2,
        "writes": 35,
        "seconds": 1.23,
    }


def test_a_printed_report_counts_issues_by_code_with_an_example() -> None:
    text = printed(a_night())

    assert "role_unknown │        2 │ The role [staff] is unknown. (S-1) │ Map it." in text


def test_issues_are_printed_in_the_order_in_which_they_are_to_be_mended() -> None:
    school = {"code": "school_unknown", "sourced_id": "org-1", "message": "No such school.", "remedy": "Choose anew."}
    night = Night(run=a_night().run, issues=[school, ISSUE, ISSUE], writes=0, seconds=1)

    text = printed(night)

    assert text.index("school_unknown") < text.index("role_unknown")


def test_a_narrow_terminal_cuts_no_sourced_id() -> None:
    sourced_id = "2b306a64-5aad-48d5-919c-df7dba24cf9f"
    night = replace(a_night(), issues=[{**ISSUE, "sourced_id": sourced_id}])

    text = printed(night, width=60)

    rows = [line.split("│") for line in text.splitlines()]
    assert sourced_id in "".join(row[3].strip() for row in rows if len(row) == 6)


@pytest.mark.parametrize("state", ["failed", "blocked", "skipped"])
def test_a_run_that_did_not_complete_says_why_in_one_line(state: str) -> None:
    reason = f"{'The provider sent no users at all. ' * 5}Check in the SIS that it shares users."

    text = printed(a_night(state=state, reason=reason))

    assert reason in text.splitlines()
