"""Every error of the API as problem details (RFC 9457), in sentences that say what to do."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from roster_sync.domain.errors import RosterSyncError

CONTENT_TYPE = "application/problem+json"


class PreconditionFailedError(RosterSyncError):
    """What the request's `If-Match` names is stored no more."""


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    """An error's response.

    Args:
        status: Also gives the title.
        detail: What is wrong and what to do; never a value that was sent.
        errors: One for each value that cannot be used: `detail`, and `pointer` into the body or `parameter`.
        headers: Further ones, as `Retry-After`.
    """
    body: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    if errors:
        body["errors"] = list(errors)
    return Response(status.value, CONTENT_TYPE, json.dumps(body), dict(headers or {}))


def validation_problem(errors: Sequence[Mapping[str, Any]]) -> Response[str]:
    """The response to values that pydantic refused: where each is and what is wrong, without the value."""
    described = [_described(error) for error in errors]
    where = ".".join(str(step) for step in _path(errors[0])) or "The body"
    more = f" {len(described) - 1} more below." if len(described) > 1 else ""
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, f"{where} cannot be used: {described[0]['detail']}{more}", errors=described
    )


_AN_OBJECT = "It must be a JSON object."
_A_LIST = "It must be a list."
_A_NUMBER = "It must be a whole number."

_SENTENCES: Mapping[str, str] = {
    "missing": "It is missing. Send it.",
    "extra_forbidden": "There is no such field. Check its spelling.",
    "json_invalid": "It is not valid JSON. Correct it.",
    "model_attributes_type": _AN_OBJECT,
    "model_type": _AN_OBJECT,
    "dict_type": _AN_OBJECT,
    "frozen_set_type": _A_LIST,
    "tuple_type": _A_LIST,
    "string_type": "It must be text.",
    "int_type": _A_NUMBER,
    "int_parsing": _A_NUMBER,
    "int_parsing_size": _A_NUMBER,
    "int_from_float": _A_NUMBER,
    "string_pattern_mismatch": "It is too long, or has characters that it cannot have. Correct it.",
}
"""In place of pydantic's own, by its type of error."""


def _described(error: Mapping[str, Any]) -> dict[str, str]:
    detail = _SENTENCES.get(error["type"]) or f"{str(error['msg']).removesuffix('.')}."
    if error["loc"][0] == "body":
        # A JSON pointer (RFC 6901 §3).
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in _path(error))
        return {"detail": detail, "pointer": "#" + "".join(f"/{step}" for step in steps)}
    return {"detail": detail, "parameter": ".".join(str(step) for step in _path(error))}


def _path(error: Mapping[str, Any]) -> Sequence[object]:
    """Where in the body, or which parameter; the position of a JSON error is no path."""
    path: Sequence[object] = error["loc"][1:]
    return () if error["type"] == "json_invalid" else path
