"""The deployed tables in memory, or a DynamoDB that does as told."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.endpoint
import pytest
from moto import mock_aws

from tests.support.scripted_aws import scripted_aws
from tests.support.template import create_tables


@pytest.fixture
def tables() -> Iterator[dict[str, str]]:
    """Names of the tables by logical id."""
    with mock_aws():
        yield create_tables(boto3.client("dynamodb"))


class ScriptedDynamoDB:
    """Answers with `script`, and remembers each request."""

    def __init__(self) -> None:
        self.script: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]] = lambda _: (200, {})
        self.calls: list[dict[str, Any]] = []

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls.append(request)
        return self.script(request)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedDynamoDB]:
    """A DynamoDB that does as told; botocore does not pause between its retries."""
    dynamodb = ScriptedDynamoDB()
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    with scripted_aws(dynamodb.answer) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        yield dynamodb
