from datetime import timedelta

import pytest

from roster_sync.domain.health import LATE_AFTER, Health, health_of
from roster_sync.domain.run import RunState
from tests.support.builders import NOW, a_run


@pytest.mark.parametrize(
    ("state", "health"),
    [
        (RunState.FAILED, Health.FAILED),
        (RunState.BLOCKED, Health.BLOCKED),
        (RunState.SKIPPED, Health.SKIPPED),
        (RunState.QUEUED, Health.RUNNING),
        (RunState.FETCHING, Health.RUNNING),
        (RunState.APPLYING, Health.RUNNING),
        (RunState.COMPLETED_WITH_ISSUES, Health.ISSUES),
        (RunState.COMPLETED, Health.GOOD),
    ],
)
def test_a_district_fares_as_its_last_sync_did(state: RunState, health: Health) -> None:
    assert health_of(a_run(state=state, created_at=NOW), NOW + timedelta(hours=1)) is health


def test_a_district_without_a_sync_is_new() -> None:
    assert health_of(None, NOW) is Health.NEW


def test_a_sync_of_more_than_a_day_ago_is_late_unless_it_failed() -> None:
    tomorrow = NOW + LATE_AFTER + timedelta(seconds=1)

    assert health_of(a_run(state=RunState.COMPLETED, created_at=NOW), tomorrow) is Health.LATE
    assert health_of(a_run(state=RunState.FAILED, created_at=NOW), tomorrow) is Health.FAILED
