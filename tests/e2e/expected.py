"""What the Users table must hold, computed from the provider's records and the uploads alone.

Written down anew from the rules of the product, on purpose without the code that is tested.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
Attributes = dict[str, Any]

ROLES = {"administrator": "administrator", "teacher": "sponsor", "student": "student"}
"""Imported OneRoster roles, the highest first."""
BOOKKEEPING = frozenset(
    {
        "user_id",
        "shard_key",
        "fingerprint",
        "record_digest",
        "fence",
        "change_part",
        "created_at",
        "updated_at",
        "deactivated_at",
    }
)
"""What depends on more than the records; each has a check of its own."""


class Expected:
    """The users of one district."""

    def __init__(
        self, district_id: str, schools: Mapping[str, str], products: Iterable[str], counselor_key: str
    ) -> None:
        """Know the settings; `schools` are the mapped ones, school_id by sourcedId."""
        self._district_id = district_id
        self._schools = schools
        self._products = set(products)
        self._counselor_key = counselor_key

    def is_stored(self, record: Record) -> bool:
        """Whether a record becomes a user, or part of one."""
        return (
            record["status"] == "active"
            and record["enabledUser"] == "true"
            and record["role"] in ROLES
            and any(org["sourcedId"] in self._schools for org in record["orgs"])
        )

    def people(self, records: Iterable[Record]) -> list[list[Record]]:
        """The records that are stored, by person; the record of the highest role comes first."""
        people: dict[object, list[Record]] = {}
        for record in filter(self.is_stored, records):
            email = record.get("email")
            person = (email.lower(), record["givenName"], record["familyName"]) if email else record["sourcedId"]
            people.setdefault(person, []).append(record)
        rank = list(ROLES)
        return [
            sorted(person, key=lambda each: (rank.index(each["role"]), each["sourcedId"])) for person in people.values()
        ]

    def users(self, records: Iterable[Record], counselors: Sequence[Any]) -> dict[str, Attributes]:
        """Every user by e-mail address, or by sourcedId for somebody without one or who shares it.

        `counselors` were uploaded before; one who is also at the provider is one user.
        """
        uploaded = {each.email: each for each in counselors}
        users = {}
        found_again = set()
        for person in self.people(records):
            attributes = self._of_provider(person)
            if attributes.get("email") in uploaded:
                found_again.add(attributes["email"])
                attributes |= {"role": "counselor", "manual_role": "counselor"}
            users[attributes["sourced_id"]] = attributes
        for email in uploaded.keys() - found_again:
            users[email] = self._of_upload(uploaded[email])
        return users

    def _of_provider(self, person: Sequence[Record]) -> Attributes:
        def text(name: str) -> str | None:
            return next((record[name] for record in person if record.get(name)), None)

        def united(name: str) -> set[str] | None:
            return {ref["sourcedId"] for record in person for ref in record[name]} or None

        student = person[0]["role"] == "student"
        counselor_email = person[0]["metadata"].get(self._counselor_key) if student else None
        email = text("email")
        sourced_ids = {record["sourcedId"] for record in person}
        user_ids = {(each["type"], each["identifier"]) for record in person for each in record["userIds"]}
        attributes = {
            "sourced_id": min(sourced_ids),
            "sourced_ids": sourced_ids,
            "status": "active",
            "username": text("username"),
            "given_name": text("givenName"),
            "middle_name": text("middleName"),
            "family_name": text("familyName"),
            "email": email,
            "email_key": email and f"{self._district_id}#{email.lower()}",
            "identifier": text("identifier"),
            "phone": text("phone"),
            "sms": text("sms"),
            "grades": {grade for record in person for grade in record["grades"]} or None,
            "school_ids": {self._schools[each] for each in united("orgs") or () if each in self._schools},
            "agents": united("agents"),
            "user_ids": [{"type": type_, "identifier": identifier} for type_, identifier in sorted(user_ids)] or None,
            "sis_role": ROLES[person[0]["role"]],
            "role": ROLES[person[0]["role"]],
            "sis_counselor_email": counselor_email,
            "products": self._products,
        }
        # The effective one is there even if it is nobody's, as NULL.
        return {**_present(attributes), "counselor_email": counselor_email}

    def _of_upload(self, counselor: Any) -> Attributes:
        return {
            "status": "active",
            "given_name": counselor.first_name,
            "family_name": counselor.last_name,
            "email": counselor.email,
            "email_key": f"{self._district_id}#{counselor.email.lower()}",
            "role": "counselor",
            "manual_role": "counselor",
            "school_ids": {counselor.school_id},
            "products": self._products,
        }


def shard_key(district_id: str, user_id: str) -> str:
    """The partition of a user."""
    return f"{district_id}#{zlib.crc32(user_id.encode()) % 16:02d}"


def _present(attributes: Attributes) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}
