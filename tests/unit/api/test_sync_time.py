"""The settings' routes: when a district's nights begin."""

from datetime import UTC, datetime, time

import pytest

from tests.support.builders import DISTRICT, NOW, a_school, settings
from tests.unit.api.conftest import Client
from tests.unit.api.test_settings import COMPLETE

TOMORROW = "2026-11-25T09:00:00Z"


@pytest.fixture
def synced(client: Client) -> Client:
    """A district that is synced at the deployment's time; its night begins right now."""
    client.districts.save_settings(settings(), 0)
    client.districts.put_school(a_school())
    return client


def test_a_time_and_a_zone_of_its_own_are_kept_and_shown(synced: Client) -> None:
    answer = synced.send("PUT", "/settings", body={**COMPLETE, "sync_time": "22:15", "timezone": "America/Los_Angeles"})

    stored = synced.districts.settings(DISTRICT)
    assert stored
    assert (stored.sync_time, stored.timezone) == (time(22, 15), "America/Los_Angeles")
    assert (answer.json["sync_time"], answer.json["timezone"]) == ("22:15", "America/Los_Angeles")
    # Today had its night; 22:15 of the next day there.
    assert answer.json["next_night"] == "2026-11-26T06:15:00Z"


@pytest.mark.parametrize("entered", [{}, {"sync_time": "04:00", "timezone": "America/New_York"}, {"sync_time": ""}])
def test_who_has_the_deployments_time_follows_it(synced: Client, entered: dict[str, str]) -> None:
    answer = synced.send("PUT", "/settings", body={**COMPLETE, **entered})

    stored = synced.districts.settings(DISTRICT)
    assert stored
    assert (stored.sync_time, stored.timezone) == (None, None)
    assert answer.json["next_night"] == TOMORROW


def test_a_district_that_does_not_run_has_no_next_night(client: Client) -> None:
    assert client.send("PUT", "/settings", body=COMPLETE).json["next_night"] is None


def test_a_paused_district_is_told_of_the_night_behind_the_pause(synced: Client) -> None:
    pause = {"pause_from": "2026-11-25", "pause_until": "2026-11-30"}

    answer = synced.send("PUT", "/settings", body={**COMPLETE, **pause})

    assert answer.json["next_night"] == "2026-12-01T09:00:00Z"


@pytest.mark.parametrize("text", ["4:00", "24:00", "04:00Z", "noon", "14400", 14400, "04:00:00"])
def test_what_is_no_time_of_day_is_refused(client: Client, text: object) -> None:
    answer = client.send("PUT", "/settings", body={**COMPLETE, "sync_time": text})

    assert answer.status == 422
    assert client.districts.settings(DISTRICT) is None


@pytest.mark.parametrize(
    ("entered", "remedy"),
    [
        ({"sync_time": "04:10"}, "Enter a time like 4:00 or 4:15."),
        ({"timezone": "EST/Atlantis"}, "Enter one as the IANA list spells it, like America/New_York."),
    ],
)
def test_a_time_or_zone_that_cannot_be_says_what_to_enter(client: Client, entered: dict[str, str], remedy: str) -> None:
    answer = client.send("PUT", "/settings", body={**COMPLETE, **entered})

    assert answer.status == 422
    assert answer.json["detail"].endswith(remedy)
    assert client.districts.settings(DISTRICT) is None


def test_switching_a_district_on_starts_no_night_that_is_past(client: Client) -> None:
    client.districts.put_school(a_school())

    client.send("PUT", "/settings", body=COMPLETE)

    stored = client.districts.settings(DISTRICT)
    assert stored
    assert stored.nights_after == NOW == datetime(2026, 11, 24, 9, tzinfo=UTC)
