"""Answers of the provider, and the standard's payload for those that are errors (OneRoster 1.1 §3.6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before it is written to the connection."""

    status: HTTPStatus
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Any) -> "Answer":
        """A successful answer with `content` as JSON."""
        return cls(HTTPStatus.OK, msgspec.json.encode(content))


class RefusedRequestError(Exception):
    """A request that the provider does not serve; it becomes an answer with the standard's payload."""

    def __init__(self, status: HTTPStatus, code_minor: str, description: str) -> None:
        super().__init__(description)
        self._status = status
        self._code_minor = code_minor

    def answer(self) -> Answer:
        """What the consumer gets."""
        payload = {
            "statusInfoSet": [
                {
                    "imsx_codeMajor": "failure",
                    "imsx_severity": "error",
                    "imsx_CodeMinor": self._code_minor,
                    "imsx_description": str(self),
                }
            ]
        }
        headers = {"Allow": "GET"} if self._status is HTTPStatus.METHOD_NOT_ALLOWED else {}
        if self._status is HTTPStatus.UNAUTHORIZED:
            headers = {"WWW-Authenticate": 'OAuth realm="oneroster"'}
        return Answer(self._status, msgspec.json.encode(payload), headers)


def bad_request(code_minor: str, description: str) -> RefusedRequestError:
    """A query that cannot be understood."""
    return RefusedRequestError(HTTPStatus.BAD_REQUEST, code_minor, description)


def unknown_object(path: str) -> RefusedRequestError:
    """A path that names nothing here."""
    return RefusedRequestError(HTTPStatus.NOT_FOUND, "unknownobject", f"There is nothing at {path}.")
