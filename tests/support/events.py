"""API Gateway's events, made from the one under events/."""

import base64
import copy
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parents[2] / "events"


@cache
def _settings_api_event() -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "settings_api.json").read_text())
    return event


def district_admin(district_id: str) -> dict[str, str]:
    """Claims of a district's administrator."""
    return {"sub": "a-1", "custom:district_id": district_id, "custom:role": "district_admin"}


def support() -> dict[str, str]:
    """Claims of the vendor's staff."""
    return {"sub": "s-1", "custom:role": "support"}


def api_event(
    method: str,
    path: str,
    *,
    claims: Mapping[str, str] | None,
    body: object = None,
    query: Mapping[str, str] | None = None,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What API Gateway sends for a request.

    Args:
        method: As `GET`.
        path: Without the stage.
        claims: Of the verified token; None if there was none.
        body: Bytes arrive in base64, text as it is, anything else as JSON.
        query: Each parameter once.
        content_type: Of the body.
        headers: Further ones.
    """
    event = copy.deepcopy(_settings_api_event())
    type_of_body = {"Content-Type": content_type} if body is not None else {}
    sent = {**event["headers"], **type_of_body, **(headers or {})}
    event.update(
        httpMethod=method,
        path=path,
        headers=sent,
        multiValueHeaders={name: [value] for name, value in sent.items()},
        queryStringParameters=dict(query) if query else None,
        multiValueQueryStringParameters={name: [value] for name, value in query.items()} if query else None,
        pathParameters=None,
    )
    event["requestContext"].update(httpMethod=method, path=f"/{event['requestContext']['stage']}{path}")
    event["requestContext"]["authorizer"] = {"claims": dict(claims)} if claims else None
    if isinstance(body, bytes):
        event.update(body=base64.b64encode(body).decode(), isBase64Encoded=True)
    elif isinstance(body, str):
        event["body"] = body
    elif body is not None:
        event["body"] = json.dumps(body)
    return event
