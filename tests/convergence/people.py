"""A provider's people, what becomes of them overnight, and the users that must then be stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

Record = Mapping[str, Any]

MAPPED, UNMAPPED = "org-1", "org-2"
ROLES = {"administrator": "administrator", "teacher": "sponsor", "student": "student"}
"""Imported OneRoster roles, the highest first."""
_MOST = 10


@dataclass(frozen=True)
class Expected:
    """A user who must be stored, as the rules of the product have it."""

    sourced_ids: frozenset[str]
    given_name: str
    family_name: str
    email: str | None
    identifier: str
    sis_role: str


def expected_users(records: Iterable[Record]) -> list[Expected]:
    """The users of mapped schools; records with one e-mail address and one name are one person."""
    people: dict[object, list[Record]] = {}
    for record in records:
        if (
            record["status"] == "active"
            and record["enabledUser"] == "true"
            and record["role"] in ROLES
            and any(org["sourcedId"] == MAPPED for org in record["orgs"])
        ):
            email = record.get("email")
            person = (email, record["givenName"], record["familyName"]) if email else record["sourcedId"]
            people.setdefault(person, []).append(record)
    return [_expected(person) for person in people.values()]


def stored_sourced_ids(records: Iterable[Record]) -> frozenset[str]:
    """The sourcedIds of all users who must be stored."""
    return frozenset(sourced_id for person in expected_users(records) for sourced_id in person.sourced_ids)


def _expected(person: Sequence[Record]) -> Expected:
    ranked = sorted(person, key=lambda record: (list(ROLES).index(record["role"]), record["sourcedId"]))
    return Expected(
        sourced_ids=frozenset(record["sourcedId"] for record in person),
        given_name=ranked[0]["givenName"],
        family_name=ranked[0]["familyName"],
        email=ranked[0].get("email"),
        identifier=ranked[0]["identifier"],
        sis_role=ROLES[ranked[0]["role"]],
    )


class People:
    """Changes a provider's records at random."""

    def __init__(self, random: Random, records: dict[str, Record]) -> None:
        self._random = random
        self._records = records
        self._persons = 0
        self._keys = 0

    def change(self) -> None:
        """Let one thing happen in the SIS."""
        if len(self._records) < 2 or (len(self._records) < _MOST and self._random.random() < 0.3):
            self._join()
            return
        sourced_id = self._random.choice(sorted(self._records))
        record = self._records[sourced_id]
        match self._random.randrange(8):
            case 0:
                del self._records[sourced_id]
            case 1:
                self._alter(record, givenName=f"Given {self._next_key()}")
            case 2:
                self._records[sourced_id] = {**record, "status": self._random.choice(["active", "tobedeleted"])}
            case 3:
                self._records[sourced_id] = {**record, "enabledUser": self._random.choice(["true", "false"])}
            case 4:
                org = self._random.choice([MAPPED, MAPPED, UNMAPPED])
                self._records[sourced_id] = {**record, "orgs": [{"sourcedId": org}]}
            case 5:
                self._records[sourced_id] = {**record, "role": self._random.choice([*ROLES, "guardian"])}
            case 6:
                key = self._next_key()
                del self._records[sourced_id]
                self._records[key] = {**record, "sourcedId": key}
            case _:
                if "email" in record and len(self._records) < _MOST:
                    key = self._next_key()
                    self._records[key] = {**record, "sourcedId": key, "role": self._random.choice(list(ROLES))}

    def _join(self) -> None:
        self._persons += 1
        key = self._next_key()
        record: dict[str, Any] = {
            "sourcedId": key,
            "status": "active",
            "enabledUser": "true",
            "givenName": "Given",
            "familyName": f"Family {self._persons}",
            "identifier": f"{self._persons}",
            "role": self._random.choice(list(ROLES)),
            "orgs": [{"sourcedId": MAPPED}],
        }
        if self._random.random() < 0.7:
            record["email"] = email_of(self._persons)
        self._records[key] = record

    def _alter(self, record: Record, **fields: str) -> None:
        """Change every record of the person."""
        for sourced_id, other in self._records.items():
            if other["familyName"] == record["familyName"]:
                self._records[sourced_id] = {**other, **fields}

    def _next_key(self) -> str:
        self._keys += 1
        return f"S-{self._random.randrange(100):02d}-{self._keys}"


def email_of(person: int) -> str:
    """The e-mail address of the person of a number, who may not have one at the provider."""
    return f"person-{person}@example.org"


def a_row(random: Random) -> dict[str, str]:
    """A row of an upload, of somebody whom the provider may have, too."""
    person = random.randrange(1, 15)
    return {
        "First Name": "Manual",
        "Last Name": f"Family {person}",
        "Email": email_of(person),
        "ID": "",
        "Grade": "",
        "Role": random.choice(["counselor", "sponsor"]),
        "Counselor Email": "",
        "Status": random.choice(["active", "active", "inactive"]),
        "School or Move To": "Elementary",
    }
