"""A fetch that takes longer than its function may, or dies, on the deployed stack, held to its policy."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.sample_provider.answers import Answer
from local.stack import Stack
from tests.e2e.conftest import ADistrict
from tests.e2e.district import COUNSELOR_KEY, PRODUCTS, LiveDistrict
from tests.e2e.test_dead_runs import LONG_AGO, lose_messages, pass_an_hour, workers

TIME_TO_CLOSE_S = 300
"""Of the function's time, when it stops reading."""
PAGE_S = 0.5


@dataclass
class SlowProvider:
    """How often each page of users was asked for; the one of number `hangs_at` hangs, once, until it may answer."""

    hangs_at: int | None = None
    asked: Counter[str] = field(default_factory=Counter)
    hangs: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def slow_down(self, district: LiveDistrict) -> None:
        """One page at a time, for what is read ahead is lost with a hand-over."""
        provider, answer = district.provider, district.provider.answer
        settings = {
            "base_url": provider.base_url,
            "consumer_key": provider.consumer_key,
            "counselor_metadata_key": COUNSELOR_KEY,
            "products": PRODUCTS,
            "page_size": 30,
            "parallel_requests": 1,
        }
        district.api.put("settings", settings)

        def slowly(method: str, target: str, headers: Message) -> Answer:
            parts = urlsplit(target)
            if parts.path.endswith(("/users", "/students", "/teachers")):
                self.asked[f"{parts.path} {sorted(parse_qs(parts.query).items())}"] += 1
                time.sleep(PAGE_S)
                if self.asked.total() == self.hangs_at:
                    self.hangs.set()
                    self.may_answer.wait(240)
            return answer(method, target, headers)

        provider.answer = slowly  # type: ignore[method-assign]  # a slow provider


@contextmanager
def a_second_to_read(stack: Stack) -> Iterator[None]:
    """The function hands over after a second instead of five minutes."""
    functions, name = stack.client("lambda"), stack.outputs["FetchFunction"]
    before = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=TIME_TO_CLOSE_S + 1)
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Timeout=before)


def assert_whole(district: LiveDistrict, run: dict[str, Any]) -> None:
    kept = district.stack.client("s3").list_objects_v2(Bucket=district.stack.outputs["CheckpointsBucket"])
    assert run["state"] == "completed_with_issues"
    assert run["counts"]["fetched"] == len(district.provider.users)
    assert "fetch_not_whole" not in run["issues_by_code"]
    assert "Contents" not in kept


def test_a_slow_provider_is_read_by_several_invocations_and_asked_for_no_page_twice(
    stack: Stack, a_district: ADistrict
) -> None:
    district, provider = a_district(stack), SlowProvider()
    provider.slow_down(district)

    with a_second_to_read(stack):
        run = district.run(district.begin_night())

    assert_whole(district, run)
    assert run["attempt"] > 1
    assert max(provider.asked.values()) == 1


def test_a_fetch_that_is_killed_goes_on_from_its_last_checkpoint(stack: Stack, a_district: ADistrict) -> None:
    """Its message is lost, too, so that nobody waits for it to be visible again: a sweep sends it anew."""
    district, provider = a_district(stack), SlowProvider(hangs_at=6)
    provider.slow_down(district)

    with a_second_to_read(stack):
        run_id = district.begin_night(datetime.now(UTC) - LONG_AGO)
        assert provider.hangs.wait(180), provider.asked
        before = provider.asked.copy()
        for process in workers(stack, "FetchFunction"):
            os.kill(process, signal.SIGKILL)
        lose_messages(stack)
        pass_an_hour(district, run_id)
        provider.may_answer.set()
        swept = stack.invoke("SweepFunction", {})
        run = district.run(run_id)

    assert swept == {"resumed": 1, "ended": 0}
    assert_whole(district, run)
    again = [page for page, times in provider.asked.items() if times > 1]
    # Of the pages since the last checkpoint: with a second to read, those of one invocation.
    assert 1 <= len(again) <= 3
    assert len(before) - len(again) >= 2
