"""Calls the function that tests a connection: the API itself has no right to decrypt a secret."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from roster_sync.aws import AWS_ERRORS, is_outage
from roster_sync.domain.errors import TooManyTestsError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

READ_TIMEOUT_S: Final = 27
"""The probe ends within 20 seconds, and API Gateway waits 29."""


class ConnectionTest:
    """Runs the probe in a function of its own."""

    def __init__(self, function_name: str) -> None:
        self._function_name = function_name

    @cached_property
    def _lambda(self) -> "LambdaClient":
        config = Config(connect_timeout=2, read_timeout=READ_TIMEOUT_S, retries={"total_max_attempts": 1})
        return boto3.client("lambda", config=config)

    def run(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The probe's report.

        Raises:
            TooManyTestsError: The district was tested too often of late.
            TransientError: The function did not answer, or failed.
        """
        try:
            answer = self._lambda.invoke(FunctionName=self._function_name, Payload=json.dumps(dict(request)).encode())
            payload = answer["Payload"].read()
        except AWS_ERRORS as error:
            if is_outage(error):
                raise TransientError("The test could not be started.") from error
            raise
        if answer.get("FunctionError"):
            raise TransientError("The test did not come to an end.")
        report: dict[str, Any] = json.loads(payload)
        if report.get("retry_after_s"):
            refusal = report["steps"][0]
            raise TooManyTestsError(f"{refusal['message']} {refusal['remedy']}", report["retry_after_s"])
        return report
