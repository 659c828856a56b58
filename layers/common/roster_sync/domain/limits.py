"""How much may change in one night before an administrator is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from roster_sync.domain.district import School, Settings
from roster_sync.domain.identifiers import SchoolId
from roster_sync.domain.schedule import USUAL, schedule_of
from roster_sync.domain.school_year import absence_counts

LIFTED: Final = "The limits were lifted when this run began, so it could change any number of users."
_NAMED_AT_MOST = 3


class Share(NamedTuple):
    """Some of all."""

    part: int
    whole: int

    @property
    def of_users(self) -> str:
        """As the beginning of a sentence."""
        return f"{self.part} of {self.whole} users ({100 * self.part / self.whole:.1f} %)"


@dataclass(frozen=True, slots=True)
class Limit:
    """Exceeded by more than this share, if that is more than this many users."""

    percent: int
    minimum: int

    def is_exceeded(self, share: Share) -> bool:
        """Whether these are too many."""
        return share.part > self.minimum and share.part * 100 > share.whole * self.percent

    def exceeded_in(self, schools: Mapping[SchoolId, Share]) -> dict[SchoolId, Share]:
        """The schools in which they are too many."""
        return {school_id: share for school_id, share in schools.items() if self.is_exceeded(share)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may do by itself.

    Attributes:
        deactivation: Of users no longer sent, among the active ones of the district and of each school.
        change: Of users who get another e-mail address, and of those who leave a school.
        lifted: Whether they do not hold in this run.
        absence_counts: Whether users leave because the provider no longer sends them.
        school_names: For sentences; a school without a name is called by its id.
    """

    deactivation: Limit
    change: Limit
    lifted: bool = False
    absence_counts: bool = True
    school_names: Mapping[SchoolId, str] = field(default_factory=dict)

    def told(self, schools: Mapping[SchoolId, Share]) -> str:
        """The schools with their shares, the largest part first, as the end of a sentence; empty for none."""
        largest = sorted(schools.items(), key=lambda school: (-school[1].part, school[0]))
        named = [f"in {self.school_names.get(id_, id_)} {share.part} of {share.whole}" for id_, share in largest]
        if len(named) > _NAMED_AT_MOST:
            named[_NAMED_AT_MOST:] = [f"and too many in {len(named) - _NAMED_AT_MOST} more"]
        return f"; {', '.join(named)}" if named else ""


def limits_of(settings: Settings, schools: Sequence[School], now: datetime) -> Limits:
    """The limits of a district's run that begins now.

    The school year's days are those of the district's own time zone, else of New York, whatever the deployment's is.
    """
    lifted = settings.limits_lifted_until
    return Limits(
        deactivation=Limit(settings.deactivation_percent, settings.deactivation_minimum),
        change=Limit(settings.change_percent, settings.change_minimum),
        lifted=lifted is not None and now < lifted,
        absence_counts=absence_counts(settings, schedule_of(settings, USUAL).day_of(now)),
        school_names={school.school_id: school.name for school in schools},
    )


def lifted_notice(settings: Settings, now: datetime) -> str | None:
    """That no limit holds for now; None if they hold."""
    until = settings.limits_lifted_until
    if until is None or until <= now:
        return None
    return f"The limits are lifted until {until:%Y-%m-%d %H:%M} UTC: until then a sync may change any number of users."
