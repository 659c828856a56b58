"""What the stores share: bounded waiting for DynamoDB, and its errors as ours."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from pynamodb.connection import Connection
from pynamodb.exceptions import PynamoDBException

from roster_sync.aws import AWS_ERRORS, is_outage
from roster_sync.domain.errors import ConfigurationError, OwnOutageError, TransientError
from roster_sync.metering import METER

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_CONNECTIONS: Final = 32
"""Of one client; more than any store has threads."""

CONNECT_TIMEOUT_S: Final = 2
READ_TIMEOUT_S: Final = 5
MAX_RETRIES: Final = 5
"""By botocore's standard mode: pauses of at most 1, 2, 4, 8 and 16 s, half of that on average."""

CONDITION_FAILED: Final = "ConditionalCheckFailedException"

TRANSACTION_CANCELED: Final = "TransactionCanceledException"

_CONFLICT_PAUSES_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0)
"""At most; half of each on average, 5 s together."""


class Bounds:
    """How long a pynamodb model waits; each model's Meta inherits it."""

    connect_timeout_seconds = CONNECT_TIMEOUT_S
    read_timeout_seconds = READ_TIMEOUT_S
    max_retry_attempts = MAX_RETRIES
    max_pool_connections = MAX_CONNECTIONS


def connection() -> Connection:
    """What pynamodb's transactions go through; they belong to no model, so its bounds must be given anew."""
    return Connection(
        connect_timeout_seconds=CONNECT_TIMEOUT_S,
        read_timeout_seconds=READ_TIMEOUT_S,
        max_retry_attempts=MAX_RETRIES,
        max_pool_connections=MAX_CONNECTIONS,
    )


def low_level_client() -> "DynamoDBClient":
    """DynamoDB without pynamodb, and without botocore's validation of parameters, which costs a quarter of a write."""
    client = boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": MAX_RETRIES + 1},
            max_pool_connections=MAX_CONNECTIONS,
            parameter_validation=False,
        ),
    )
    METER.watch(client)
    return client


def pauses_s() -> Iterator[float]:
    """How long to wait before each further try at what botocore does not retry: conflicts and unprocessed items."""
    for longest in _CONFLICT_PAUSES_S:
        yield random.uniform(0, longest)  # noqa: S311 - spreads tries, guards nothing


@contextmanager
def errors_as_ours() -> Iterator[None]:
    """Turn throttles, outages and timeouts that outlasted the retries into TransientError.

    Anything else that DynamoDB refuses, but a failed condition, is a defect and propagates.
    """
    try:
        yield
    except PynamoDBException as error:
        if is_outage(error.cause):
            raise outage() from error
        raise
    except AWS_ERRORS as error:
        if is_outage(error):
            raise outage() from error
        raise


def condition_failed(error: PynamoDBException) -> bool:
    """Whether a write was refused by its own condition."""
    return error.cause_response_code == CONDITION_FAILED


def outage() -> TransientError:
    """What to say when retries have not helped."""
    return OwnOutageError("The database is busy or did not answer.")


def unknown_cursor() -> ConfigurationError:
    """What to say of a cursor that no page was returned with."""
    return ConfigurationError("There is no such cursor. Begin again without one.")
