"""When the nightly sync is, as its administrator chooses and sees it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from local.stack import Account
from tests.browser.conftest import AVisitor
from tests.e2e.district import LiveDistrict


def test_the_time_is_chosen_and_shown_in_the_administrators_own_zone(
    district: LiveDistrict, administrator: Account, a_visitor: AVisitor
) -> None:
    """The browser is in New York."""
    visitor = a_visitor(administrator)
    visitor.go("OneRoster Settings")
    time, zone = (visitor.page.get_by_label(label, exact=True) for label in ("Time of the nightly sync", "Time zone"))
    expect(time).to_have_value("04:00")
    expect(zone).to_have_value("America/New_York")

    time.select_option("10:15 PM")
    zone.select_option("Pacific (Los Angeles)")
    visitor.press("Save")

    visitor.sees("Saved.")
    visitor.page.reload()
    expect(time).to_have_value("22:15")
    settings = district.api.get("settings")
    assert settings["timezone"] == "America/Los_Angeles"
    # The night that would have come before stays, so its time depends on the hour of this test.
    begins = datetime.fromisoformat(settings["next_night"]).astimezone(ZoneInfo("America/New_York"))
    assert (begins.hour, begins.minute) in {(1, 15), (4, 0)}
    visitor.go("Home")
    visitor.sees(f"{begins:%-I:%M %p} E")
