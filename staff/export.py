"""A district's users as CSV or JSON Lines."""

import csv
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TextIO

Format = Literal["csv", "jsonl"]
COLUMNS: Final = (
    "user_id",
    "status",
    "role",
    "given_name",
    "middle_name",
    "family_name",
    "email",
    "username",
    "identifier",
    "sourced_id",
    "school_ids",
    "grades",
    "counselor_email",
    "products",
    "phone",
    "sms",
    "created_at",
    "updated_at",
    "deactivated_at",
)
"""Of CSV; JSON Lines hold everything that the API answers."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write_users(users: Iterable[Mapping[str, Any]], format_: Format, file: TextIO) -> int:
    """Write each user; how many there were."""
    if format_ == "jsonl":
        return sum(1 for user in users if file.write(f"{json.dumps(user, ensure_ascii=False)}\n"))
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    return sum(1 for user in users if writer.writerow([_cell(user.get(name)) for name in COLUMNS]))


def _cell(value: Any) -> str:
    """Several as one cell; what a spreadsheet would take for a formula as text."""
    text = ";".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
