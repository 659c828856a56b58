"""Many small districts and one huge one on the local stack: how much longer the small ones take beside the huge one.

The machine's cores are shared by all functions, the emulated AWS and the providers, which on AWS they are not: what the
ratio holds of a huge district's queue is shown; so is what it holds of the machine.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from bench.figures import Figure
from local.cli_api import DistrictApi
from local.cli_district import Connection, enter_schools, enter_settings
from local.cli_nights import nights_of
from local.errors import LocalStackError
from local.sample_provider import SampleProvider
from local.stack import Stack, local_stack
from roster_sync.domain.run import RunState, nightly_run_id

SMALL, SMALL_USERS = 200, 100
HUGE_USERS = 50_000
TARGET = 1.5
_THREADS = 4
_POLL_S = 1.0
_PATIENCE_S = 1_800.0


def neighbours() -> list[Figure]:
    """Let three nights pass: one that stores everybody, one of the small ones alone, one beside a huge one's first.

    Before each night some users of the small ones change, the same in all.
    """
    with local_stack("bench") as stack, SampleProvider(SMALL_USERS, seed=1, schools=2) as provider:
        names = [f"small-{number:03d}" for number in range(SMALL)]
        with ThreadPoolExecutor(_THREADS) as threads:
            apis = list(threads.map(lambda name: _enter(stack, name, provider), names))
        nights = nights_of(apis[0])
        _night(stack, names, next(nights))
        provider.change_overnight()
        alone = _night(stack, names, next(nights))
        with _huge(stack):
            provider.change_overnight()
            beside = _night(stack, names, next(nights))
        for api in apis:
            api.put("settings", {})
    return [
        Figure(f"{SMALL} districts of {SMALL_USERS} users alone: the last ends after", max(alone), "s"),
        Figure("  the median", statistics.median(alone), "s"),
        Figure(f"beside the first night of one of {HUGE_USERS:,} users: the last", max(beside), "s"),
        Figure("  times that alone", max(beside) / max(alone), "x", TARGET),
        Figure("  the median", statistics.median(beside), "s"),
        Figure("  times that alone", statistics.median(beside) / statistics.median(alone), "x", TARGET),
    ]


@contextmanager
def _huge(stack: Stack) -> Iterator[None]:
    """A district whose first night has just begun to send its changes."""
    with SampleProvider(HUGE_USERS, seed=2, schools=50) as provider:
        api = _enter(stack, "huge", provider)
        run_id = api.post("runs")["run_id"]
        deadline = time.monotonic() + _PATIENCE_S
        while api.get(f"runs/{run_id}")["state"] in (RunState.QUEUED, RunState.FETCHING):
            if time.monotonic() > deadline:
                raise LocalStackError("The huge district was not read in time.")
            time.sleep(_POLL_S)
        yield
        api.put("settings", {})


def _enter(stack: Stack, district_id: str, provider: SampleProvider) -> DistrictApi:
    api = DistrictApi(stack, district_id)
    enter_settings(
        api,
        Connection(
            base_url=provider.base_url, consumer_key=provider.consumer_key, consumer_secret=provider.consumer_secret
        ),
    )
    enter_schools(api, {org["sourcedId"]: org["name"] for org in provider.orgs if org["type"] == "school"})
    return api


def _night(stack: Stack, names: Sequence[str], scheduled_time: datetime) -> list[float]:
    """The seconds from the scheduler's event to each district's end."""
    run_id = nightly_run_id(scheduled_time)
    began = datetime.now(UTC)
    stack.invoke("DispatchFunction", {"scheduled_time": scheduled_time.isoformat()})
    deadline, waiting, ended = time.monotonic() + _PATIENCE_S, list(names), list[float]()
    while waiting:
        if time.monotonic() > deadline:
            raise LocalStackError(f"{len(waiting)} districts have not ended in time.")
        time.sleep(_POLL_S)
        for name in list(waiting):
            run = _run(stack, name, run_id)
            if RunState(run["state"]["S"]).is_terminal:
                if not run["state"]["S"].startswith("completed"):
                    raise LocalStackError(f"{name} ended {run['state']['S']}: {run.get('reason')}")
                waiting.remove(name)
                ended.append((datetime.fromisoformat(run["ended_at"]["S"]) - began).total_seconds())
    return ended


def _run(stack: Stack, name: str, run_id: str) -> dict[str, Any]:
    key = {"run_key": {"S": name}, "item": {"S": run_id}}
    item: dict[str, Any] = stack.client("dynamodb").get_item(TableName=stack.outputs["SyncRunsTable"], Key=key)["Item"]
    return item
