"""Whether a night reads everybody or only what changed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from roster_sync.domain.delta import choose_fetch
from roster_sync.domain.fetch_plan import SchoolLists, Scope
from roster_sync.domain.reading import Fetch, Reading
from roster_sync.domain.run import Counts, Run, RunKind, RunState
from tests.support.builders import NOW, a_run, settings

KEY = "key"
DELTAS = settings(delta_nights=True)
TONIGHT = a_run(run_id="20261124T090000Z-nightly", created_at=NOW)


def a_reading(**overrides: Any) -> Reading:
    """Of a night after which a delta may follow."""
    reading = Reading(
        scope=Scope.DISTRICT,
        scope_reason="All schools are mapped.",
        key=KEY,
        school_lists=SchoolLists.UNTRIED,
        filters_dates=True,
        newest_change=NOW - timedelta(days=3),
    )
    return replace(reading, **overrides)


def a_night(days_ago: int, **overrides: Any) -> Run:
    """An earlier night, a full and completed one unless told otherwise."""
    created_at = NOW - timedelta(days=days_ago)
    run = a_run(
        run_id=f"{created_at:%Y%m%dT%H%M%SZ}-nightly",
        created_at=created_at,
        state=RunState.COMPLETED,
        reading=a_reading(),
    )
    return replace(run, **overrides)


def a_delta(days_ago: int, **overrides: Any) -> Run:
    return a_night(days_ago, reading=a_reading(fetch=Fetch.DELTA, **overrides))


def test_after_a_completed_night_only_what_changed_is_read_with_a_day_of_overlap() -> None:
    choice = choose_fetch(DELTAS, TONIGHT, [a_night(1)], KEY)

    assert (choice.fetch, choice.since) == (Fetch.DELTA, NOW - timedelta(days=4))


def test_issues_of_records_do_not_keep_from_deltas() -> None:
    choice = choose_fetch(DELTAS, TONIGHT, [a_night(1, state=RunState.COMPLETED_WITH_ISSUES)], KEY)

    assert choice.fetch is Fetch.DELTA


def test_deltas_must_be_switched_on() -> None:
    choice = choose_fetch(settings(), TONIGHT, [a_night(1)], KEY)

    assert (choice.fetch, choice.reason, choice.since) == (Fetch.FULL, None, None)


@pytest.mark.parametrize(
    ("earlier", "why"),
    [
        ([], "no sync came before"),
        ([a_night(1, state=RunState.FAILED), a_night(2)], "the sync before is failed"),
        ([a_night(1, state=RunState.BLOCKED)], "the sync before is blocked"),
        ([a_night(1, state=RunState.APPLYING), a_night(2)], "the sync before is applying"),
        ([a_night(1, kind=RunKind.UPLOAD, reading=None), a_night(2)], "uploaded since"),
        ([a_night(1, counts=Counts(superseded=1))], "not all changes"),
        ([a_night(1, reading=a_reading(key="another"))], "settings or schools have changed"),
        ([a_night(1, reading=None)], "settings or schools have changed"),
        ([a_night(1, reading=a_reading(filters_dates=False))], "does not honour filters"),
        ([a_night(1, reading=a_reading(newest_change=None))], "not provably whole, or its users had no"),
        ([a_delta(days) for days in range(1, 7)], "7 days"),
    ],
)
def test_else_everybody_is_read(earlier: list[Run], why: str) -> None:
    choice = choose_fetch(DELTAS, TONIGHT, earlier, KEY)

    assert (choice.fetch, choice.since) == (Fetch.FULL, None)
    assert choice.reason is not None
    assert why in choice.reason


def test_a_skipped_run_between_changes_nothing() -> None:
    skipped = a_night(1, state=RunState.SKIPPED, reading=None)

    assert choose_fetch(DELTAS, TONIGHT, [skipped, a_night(2)], KEY).fetch is Fetch.DELTA


def test_a_change_by_hand_between_changes_nothing() -> None:
    edit = a_night(1, kind=RunKind.EDIT, reading=None)

    assert choose_fetch(DELTAS, TONIGHT, [edit, a_night(2)], KEY).fetch is Fetch.DELTA


def test_a_sync_that_an_administrator_starts_reads_everybody() -> None:
    manual = replace(TONIGHT, kind=RunKind.MANUAL)

    assert choose_fetch(DELTAS, manual, [a_night(1)], KEY).fetch is Fetch.FULL


@pytest.mark.parametrize(("days", "later"), [(6, Fetch.DELTA), (7, Fetch.FULL)])
def test_a_week_after_everybody_was_read_everybody_is_read_again(days: int, later: Fetch) -> None:
    deltas = [a_delta(ago) for ago in range(1, days)]

    assert choose_fetch(DELTAS, TONIGHT, [*deltas, a_night(days)], KEY).fetch is later


def test_the_interval_is_the_district_s() -> None:
    weeks = replace(DELTAS, full_fetch_days=14)

    assert choose_fetch(weeks, TONIGHT, [a_delta(1), a_night(13)], KEY).fetch is Fetch.DELTA
    assert choose_fetch(replace(DELTAS, full_fetch_days=1), TONIGHT, [a_night(1)], KEY).fetch is Fetch.FULL


def test_an_hour_more_or_less_delays_no_full_night() -> None:
    early = replace(TONIGHT, created_at=NOW - timedelta(hours=1))

    assert choose_fetch(DELTAS, early, [a_delta(1), a_night(7)], KEY).fetch is Fetch.FULL
