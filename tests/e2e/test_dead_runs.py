"""Runs that died, on the deployed stack: what would have carried them on is really gone."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path

from local.sample_provider.answers import Answer
from local.stack import Stack
from tests.e2e.conftest import ADistrict
from tests.e2e.district import STORED_TIME, LiveDistrict

LONG_AGO = timedelta(hours=1)


def lose_messages(stack: Stack) -> None:
    """As if they had expired."""
    sqs, url = stack.client("sqs"), stack.outputs["SyncRequestsQueueUrl"]
    sqs.purge_queue(QueueUrl=url)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert set(counted.values()) == {"0"}


@contextmanager
def no_consumer(stack: Stack, function: str) -> Iterator[None]:
    """Nobody takes messages for a function."""
    functions = stack.client("lambda")
    (mapping,) = functions.list_event_source_mappings(FunctionName=stack.outputs[function])["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def pass_an_hour(district: LiveDistrict, run_id: str) -> None:
    """Nobody can wait for it: the times of run and lease are put back."""
    dynamodb, outputs = district.stack.client("dynamodb"), district.stack.outputs
    before = {":before": {"S": (datetime.now(UTC) - LONG_AGO).strftime(STORED_TIME)}}
    dynamodb.update_item(
        TableName=outputs["SyncRunsTable"],
        Key={"run_key": {"S": district.api.district_id}, "item": {"S": run_id}},
        UpdateExpression="SET created_at = :before, started_at = :before",
        ExpressionAttributeValues=before,
    )
    dynamodb.update_item(
        TableName=outputs["DistrictsTable"],
        Key={"district_id": {"S": district.api.district_id}, "item": {"S": "lease"}},
        UpdateExpression="SET expires_at = :before",
        ExpressionAttributeValues=before,
    )


def workers(stack: Stack, function: str) -> list[int]:
    """The processes that run a function of this stack; another stack's has the same name."""
    name, endpoint = f"AWS_LAMBDA_FUNCTION_NAME={stack.outputs[function]}".encode(), stack.endpoint_url.encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if name in variables and any(variable.endswith(endpoint) for variable in variables):
            found.append(int(process.name))
    return found


def test_a_night_whose_message_is_lost_is_done_by_a_sweep(stack: Stack, a_district: ADistrict) -> None:
    """Held to its policy, too."""
    district = a_district(stack)
    with no_consumer(stack, "FetchFunction"):
        run_id = district.begin_night(datetime.now(UTC) - LONG_AGO)
        lose_messages(stack)
    pass_an_hour(district, run_id)

    answer = stack.invoke("SweepFunction", {})

    run = district.run(run_id)
    assert answer == {"resumed": 1, "ended": 0}
    assert run["state"] == "completed_with_issues"
    assert run["counts"]["created"] + run["counts"]["linked"] == len(district.users()) - len(district.counselors) + 1


def test_a_night_whose_fetch_is_killed_and_whose_message_is_lost_is_done_by_a_sweep(
    stack: Stack, a_district: ADistrict
) -> None:
    district = a_district(stack)
    provider, asked, answering = district.provider, threading.Event(), threading.Event()
    answer = provider.answer

    def hang(method: str, target: str, headers: Message) -> Answer:
        if "/users" in target:
            asked.set()
            answering.wait(60)
        return answer(method, target, headers)

    provider.answer = hang  # type: ignore[method-assign]  # a provider that hangs
    run_id = district.begin_night(datetime.now(UTC) - LONG_AGO)
    assert asked.wait(60)
    killed = workers(stack, "FetchFunction")
    assert killed
    for process in killed:
        os.kill(process, signal.SIGKILL)
    lose_messages(stack)
    pass_an_hour(district, run_id)
    answering.set()

    swept = stack.invoke("SweepFunction", {})

    run = district.run(run_id)
    assert swept == {"resumed": 1, "ended": 0}
    assert run["state"] == "completed_with_issues"
    assert run["counts"]["created"] + run["counts"]["linked"] == len(district.users()) - len(district.counselors) + 1
