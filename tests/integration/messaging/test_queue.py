"""Sending to SQS: its limits, and its partial failures."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.endpoint
import pytest
from moto import mock_aws

from roster_sync.domain.errors import TransientError
from roster_sync.domain.silence import Backlog
from roster_sync.messaging.queue import Queues, SyncRequestsQueue, UserChangesQueue
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.messaging.user_changes import from_json
from tests.support.builders import DISTRICT, OTHER_DISTRICT, RUN, a_change, a_chunk, a_sis_user
from tests.support.scripted_aws import scripted_aws
from tests.support.template import create_queues

MAX_BATCH_BYTES = 1_048_576
URL = "https://sqs.example.org/queue"


class ScriptedQueue:
    """An SQS that answers SendMessageBatch as told: which bodies of each call fail, and how."""

    def __init__(self) -> None:
        self.failures: list[dict[str, dict[str, Any]]] = []
        self.status = 200
        self.batches: list[list[dict[str, Any]]] = []

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        entries = request["Entries"]
        self.batches.append(entries)
        failing = self.failures.pop(0) if self.failures else {}
        return self.status, {
            "Successful": [
                {"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": ""}
                for entry in entries
                if entry["MessageBody"] not in failing
            ],
            "Failed": [
                {"Id": entry["Id"], **failing[entry["MessageBody"]]}
                for entry in entries
                if entry["MessageBody"] in failing
            ],
        }


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedQueue]:
    queue = ScriptedQueue()
    with scripted_aws(queue.answer) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", url)
        yield queue


@pytest.fixture
def queues() -> Iterator[dict[str, str]]:
    with mock_aws():
        yield create_queues(boto3.client("sqs"))


FIRST, SECOND = SyncRequest(DISTRICT, RUN), SyncRequest(OTHER_DISTRICT, RUN)
BUSY = {"SenderFault": False, "Code": "InternalError"}


def test_the_message_group_is_the_district(queues: dict[str, str]) -> None:
    SyncRequestsQueue(queues["SyncRequestsQueue"]).send([FIRST, SECOND])

    messages = boto3.client("sqs").receive_message(
        QueueUrl=queues["SyncRequestsQueue"], MaxNumberOfMessages=10, MessageSystemAttributeNames=["MessageGroupId"]
    )["Messages"]
    assert [SyncRequest.from_json(message["Body"]) for message in messages] == [FIRST, SECOND]
    assert [message["Attributes"]["MessageGroupId"] for message in messages] == [DISTRICT, OTHER_DISTRICT]


def test_a_batch_holds_ten_messages(scripted: ScriptedQueue) -> None:
    UserChangesQueue(URL).send([a_chunk(number=number) for number in range(1, 24)])

    assert [len(batch) for batch in scripted.batches] == [10, 10, 3]


def test_a_batch_holds_no_more_bytes_than_sqs_takes(scripted: ScriptedQueue) -> None:
    large = a_change(user=a_sis_user(username="é" * 95_000))

    UserChangesQueue(URL).send([a_chunk([large], number=number) for number in range(1, 13)])

    sizes = [sum(len(entry["MessageBody"].encode()) for entry in batch) for batch in scripted.batches]
    assert max(sizes) <= MAX_BATCH_BYTES
    assert [len(batch) for batch in scripted.batches] == [5, 5, 2]


def test_only_what_failed_is_sent_again(scripted: ScriptedQueue) -> None:
    scripted.failures = [{SECOND.to_json(): BUSY}]
    pauses: list[float] = []

    SyncRequestsQueue(URL, pauses.append).send([FIRST, SECOND])

    sent = [[SyncRequest.from_json(entry["MessageBody"]) for entry in batch] for batch in scripted.batches]
    assert sent == [[FIRST, SECOND], [SECOND]]
    assert len(pauses) == 1


def test_a_queue_that_stays_busy_is_an_outage(scripted: ScriptedQueue) -> None:
    scripted.failures = [{SECOND.to_json(): BUSY}] * 20
    pauses: list[float] = []

    with pytest.raises(TransientError):
        SyncRequestsQueue(URL, pauses.append).send([FIRST, SECOND])

    assert len(scripted.batches) == 7
    assert sum(pauses) < 7


def test_a_message_that_sqs_refuses_is_a_defect_and_is_not_sent_again(scripted: ScriptedQueue) -> None:
    scripted.failures = [{FIRST.to_json(): {"SenderFault": True, "Code": "InvalidMessageContents"}}]

    with pytest.raises(ValueError, match="InvalidMessageContents"):
        SyncRequestsQueue(URL).send([FIRST])

    assert len(scripted.batches) == 1


def test_a_failing_queue_is_an_outage(scripted: ScriptedQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    scripted.status = 503

    with pytest.raises(TransientError):
        SyncRequestsQueue(URL).send([FIRST])

    assert len(scripted.batches) == 5


def test_the_order_of_chunks_is_kept(scripted: ScriptedQueue) -> None:
    UserChangesQueue(URL).send([a_chunk(number=number) for number in range(1, 13)])

    numbers = [from_json(entry["MessageBody"]).number for batch in scripted.batches for entry in batch]
    assert numbers == list(range(1, 13))


def test_what_waits_and_what_is_being_worked_on_counts_by_queue(queues: dict[str, str]) -> None:
    backlog = Queues(queues["SyncRequestsQueue"], queues["UserChangesQueue"]).backlog
    SyncRequestsQueue(queues["SyncRequestsQueue"]).send([FIRST, SECOND])
    UserChangesQueue(queues["UserChangesQueue"]).send([a_chunk()])
    boto3.client("sqs").receive_message(QueueUrl=queues["SyncRequestsQueue"], MaxNumberOfMessages=1)

    assert backlog() == Backlog(sync_requests=2, user_changes=1)


def test_an_outage_of_the_queue_is_no_backlog_of_nothing(
    scripted: ScriptedQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(scripted, "answer", lambda _: (503, {}))

    with pytest.raises(TransientError):
        Queues(URL, URL).backlog()
