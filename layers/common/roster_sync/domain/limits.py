"""How much may change in one night before an administrator is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from roster_sync.domain.district import School, Settings
from roster_sync.domain.identifiers import SchoolId

_NAMED_AT_MOST = 3


class Share(NamedTuple):
    """Some of all."""

    part: int
    whole: int


@dataclass(frozen=True, slots=True)
class Limit:
    """Exceeded by more than this share, if that is more than this many users."""

    percent: int
    minimum: int

    def is_exceeded(self, share: Share) -> bool:
        """Whether these are too many."""
        return share.part > self.minimum and share.part * 100 > share.whole * self.percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may do by itself.

    Attributes:
        deactivation: Of users no longer sent, among the active ones of the district and of each school.
        school_names: For sentences; a school without a name is called by its id.
    """

    deactivation: Limit
    school_names: Mapping[SchoolId, str] = field(default_factory=dict)

    def told(self, schools: Mapping[SchoolId, Share]) -> str:
        """The schools with their shares, the largest part first, as the end of a sentence; empty for none."""
        largest = sorted(schools.items(), key=lambda school: (-school[1].part, school[0]))
        named = [f"in {self.school_names.get(id_, id_)} {share.part} of {share.whole}" for id_, share in largest]
        if len(named) > _NAMED_AT_MOST:
            named[_NAMED_AT_MOST:] = [f"and too many in {len(named) - _NAMED_AT_MOST} more"]
        return f"; {', '.join(named)}" if named else ""


def limits_of(settings: Settings, schools: Sequence[School]) -> Limits:
    """The limits of a district."""
    return Limits(
        deactivation=Limit(settings.deactivation_percent, settings.deactivation_minimum),
        school_names={school.school_id: school.name for school in schools},
    )
