"""What the stores share: bounded waiting for DynamoDB, and its errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import ClientError, HTTPClientError
from pynamodb.exceptions import PynamoDBException

from roster_sync.domain.errors import TransientError

SHARE_OF_CONNECTIONS: Final = 32
"""Connections to DynamoDB of one client; more than any store has threads."""

CONNECT_TIMEOUT_S: Final = 2
READ_TIMEOUT_S: Final = 5
MAX_RETRIES: Final = 5
"""By botocore's standard mode: pauses of at most 1, 2, 4, 8 and 16 s, half of that on average."""

CONDITION_FAILED: Final = "ConditionalCheckFailedException"

_TRANSIENT_CODES: Final = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_SERVER_ERROR: Final = 500


class Bounds:
    """How long a pynamodb model waits; each model's Meta inherits it."""

    connect_timeout_seconds = CONNECT_TIMEOUT_S
    read_timeout_seconds = READ_TIMEOUT_S
    max_retry_attempts = MAX_RETRIES
    max_pool_connections = SHARE_OF_CONNECTIONS


@contextmanager
def errors_as_ours() -> Iterator[None]:
    """Turn throttles, outages and timeouts that outlasted the retries into TransientError.

    Anything else that DynamoDB refuses, but a failed condition, is a defect and propagates.
    """
    try:
        yield
    except PynamoDBException as error:
        if _is_transient(error.cause):
            raise _outage() from error
        raise
    except (ClientError, HTTPClientError) as error:
        if _is_transient(error):
            raise _outage() from error
        raise


def condition_failed(error: PynamoDBException) -> bool:
    """Whether a write was refused by its own condition."""
    return error.cause_response_code == CONDITION_FAILED


def _outage() -> TransientError:
    return TransientError("The database is busy or did not answer.")


def _is_transient(error: Exception | None) -> bool:
    if not isinstance(error, ClientError):
        return isinstance(error, HTTPClientError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error.response["Error"].get("Code") in _TRANSIENT_CODES or status >= _SERVER_ERROR
