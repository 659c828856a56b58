"""When the nightly sync is, as its administrator chooses and sees it."""

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
    visitor.go("Home")
    visitor.sees("1:15 AM E")
    assert district.api.get("settings")["timezone"] == "America/Los_Angeles"
