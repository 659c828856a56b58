"""Credentials that end: when to remind of it, and what to say when they are refused after good nights."""

from datetime import date, timedelta
from typing import Final
from urllib.parse import urlsplit

from roster_sync.domain.district import Settings
from roster_sync.domain.issue import Issue, IssueCode

REMINDED_AHEAD: Final = timedelta(days=30)
_INFINITE_CAMPUS: Final = "Infinite Campus lets consumer keys expire within 13 months."


def expiry_notice(settings: Settings, today: date) -> str | None:
    """That the credentials end within 30 days, or have ended, by the date that was noted."""
    ends = settings.credentials_expire_on
    if ends is None or ends - today > REMINDED_AHEAD:
        return None
    if ends < today:
        return f"The consumer key was to expire on {_shown(ends)}. If it has, ask for a new one and enter it."
    days = (ends - today).days
    left = "today" if not days else "tomorrow" if days == 1 else f"in {days} days"
    return f"The consumer key expires {left}, on {_shown(ends)}. Ask the provider for a new one and enter it."


def notices(settings: Settings, today: date) -> list[str]:
    """What an administrator should know of the credentials, most urgent first."""
    if notice := expiry_notice(settings, today):
        return [notice]
    if settings.credentials_expire_on is None and _of_infinite_campus(settings.base_url):
        return [f"{_INFINITE_CAMPUS} Note the date as credentials_expire_on to be reminded of it 30 days ahead."]
    return []


def expiry_issues(settings: Settings, today: date) -> list[Issue]:
    """The notice as an issue of a run."""
    notice = expiry_notice(settings, today)
    return [Issue(IssueCode.CREDENTIALS_EXPIRE, notice)] if notice else []


def refused_after_good_nights(settings: Settings, last_good: date, refusal: str) -> str:
    """The reason of a run whose credentials worked on an earlier day.

    Args:
        settings: As stored.
        last_good: When a sync completed last.
        refusal: What the provider's answer amounts to.
    """
    vendor = f" {_INFINITE_CAMPUS}" if _of_infinite_campus(settings.base_url) else ""
    return (
        f"The consumer key worked until {_shown(last_good)} and is now refused; it may have expired: ask the "
        f"provider for a new one, unless it was changed here since.{vendor} {refusal}"
    )


def _of_infinite_campus(base_url: str | None) -> bool:
    parts = urlsplit(base_url or "")
    return "infinitecampus" in (parts.hostname or "") or "/campus/" in parts.path.lower()


def _shown(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
