"""Which errors of AWS pass by themselves."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from roster_sync.aws import is_outage


def an_error(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Query")  # type: ignore[typeddict-item]  # what is asked for


@pytest.mark.parametrize(
    "error",
    [
        an_error("ProvisionedThroughputExceededException", 400),
        an_error("ThrottlingException", 400),
        an_error("TooManyRequestsException", 400),
        an_error("Unheard", 503),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
)
def test_throttles_failures_and_silence_pass(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        an_error("AccessDeniedException", 400),
        an_error("ResourceNotFoundException", 400),
        an_error("ValidationException", 400),
        NoCredentialsError(),
        ValueError(),
        None,
    ],
)
def test_defects_do_not_pass(error: Exception | None) -> None:
    assert not is_outage(error)
