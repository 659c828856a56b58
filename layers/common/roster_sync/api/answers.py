"""Which answers a route names for the API's description; those that any route may give need no naming."""

from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse


def answers(*statuses: HTTPStatus, etag: str | None = None) -> "dict[int, OpenAPIResponse]":
    """A route's `responses`: the statuses of its successes and of the problems that are its own.

    `etag` says what the header of that name is of, if the successes have one. `roster_sync.api.openapi` adds bodies,
    and the problems that follow from the route's shape.
    """
    described: dict[int, OpenAPIResponse] = {status.value: {"description": status.phrase} for status in statuses}
    if etag:
        for status, answer in described.items():
            if status < HTTPStatus.BAD_REQUEST:
                answer["headers"] = {"ETag": {"description": etag, "schema": {"type": "string"}}}
    return described
