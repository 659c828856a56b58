"""A district made up by seed: its orgs, its users and the counselors that it keeps outside its SIS."""

import random
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from local.sample_provider.names import FAMILY_NAMES, GIVEN_NAMES, PLACES, ascii_of

SCHOOL_KINDS = (
    ("Elementary School", ("KG", "01", "02", "03", "04", "05")),
    ("Middle School", ("06", "07", "08")),
    ("High School", ("09", "10", "11", "12")),
)
# One Record is what the wire carries, so its keys are OneRoster's.
Record = dict[str, Any]
# Providers name themselves in hrefs as they please; a fixed name keeps the data of a seed equal on every port.
HREF_ROOT = "https://sis.maplewood.example.org/ims/oneroster/v1p1"
DISTRICT_DOMAIN = "maplewood.example.org"
STUDENT_DOMAIN = "students.maplewood.example.org"
# Folding a name costs more than all else about a person, so each is folded once.
ASCII_NAMES = {name: ascii_of(name) for name in (*GIVEN_NAMES, *FAMILY_NAMES)}
SUBJECTS = ("Art", "English", "History", "Mathematics", "Music", "Science", "Spanish")
USERS_PER_SCHOOL = 600
FIRST_NIGHT = datetime(2026, 11, 23, 22, tzinfo=UTC)
SUMMER = datetime(2026, 8, 1, tzinfo=UTC)
SECONDS_SINCE_SUMMER = int((FIRST_NIGHT - SUMMER).total_seconds())


@dataclass(frozen=True, slots=True)
class Counselor:
    """A counselor, whom OneRoster 1.1 has no role for; the district hands them in as CSV."""

    first_name: str
    last_name: str
    email: str
    school_name: str


@dataclass(frozen=True, slots=True)
class District:
    """What the provider serves, and what only the district knows."""

    orgs: list[Record]
    users: list[Record]
    counselors_by_school: Mapping[str, Counselor] = field(default_factory=dict)
    # The users that a consumer has to take care with, by what is odd about them.
    odd: Mapping[str, frozenset[str]] = field(default_factory=dict)
    night: int = 0

    def counselors(self) -> list[Counselor]:
        """The counselors in the order of their schools."""
        return list(self.counselors_by_school.values())


class People:
    """Makes up one person after the other; no two have the same username or e-mail address."""

    def __init__(self, dice: random.Random, usernames: Iterable[str] = ()) -> None:
        self._dice = dice
        self._usernames = set(usernames)
        self._namesakes: dict[str, int] = {}

    def names(self) -> tuple[str, str, str]:
        """A given name, a family name and a username that nobody else has."""
        given, family = self._dice.choice(GIVEN_NAMES), self._dice.choice(FAMILY_NAMES)
        plain = f"{ASCII_NAMES[given]}.{ASCII_NAMES[family]}"
        number = self._namesakes.get(plain, 0)
        username = f"{plain}{number}" if number else plain
        while username in self._usernames:
            number += 1
            username = f"{plain}{number}"
        self._namesakes[plain] = number + 1
        self._usernames.add(username)
        return given, family, username

    def user(self, role: str, school: Record, modified: str) -> Record:
        """An ordinary user of `role` in `school`, without metadata."""
        dice = self._dice
        given, family, username = self.names()
        identifier = str(dice.randrange(10_000_000, 99_999_999))
        student = role == "student"
        user: Record = {
            "sourcedId": guid(dice),
            "status": "active",
            "dateLastModified": modified,
            "metadata": {},
            "username": username,
            "userIds": [{"type": "SIS", "identifier": identifier}],
            "enabledUser": "true",
            "givenName": given,
            "familyName": family,
            "middleName": dice.choice(GIVEN_NAMES) if dice.random() < 0.3 else "",
            "role": role,
            "identifier": identifier,
            "email": f"{username}@{STUDENT_DOMAIN if student else DISTRICT_DOMAIN}",
            "sms": "",
            "phone": f"555-{dice.randrange(100, 1000)}-{dice.randrange(1000, 10_000)}",
            "agents": [],
            "orgs": [reference(school)],
            "grades": [dice.choice(grades_of(school))] if student else [],
        }
        if dice.random() < 0.05:
            user["password"] = f"{given}-{identifier[:4]}"
        return user


