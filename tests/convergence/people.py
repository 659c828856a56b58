"""A provider's people, what becomes of them overnight, and the users that must then be stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from roster_sync.domain.district import School, Settings

Record = Mapping[str, Any]

ORGS = ("org-1", "org-2")
"""The provider's schools, the first of which is always mapped."""
ROLES = {"administrator": "administrator", "teacher": "sponsor", "student": "student"}
"""OneRoster roles that every district imports."""
NEW_YORK = ZoneInfo("America/New_York")
"""Where a district is that names no time zone."""
_RANKS = ("administrator", "sponsor", "student")
_OPTIONAL = ("username", "middleName", "phone", "sms", "grades", "agents", "userIds", "metadata")
_MOST = 10
COUNSELOR_KEY = "counselorEmail"
METADATA_KEYS = ("homeroom", "house")
"""Further metadata that a district may ask for."""


@dataclass(frozen=True)
class Expected:
    """A user who must be stored, as the rules of the product have it: every attribute that comes from the SIS."""

    sourced_ids: frozenset[str]
    given_name: str
    middle_name: str | None
    family_name: str
    email: str | None
    identifier: str
    username: str | None
    phone: str | None
    sms: str | None
    grades: frozenset[str]
    school_ids: frozenset[str]
    agents: frozenset[str]
    user_ids: frozenset[tuple[str, str]]
    sis_counselor_email: str | None
    metadata: frozenset[tuple[str, str]]
    sis_role: str


@dataclass(frozen=True)
class Asked:
    """What the district had asked for when an attempt of a run began.

    Attributes:
        at: When that was.
        schools: The mapped ones, by the provider's id.
        products: Those that are switched on and offered.
    """

    at: datetime
    settings: Settings
    schools: Mapping[str, str]
    products: frozenset[str]

    @classmethod
    def of(cls, settings: Settings, schools: Iterable[School], at: datetime, offered: frozenset[str]) -> "Asked":
        """What these settings and schools ask for."""
        mapped = {str(school.oneroster_id): str(school.school_id) for school in schools if school.oneroster_id}
        return cls(at, settings, mapped, settings.products & offered)

    @property
    def roles(self) -> Mapping[str, str]:
        """Ours for each OneRoster role that is imported."""
        return {**ROLES, **{name: str(role) for name, role in self.settings.roles.items()}}

    @property
    def limits_hold(self) -> bool:
        """Whether no limit is lifted."""
        return not self.settings.limits_lifted_until or self.settings.limits_lifted_until <= self.at

    @property
    def absence_counts(self) -> bool:
        """Whether it is school year."""
        first, last = self.settings.school_year_from, self.settings.school_year_until
        return not first or not last or first <= self.at.astimezone(NEW_YORK).date() <= last


def expected_users(records: Iterable[Record], asked: Asked) -> list[Expected]:
    """The users of mapped schools; records with one e-mail address and one name are one person."""
    people: dict[object, list[Record]] = {}
    for record in records:
        if (
            record["status"] == "active"
            and record["enabledUser"] == "true"
            and record["role"] in asked.roles
            and any(org["sourcedId"] in asked.schools for org in record["orgs"])
        ):
            email = record.get("email")
            person = (email, record["givenName"], record["familyName"]) if email else record["sourcedId"]
            people.setdefault(person, []).append(record)
    return [_expected(person, asked) for person in people.values()]


def stored_sourced_ids(records: Iterable[Record], asked: Asked) -> frozenset[str]:
    """The sourcedIds of all users who must be stored."""
    return frozenset(sourced_id for person in expected_users(records, asked) for sourced_id in person.sourced_ids)


