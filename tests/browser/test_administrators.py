"""Administrators who meet: another district, another tab, a session that ends."""

import re

from playwright.sync_api import Dialog, expect

from local.stack import Account, Stack
from tests.browser.conftest import AVisitor
from tests.browser.visitor import TIMEOUT_MS
from tests.e2e.district import LiveDistrict


def test_the_address_of_another_district_shows_nothing_of_it(
    stack: Stack, district: LiveDistrict, a_visitor: AVisitor
) -> None:
    stranger = a_visitor(stack.create_account(district_id="oakwood", role="district_admin"))

    for page in ("home", "settings", "schools", "users", "runs"):
        stranger.open(f"{district.api.district_id}/{page}")

        stranger.sees("Your account may not act on this district.")
        assert stranger.page.get_by_role("table").count() == 0


def test_the_vendors_staff_choose_a_district(stack: Stack, district: LiveDistrict, a_visitor: AVisitor) -> None:
    staff = a_visitor(stack.create_account(district_id=None, role="support"))

    staff.fill("District ID", district.api.district_id)
    staff.press("Open")

    staff.sees("The next sync starts on")


def test_the_vendors_staff_see_how_each_district_fares(
    stack: Stack, district: LiveDistrict, a_visitor: AVisitor
) -> None:
    staff = a_visitor(stack.create_account(district_id=None, role="support"))

    staff.page.get_by_role("link", name=district.api.district_id).click()

    staff.sees("The next sync starts on")
    assert staff.violations() == []


def test_two_who_save_at_once_are_told_and_choose(administrator: Account, a_visitor: AVisitor) -> None:
    first, second = a_visitor(administrator), a_visitor(administrator)
    for visitor in (first, second):
        visitor.go("OneRoster Settings")
    first.fill("Metadata key of the counselor's e-mail", "firstKey")
    second.fill("Metadata key of the counselor's e-mail", "secondKey")
    first.press("Save")
    first.sees("Saved.")

    second.press("Save")

    second.sees("Somebody else saved these settings meanwhile")
    second.sees("Metadata key of the counselor's e-mail: theirs “firstKey”, yours “secondKey”")
    second.press("Save mine")
    second.sees("Saved.")
    first.page.reload()
    expect(first.page.get_by_label("Metadata key of the counselor's e-mail")).to_have_value("secondKey")


def test_what_was_typed_survives_a_session_that_ends(administrator: Account, a_visitor: AVisitor) -> None:
    visitor = a_visitor(administrator)
    visitor.go("OneRoster Settings")
    visitor.fill("Metadata key of the counselor's e-mail", "typedBefore")
    ended = re.compile(r"/oauth2/token$|/districts/")
    visitor.context.route(ended, lambda route: route.fulfill(status=401, json={"detail": "The sign-in has expired."}))
    visitor.press("Save")
    visitor.sees("Please sign in again")
    visitor.context.unroute(ended)

    with visitor.page.expect_popup() as opened:
        visitor.page.get_by_role("dialog").get_by_role("button", name="Sign in").click()
    visitor.enter(opened.value, administrator)

    visitor.sees("Saved.")
    expect(visitor.page.get_by_label("Metadata key of the counselor's e-mail")).to_have_value("typedBefore")


def test_leaving_with_unsaved_changes_asks_first(administrator: Account, a_visitor: AVisitor) -> None:
    visitor = a_visitor(administrator)
    visitor.go("OneRoster Settings")
    visitor.fill("Consumer key", "half of a ke")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    visitor.page.once("dialog", stay)

    visitor.page.get_by_role("navigation").get_by_role("link", name="Users").click()

    visitor.page.wait_for_function("() => location.hash.endsWith('/settings')", timeout=TIMEOUT_MS)
    assert asked == ["You have changes that are not saved. Leave this page and lose them?"]
    expect(visitor.page.get_by_label("Consumer key", exact=True)).to_have_value("half of a ke")
    visitor.page.once("dialog", lambda dialog: dialog.accept())
    visitor.go("Users")


def test_signing_out_ends_it(administrator: Account, a_visitor: AVisitor) -> None:
    visitor = a_visitor(administrator)

    visitor.press("Sign out")

    visitor.sees("Your district's students and staff")
    assert visitor.page.evaluate("sessionStorage.length") == 0
