"""What goes wrong in a night, on the deployed stack: in the end the users are the provider's, each counted once."""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from functools import partial
from http import HTTPStatus
from typing import Any

from local.sample_provider.answers import Answer
from local.stack import Stack
from roster_sync.domain.identifiers import RunId
from roster_sync.domain.run import RunState
from tests.e2e.conftest import ADistrict
from tests.e2e.district import LiveDistrict
from tests.e2e.test_dead_runs import no_consumer, workers
from tests.e2e.test_nights import by_name, owned
from tests.e2e.throttling import USER_WRITES, between
from tests.support.polling import eventually

IN_TROUBLE = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)


def assert_right(district: LiveDistrict, run: dict[str, Any]) -> None:
    """The users are the provider's and the uploaded, whole, and each change is counted once."""
    stored = by_name(district.users())
    assert {name: owned(user) for name, user in stored.items()} == district.expected_users()
    assert run["state"] == "completed_with_issues"
    assert (run["counts"]["linked"], run["counts"]["superseded"]) == (1, 0)
    # All but the counselors were created; one of these was linked.
    assert run["counts"]["created"] == len(stored) - len(district.counselors)


def in_queue(district: LiveDistrict, queue: str) -> list[dict[str, Any]]:
    """A district's messages in a queue, none of them visible any more."""
    sqs, url = district.stack.client("sqs"), district.stack.outputs[f"{queue}QueueUrl"]
    messages: list[dict[str, Any]] = []
    while received := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
    ).get("Messages"):
        messages += received
    ours = [each for each in messages if each["Attributes"]["MessageGroupId"] == district.api.district_id]
    make_visible(district.stack, queue, [each for each in messages if each not in ours])
    return ours


def send_again(stack: Stack, queue: str, messages: list[dict[str, Any]]) -> None:
    """Have messages come that came before."""
    for message in messages:
        stack.client("sqs").send_message(
            QueueUrl=stack.outputs[f"{queue}QueueUrl"],
            MessageBody=message["Body"],
            MessageGroupId=message["Attributes"]["MessageGroupId"],
            MessageAttributes=message.get("MessageAttributes", {}),
        )


def make_visible(stack: Stack, queue: str, messages: list[dict[str, Any]]) -> None:
    """Have messages come that were only looked at."""
    sqs, url = stack.client("sqs"), stack.outputs[f"{queue}QueueUrl"]
    for message in messages:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)


def times_told(district: LiveDistrict, run_id: RunId, function: str, message: str) -> int:
    """How often a function has logged a message of a run."""
    told = {"district_id": district.api.district_id, "run_id": run_id, "message": message}
    lines = [json.loads(line) for line in district.stack.logs(function) if run_id in line]
    return sum(told.items() <= line.items() for line in lines)


@contextmanager
def visible_again_at_once(stack: Stack, queue: str) -> Iterator[None]:
    """What is not done with comes again after seconds instead of minutes."""
    sqs, url = stack.client("sqs"), stack.outputs[f"{queue}QueueUrl"]
    names = ["VisibilityTimeout"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "10"})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


def test_every_message_comes_twice(stack: Stack, a_district: ADistrict) -> None:
    """The SyncRequest a second time when its run has ended, each chunk beside its double and once more then."""
    district = a_district(stack)
    with no_consumer(stack, "UpsertFunction"):
        with no_consumer(stack, "FetchFunction"):
            run_id = district.begin_night()
            requests = in_queue(district, "SyncRequests")
            make_visible(stack, "SyncRequests", requests)
        district.run(run_id, RunState.APPLYING)
        chunks = in_queue(district, "UserChanges")
        send_again(stack, "UserChanges", chunks)
        make_visible(stack, "UserChanges", chunks)

    # Whoever meets its double may have to come once more.
    with visible_again_at_once(stack, "UserChanges"):
        run = district.run(run_id)
        users = district.users()
        send_again(stack, "SyncRequests", requests)
        send_again(stack, "UserChanges", chunks)
        told = partial(times_told, district, run_id)
        eventually(lambda: told("FetchFunction", "Fetched a district") >= 2 or None, "the second SyncRequest")
        eventually(lambda: told("UpsertFunction", "Applied a chunk") >= 3 * len(chunks) or None, "all chunks again")

    assert (len(requests), len(chunks)) == (1, run["chunks_expected"])
    assert len(chunks) > 1
    assert_right(district, run)
    assert district.users() == users
    assert district.api.get(f"runs/{run_id}") == run


def test_the_provider_fails_for_a_while(stack: Stack, a_district: ADistrict) -> None:
    """Each request at first, and then again. What only asks whether the last page was the last is not sent again."""
    district = a_district(stack)
    answer, failed = district.provider.answer, Counter[str]()

    def failing(method: str, target: str, headers: Message) -> Answer:
        failed[target] += 1
        if failed[target] <= len(IN_TROUBLE):
            return Answer(IN_TROUBLE[failed[target] - 1], b"Please try again later.")
        return answer(method, target, headers)

    district.provider.answer = failing  # type: ignore[method-assign]  # a provider in trouble

    run_id = district.begin_night()
    run = district.run(run_id)

    tried = {target.partition("?")[0].rpartition("/")[2] for target, times in failed.items() if times == 3}
    assert tried == {"orgs", "users"}
    assert_right(district, run)


def test_writes_are_throttled(stack: Stack, a_district: ADistrict) -> None:
    """Every second one."""
    district = a_district(stack)
    writes = Counter[str]()

    def throttled(operation: str, _: dict[str, Any]) -> bool:
        writes[operation] += 1
        return operation in USER_WRITES and writes[operation] % 2 == 1

    with between(stack, "UpsertFunction", throttled):
        run_id = district.begin_night()
        run = district.run(run_id)

    assert writes.keys() >= USER_WRITES
    assert_right(district, run)


def test_the_consumer_of_changes_is_killed_between_its_writes_and_restarted(
    stack: Stack, a_district: ADistrict
) -> None:
    district = a_district(stack)
    writes, hangs, may_go_on = Counter[str](), threading.Event(), threading.Event()

    def hanging(operation: str, _: dict[str, Any]) -> bool:
        writes[operation] += 1
        if writes["BatchExecuteStatement"] == 3 and not hangs.is_set():
            hangs.set()
            may_go_on.wait(180)
        return may_go_on.is_set() and not killed.is_set()

    killed = threading.Event()
    with visible_again_at_once(stack, "UserChanges"), between(stack, "UpsertFunction", hanging):
        run_id = district.begin_night()
        assert hangs.wait(180)
        before = len(district.users())
        processes = workers(stack, "UpsertFunction")
        with no_consumer(stack, "UpsertFunction"):
            for process in processes:
                os.kill(process, signal.SIGKILL)
            may_go_on.set()
        killed.set()
        run = district.run(run_id)

    assert processes
    assert before < len(district.users())
    assert_right(district, run)
