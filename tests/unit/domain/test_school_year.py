"""Pauses, school years, and what absence says outside of one."""

from datetime import date
from typing import Any

import pytest

from roster_sync.domain.school_year import SchoolYear, absence_counts, latest_school_year, why_paused
from tests.support.builders import settings

PAUSE = {"pause_from": date(2027, 6, 20), "pause_until": date(2027, 8, 10)}
YEAR = {"school_year_from": date(2026, 8, 24), "school_year_until": date(2027, 6, 12)}


@pytest.mark.parametrize(
    ("day", "paused"),
    [
        (date(2027, 6, 19), False),
        (date(2027, 6, 20), True),
        (date(2027, 8, 10), True),
        (date(2027, 8, 11), False),
    ],
)
def test_a_pause_holds_from_its_first_to_its_last_day(day: date, paused: bool) -> None:
    assert bool(why_paused(settings(**PAUSE), day)) is paused


def test_a_pause_says_how_long_it_lasts_and_what_to_do() -> None:
    assert why_paused(settings(**PAUSE), date(2027, 7, 1)) == (
        "The nightly sync is paused until 10 August 2027. To end the pause, empty its days in the settings; Sync now "
        "works meanwhile."
    )
    assert why_paused(settings(), date(2027, 7, 1)) is None


@pytest.mark.parametrize(
    ("entered", "day", "counts"),
    [
        ({}, date(2027, 7, 1), True),
        (YEAR, date(2026, 8, 23), False),
        (YEAR, date(2026, 8, 24), True),
        (YEAR, date(2027, 6, 12), True),
        (YEAR, date(2027, 6, 13), False),
        ({**YEAR, "deactivate_outside_school_year": True}, date(2027, 6, 13), True),
    ],
)
def test_outside_the_school_year_absence_counts_only_if_wanted(
    entered: dict[str, Any], day: date, counts: bool
) -> None:
    assert absence_counts(settings(**entered), day) is counts


def a_session(**fields: Any) -> dict[str, Any]:
    return {"type": "schoolYear", "startDate": "2026-08-24", "endDate": "2027-06-12", **fields}


@pytest.mark.parametrize(
    "session",
    [
        None,
        "2027",
        {},
        a_session(type="term"),
        a_session(type=None),
        a_session(startDate=None),
        a_session(endDate="in June"),
        a_session(startDate="2028-01-01"),
    ],
)
def test_what_is_no_school_year_suggests_none(session: object) -> None:
    assert latest_school_year([session]) is None


def test_the_latest_school_year_is_suggested() -> None:
    sessions = [
        a_session(startDate="2025-08-25", endDate="2026-06-13"),
        a_session(type="SchoolYear", startDate="2026-08-24T00:00:00.000Z", endDate="2027-06-12T00:00:00.000Z"),
        a_session(type="term", endDate="2028-01-01"),
    ]

    assert latest_school_year(sessions) == SchoolYear(date(2026, 8, 24), date(2027, 6, 12))
