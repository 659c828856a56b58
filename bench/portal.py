"""What the district portal costs a visitor: bytes, requests and time, in Chromium on a throttled connection.

On the local stack, whose functions answer slower than AWS's do, and which sends as it is what API Gateway compresses:
the bytes are counted as API Gateway would send them, the times are those of the longer answers.
"""

import gzip
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from playwright.sync_api import CDPSession, Error

from bench.figures import Figure
from local.stack import local_stack
from tests.browser.chromium import chromium
from tests.browser.visitor import TIMEOUT_MS, WIDE, Visitor
from tests.e2e.district import a_live_district

TITLE = "The portal in Chromium: 1.6 Mbit/s, 150 ms, a quarter of this machine's speed"
BUDGET_KB = 150
_CONNECTION = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
"""Lighthouse's slow 4G."""
_SLOWDOWN = 4
_COMPRESSED_FROM = 1024
"""The template's MinimumCompressionSize, in bytes."""
_PAGES = ("OneRoster Settings", "Schools", "Users", "Manual upload", "Runs")


class _Meter:
    """Counts what a page transfers: headers, and bodies that are compressed as the template says."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        self._sizes: dict[str, float] = {}
        session.on("Network.requestWillBeSent", self._began)
        session.on("Network.loadingFinished", self._ended)

    def take(self) -> tuple[int, float]:
        """Requests and kB since the last time."""
        taken = len(self._sizes), sum(map(self._compressed, self._sizes)) / 1000
        self._sizes.clear()
        return taken

    def _compressed(self, request_id: str) -> float:
        size = self._sizes[request_id]
        try:
            body = self._session.send("Network.getResponseBody", {"requestId": request_id})["body"].encode()
        except Error:
            return size  # of a page that was left, or without a body
        # Less than its body has come of what the browser had kept.
        is_small = len(body) < _COMPRESSED_FROM or size < len(body)
        return size if is_small else size - len(body) + len(gzip.compress(body))

    def _began(self, event: dict[str, Any]) -> None:
        self._sizes.setdefault(event["requestId"], 0)

    def _ended(self, event: dict[str, Any]) -> None:
        self._sizes[event["requestId"]] = event["encodedDataLength"]


def portal() -> list[Figure]:
    """A district administrator's first visit, and each page after it."""
    with local_stack("bench") as stack, a_live_district(stack) as district, chromium() as browser:
        district.night()
        account = stack.create_account(district_id=district.api.district_id, role="district_admin")
        context = browser.new_context(viewport={"width": WIDE, "height": 900})
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        visitor = Visitor(stack, context, page)
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", _CONNECTION)
        session.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWDOWN})
        meter = _Meter(session)
        sign_in = page.get_by_role("button", name="Sign in")

        def measured(name: str, visit: Callable[[], object], budget_kb: float | None = None) -> list[Figure]:
            meter.take()
            began = time.perf_counter()
            visit()
            seconds = time.perf_counter() - began
            requests, kilobytes = meter.take()
            return [
                Figure(f"{name}: transferred", kilobytes, "kB", budget_kb),
                Figure(f"{name}: requests", requests, ""),
                Figure(f"{name}: until it can be used", seconds, "s"),
            ]

        def first_visit() -> None:
            page.goto(stack.portal_url)
            sign_in.wait_for()

        def home() -> None:
            visitor.enter(page, account)
            page.get_by_role("heading", level=1, name="Home").wait_for()
            visitor.settle()

        figures = measured("first visit", first_visit, BUDGET_KB)
        sign_in.click()
        page.get_by_label("Password").wait_for()
        figures += measured("Home, after signing in", home)
        for name in _PAGES:
            figures += measured(name, partial(visitor.go, name))
        context.close()
        return figures
