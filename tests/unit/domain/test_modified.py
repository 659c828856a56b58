"""When records changed, by their own dates."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.modified import NewestChange, modified_since
from tests.support.builders import NOW
from tests.support.nights import a_record


def newest(*dates: object) -> datetime | None:
    seen = NewestChange(NOW)
    seen.note([json.dumps(a_record(dateLastModified=date)).encode() for date in dates])
    return seen.moment


def test_a_filter_names_a_moment_in_utc() -> None:
    moment = datetime(2026, 11, 23, 4, 5, 6, 700_000, tzinfo=timezone(timedelta(hours=-5)))

    assert modified_since(moment) == "dateLastModified>'2026-11-23T09:05:06.000Z'"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-20T08:00:00.000Z", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-11-20T08:00:00Z", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-11-20T08:00:00+02:00", datetime(2026, 11, 20, 6, tzinfo=UTC)),
        ("2026-11-20T08:00:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
    ],
)
def test_dates_are_read_as_providers_write_them(written: str, read: datetime) -> None:
    assert newest("2026-11-01T00:00:00.000Z", written) == read


@pytest.mark.parametrize("junk", [None, "", "yesterday", "31/12/2026", "2026-13-45T00:00:00Z", 20261120, [], {"a": 1}])
def test_what_is_no_date_is_passed_over(junk: Any) -> None:
    assert newest("2026-11-20T08:00:00.000Z", junk, "2026-11-19T08:00:00.000Z") == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert newest(junk) is None


def test_a_date_after_tomorrow_is_not_believed() -> None:
    tomorrow = NOW + timedelta(days=1)

    assert newest(f"{tomorrow:%Y-%m-%dT%H:%M:%SZ}", "2062-11-20T08:00:00Z", "9999-12-31") == tomorrow


def test_records_without_a_date_have_no_newest_change() -> None:
    seen = NewestChange(NOW)

    seen.note([b'{"sourcedId": "S-1"}', b"[]", b"dateLastModified"])

    assert seen.moment is None


@given(st.lists(st.datetimes(datetime(2000, 1, 1), datetime(2026, 11, 1), timezones=st.just(UTC)), min_size=1))  # noqa: DTZ001
def test_of_dates_in_one_form_the_newest_is_found_in_any_order(moments: list[datetime]) -> None:
    whole = [moment.replace(microsecond=0) for moment in moments]

    assert newest(*(f"{moment:%Y-%m-%dT%H:%M:%S}.000Z" for moment in whole)) == max(whole)
