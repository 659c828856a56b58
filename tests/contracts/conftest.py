"""The deployed tables and queues, in memory."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tests.support.template import create_queues, create_tables


@pytest.fixture
def tables() -> Iterator[dict[str, str]]:
    """Names of the tables by logical id."""
    with mock_aws():
        yield create_tables(boto3.client("dynamodb"))


@pytest.fixture
def queues() -> Iterator[dict[str, str]]:
    """URLs of the queues by logical id."""
    with mock_aws():
        yield create_queues(boto3.client("sqs"))
