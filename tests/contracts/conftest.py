"""The deployed tables and queues, in memory, and users as the tests and as the functions keep them."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from roster_sync.storage.users import Users
from tests.support.fakes import InMemoryUsers
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


@pytest.fixture(params=["memory", "dynamodb"])
def users(request: pytest.FixtureRequest) -> InMemoryUsers | Users:
    """Where users are kept, in turn."""
    if request.param == "memory":
        return InMemoryUsers()
    return Users(request.getfixturevalue("tables")["UsersTable"])
