"""Summer: nights that are paused, and users who are missed outside the school year."""

from datetime import date, timedelta

import pytest

from roster_sync.domain.run import RunState
from tests.support.builders import NOW, settings
from tests.support.nights import Nights, a_record

OVER = {"school_year_from": date(2026, 8, 24), "school_year_until": NOW.date()}
"""A school year that ends with the day before the first night."""


def test_outside_the_school_year_absence_alone_deactivates_nobody() -> None:
    nights = Nights(district=settings(**OVER))
    nights.run(a_record("S-1"), a_record("S-2"), a_record("S-3"))

    run = nights.run(a_record("S-1"), a_record("S-2", status="tobedeleted"))

    assert (run.state, run.counts.deactivated) == (RunState.COMPLETED_WITH_ISSUES, 1)
    assert (nights.user("S-2").active, nights.user("S-3").active) == (False, True)
    assert nights.issues(run) == [("absent_outside_school_year", None)]


def test_records_of_one_person_that_all_say_so_deactivate_outside_the_school_year() -> None:
    nights = Nights(district=settings(**OVER))
    records = [a_record(sourced_id, email="ann@example.org", familyName="Perkins") for sourced_id in ("S-1", "S-2")]
    nights.run(*records, a_record("S-3"))

    run = nights.run(*({**record, "enabledUser": "false"} for record in records), a_record("S-3"))

    assert (run.state, run.counts.deactivated) == (RunState.COMPLETED, 1)


@pytest.mark.parametrize(
    "entered", [{}, {**OVER, "deactivate_outside_school_year": True}, {**OVER, "school_year_until": date(2027, 6, 12)}]
)
def test_within_it_or_if_it_is_wanted_absence_deactivates(entered: dict[str, object]) -> None:
    nights = Nights(district=settings(**entered))
    nights.run(a_record("S-1"), a_record("S-2"))

    run = nights.run(a_record("S-1"))

    assert (run.state, run.counts.deactivated) == (RunState.COMPLETED, 1)


def test_a_whole_summer_of_missing_users_blocks_no_night() -> None:
    nights = Nights(district=settings(**OVER))
    nights.run(*(a_record(f"S-{number}") for number in range(50)))

    run = nights.run(a_record("S-1"))
    nights.now += timedelta(days=60)
    back = nights.run(*(a_record(f"S-{number}") for number in range(50)))

    assert (run.state, run.held) == (RunState.COMPLETED_WITH_ISSUES, {})
    assert (back.state, back.counts.unchanged) == (RunState.COMPLETED, 50)
