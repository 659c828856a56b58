"""What an administrator enters for a district: settings, the test of them, schools."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.cli_api import DistrictApi


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach a provider."""

    base_url: str
    consumer_key: str
    consumer_secret: str = field(repr=False)
    token_url: str | None = None
    counselor_key: str | None = None


def enter_settings(api: DistrictApi, connection: Connection) -> None:
    """Save a connection, with every product of the deployment switched on."""
    settings = {
        "base_url": connection.base_url,
        "consumer_key": connection.consumer_key,
        "consumer_secret": connection.consumer_secret,
        "token_url": connection.token_url,
        "counselor_metadata_key": connection.counselor_key,
        "products": api.get("settings")["offered_products"],
    }
    api.put("settings", settings)


def run_test(api: DistrictApi) -> Mapping[str, Any]:
    """The report of Test Settings."""
    report: Mapping[str, Any] = api.post("settings/test")
    return report


def enter_schools(api: DistrictApi, names_by_sourced_id: Mapping[str, str]) -> None:
    """Store schools, each with its OneRoster ID."""
    for sourced_id, name in names_by_sourced_id.items():
        api.put(f"schools/{school_id_of(sourced_id)}", {"name": name, "oneroster_id": sourced_id})


def counselors_csv(rows: Iterable[tuple[str, str, str, str]]) -> str:
    """An upload of counselors from given name, family name, e-mail and school."""
    lines = [f'"{given}","{family}",{email},Counselor,"{school}"' for given, family, email, school in rows]
    return "\r\n".join(["First Name,Last Name,Email,Role,School or Move To", *lines, ""])


def school_id_of(sourced_id: str) -> str:
    """The id of a school in this system: its sourcedId if that can be one, else one made from it."""
    if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", sourced_id):
        return sourced_id
    # Two sourcedIds may differ only in characters that an id cannot have.
    digest = hashlib.sha256(sourced_id.encode()).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', sourced_id)[:50]}-{digest}"
