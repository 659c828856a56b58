"""When nights begin, over whole years of many time zones, and when their time is changed."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.schedule import (
    CATCH_UP,
    SLOT,
    Schedule,
    next_night,
    nights_between,
    require_schedule,
    rescheduled,
    schedule_of,
)
from tests.support import builders

NEW_YORK = "America/New_York"
DEFAULT = builders.DEFAULT_SCHEDULE
MINUTE = timedelta(minutes=1)
QUARTERS = [time(minutes // 60, minutes % 60) for minutes in range(0, 24 * 60, 15)]
ZONES = [
    "UTC",
    NEW_YORK,
    "America/Denver",
    "America/Phoenix",
    "America/St_Johns",  # once changed at 0:01
    "America/Havana",  # changes at midnight
    "America/Asuncion",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Africa/Casablanca",  # goes back for Ramadan
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # left out a day
    "Pacific/Chatham",
    "Europe/Dublin",
]


MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE)


def looks(first: datetime, last: datetime) -> Iterator[datetime]:
    """The quarters of an hour from one moment to another."""
    while first <= last:
        yield first
        first += SLOT


def begun(schedule: Schedule, first: datetime, last: datetime) -> list[datetime]:
    """The nights that dispatch begins at each quarter, as long as none is missed."""
    return [night for look in looks(first, last) for night in nights_between(schedule, look - SLOT, look)]


def dates_of(year: int, zone: str) -> set[date]:
    """The dates that there are in a zone."""
    noons = (datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(hours=6 * number) for number in range(-4, 4 * 370))
    return {day for noon in noons if (day := noon.astimezone(ZoneInfo(zone)).date()).year == year}


@given(year=st.integers(1975, 2099), zone=st.sampled_from(ZONES), at=st.sampled_from(QUARTERS))
@example(year=2027, zone=NEW_YORK, at=time(2, 30))
@example(year=2027, zone=NEW_YORK, at=time(1, 30))
@example(year=2027, zone="America/Havana", at=time(0, 0))
@example(year=2011, zone="Pacific/Apia", at=time(4))
@settings(max_examples=3)
def test_each_date_of_a_year_has_exactly_one_night(year: int, zone: str, at: time) -> None:
    schedule = Schedule(at=at, zone=zone)
    first, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year, 12, 31, 23, 45, tzinfo=UTC)

    nights = begun(schedule, first - timedelta(days=2), last + timedelta(days=2))

    counted = Counter(schedule.day_of(night) for night in nights)
    ours = {day: count for day, count in counted.items() if day.year == year}
    assert ours == dict.fromkeys(dates_of(year, zone), 1)


def test_a_time_that_clocks_skip_is_as_far_behind_the_change() -> None:
    """On 14 March 2027, 2:30 does not exist in New York; 3:30 follows 1:30."""
    night = Schedule(at=time(2, 30), zone=NEW_YORK).night_of(date(2027, 3, 14))

    assert night.astimezone(ZoneInfo(NEW_YORK)).time() == time(3, 30)


def test_of_a_time_that_comes_twice_the_first_counts() -> None:
    """On 7 November 2027, 1:30 is there twice in New York."""
    schedule = Schedule(at=time(1, 30), zone=NEW_YORK)

    nights = begun(schedule, datetime(2027, 11, 7, 4, tzinfo=UTC), datetime(2027, 11, 8, 4, tzinfo=UTC))

    assert nights == [datetime(2027, 11, 7, 5, 30, tzinfo=UTC)]


@given(
    start=MOMENTS,
    zone=st.sampled_from(ZONES),
    changes=st.lists(st.tuples(st.integers(0, 5 * 24 * 60), st.sampled_from(QUARTERS)), max_size=6),
)
def test_however_often_the_time_is_changed_each_date_has_one_night(
    start: datetime, zone: str, changes: list[tuple[int, time]]
) -> None:
    schedule, nights, seen = Schedule(at=time(4), zone=zone), [], start
    for minutes, at in sorted(changes):
        now = start + timedelta(minutes=minutes)
        nights += nights_between(schedule, seen, now)
        schedule, seen = rescheduled(schedule, at, zone, now), now
    end = start + timedelta(days=9)
    nights += nights_between(schedule, seen, end)

    days = [schedule.day_of(night) for night in nights]

    first, last = schedule.day_of(start), schedule.day_of(end)
    between = [first + timedelta(days=number) for number in range(1, (last - first).days)]
    assert [day for day in days if first < day < last] == between
    assert len(set(days)) == len(days)


@given(
    start=MOMENTS,
    changes=st.lists(
        st.tuples(st.integers(0, 5 * 24 * 60), st.sampled_from(QUARTERS), st.sampled_from(ZONES)), max_size=6
    ),
)
def test_a_move_to_another_zone_neither_repeats_a_date_nor_leaves_more_than_three_days_without_a_night(
    start: datetime, changes: list[tuple[int, time, str]]
) -> None:
    schedule, nights, seen = DEFAULT, [], start
    end = start + timedelta(days=12)
    for minutes, at, zone in [*sorted(changes, key=lambda change: change[0]), (9 * 24 * 60, time(4), NEW_YORK)]:
        now = start + timedelta(minutes=minutes)
        nights += [(schedule.day_of(night), night) for night in nights_between(schedule, seen, now)]
        schedule, seen = rescheduled(schedule, at, zone, now), now
    nights += [(schedule.day_of(night), night) for night in nights_between(schedule, seen, end)]

    times = [night for _, night in nights]
    assert times == sorted(set(times))
    gaps = [later - earlier for earlier, later in zip([start, *times], [*times, end], strict=True)]
    assert max(gaps) <= timedelta(days=3)


NOON = datetime(2026, 11, 24, 17, tzinfo=UTC)
"""In New York, where the night of 24 November began at 9:00 UTC."""


def test_a_later_time_holds_from_tomorrow_when_todays_night_has_begun() -> None:
    changed = rescheduled(DEFAULT, time(22), NEW_YORK, NOON)

    assert next_night(changed, builders.settings(), NOON) == datetime(2026, 11, 26, 3, tzinfo=UTC)


def test_tonights_night_stays_where_it_was_when_its_time_is_changed_before() -> None:
    evening = Schedule(at=time(22), zone=NEW_YORK)

    changed = rescheduled(evening, time(4), NEW_YORK, NOON)

    tonight, next_morning = datetime(2026, 11, 25, 3, tzinfo=UTC), datetime(2026, 11, 25, 9, tzinfo=UTC)
    assert nights_between(changed, NOON, next_morning) == [tonight, next_morning]


def test_a_district_that_is_switched_on_begins_with_the_next_time_and_catches_nothing_up() -> None:
    morning = datetime(2026, 11, 24, 10, tzinfo=UTC)

    schedule = rescheduled(None, time(4), NEW_YORK, morning)

    assert nights_between(schedule, morning - CATCH_UP, morning + SLOT) == []
    assert next_night(schedule, builders.settings(), morning) == datetime(2026, 11, 25, 9, tzinfo=UTC)


def test_a_new_district_that_chooses_an_evening_at_once_is_synced_that_evening() -> None:
    schedule = rescheduled(None, time(4), NEW_YORK, NOON)

    changed = rescheduled(schedule, time(22), NEW_YORK, NOON + SLOT)

    assert next_night(changed, builders.settings(), NOON + SLOT) == datetime(2026, 11, 25, 3, tzinfo=UTC)


def test_a_save_that_changes_neither_time_nor_zone_changes_nothing_about_the_nights() -> None:
    schedule = rescheduled(DEFAULT, time(22), NEW_YORK, NOON)

    assert rescheduled(schedule, time(22), NEW_YORK, NOON + SLOT) == schedule


def test_the_next_night_of_a_paused_district_is_the_first_behind_the_pause() -> None:
    paused = builders.settings(pause_from=date(2026, 11, 25), pause_until=date(2026, 12, 1))

    assert next_night(DEFAULT, paused, NOON) == datetime(2026, 12, 2, 9, tzinfo=UTC)


def test_without_choice_a_district_follows_the_deployment() -> None:
    default = Schedule(at=time(3), zone="America/Chicago")

    assert schedule_of(builders.settings(), default) == default


def test_a_zone_that_is_known_no_more_stops_no_nights() -> None:
    """One district's setting would have ended the dispatch of all."""
    lost = builders.settings(sync_time=time(5), timezone="America/Atlantis")

    assert schedule_of(lost, DEFAULT) == Schedule(at=time(5), zone=NEW_YORK)


@pytest.mark.parametrize(
    "zone", ["America/Atlantis", "../../etc/passwd", "right/America/New_York", "localtime", "x" * 255]
)
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ConfigurationError, match="There is no time zone"):
        require_schedule(None, zone)


def test_a_time_between_quarters_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="quarter of an hour"):
        require_schedule(time(4, 10), None)


@pytest.mark.parametrize("zone", [None, *ZONES])
def test_real_zones_and_quarters_are_taken(zone: str | None) -> None:
    require_schedule(time(23, 45), zone)
