"""Nights of a district that has chosen its own time, on the deployed system."""

from datetime import datetime, timedelta

from local.stack import Stack
from roster_sync.domain.run import nightly_run_id
from tests.e2e.conftest import ADistrict
from tests.e2e.district import LiveDistrict

QUARTER = timedelta(minutes=15)


def nightly(district: LiveDistrict) -> list[str]:
    return [run["run_id"] for run in district.api.items("runs") if run["kind"] == "nightly"]


def test_a_night_begins_at_the_districts_own_time_once_and_is_caught_up(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    kept = {name: district.api.get("settings")[name] for name in ("base_url", "consumer_key", "products")}
    # Switched off and on, so that the night of today is not that of the former time.
    district.api.put("settings", {**kept, "products": []})
    saved = district.api.put("settings", {**kept, "sync_time": "21:30", "timezone": "Pacific/Honolulu"})
    begins = datetime.fromisoformat(saved["next_night"])

    def dispatched(after: timedelta) -> list[str]:
        stack.invoke("DispatchFunction", {"scheduled_time": (begins + after).isoformat()})
        return nightly(district)

    assert (begins.hour, begins.minute) == (7, 30)
    assert dispatched(-QUARTER) == []
    # The look at the time itself is missing.
    assert dispatched(2 * QUARTER) == [nightly_run_id(begins)]
    assert dispatched(3 * QUARTER) == [nightly_run_id(begins)]
    assert district.run(nightly_run_id(begins))["state"].startswith("completed")
