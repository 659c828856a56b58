"""Reads the two CSV files of a mock roster (users and schools) instead of making up a district."""

import csv
from datetime import UTC, datetime
from pathlib import Path

from local.sample_provider.district import District, Record, reference, timestamp


def read_mockroster(folder: Path) -> District:
    """The district of `mockroster-schools.csv` and `mockroster-users.csv`; it has no counselors."""
    rows = _rows(folder / "mockroster-schools.csv")
    orgs = {row["orgId"]: _org(row) for row in rows}
    users = [_user(row, orgs[row["orgId"]]) for row in _rows(folder / "mockroster-users.csv")]
    return District(list(orgs.values()), users)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _org(row: dict[str, str]) -> Record:
    return {
        "sourcedId": row["sourcedId"],
        "status": row["status"],
        "dateLastModified": _modified(row),
        "metadata": {},
        "name": row["name"],
        "type": row["type"],
        "identifier": row["identifier"],
        "parent": None,
        "children": [],
    }


def _user(row: dict[str, str], school: Record) -> Record:
    same = ("sourcedId", "status", "username", "givenName", "familyName", "middleName", "role", "identifier", "email")
    return {
        **{name: row[name] for name in same},
        "dateLastModified": _modified(row),
        "metadata": {},
        "userIds": [],
        "enabledUser": "true" if row["enabledUser"] == "1" else "false",
        "sms": "",
        "phone": row["phone"],
        "agents": [],
        "orgs": [reference(school)],
        "grades": [row["grades"]] if row["grades"] else [],
        "password": row["password"],
    }


def _modified(row: dict[str, str]) -> str:
    return timestamp(datetime.fromisoformat(row["dateLastModified"]).replace(tzinfo=UTC))
