"""A product that listens to the events of a district."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from local.stack import Stack
from tests.support.polling import eventually

Event = dict[str, Any]


class Product:
    """Gets every event of a district in a queue of its own."""

    def __init__(self, stack: Stack, district_id: str) -> None:
        self._sqs = stack.client("sqs")
        self._received: list[Event] = []
        name = f"events-of-{district_id}"
        self._url: str = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        described = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        pattern = {"source": ["oneroster-sync"], "detail": {"district_id": [district_id]}}
        events = stack.client("events")
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "product", "Arn": described["Attributes"]["QueueArn"]}])

    def told(self, enough: Callable[[Sequence[str]], bool]) -> list[Event]:
        """All events, once the kinds of those that have come are enough."""

        def look() -> list[Event] | None:
            while messages := self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=0
            ).get("Messages"):
                for message in messages:
                    self._received.append(json.loads(message["Body"]))
                    self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            return self._received if enough([event["detail-type"] for event in self._received]) else None

        return eventually(look, "every event has come")


def details(events: Sequence[Event], kind: str) -> list[Event]:
    """The details of the events of one kind."""
    return [event["detail"] for event in events if event["detail-type"] == kind]
