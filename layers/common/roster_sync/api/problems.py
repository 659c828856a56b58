"""Every error of the API as problem details (RFC 9457), in sentences that say what to do."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

CONTENT_TYPE = "application/problem+json"


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
    first = described[0]
    where = first.get("pointer") or first.get("parameter")
    more = f" {len(described) - 1} more below." if len(described) > 1 else ""
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, f"{where} cannot be used: {first['detail']}.{more}", errors=described
    )


def _described(error: Mapping[str, Any]) -> dict[str, str]:
    place, *path = error["loc"]
    detail = str(error["msg"]).removeprefix("Value error, ").removesuffix(".")
    if place == "body":
        # The parse error's position within the text is no path within the document.
        names = [] if error["type"] == "json_invalid" else path
        return {"detail": detail, "pointer": "#" + "".join(f"/{_escaped(name)}" for name in names)}
    return {"detail": detail, "parameter": ".".join(str(name) for name in path)}


def _escaped(name: object) -> str:
    """A step of a JSON pointer (RFC 6901 §3)."""
    return str(name).replace("~", "~0").replace("/", "~1")
