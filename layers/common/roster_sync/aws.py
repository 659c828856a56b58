"""Which errors of AWS pass by themselves."""

from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004 - its name

_PASSING_CODES: Final = frozenset(
    {
        "DependencyTimeoutException",
        "InternalServerError",
        "KMSInternalException",
        "KeyUnavailableException",
        "KmsThrottled",
        "OverLimit",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServiceUnavailable",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500

AWS_ERRORS: Final = (BotoCoreError, ClientError)
"""Everything that a call of AWS raises; the one place that meets them is an adapter."""


def is_outage(error: Exception | None) -> bool:
    """Whether an error that outlasted botocore's retries is a throttle, a failure of AWS, or no answer.

    Anything else is a defect: of the code, the template or the policies.
    """
    if not isinstance(error, ClientError):
        return isinstance(error, (HTTPClientError, ConnectionError))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return (
        error.response["Error"].get("Code") in _PASSING_CODES or status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR
    )
