"""The CSV file that a request's body is."""

import base64
from http import HTTPStatus

from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from roster_sync.domain.upload import CONTENT_TYPE

MAX_BODY_BYTES = 5_000_000
MAX_ROWS_IN_REQUEST = 2_000
"""More would outlast the 29 seconds that API Gateway waits."""
REPORTED_ISSUES = 1_000


def file_of(event: APIGatewayProxyEvent) -> bytes:
    """The file as it was sent.

    Raises:
        ServiceError: It is not said to be CSV, or is larger than 5 MB.
    """
    media_type = (event.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != CONTENT_TYPE:
        raise ServiceError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the CSV file itself as the body, with Content-Type: text/csv."
        )
    content = _body(event)
    if len(content) > MAX_BODY_BYTES:
        raise ServiceError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "The file is larger than 5 MB. Ask for an upload URL (POST .../users/upload-url) and PUT it there.",
        )
    return content


def _body(event: APIGatewayProxyEvent) -> bytes:
    """The body; a gateway that took it for text has already replaced what is no UTF-8."""
    if event.body is None:
        return b""
    if event.is_base64_encoded:
        return base64.b64decode(event.body)
    return event.body.encode("utf-8", "surrogatepass")
