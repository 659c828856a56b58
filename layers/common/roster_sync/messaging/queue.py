"""SQS: sending in batches within its limits, the district as message group, until all is taken; and what waits."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

from roster_sync.aws import AWS_ERRORS, is_outage
from roster_sync.domain.change import Chunk
from roster_sync.domain.errors import OwnOutageError, TransientError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.silence import Backlog
from roster_sync.messaging import user_changes
from roster_sync.messaging.batches import all_taken, batches
from roster_sync.messaging.deletion_requests import DeletionRequest
from roster_sync.messaging.sync_requests import SyncRequest

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_MAX_ENTRIES: Final = 10
_MAX_BATCH_BYTES: Final = 1_048_576
"""Limits of SendMessageBatch: bodies of a batch count together."""

_COUNTS: "Final[list[QueueAttributeNameType]]" = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]

_PAUSES_S: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""At most, before each further try; half of each on average."""


class Queues:
    """How much is left to do for `fetch` and `upsert`."""

    def __init__(self, sync_requests_url: str, user_changes_url: str) -> None:
        self._sync_requests_url = sync_requests_url
        self._user_changes_url = user_changes_url
        self._client = _client()

    def backlog(self) -> Backlog:
        """Messages of each queue that wait or are being worked on; SQS counts them approximately.

        Raises:
            TransientError: SQS did not answer.
        """
        return Backlog(self._messages(self._sync_requests_url), self._messages(self._user_changes_url))

    def _messages(self, url: str) -> int:
        try:
            answer = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=_COUNTS)
        except AWS_ERRORS as error:
            if is_outage(error):
                raise _outage() from error
            raise
        return sum(int(number) for number in answer["Attributes"].values())


class SyncRequestsQueue:
    """Where requests wait for `fetch`."""

    def __init__(self, url: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._sender = _Sender(url, pause)

    def send(self, requests: Sequence[SyncRequest]) -> None:
        """Send requests in order, with the district as message group.

        Raises:
            TransientError: Some request could not be sent after retries.
        """
        self._sender.send((request.district_id, request.to_json()) for request in requests)


class DeletionsQueue:
    """Where deletions wait for `delete_district`."""

    def __init__(self, url: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._sender = _Sender(url, pause)

    def send(self, request: DeletionRequest) -> None:
        """Send a request.

        Raises:
            TransientError: It could not be sent after retries.
        """
        self._sender.send([(request.district_id, request.to_json())])


class UserChangesQueue:
    """Where chunks wait for `upsert`."""

    def __init__(self, url: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._sender = _Sender(url, pause)

    def send(self, chunks: Iterable[Chunk]) -> None:
        """Send chunks in order, with the district as message group.

        Raises:
            TransientError: Some chunk could not be sent after retries.
        """
        self._sender.send((chunk.district_id, user_changes.to_json(chunk)) for chunk in chunks)

    def send_again(self, district_id: DistrictId, bodies: Sequence[str]) -> None:
        """Send chunks of a district as they were sent before.

        Raises:
            TransientError: Some chunk could not be sent after retries.
        """
        self._sender.send((district_id, body) for body in bodies)


class _Sender:
    """Sends bodies to one queue, which is a standard queue: the message group makes it a fair one."""

    def __init__(self, url: str, pause: Callable[[float], None]) -> None:
        self._url = url
        self._pause = pause
        self._client = _client()

    def send(self, messages: Iterable[tuple[str, str]]) -> None:
        """Send (group, body) pairs."""
        for batch in batches(messages, _body_bytes, most=_MAX_ENTRIES, most_bytes=_MAX_BATCH_BYTES):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(number), "MessageBody": body, "MessageGroupId": group}
                for number, (group, body) in enumerate(batch)
            ]
            try:
                taken = all_taken(entries, self._not_taken, _PAUSES_S, self._pause)
            except AWS_ERRORS as error:
                if is_outage(error):
                    raise _outage() from error
                raise
            if not taken:
                raise _outage()

    def _not_taken(
        self, entries: "list[SendMessageBatchRequestEntryTypeDef]"
    ) -> "list[SendMessageBatchRequestEntryTypeDef]":
        """Send a batch; what SQS did not take of it."""
        failed = self._client.send_message_batch(QueueUrl=self._url, Entries=entries).get("Failed", [])
        for failure in failed:
            if failure["SenderFault"]:
                raise ValueError(f"SQS refuses a message: {failure['Code']}.")
        again = {failure["Id"] for failure in failed}
        return [entry for entry in entries if entry["Id"] in again]


def _client() -> "SQSClient":
    return boto3.client(
        "sqs",
        config=Config(
            connect_timeout=2,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 5},
            parameter_validation=False,
        ),
    )


def _body_bytes(message: tuple[str, str]) -> int:
    return len(message[1].encode())


def _outage() -> TransientError:
    return OwnOutageError("The queue is busy or did not answer.")
