"""When a district's nights begin: at a time of day in a time zone, once on each date there."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from roster_sync.domain.district import Settings
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.school_year import why_paused

SLOT: Final = timedelta(minutes=15)
"""How often is looked for nights that are due; a night begins with the first look at or after its time."""

CATCH_UP: Final = timedelta(hours=6)
"""For how long a night that nobody began is still begun."""

_DAY: Final = timedelta(days=1)
_LOOK_AHEAD: Final = timedelta(days=4)
"""The longest that no night begins: a day, two on which none counts, and the widest shift of a zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When nights begin.

    Attributes:
        at: Of the local day. One that does not exist on the day that clocks go forward is as far behind the change as
            it would be behind it on any other clock; of one that exists twice it is the first.
        zone: IANA name.
        first_date: Of the nights; None for no bound.
        after: Nights begin after this moment; None for no bound.
        former: A night that is still to come of the schedule before, whatever the bounds.
    """

    at: time
    zone: str
    first_date: date | None = None
    after: datetime | None = None
    former: datetime | None = None

    def night_of(self, day: date) -> datetime:
        """When the night of a local day begins."""
        return datetime.combine(day, self.at, ZoneInfo(self.zone)).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """The local day."""
        return moment.astimezone(ZoneInfo(self.zone)).date()


USUAL: Final = Schedule(at=time(4), zone="America/New_York")
"""Of a deployment that chooses no other."""


def schedule_of(settings: Settings, default: Schedule) -> Schedule:
    """A district's schedule; the deployment's where it has none of its own, or a zone that is known no more."""
    zone = settings.timezone
    return Schedule(
        at=settings.sync_time or default.at,
        zone=zone if zone and _is_zone(zone) else default.zone,
        first_date=settings.nights_from,
        after=settings.nights_after,
        former=settings.former_night,
    )


def nights_between(schedule: Schedule, after: datetime, until: datetime) -> list[datetime]:
    """The nights that begin after `after` and not later than `until`, in their order."""
    day = schedule.day_of(after) - _DAY
    last = schedule.day_of(until) + _DAY
    if schedule.first_date:
        day = max(day, schedule.first_date)
    earliest = max(after, schedule.after) if schedule.after else after
    # A set, as the two nights around a day that a zone has left out are one.
    nights: set[datetime] = set()
    while day <= last:
        nights.add(schedule.night_of(day))
        day += _DAY
    begun = {night for night in nights if earliest < night <= until}
    if schedule.former and after < schedule.former <= until:
        begun.add(schedule.former)
    return sorted(begun)


def next_night(schedule: Schedule, settings: Settings, now: datetime) -> datetime:
    """When the next night of a district begins that is not paused."""
    after = now
    night = _next(schedule, after)
    while why_paused(settings, schedule.day_of(night)):
        if settings.pause_until:  # else it would not be paused
            after = max(night, schedule.night_of(settings.pause_until))
        night = _next(schedule, after)
    return night


def _next(schedule: Schedule, after: datetime) -> datetime:
    until = max(after, schedule.after or after) + _LOOK_AHEAD
    return nights_between(schedule, after, until)[0]


def rescheduled(former: Schedule | None, at: time, zone: str, now: datetime) -> Schedule:
    """A schedule with another time or zone, which holds from the first date on that the former one leaves to it.

    The night of today stays where it is, whether it has begun or not, so that each date has one.

    Args:
        former: None if no night has begun before, because no product was on.
        at: The new time.
        zone: The new zone.
        now: Of the change.
    """
    if former is None:
        return Schedule(at=at, zone=zone, after=now)
    if (at, zone) == (former.at, former.zone):
        return former
    today = former.day_of(now)
    still_former = former.former is not None and former.former > now
    if former.first_date and (former.first_date > today or still_former):
        # The former one had no night yet.
        first_date, kept = former.first_date, former.former if still_former else None
    else:
        tonight = former.night_of(today)
        counts = former.after is None or tonight > former.after
        first_date, kept = (today + _DAY if counts else today), tonight if counts and tonight > now else None
    return Schedule(at=at, zone=zone, first_date=first_date, after=kept or now, former=kept)


def require_schedule(at: time | None, zone: str | None) -> None:
    """Refuse a time or zone that nights cannot have.

    Raises:
        ConfigurationError: The message says what to enter.
    """
    if at and at != time(at.hour, at.minute // 15 * 15):
        raise ConfigurationError("The nightly sync begins on a quarter of an hour. Enter a time like 4:00 or 4:15.")
    if zone and not _is_zone(zone):
        raise ConfigurationError(
            f"There is no time zone {zone}. Enter one as the IANA list spells it, like America/New_York."
        )


def _is_zone(name: str) -> bool:
    # Of the files beside the zones, some count leap seconds or mean this machine.
    if name.partition("/")[0] in ("right", "posix") or name in ("localtime", "Factory", "posixrules"):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
