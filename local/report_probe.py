"""What Test Settings found, for a person."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from roster_sync.use_cases.probe.report import StepName

REACHING = frozenset({StepName.ADDRESS, StepName.TLS, StepName.SIGNATURE})
_MARKS = {True: "ok", False: "failed", None: "note"}


def print_steps(report: Mapping[str, Any], console: Console) -> None:
    """Print each step of a test with what it found, but of schools: they are entered after it."""
    for step in report["steps"]:
        if step["name"] != StepName.SCHOOLS:
            console.print(f"  {step['name']}: {_MARKS[step['ok']]}. {_sentence(step)}", soft_wrap=True)


def cannot_be_reached(report: Mapping[str, Any]) -> str | None:
    """Why the provider's data cannot be had at all; None if it could be asked."""
    return next((_sentence(step) for step in report["steps"] if step["name"] in REACHING and step["ok"] is False), None)


def first_failure(report: Mapping[str, Any]) -> str | None:
    """What the first step that failed found; None if none did."""
    return next((_sentence(step) for step in report["steps"] if step["ok"] is False), None)


def schools(report: Mapping[str, Any]) -> dict[str, str]:
    """The names of the provider's schools by sourcedId, which stands in for a missing name."""
    return {school["sourced_id"]: school["name"] or school["sourced_id"] for school in report["schools"]}


def _sentence(step: Mapping[str, Any]) -> str:
    return f"{step['message']} {step['remedy'] or ''}".strip()
