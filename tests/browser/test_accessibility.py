"""Every page for everybody: axe-core, both colour schemes, both widths, and the keyboard."""

import re

import pytest
from playwright.sync_api import expect

from local.cli_district import counselors_csv
from local.stack import Account
from tests.browser.conftest import AVisitor
from tests.browser.visitor import NARROW, WIDE, Visitor
from tests.e2e.district import LiveDistrict

PAGES = ("Home", "OneRoster Settings", "Schools", "Users", "Manual upload", "Audit", "Runs")

NAME_OF_FOCUSED = "(document.activeElement.labels?.[0] ?? document.activeElement).textContent"


def is_too_wide(visitor: Visitor) -> bool:
    wide: bool = visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return wide


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(administrator: Account, a_visitor: AVisitor, scheme: str, width: int) -> None:
    visitor = a_visitor(scheme=scheme, width=width)
    found = {"Sign in": visitor.violations()}
    visitor.sign_in(administrator)

    for page in PAGES:
        visitor.go(page)
        for folded in visitor.page.locator("details").all():
            folded.evaluate("element => element.open = true")
        found[page] = visitor.violations()
        assert not is_too_wide(visitor), page
    visitor.page.get_by_role("row", name="Nightly sync").get_by_role("link").click()
    visitor.page.get_by_role("heading", name="Details").wait_for()
    found["Run"] = visitor.violations()
    assert not is_too_wide(visitor)
    visitor.go("Users")
    visitor.page.get_by_role("rowheader").get_by_role("link").first.click()
    visitor.page.get_by_role("heading", name="History").wait_for()
    found["User"] = visitor.violations()
    assert not is_too_wide(visitor)

    assert {page: faults for page, faults in found.items() if faults} == {}


@pytest.mark.parametrize("width", [NARROW, 1000, WIDE])
def test_a_long_name_or_address_widens_no_page(
    district: LiveDistrict, administrator: Account, a_visitor: AVisitor, width: int
) -> None:
    school = next(iter(district.schools.values()))
    email = f"{'long' * 15}@{'wide' * 14}.example.org"
    district.api.upload(counselors_csv([("Wilhelmina" * 5, "Featherstonehaugh" * 3, email, school)]))
    visitor = a_visitor(administrator, width=width)

    visitor.open(f"{district.api.district_id}/users?search={email}")

    visitor.sees(email)
    assert not is_too_wide(visitor)


def test_a_test_result_and_a_dialog_are_accessible(administrator: Account, a_visitor: AVisitor) -> None:
    visitor = a_visitor(administrator, scheme="dark", width=NARROW)
    visitor.go("OneRoster Settings")
    visitor.press("Test Settings")
    visitor.sees("The settings work.")
    tested = visitor.violations()
    visitor.go("Schools")
    visitor.page.get_by_role("button", name=re.compile("^Edit")).first.click()

    assert (tested, visitor.violations()) == ([], [])


def test_settings_are_entered_tested_and_saved_by_keyboard(
    district: LiveDistrict, administrator: Account, a_visitor: AVisitor
) -> None:
    visitor = a_visitor(administrator)
    keyboard = visitor.page.keyboard

    def tab_to(name: str) -> None:
        for _ in range(60):
            keyboard.press("Tab")
            if visitor.page.evaluate(NAME_OF_FOCUSED) == name:
                return
        raise AssertionError(f"The tab key never reaches {name}.")

    tab_to("OneRoster Settings")
    keyboard.press("Enter")
    visitor.page.get_by_role("heading", level=1, name="OneRoster Settings").wait_for()
    visitor.settle()
    expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()
    tab_to("Consumer secret")
    keyboard.type(district.provider.consumer_secret)
    tab_to("Test Settings")
    keyboard.press("Enter")
    visitor.sees("The settings work.")
    expect(visitor.page.get_by_role("heading", name="Result of the test")).to_be_focused()
    tab_to("Save")
    keyboard.press("Space")

    visitor.sees("Saved.")


def test_the_first_tab_skips_the_menu(administrator: Account, a_visitor: AVisitor) -> None:
    visitor = a_visitor(administrator)

    visitor.page.keyboard.press("Tab")

    expect(visitor.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("main")).to_be_focused()
