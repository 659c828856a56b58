"""A night's report: as a table for a person, as JSON for a program."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.cli_nights import Night

COUNTS = (
    "fetched",
    "created",
    "updated",
    "unchanged",
    "linked",
    "deactivated",
    "reactivated",
    "skipped",
    "invalid",
)


def as_json(night: Night) -> dict[str, Any]:
    """A night's report."""
    counts = night.run["counts"]
    return {
        "state": night.run["state"],
        "reason": night.run["reason"],
        "scope": night.run["scope"],
        "scope_reason": night.run["scope_reason"],
        "fetch": night.run["fetch"],
        "fetch_reason": night.run["fetch_reason"],
        "counts": {name: counts[name] for name in COUNTS},
        "issues": [{name: issue[name] for name in ("code", "sourced_id", "message")} for issue in night.issues],
        "provider_requests": night.run["provider_requests"],
        "messages": night.run["chunks_expected"],
        "writes": night.writes,
        "seconds": round(night.seconds, 2),
    }


def write_reports(path: Path, nights: Sequence[Night]) -> None:
    """Write the reports of all nights so far."""
    path.write_text(json.dumps([as_json(night) for night in nights], ensure_ascii=False, indent=2) + "\n", "utf-8")


def write_users(path: Path, users: Iterable[Mapping[str, Any]]) -> None:
    """Write users, one a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(user, ensure_ascii=False) + "\n" for user in users)


def print_night(night: Night, console: Console) -> None:
    """Print a night's report; a night that fetched nothing has no figures."""
    console.print(f"{night.run['run_id']}: {night.run['state']}", soft_wrap=True)
    if night.run["counts"]["fetched"]:
        console.print(_counts(as_json(night)))
    for why in filter(None, (night.run["fetch_reason"], night.run["scope_reason"])):
        console.print(why, soft_wrap=True)
    if night.issues:
        console.print(_issues(night.issues))
    if night.run["reason"]:
        console.print(night.run["reason"], soft_wrap=True)


def _counts(report: Mapping[str, Any]) -> Table:
    table = Table()
    table.add_column("Count")
    table.add_column("", justify="right")
    for name, count in report["counts"].items():
        table.add_row(name, f"{count:,}")
    table.add_section()
    table.add_row("requests to the provider", f"{report['provider_requests']:,}")
    table.add_row("messages on UserChanges", f"{report['messages']:,}")
    table.add_row("writes to Users", f"{report['writes']:,}")
    table.add_row("seconds", f"{report['seconds']:.1f}")
    return table


def _issues(issues: Sequence[Mapping[str, Any]]) -> Table:
    """How many issues of each code, and the first of them; as they come, which is the order to mend them in."""
    table = Table()
    for title in ("Issue", "How many", "For example", "What to do"):
        # Folded, not cut: a sourcedId is of use only as a whole.
        table.add_column(title, justify="right" if title == "How many" else "left", overflow="fold")
    first: dict[str, Mapping[str, Any]] = {}
    for issue in issues:
        first.setdefault(issue["code"], issue)
    for code, count in Counter(issue["code"] for issue in issues).items():
        example = first[code]
        whose = f" ({example['sourced_id']})" if example["sourced_id"] else ""
        table.add_row(code, f"{count:,}", f"{example['message']}{whose}", example["remedy"])
    return table
