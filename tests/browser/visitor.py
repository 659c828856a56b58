"""Somebody at the portal, who sees names, labels and buttons, and no selectors."""

import re
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from local.stack import Account, Stack

TIMEOUT_MS = 180_000
"""For a busy machine."""
NARROW, WIDE = 360, 1280
_ANSWERED = "Failed to load resource: the server responded with a status of 4"
"""Chromium's note of a refusal that the page shows in words."""


@dataclass
class Visitor:
    """One browser window of its own, with what went wrong in it behind the scenes."""

    stack: Stack
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)

    @classmethod
    def arrive(cls, browser: Browser, stack: Stack, *, scheme: str = "light", width: int = WIDE) -> "Visitor":
        """Open the portal."""
        context = browser.new_context(
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": width, "height": 900 if width >= WIDE else 740},
            timezone_id="America/New_York",
            reduced_motion="reduce",
        )
        context.set_default_timeout(TIMEOUT_MS)
        visitor = cls(stack, context, context.new_page())
        visitor.page.on("console", visitor._heard)
        visitor.page.on("pageerror", lambda error: visitor.faults.append(str(error)))
        visitor.page.goto(stack.portal_url)
        visitor.page.get_by_role("heading", level=1).wait_for()
        return visitor

    def sign_in(self, account: Account) -> None:
        """From the portal to the sign-in page and back."""
        self.page.get_by_role("button", name="Sign in").click()
        self.enter(self.page, account)
        self.settle()

    @staticmethod
    def enter(page: Page, account: Account) -> None:
        """Fill in the hosted sign-in page."""
        page.get_by_label("Username").fill(account.email)
        page.get_by_label("Password").fill(account.password)
        page.get_by_role("button", name="Sign in").click()

    def go(self, name: str) -> None:
        """Choose a page from the menu."""
        self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        self.page.get_by_role("heading", level=1, name=name, exact=True).wait_for()
        self.settle()

    def open(self, path: str) -> None:
        """Go to an address within the portal."""
        self.page.goto(f"{self.stack.portal_url}#/{path}")
        self.settle()

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def fill(self, label: str, value: str) -> None:
        """Type into a field."""
        self.page.get_by_label(label, exact=True).fill(value)

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Wait until a text is to be seen."""
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=TIMEOUT_MS)

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it is."""
        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]

    def settle(self) -> None:
        """Wait until the page has loaded what it shows."""
        self.page.locator("main:not([aria-busy]) h1").first.wait_for()

    def leave(self) -> None:
        """Close the window; a script error or a breach of the content security policy is a defect."""
        self.context.close()
        assert self.faults == []

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_ANSWERED):
            self.faults.append(message.text)
