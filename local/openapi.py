"""Writes the API's description to the file that is checked in, which `portal` serves."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from roster_sync.api.openapi import described
from roster_sync.api.resolver import resolver_of
from roster_sync.api.services import Services

PROJECT = Path(__file__).parents[1]
FILE = PROJECT / "functions" / "portal" / "static" / "openapi.json"


def text() -> str:
    """The description as it is checked in."""
    nothing: dict[str, Any] = dict.fromkeys(field.name for field in fields(Services))
    return json.dumps(described(resolver_of(Services(**nothing))), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
