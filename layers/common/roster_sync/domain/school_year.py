"""When a district's nights are paused, and when absence alone says nothing, because school is out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from roster_sync.domain.district import Settings


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """First and last day of a school year."""

    first: date
    last: date


def why_paused(settings: Settings, day: date) -> str | None:
    """Why no night begins on a day, in a sentence that says what to do; None if one does."""
    first, last = settings.pause_from, settings.pause_until
    if first is None or last is None or not first <= day <= last:
        return None
    return (
        f"The nightly sync is paused until {last.day} {last:%B %Y}. To end the pause, empty its days in the settings; "
        "Sync now works meanwhile."
    )


def absence_counts(settings: Settings, day: date) -> bool:
    """Whether users leave because the provider no longer sends them: not outside the school year, unless wanted."""
    first, last = settings.school_year_from, settings.school_year_until
    if first is None or last is None or settings.deactivate_outside_school_year:
        return True
    return first <= day <= last


def latest_school_year(sessions: Iterable[object]) -> SchoolYear | None:
    """The school year that ends last among records of /academicSessions (OneRoster 1.1 §4.1); None if there is none."""
    years = [year for session in sessions if (year := _school_year(session))]
    return max(years, key=lambda year: (year.last, year.first), default=None)


def _school_year(session: object) -> SchoolYear | None:
    if not isinstance(session, Mapping) or str(session.get("type")).strip().lower() != "schoolyear":
        return None
    try:
        first, last = (date.fromisoformat(str(session.get(name))[:10]) for name in ("startDate", "endDate"))
    except ValueError:
        return None
    return SchoolYear(first, last) if first <= last else None
