"""The page that shows the API's description."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import AVisitor
from tests.browser.visitor import NARROW, WIDE, Visitor


def at_the_reference(visitor: Visitor, anchor: str = "") -> Visitor:
    visitor.page.goto(f"{visitor.stack.portal_url}/api#{anchor}")
    visitor.page.get_by_role("heading", level=1, name="OneRoster sync – API").wait_for()
    return visitor


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_page_of_the_api(a_visitor: AVisitor, scheme: str, width: int) -> None:
    page = at_the_reference(a_visitor(scheme=scheme, width=width)).page
    for folded in page.locator("details").all():
        folded.evaluate("element => element.open = true")

    found = Axe().run(page).response["violations"]

    assert [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]] == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_nobody_needs_to_sign_in_to_read_it_and_a_link_opens_what_it_names(a_visitor: AVisitor) -> None:
    visitor = at_the_reference(a_visitor())
    operation = visitor.page.locator("details#put_settings")

    visitor.page.get_by_role("navigation").get_by_role("link", name="Save the settings").click()

    expect(operation).to_have_attribute("open", "")
    expect(operation.locator("summary").first).to_be_focused()
    operation.get_by_role("link", name="SettingsBody").click()
    visitor.sees("Write-only; left out, the stored one is kept.")