def guid(dice: random.Random) -> str:
    """A sourcedId."""
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def timestamp(moment: datetime) -> str:
    """A dateLastModified, as OneRoster 1.1 writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def reference(record: Record) -> Record:
    """A GUIDRef (OneRoster 1.1 §4.14) to an org or a user."""
    kind, collection = ("org", "orgs") if "name" in record else ("user", "users")
    sourced_id = record["sourcedId"]
    return {"href": f"{HREF_ROOT}/{collection}/{sourced_id}", "sourcedId": sourced_id, "type": kind}


def grades_of(school: Record) -> tuple[str, ...]:
    """The grades that a school teaches; of one whose name does not tell, the code for any other."""
    return next((grades for kind, grades in SCHOOL_KINDS if str(school["name"]).endswith(kind)), ("Other",))


def student_metadata(dice: random.Random, counselor: Counselor) -> Record:
    """What the SIS adds to a student beyond the standard."""
    return {"counselorEmail": counselor.email, "homeroom": f"{dice.choice('ABCDEF')}{dice.randrange(100, 400)}"}


def generate_district(seed: int, users: int, *, schools: int | None = None) -> District:
    """A district of exactly `users` users; the same arguments give the same district.

    About nine in ten are students. A few users are odd, as real ones are; `District.odd` names them by kind.
    """
    dice = random.Random(seed)
    people = People(dice)
    orgs = _orgs(dice, schools or max(3, users // USERS_PER_SCHOOL))
    taught = [org for org in orgs if org["type"] == "school"]
    counselors = {org["sourcedId"]: _counselor(people, org) for org in taught}
    records = []
    for role in _roles(users):
        school = dice.choice(taught)
        modified = timestamp(SUMMER + timedelta(seconds=dice.randrange(SECONDS_SINCE_SUMMER)))
        user = people.user(role, school, modified)
        if role == "student":
            user["metadata"] = student_metadata(dice, counselors[school["sourcedId"]])
        elif role == "teacher":
            user["metadata"] = {"department": dice.choice(SUBJECTS)}
        records.append(user)
    _bind_parents(dice, records)
    odd = _make_odd(records, taught)
    dice.shuffle(records)
    return District(orgs, records, counselors, odd)


def _orgs(dice: random.Random, schools: int) -> list[Record]:
    modified = timestamp(SUMMER)
    district: Record = {
        "sourcedId": guid(dice),
        "status": "active",
        "dateLastModified": modified,
        "metadata": {},
        "name": "Maplewood Unified School District",
        "type": "district",
        "identifier": "0600001",
        "parent": None,
        "children": [],
    }
    orgs = [district]
    for number in range(schools):
        kind, _ = SCHOOL_KINDS[number % len(SCHOOL_KINDS)]
        place = PLACES[number // len(SCHOOL_KINDS) % len(PLACES)]
        # Beyond the last place, names go on as Ashland 2, Ashland 3.
        again = number // (len(SCHOOL_KINDS) * len(PLACES))
        orgs.append(
            {
                **district,
                "sourcedId": guid(dice),
                "name": f"{place} {again + 1} {kind}" if again else f"{place} {kind}",
                "type": "school",
                "identifier": f"{number + 1:04d}",
                "parent": reference(district),
                "children": [],
            }
        )
    district["children"] = [reference(school) for school in orgs[1:]]
    return orgs


def _counselor(people: People, school: Record) -> Counselor:
    given, family, username = people.names()
    return Counselor(given, family, f"{username}@{DISTRICT_DOMAIN}", str(school["name"]))


def _roles(users: int) -> list[str]:
    """Nine students in ten, and at least two teachers and administrators where there is room."""
    few = max(1, users // 200)
    others = ["administrator"] * max(2, few) + ["aide"] * few + ["proctor"] * few + ["parent"] * few
    teachers = ["teacher"] * max(2, users // 10 - len(others))
    staff = (teachers + others)[: max(1, users // 2)]
    return staff + ["student"] * (users - len(staff))


def _bind_parents(dice: random.Random, users: list[Record]) -> None:
    students = [user for user in users if user["role"] == "student"]
    for parent in (user for user in users if user["role"] == "parent"):
        for child in dice.sample(students, k=min(2, len(students))):
            parent["agents"].append(reference(child))
            child["agents"].append(reference(parent))


def _make_odd(users: list[Record], schools: list[Record]) -> dict[str, frozenset[str]]:
    """Make a few users odd, each in one way only, and tell who they are."""
    students = [user for user in users if user["role"] == "student" and not user["agents"]]
    teachers = [user for user in users if user["role"] == "teacher"]
    administrators = [user for user in users if user["role"] == "administrator"]
    aides = [user for user in users if user["role"] == "aide"]
    few = max(1, len(users) // 1000)
    if len(students) < 6 * few or len(teachers) < 2 or not administrators or not aides:
        return {}

    def take(people: list[Record], count: int) -> list[Record]:
        return [people.pop() for _ in range(count)]

    def ids(people: Iterable[Record]) -> frozenset[str]:
        return frozenset(user["sourcedId"] for user in people)

    no_email = take(students, few)
    for user in no_email:
        del user["email"]
    deleted = take(students, few)
    for user in deleted:
        user["status"] = "tobedeleted"
    disabled = take(students, few)
    for user in disabled:
        user["enabledUser"] = "false"
    several = take(students, few if len(schools) > 1 else 0)
    for user in several:
        other = next(school for school in schools if school["sourcedId"] != user["orgs"][0]["sourcedId"])
        user["orgs"] = [*user["orgs"], reference(other)]
    teacher, administrator = teachers.pop(), administrators.pop()
    for name in ("givenName", "middleName", "familyName", "email", "identifier", "userIds", "phone"):
        administrator[name] = teacher[name]
    siblings = take(students, 2)
    siblings[1]["email"] = siblings[0]["email"]
    if siblings[0]["givenName"] == siblings[1]["givenName"]:
        siblings[1]["givenName"] = next(name for name in GIVEN_NAMES if name != siblings[0]["givenName"])
    unknown = take(aides, 1)
    unknown[0]["role"] = "staff"
    return {
        "no_email": ids(no_email),
        "to_be_deleted": ids(deleted),
        "disabled": ids(disabled),
        "several_orgs": ids(several),
        "two_records": ids((teacher, administrator)),
        "shared_email": ids(siblings),
        "unknown_role": ids(unknown),
    }
