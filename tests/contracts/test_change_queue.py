"""What holds for the queue of changes, whatever carries it."""

from collections.abc import Callable

import boto3
import pytest

from roster_sync.domain.change import Chunk
from roster_sync.messaging.queue import UserChangesQueue
from roster_sync.messaging.user_changes import from_json
from roster_sync.use_cases.ports import ChangeQueue
from tests.contracts.conftest import Names
from tests.support.builders import OTHER_DISTRICT, a_change, a_chunk, a_deactivation
from tests.support.fakes import InMemoryChangeQueue

Received = Callable[[], list[Chunk]]


@pytest.fixture
def queue(queues: Names | None) -> tuple[ChangeQueue, Received]:
    if queues is None:
        memory = InMemoryChangeQueue()
        return memory, lambda: memory.sent
    url = queues["UserChangesQueue"]

    def received() -> list[Chunk]:
        sqs = boto3.client("sqs")
        chunks: list[Chunk] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            chunks += [from_json(message["Body"]) for message in messages]
        return chunks

    return UserChangesQueue(url), received


def test_chunks_arrive_whole(queue: tuple[ChangeQueue, Received]) -> None:
    sender, received = queue
    chunks = [a_chunk([a_change(), a_deactivation("u-2")]), a_chunk([], district_id=OTHER_DISTRICT, number=2)]

    sender.send(chunks)

    assert received() == chunks


def test_any_number_of_chunks_can_be_sent(queue: tuple[ChangeQueue, Received]) -> None:
    sender, received = queue
    chunks = [a_chunk(number=number) for number in range(1, 24)]

    sender.send(chunks)

    assert sorted(chunk.number for chunk in received()) == list(range(1, 24))


def test_no_chunk_is_no_message(queue: tuple[ChangeQueue, Received]) -> None:
    sender, received = queue

    sender.send([])

    assert received() == []
