"""Where stores and queues are kept, in turn, so that no test knows: memory, moto, and the local stack's AWS."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count

import boto3
import pytest
from moto import mock_aws

from local.emulator import emulator
from local.stack import PROJECT
from roster_sync.storage.users import Users
from tests.support.fakes import InMemoryUsers
from tests.support.template import create_queues, create_tables

Names = Mapping[str, str]

ON_AWS = pytest.mark.parametrize("suffix", ["moto", "ministack"], indirect=True)
"""Marks a test of what memory does not have."""

_numbers = count(1)


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Endpoint URL of an AWS like that of the local stack, with nothing deployed to it."""
    with emulator(PROJECT, tmp_path_factory.mktemp("ministack"), enforce_iam=False) as endpoint_url:
        yield endpoint_url


@contextmanager
def an_aws(kind: str, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Have clients reach this AWS, if it is one; what ends the names of things there, which are this test's own."""
    if kind == "memory":
        yield None
    elif kind == "moto":
        with mock_aws():
            yield ""
    else:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("ministack"))
            yield f"-{next(_numbers)}"


@pytest.fixture(params=["memory", "moto", "ministack"])
def suffix(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """What ends the names of things in the AWS that is used; None in memory."""
    with an_aws(request.param, request) as suffix:
        yield suffix


@pytest.fixture
def tables(suffix: str | None) -> Names | None:
    """Names of the deployed tables by logical id; None in memory."""
    return None if suffix is None else create_tables(boto3.client("dynamodb"), suffix)


@pytest.fixture
def queues(suffix: str | None) -> Names | None:
    """URLs of the deployed queues by logical id; None in memory."""
    return None if suffix is None else create_queues(boto3.client("sqs"), suffix)


@pytest.fixture
def bucket(suffix: str | None) -> str | None:
    """The name of a bucket; None in memory."""
    if suffix is None:
        return None
    boto3.client("s3").create_bucket(Bucket=f"bucket{suffix}")
    return f"bucket{suffix}"


@pytest.fixture
def users(tables: Names | None) -> InMemoryUsers | Users:
    """Where users are kept."""
    return Users(tables["UsersTable"]) if tables else InMemoryUsers()
