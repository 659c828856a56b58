"""Takes the screenshots of the portal that the documentation shows: each page, light and dark, wide and narrow."""

import io
import sys
from collections.abc import Callable
from itertools import product

from PIL import Image

from local.errors import LocalStackError
from local.stack import PROJECT, Account, local_stack
from tests.browser.chromium import MISSING, chromium, program
from tests.browser.test_runs import lose_a_school
from tests.browser.visitor import NARROW, WIDE, Visitor
from tests.e2e.district import a_live_district

FOLDER = PROJECT / "docs" / "screenshots"
NIGHTS = 4
PAGES = (
    ("Home", "home"),
    ("Users", "users"),
    ("Manual upload", "upload"),
    ("Audit", "audit"),
    ("Runs", "runs"),
)
COLOURS = 192
"""Of a palette; with fewer, small coloured marks turn grey."""


def take(visitor: Visitor, account: Account, look: str) -> None:
    """Visit each page and keep what it looks like."""
    keep(visitor, f"sign-in-{look}")
    visitor.sign_in(account)
    for page, name in PAGES:
        visitor.go(page)
        keep(visitor, f"{name}-{look}")
    visitor.page.get_by_role("row", name="Nightly sync").first.get_by_role("link").click()
    visitor.page.get_by_role("heading", name="Details").wait_for()
    visitor.page.locator("details.group summary").first.click()
    keep(visitor, f"run-{look}")
    visitor.go("Users")
    visitor.page.get_by_role("rowheader").get_by_role("link").first.click()
    visitor.page.get_by_role("heading", name="History").wait_for()
    keep(visitor, f"user-{look}")
    visitor.go("OneRoster Settings")
    keep(visitor, f"settings-{look}")
    visitor.press("Test Settings")
    visitor.sees("The settings work.")
    visitor.page.get_by_role("heading", name="Result of the test").evaluate(
        "e => e.closest('section').scrollIntoView()"
    )
    keep(visitor, f"test-{look}")
    visitor.go("Schools")
    visitor.sees("not among yours yet")
    keep(visitor, f"schools-{look}")


def take_held(visitor: Visitor, account: Account, look: str) -> None:
    """A run that waits for a decision, and the page of the API."""
    visitor.sign_in(account)
    visitor.page.get_by_role("link", name="Look at it").click()
    visitor.page.get_by_role("heading", name="Details").wait_for()
    keep(visitor, f"held-{look}")
    visitor.page.goto(f"{visitor.stack.portal_url}/api")
    visitor.page.get_by_role("heading", level=1).wait_for()
    keep(visitor, f"api-{look}")


def keep(visitor: Visitor, name: str) -> None:
    """Write what is to be seen to the folder, with few colours."""
    visitor.page.evaluate("document.fonts.ready")
    shot = Image.open(io.BytesIO(visitor.page.screenshot(animations="disabled")))
    shot.convert("RGB").quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)


def main() -> None:
    """Deploy, let some nights pass, and take them."""
    if program() is None:
        sys.exit(MISSING)
    FOLDER.mkdir(exist_ok=True)
    with (
        local_stack("screenshots") as stack,
        a_live_district(stack, district_id="maplewood") as district,
        chromium() as browser,
    ):
        for _ in range(NIGHTS):
            district.night()
            district.provider.change_overnight()
        account = stack.create_account(
            district_id=district.api.district_id, role="district_admin", email="admin@maplewood.example.org"
        )
        looks = list(product(("light", "dark"), ((WIDE, "wide"), (NARROW, "narrow"))))

        def each_look(taking: Callable[[Visitor, Account, str], None]) -> None:
            for scheme, (width, called) in looks:
                visitor = Visitor.arrive(browser, stack, scheme=scheme, width=width)
                taking(visitor, account, f"{scheme}-{called}")
                visitor.leave()

        each_look(take)
        lose_a_school(district)
        district.night()
        each_look(take_held)


if __name__ == "__main__":
    try:
        main()
    except LocalStackError as error:
        sys.exit(str(error))
