"""The night's runs, over stores in memory."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

import pytest

from roster_sync.domain.errors import TransientError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import Run, RunKind, RunState
from roster_sync.domain.schedule import CATCH_UP
from roster_sync.use_cases.dispatch_runs import Dispatched, dispatch_runs
from tests.support.builders import DEFAULT_SCHEDULE, DISTRICT, NOW, OTHER_DISTRICT, RUN, a_run, a_school, settings
from tests.support.fakes import InMemoryDistricts, InMemoryRuns

PRODUCTS = frozenset({"serve", "jobs"})
LATER = NOW + timedelta(minutes=5)


class Dispatch:
    """Districts, runs, and what was asked for, in batches."""

    def __init__(self, *district_ids: str) -> None:
        self.districts = InMemoryDistricts()
        self.runs = InMemoryRuns()
        self.batches: list[list[tuple[DistrictId, RunId]]] = []
        for district_id in district_ids:
            self.districts.save_settings(settings(district_id=DistrictId(district_id)), 0)
            self.districts.put_school(a_school(district_id=DistrictId(district_id)))

    def request_syncs(self, requests: Sequence[tuple[DistrictId, RunId]]) -> None:
        self.batches.append(list(requests))

    @property
    def requested(self) -> list[DistrictId]:
        return [district_id for batch in self.batches for district_id, _ in batch]

    def begin(self, scheduled_time: datetime = NOW) -> Dispatched:
        return dispatch_runs(
            scheduled_time,
            districts=self.districts,
            runs=self.runs,
            request_syncs=self.request_syncs,
            offered_products=PRODUCTS,
            default_schedule=DEFAULT_SCHEDULE,
            now=LATER,
        )

    def run(self, district_id: DistrictId = DISTRICT) -> Run | None:
        return self.runs.get(district_id, RUN)


def test_an_active_district_gets_a_queued_run_of_the_scheduled_time_and_is_asked_for() -> None:
    night = Dispatch(DISTRICT)

    dispatched = night.begin()

    assert dispatched == Dispatched(requested=1, skipped=0)
    assert night.batches == [[(DISTRICT, RUN)]]
    assert night.run() == a_run(kind=RunKind.NIGHTLY, state=RunState.QUEUED, created_at=LATER)


def test_a_district_that_cannot_run_ends_skipped_with_the_reason_and_is_not_asked_for() -> None:
    night = Dispatch(DISTRICT, OTHER_DISTRICT)
    night.districts.put_school(a_school(oneroster_id=None))

    dispatched = night.begin()

    assert dispatched == Dispatched(requested=1, skipped=1)
    assert night.requested == [OTHER_DISTRICT]
    assert night.run() == a_run(
        state=RunState.SKIPPED,
        created_at=LATER,
        ended_at=LATER,
        reason="No school has a OneRoster ID. Give at least one school its OneRoster ID.",
    )


def test_a_paused_district_ends_skipped_and_says_how_long() -> None:
    night = Dispatch(OTHER_DISTRICT)
    day = NOW.date()
    night.districts.save_settings(settings(pause_from=day, pause_until=day), 0)
    night.districts.put_school(a_school())

    dispatched = night.begin()

    assert dispatched == Dispatched(requested=1, skipped=1)
    assert night.requested == [OTHER_DISTRICT]
    run = night.run()
    assert run is not None
    assert run.state is RunState.SKIPPED
    assert run.reason == (
        "The nightly sync is paused until 24 November 2026. To end the pause, empty its days in the settings; Sync now "
        "works meanwhile."
    )


def test_a_product_that_is_offered_no_more_does_not_make_a_district_run() -> None:
    night = Dispatch()
    night.districts.save_settings(settings(products=frozenset({"discontinued"})), 0)
    night.districts.put_school(a_school())

    dispatched = night.begin()

    assert dispatched == Dispatched(requested=0, skipped=1)


def test_a_retry_asks_again_for_queued_runs_because_the_first_call_may_have_died_before_it_asked() -> None:
    night = Dispatch(DISTRICT)
    night.runs.create(a_run())

    dispatched = night.begin()

    assert dispatched == Dispatched(requested=1, skipped=0)
    assert night.run() == a_run()


@pytest.mark.parametrize("state", [state for state in RunState if state is not RunState.QUEUED])
def test_a_retry_asks_for_no_run_that_is_under_way_or_has_ended(state: RunState) -> None:
    night = Dispatch(DISTRICT)
    night.runs.create(a_run(state=state))

    dispatched = night.begin()

    assert dispatched.requested == 0
    assert night.requested == []
    assert night.run() == a_run(state=state)


def test_a_retry_after_the_queue_failed_asks_for_everybody_and_creates_nothing_new() -> None:
    night = Dispatch(DISTRICT, OTHER_DISTRICT)

    def fail(requests: Sequence[tuple[DistrictId, RunId]]) -> None:
        raise TransientError("The queue is busy.")

    with pytest.raises(TransientError):
        dispatch_runs(
            NOW,
            districts=night.districts,
            runs=night.runs,
            request_syncs=fail,
            offered_products=PRODUCTS,
            default_schedule=DEFAULT_SCHEDULE,
            now=NOW,
        )
    night.begin()

    assert sorted(night.requested) == [OTHER_DISTRICT, DISTRICT]
    assert night.run() == a_run(created_at=NOW)


def test_without_active_districts_nobody_is_asked_for() -> None:
    night = Dispatch()
    night.districts.save_settings(settings(products=frozenset()), 0)

    dispatched = night.begin()

    assert dispatched == Dispatched(requested=0, skipped=0)
    assert night.requested == []
    assert night.run() is None


def test_many_districts_are_asked_for_once_each_in_several_batches() -> None:
    ids = [f"district-{number:04d}" for number in range(1_001)]
    night = Dispatch(*ids)

    dispatched = night.begin()

    assert dispatched == Dispatched(requested=1_001, skipped=0)
    assert sorted(night.requested) == ids
    assert len(night.batches) > 1


def test_a_district_whose_first_run_must_be_a_preview_is_skipped_until_one_has_completed() -> None:
    night = Dispatch(DISTRICT)
    night.districts.save_settings(settings(first_run_preview=True), 1)

    assert night.begin() == Dispatched(requested=0, skipped=1)
    run = night.run()
    assert run
    assert (run.reason or "").startswith("The first sync waits for a preview.")


def test_a_district_that_has_had_its_preview_is_asked_for() -> None:
    night = Dispatch(DISTRICT)
    night.districts.save_settings(settings(first_run_preview=True, previewed_at=NOW), 1)

    assert night.begin() == Dispatched(requested=1, skipped=0)


QUARTER = timedelta(minutes=15)


def test_only_districts_whose_time_has_come_are_asked_for() -> None:
    night = Dispatch(DISTRICT, OTHER_DISTRICT)
    night.districts.save_settings(settings(sync_time=time(4), timezone="America/Chicago"), 1)

    first, second = night.begin(), night.begin(NOW + timedelta(hours=1))

    assert (first.requested, second.requested) == (1, 1)
    assert night.batches == [[(OTHER_DISTRICT, RUN)], [(DISTRICT, RunId("20261124T100000Z-nightly"))]]


def test_a_night_that_was_missed_is_caught_up_and_named_by_its_own_time() -> None:
    night = Dispatch(DISTRICT)

    dispatched = night.begin(NOW + timedelta(hours=3))

    assert dispatched == Dispatched(requested=1, skipped=0)
    assert night.batches == [[(DISTRICT, RUN)]]


def test_a_night_that_was_missed_for_too_long_is_left_to_the_next() -> None:
    night = Dispatch(DISTRICT)

    assert night.begin(NOW + CATCH_UP).requested == 0
    assert night.begin(NOW + timedelta(days=1)).requested == 1


@pytest.mark.parametrize("state", list(RunState))
def test_later_quarters_neither_begin_a_night_again_nor_ask_for_it(state: RunState) -> None:
    """A run that waits among ten thousand others would get a message more each quarter of an hour."""
    night = Dispatch(DISTRICT)
    night.runs.create(a_run(state=state))

    for number in range(1, 24):
        assert night.begin(NOW + number * QUARTER) == Dispatched(requested=0, skipped=0)

    assert night.requested == []


def test_a_pause_is_of_the_districts_own_days() -> None:
    """At 22:00 in New York it is the next day already by UTC."""
    night = Dispatch(DISTRICT)
    today = NOW.date()
    night.districts.save_settings(settings(sync_time=time(22), pause_from=today, pause_until=today), 1)

    assert night.begin(NOW + timedelta(hours=18)) == Dispatched(requested=0, skipped=1)
