"""Finds this machine's Chromium and starts it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
MISSING = (
    "The portal's tests need Chromium, and there is none on this machine. Install it (Debian and Ubuntu: "
    "apt-get install chromium) or name it in the variable CHROMIUM. `make test-quick` runs all tests that do without."
)
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


def program() -> str | None:
    """Where Chromium is; None if it is nowhere."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a window, as a new user knows it."""
    # Its sandbox refuses root, which is who runs in a container.
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program(), args=[*QUIET, *sandbox], env={**os.environ, "HOME": home}
        )
        try:
            yield browser
        finally:
            browser.close()
