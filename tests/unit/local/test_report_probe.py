from io import StringIO
from typing import Any

from rich.console import Console

from local.report_probe import cannot_be_reached, print_steps
from roster_sync.use_cases.probe.report import StepName


def a_step(name: StepName, *, ok: bool | None = True, remedy: str | None = None) -> dict[str, Any]:
    return {"name": name.value, "ok": ok, "message": f"Message of {name}.", "remedy": remedy}


def test_each_step_is_a_line_with_what_to_do() -> None:
    output = StringIO()
    report = {"steps": [a_step(StepName.ADDRESS), a_step(StepName.USERS, ok=False, remedy="Ask the provider.")]}

    print_steps(report, Console(file=output, width=40))

    assert output.getvalue().splitlines() == [
        "  Address reached: ok. Message of Address reached.",
        "  /users read: failed. Message of /users read. Ask the provider.",
    ]


def test_nobody_is_told_to_enter_the_schools_that_are_entered_next() -> None:
    output = StringIO()
    report = {"steps": [a_step(StepName.SCHOOLS, remedy="Give each school its OneRoster ID.")]}

    print_steps(report, Console(file=output))

    assert output.getvalue() == ""


def test_a_provider_that_answers_nothing_is_told_apart_from_one_that_lacks_something() -> None:
    refused = {"steps": [a_step(StepName.ADDRESS), a_step(StepName.SIGNATURE, ok=False, remedy="Enter it again.")]}
    without_users = {"steps": [a_step(StepName.SIGNATURE), a_step(StepName.USERS, ok=False)]}

    assert cannot_be_reached(refused) == "Message of Signature accepted. Enter it again."
    assert cannot_be_reached(without_users) is None
