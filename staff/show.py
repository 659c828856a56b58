"""Answers of the API as lines for a person."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

HEALTH: Final = ("failed", "late", "blocked", "skipped", "new", "running", "issues", "good")
"""Worst first."""


def districts(items: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[str]:
    """Districts, the worst first, with the age of their last sync."""
    if not items:
        yield "No district has a product switched on."
        return
    width = max(len(item["district_id"]) for item in items)
    for item in sorted(items, key=lambda item: (_rank(item["health"]), item["district_id"])):
        last = item["last_sync"]
        told = f"{age(last['created_at'], now):>5} ago  {last['reason'] or ''}" if last else ""
        yield f"{item['health']:<8} {item['district_id']:<{width}}  {told}".rstrip()


def run(found: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """A run: what it is, how it ended, what it did and found, and what may be done about it."""
    yield f"{found['run_id']}  {found['kind']}  {found['state']}  {age(found['created_at'], now)} ago"
    if found["reason"]:
        yield f"  {found['reason']}"
    counted = [f"{count} {name}" for name, count in found["counts"].items() if count]
    yield f"  {', '.join(counted) or 'nothing counted'}"
    if found["chunks_expected"]:
        yield f"  {found['chunks_applied']} of {found['chunks_expected']} chunks of changes applied"
    for code, count in sorted(found["issues_by_code"].items(), key=lambda pair: -pair[1]):
        yield f"  {count:>6} {code}"
    if found["held"]:
        held = ", ".join(f"{count} {kind}" for kind, count in found["held"].items())
        yield f"  holds {held} for a decision: approve, or discard in the portal"


def report(found: Mapping[str, Any]) -> Iterator[str]:
    """A test's report, step by step."""
    marks = {True: "ok", False: "FAILED", None: "-"}
    for step in found["steps"]:
        yield f"{marks[step['ok']]:<7} {step['name']}: {step['message']}"
        if step["remedy"] and step["ok"] is False:
            yield f"        {step['remedy']}"


def deletion(found: Mapping[str, Any]) -> str:
    """A deletion: how far it is, or that it has ended."""
    if found["users"] is None:
        return f"{found['district_id']}: waits until nobody works on the district any more."
    what = f"{found['users']} users, {found['schools']} schools, {found['runs']} runs"
    if found["state"] == "done":
        return f"{found['district_id']} is deleted: {what}. Its audit log stays."
    return f"{found['district_id']}: deletes {what}."


def age(iso: str, now: datetime) -> str:
    """How long ago a time was, in the largest unit that fits."""
    past = now - datetime.fromisoformat(iso)
    if past < timedelta(hours=1):
        return f"{max(past // timedelta(minutes=1), 0)} min"
    if past < timedelta(days=2):
        return f"{past // timedelta(hours=1)} h"
    return f"{past.days} d"


def now() -> datetime:
    """The present time."""
    return datetime.now(UTC)


def _rank(health: str) -> int:
    return HEALTH.index(health) if health in HEALTH else -1
