"""Advanced settings: what an administrator finds there, and that it is saved as entered."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from local.stack import Account
from tests.browser.conftest import AVisitor
from tests.e2e.district import LiveDistrict

NEW_YORK = ZoneInfo("America/New_York")


def test_a_pause_a_lift_and_limits_are_saved_as_entered(
    district: LiveDistrict, administrator: Account, a_visitor: AVisitor
) -> None:
    """The browser is in New York."""
    lifted = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=2)
    visitor = a_visitor(administrator)
    visitor.go("OneRoster Settings")
    visitor.page.get_by_text("Advanced", exact=True).click()

    visitor.fill("First day without sync", "2027-06-20")
    visitor.fill("Last day without sync", "2027-08-10")
    visitor.fill("Do not ask until", lifted.astimezone(NEW_YORK).strftime("%Y-%m-%dT%H:%M"))
    visitor.fill("Ask if more than this share would get another e-mail address or school (percent)", "40")
    visitor.fill("First day of school", "2026-08-24")
    visitor.fill("Last day of school", "2027-06-12")
    visitor.page.get_by_label("Deactivate missing people in the holidays, too").check()
    visitor.press("Save")

    visitor.sees("Saved.")
    saved = district.api.get("settings")
    assert (saved["pause_from"], saved["pause_until"]) == ("2027-06-20", "2027-08-10")
    assert datetime.fromisoformat(saved["limits_lifted_until"]) == lifted
    assert saved["change_percent"] == 40
    assert (saved["school_year_from"], saved["deactivate_outside_school_year"]) == ("2026-08-24", True)
    expect(visitor.page.get_by_text("Not saved yet")).to_have_count(0)
    visitor.go("Audit")
    visitor.sees("First day without sync: – → Jun 20, 2027")


def test_half_a_pause_is_refused_in_words(administrator: Account, a_visitor: AVisitor) -> None:
    visitor = a_visitor(administrator)
    visitor.go("OneRoster Settings")
    visitor.page.get_by_text("Advanced", exact=True).click()
    visitor.fill("Last day without sync", "")
    visitor.fill("First day without sync", "2027-06-20")

    visitor.press("Save")

    visitor.sees("A pause has a first and a last day, in this order.")
    visitor.page.once("dialog", lambda dialog: dialog.accept())
    visitor.go("Home")
