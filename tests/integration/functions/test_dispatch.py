"""The night begins: through the handler, over the deployed tables and queue in memory."""

import json
from datetime import UTC, datetime, time, timedelta

import pytest

from functions.dispatch import app
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.run import RunKind, RunState
from tests.support.builders import DISTRICT, OTHER_DISTRICT, RUN, a_school
from tests.support.deployed import Context, Night, event_of, items


def dispatched(scheduled_time: str | None = None) -> dict[str, int]:
    event = {"scheduled_time": scheduled_time} if scheduled_time else event_of("dispatch")
    answer: dict[str, int] = app.handler(event, Context())
    return answer


def requested(night: Night) -> list[tuple[str, str]]:
    """District and run of each message, by district."""
    bodies = [json.loads(message["Body"]) for message in night.messages("SyncRequestsQueue")]
    return sorted((body["district_id"], body["run_id"]) for body in bodies)


def enter_both(night: Night) -> None:
    for district_id in (DISTRICT, OTHER_DISTRICT):
        night.enter_district(district_id, schools=[a_school(district_id=district_id)])


def test_each_active_district_gets_one_run_and_one_message_of_its_own_group(night: Night) -> None:
    enter_both(night)

    answer = dispatched()

    messages = night.messages("SyncRequestsQueue")
    assert answer == {"requested": 2, "skipped": 0}
    assert sorted(message["Attributes"]["MessageGroupId"] for message in messages) == [OTHER_DISTRICT, DISTRICT]
    for message in messages:
        body = json.loads(message["Body"])
        assert body["district_id"] == message["Attributes"]["MessageGroupId"]
        run = night.run(body["district_id"], body["run_id"])
        assert (run.run_id, run.kind, run.state) == (RUN, RunKind.NIGHTLY, RunState.QUEUED)
    assert len(items("SyncRunsTable")) == 2


def test_a_retried_dispatch_creates_no_second_run_and_asks_again_only_for_the_queued(night: Night) -> None:
    enter_both(night)
    dispatched()
    night.messages("SyncRequestsQueue")
    night.runs.begin_attempt(OTHER_DISTRICT, RUN, 1, night.run().created_at)
    before = items("SyncRunsTable")

    answer = dispatched()

    assert answer == {"requested": 1, "skipped": 0}
    assert requested(night) == [(DISTRICT, RUN)]
    assert items("SyncRunsTable") == before


def test_a_retry_is_the_same_night_in_whatever_zone_its_time_is_written(night: Night) -> None:
    night.enter_district()
    dispatched("2026-11-24T09:00:00Z")

    dispatched("2026-11-24T04:00:00-05:00")

    assert requested(night) == [(DISTRICT, RUN), (DISTRICT, RUN)]
    assert len(items("SyncRunsTable")) == 1


def test_the_next_night_is_another_run(night: Night) -> None:
    night.enter_district()
    dispatched("2026-11-24T09:00:00Z")

    dispatched("2026-11-25T09:00:00Z")

    assert [run_id for _, run_id in requested(night)] == [RUN, "20261125T090000Z-nightly"]


def test_a_district_that_cannot_run_gets_a_skipped_run_that_says_why_and_no_message(night: Night) -> None:
    night.enter_district(schools=[a_school(oneroster_id=None)])
    night.enter_district(OTHER_DISTRICT, schools=[a_school(district_id=OTHER_DISTRICT)], consumer_key=None)

    answer = dispatched()

    unmapped, keyless = night.run(), night.run(OTHER_DISTRICT)
    assert answer == {"requested": 0, "skipped": 2}
    assert (unmapped.state, unmapped.reason) == (
        RunState.SKIPPED,
        "No school has a OneRoster ID. Give at least one school its OneRoster ID.",
    )
    assert (keyless.state, keyless.reason) == (
        RunState.SKIPPED,
        "The consumer key is missing. Enter it in the OneRoster settings.",
    )
    assert unmapped.ended_at is not None
    assert requested(night) == []


def test_a_district_without_an_active_product_takes_no_part_in_the_night(night: Night) -> None:
    night.enter_district(products=frozenset())

    answer = dispatched()

    assert answer == {"requested": 0, "skipped": 0}
    assert items("SyncRunsTable") == []


def test_every_page_of_districts_is_dispatched(night: Night) -> None:
    """A page of a DynamoDB query ends at 1 MB, which three districts of this size fill."""
    ids = [DistrictId(f"district-{number}") for number in range(8)]
    for district_id in ids:
        night.enter_district(
            district_id, schools=[a_school(district_id=district_id)], consumer_secret=b"\x00" * 300_000
        )

    answer = dispatched()

    assert answer == {"requested": 8, "skipped": 0}
    assert requested(night) == [(district_id, RUN) for district_id in ids]


def test_a_day_of_quarters_begins_each_district_once_at_its_own_time(night: Night) -> None:
    night.enter_district(sync_time=time(2, 30), timezone="America/Denver")
    night.enter_district(OTHER_DISTRICT, schools=[a_school(district_id=OTHER_DISTRICT)])
    midnight = datetime(2026, 11, 24, tzinfo=UTC)

    answers = [dispatched((midnight + number * timedelta(minutes=15)).isoformat()) for number in range(9 * 4, 17 * 4)]

    assert sum(answer["requested"] for answer in answers) == 2
    assert requested(night) == [(OTHER_DISTRICT, RUN), (DISTRICT, "20261124T093000Z-nightly")]


@pytest.mark.parametrize("event", [{}, {"scheduled_time": "tonight"}])
def test_an_event_without_a_time_fails_and_dispatches_nothing(night: Night, event: dict[str, str]) -> None:
    night.enter_district()

    with pytest.raises((KeyError, ValueError)):
        app.handler(event, Context())

    assert items("SyncRunsTable") == []
    assert requested(night) == []
