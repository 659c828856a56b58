"""The consent that the vendor's staff export users: given, seen and taken back by an administrator."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import requests

from local.stack import Account, Stack
from tests.browser.conftest import AVisitor
from tests.e2e.district import LiveDistrict

NEW_YORK = ZoneInfo("America/New_York")
UNTIL = "Let our support staff export your users until the end of"


def exported(stack: Stack, district: LiveDistrict) -> int:
    """The status that staff's export is answered with."""
    token = stack.sign_in(district_id=None, role="support")
    url = f"{stack.api_url}/districts/{district.api.district_id}/export/users"
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60).status_code


def test_an_administrator_lets_staff_export_users_for_a_time_and_takes_it_back(
    stack: Stack, district: LiveDistrict, administrator: Account, a_visitor: AVisitor
) -> None:
    """The browser is in New York."""
    last = (datetime.now(NEW_YORK) + timedelta(days=3)).date()
    visitor = a_visitor(administrator)
    visitor.go("OneRoster Settings")
    visitor.page.get_by_text("Export by our support staff", exact=True).click()
    visitor.sees("Our support staff may not export your users.")
    assert exported(stack, district) == 403

    visitor.fill(UNTIL, last.isoformat())
    visitor.press("Allow it")

    visitor.sees(f"{administrator.email} allowed it on ")
    until = datetime.fromisoformat(district.api.get("export/consent")["until"])
    assert until == datetime(last.year, last.month, last.day, 23, 59, tzinfo=NEW_YORK).astimezone(UTC)
    assert exported(stack, district) == 200
    assert visitor.violations() == []

    staff = a_visitor(stack.create_account(district_id=None, role="support"))
    staff.open(f"{district.api.district_id}/settings")
    staff.page.get_by_text("Export by our support staff", exact=True).click()
    staff.sees("Only the district's administrator can decide about it.")
    assert staff.page.get_by_label(UNTIL).count() == 0

    visitor.press("Take it back")

    visitor.sees("Our support staff may not export your users.")
    assert exported(stack, district) == 403
    visitor.go("Audit")
    visitor.sees("Let the vendor's staff export users for a time")
    visitor.sees("Ended the vendor's leave to export users")


def test_a_day_too_far_ahead_is_not_sent(district: LiveDistrict, administrator: Account, a_visitor: AVisitor) -> None:
    visitor = a_visitor(administrator)
    visitor.go("OneRoster Settings")
    visitor.page.get_by_text("Export by our support staff", exact=True).click()

    visitor.fill(UNTIL, (datetime.now(NEW_YORK) + timedelta(days=31)).date().isoformat())
    visitor.press("Allow it")

    visitor.sees("Our support staff may not export your users.")
    assert district.api.get("export/consent")["until"] is None