def _expected(person: Sequence[Record], asked: Asked) -> Expected:
    roles = asked.roles
    ranked = sorted(person, key=lambda record: (_RANKS.index(roles[record["role"]]), record["sourcedId"]))

    def first(name: str) -> Any:
        return next((record[name] for record in ranked if name in record), None)

    counselors = [
        record["metadata"][asked.settings.counselor_metadata_key]
        for record in ranked
        if roles[record["role"]] == "student" and asked.settings.counselor_metadata_key in record.get("metadata", {})
    ]
    return Expected(
        sourced_ids=frozenset(record["sourcedId"] for record in person),
        given_name=ranked[0]["givenName"],
        middle_name=first("middleName"),
        family_name=ranked[0]["familyName"],
        email=ranked[0].get("email"),
        identifier=ranked[0]["identifier"],
        username=first("username"),
        phone=first("phone"),
        sms=first("sms"),
        grades=frozenset(grade for record in person for grade in record.get("grades", ())),
        school_ids=frozenset(
            asked.schools[org["sourcedId"]]
            for record in person
            for org in record["orgs"]
            if org["sourcedId"] in asked.schools
        ),
        agents=frozenset(agent["sourcedId"] for record in person for agent in record.get("agents", ())),
        user_ids=frozenset(
            (user_id["type"], user_id["identifier"]) for record in person for user_id in record.get("userIds", ())
        ),
        sis_counselor_email=next(iter(counselors), None),
        metadata=frozenset(
            {
                key: value
                for record in reversed(ranked)
                for key, value in record.get("metadata", {}).items()
                if key in asked.settings.metadata_keys
            }.items()
        ),
        sis_role=roles[ranked[0]["role"]],
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
        match self._random.randrange(9):
            case 0:
                del self._records[sourced_id]
            case 1:
                self._alter(record, givenName=f"Given {self._next_key()}")
            case 2:
                self._records[sourced_id] = {**record, "status": self._random.choice(["active", "tobedeleted"])}
            case 3:
                self._records[sourced_id] = {**record, "enabledUser": self._random.choice(["true", "false"])}
            case 4:
                orgs = self._random.choice([ORGS[:1], ORGS[:1], ORGS[1:], ORGS])
                self._records[sourced_id] = {**record, "orgs": _references(orgs)}
            case 5:
                self._records[sourced_id] = {**record, "role": self._random.choice([*ROLES, "guardian"])}
            case 6:
                key = self._next_key()
                del self._records[sourced_id]
                self._records[key] = {**record, "sourcedId": key}
            case 7:
                name = self._random.choice(_OPTIONAL)
                others = {field: value for field, value in record.items() if field != name}
                is_empty = self._random.random() < 0.2
                self._records[sourced_id] = others if is_empty else {**others, name: self._value_of(name)}
            case _:
                if "email" in record and len(self._records) < _MOST:
                    key = self._next_key()
                    name = self._random.choice(_OPTIONAL)
                    other = {**record, "sourcedId": key, "role": self._random.choice(list(ROLES))}
                    self._records[key] = {**other, name: self._value_of(name)}

    def break_emails(self) -> None:
        """The export loses the e-mail addresses, or has others: those of everybody."""
        host = self._random.choice([None, "new.example.org", "example.org"])
        for sourced_id, record in self._records.items():
            name = record.get("email", "").partition("@")[0]
            others = {field: value for field, value in record.items() if field != "email"}
            self._records[sourced_id] = {**others, "email": f"{name}@{host}"} if name and host else others

    def move_everybody(self) -> None:
        """All are in one school, or in both."""
        orgs = self._random.choice([ORGS[:1], ORGS[1:], ORGS])
        for sourced_id, record in self._records.items():
            self._records[sourced_id] = {**record, "orgs": _references(orgs)}

    def number_anew(self) -> None:
        """Everybody has another sourcedId."""
        records = list(self._records.values())
        self._records.clear()
        for record in records:
            key = self._next_key()
            self._records[key] = {**record, "sourcedId": key}

    def lose_most(self) -> None:
        """The export breaks off after the first."""
        for sourced_id in sorted(self._records)[1:]:
            del self._records[sourced_id]

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
            "orgs": _references(ORGS[:1]),
        }
        if self._random.random() < 0.7:
            record["email"] = email_of(self._persons)
        if self._random.random() < 0.5:
            names = self._random.sample(_OPTIONAL, self._random.randrange(1, len(_OPTIONAL)))
            record |= {name: self._value_of(name) for name in names}
        self._records[key] = record

    def _value_of(self, name: str) -> object:
        """A value that the provider may give to an attribute, of a few; a username is nobody else's."""
        number = self._random.randrange(3)
        match name:
            case "username":
                return f"login-{self._next_key()}"
            case "grades":
                return [f"0{each}" for each in range(number + 1)]
            case "agents":
                return _references([f"P-{each}" for each in range(number + 1)])
            case "userIds":
                return [{"type": "LDAP", "identifier": f"ldap-{each}"} for each in range(number + 1)]
            case "metadata":
                keys = self._random.sample([COUNSELOR_KEY, *METADATA_KEYS, "unasked"], number + 1)
                return {key: f"{key.lower()}-{number}@example.org" for key in keys}
            case _:
                return f"{name} {number}"

    def _alter(self, record: Record, **fields: str) -> None:
        """Change every record of the person."""
        for sourced_id, other in self._records.items():
            if other["familyName"] == record["familyName"]:
                self._records[sourced_id] = {**other, **fields}

    def _next_key(self) -> str:
        self._keys += 1
        return f"S-{self._random.randrange(100):02d}-{self._keys}"


def _references(orgs: Sequence[str]) -> list[Record]:
    return [{"sourcedId": org} for org in orgs]


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
