"""A fetch that takes longer than its function may, on the deployed stack, held to its policy."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.message import Message
from urllib.parse import parse_qs, urlsplit

from local.sample_provider.answers import Answer
from local.stack import Stack
from roster_sync.domain.run import nightly_run_id
from tests.e2e.conftest import ADistrict
from tests.e2e.district import COUNSELOR_KEY, PRODUCTS
from tests.e2e.test_dead_runs import ended
from tests.support.polling import eventually

TIME_TO_CLOSE_S = 300
"""Of the function's time, when it stops reading."""
PAGE_S = 0.5


def test_a_slow_provider_is_read_by_several_invocations_and_asked_for_no_page_twice(
    strict_stack: Stack, a_district: ADistrict
) -> None:
    district = a_district(strict_stack)
    provider, answer = district.provider, district.provider.answer
    settings = {
        "base_url": provider.base_url,
        "consumer_key": provider.consumer_key,
        "counselor_metadata_key": COUNSELOR_KEY,
        "products": PRODUCTS,
        "page_size": 100,
        # What is read ahead is lost with a hand-over.
        "parallel_requests": 1,
    }
    district.api.put("settings", settings)
    asked: Counter[str] = Counter()

    def slowly(method: str, target: str, headers: Message) -> Answer:
        parts = urlsplit(target)
        if "/users" in parts.path or "/students" in parts.path or "/teachers" in parts.path:
            asked[f"{parts.path} {sorted(parse_qs(parts.query).items())}"] += 1
            time.sleep(PAGE_S)
        return answer(method, target, headers)

    provider.answer = slowly  # type: ignore[method-assign]  # a slow provider
    functions, name = strict_stack.client("lambda"), strict_stack.outputs["FetchFunction"]
    before = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=TIME_TO_CLOSE_S + 1)
    began = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    run_id = nightly_run_id(began)
    try:
        strict_stack.invoke("DispatchFunction", {"scheduled_time": began.isoformat()})
        run = eventually(lambda: ended(district, run_id), "the run's end")
    finally:
        functions.update_function_configuration(FunctionName=name, Timeout=before)

    kept = strict_stack.client("s3").list_objects_v2(Bucket=strict_stack.outputs["CheckpointsBucket"])
    assert run["state"] == "completed_with_issues"
    assert run["attempt"] > 1
    assert run["counts"]["fetched"] == len(provider.users)
    assert "fetch_not_whole" not in run["issues_by_code"]
    assert max(asked.values()) == 1
    assert "Contents" not in kept
