"""The API's description as it is checked in."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from local.openapi import FILE


@cache
def description() -> Mapping[str, Any]:
    """The whole document."""
    document: Mapping[str, Any] = json.loads(FILE.read_text("utf-8"))
    return document


def operations() -> dict[tuple[str, str], Mapping[str, Any]]:
    """Each operation by its method and path: `("GET", "/districts/{district_id}/runs")`."""
    return {
        (method.upper(), path): operation
        for path, item in description()["paths"].items()
        for method, operation in item.items()
    }


def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A node, or what it refers to."""
    if "$ref" not in node:
        return node
    target: Any = description()
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    found: Mapping[str, Any] = target
    return found
