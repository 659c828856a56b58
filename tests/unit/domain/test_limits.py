"""What a run may do when it begins."""

from datetime import UTC, date, datetime

import pytest

from roster_sync.domain.limits import limits_of
from tests.support.builders import settings

YEAR = {"school_year_from": date(2026, 8, 24), "school_year_until": date(2027, 6, 12)}


@pytest.mark.parametrize(
    ("zone", "now", "counts"),
    [
        ("America/New_York", datetime(2026, 8, 24, 3, 59, tzinfo=UTC), False),
        ("America/New_York", datetime(2026, 8, 24, 4, 0, tzinfo=UTC), True),
        (None, datetime(2026, 8, 24, 3, 59, tzinfo=UTC), False),
        ("Pacific/Guam", datetime(2026, 8, 23, 13, 59, tzinfo=UTC), False),
        ("Pacific/Guam", datetime(2026, 8, 23, 18, 0, tzinfo=UTC), True),
        ("Pacific/Guam", datetime(2027, 6, 12, 18, 0, tzinfo=UTC), False),
    ],
)
def test_the_school_year_begins_and_ends_at_the_districts_own_midnight(
    zone: str | None, now: datetime, *, counts: bool
) -> None:
    """By UTC's days, an evening before school in New York counted, and the first morning in Guam did not."""
    limits = limits_of(settings(timezone=zone, **YEAR), [], now)

    assert limits.absence_counts is counts
