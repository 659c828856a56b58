"""What happens to a district between two nights: people join, leave, move to another school and change their names."""

import random
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from local.sample_provider.district import (
    FIRST_NIGHT,
    District,
    People,
    Record,
    grades_of,
    reference,
    student_metadata,
    timestamp,
)
from local.sample_provider.names import FAMILY_NAMES

SHARE = 0.01
CHANGING_ROLES = frozenset({"student", "teacher"})


@dataclass(frozen=True, slots=True)
class OvernightChanges:
    """The sourcedIds of those who changed, by kind; nobody is in two of them."""

    joined: tuple[str, ...]
    left: tuple[str, ...]
    moved: tuple[str, ...]
    renamed: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """How many changed, by kind."""
        return {kind: len(sourced_ids) for kind, sourced_ids in asdict(self).items()}


def change_overnight(district: District, seed: int) -> tuple[District, OvernightChanges]:
    """The district of the next morning and what became different; the same arguments give the same change.

    One in a hundred each joins, leaves, moves and is renamed, and at least one; nobody moves in
    a district of one school. Odd users, and users with parents,
    stay as they are. Whoever left is gone from every collection, not marked as deleted.
    """
    dice = random.Random(seed)
    modified = timestamp(FIRST_NIGHT + timedelta(days=district.night + 1))
    odd = frozenset[str]().union(*district.odd.values())
    schools = {org["sourcedId"]: org for org in district.orgs if org["type"] == "school"}
    ordinary = [user for user in district.users if _is_ordinary(user, odd)]
    share = min(max(1, int(len(district.users) * SHARE)), len(ordinary) // 3)
    chosen = [user["sourcedId"] for user in dice.sample(ordinary, k=3 * share)]
    left, moved, renamed = chosen[:share], chosen[share : 2 * share], chosen[2 * share :]
    if len(schools) == 1:
        moved = []

    altered: dict[str, Record] = {}
    by_id = {user["sourcedId"]: user for user in ordinary}
    for sourced_id in moved:
        altered[sourced_id] = _moved(dice, district, by_id[sourced_id], schools, modified)
    for sourced_id in renamed:
        user = by_id[sourced_id]
        family = dice.choice([name for name in FAMILY_NAMES if name != user["familyName"]])
        altered[sourced_id] = {**user, "familyName": family, "dateLastModified": modified}

    people = People(dice, (user["username"] for user in district.users))
    joined = [_joined(dice, people, district, list(schools.values()), modified) for _ in range(share)]
    gone = frozenset(left)
    stayed = [altered.get(user["sourcedId"], user) for user in district.users if user["sourcedId"] not in gone]
    changes = OvernightChanges(tuple(user["sourcedId"] for user in joined), tuple(left), tuple(moved), tuple(renamed))
    return replace(district, users=stayed + joined, night=district.night + 1), changes


def _is_ordinary(user: Record, odd: frozenset[str]) -> bool:
    return user["role"] in CHANGING_ROLES and not user["agents"] and user["sourcedId"] not in odd


def _moved(dice: random.Random, district: District, user: Record, schools: dict[str, Record], modified: str) -> Record:
    """The user in another school; a student gets that school's counselor, and a grade that it teaches."""
    here = user["orgs"][0]["sourcedId"]
    there = dice.choice([school for sourced_id, school in schools.items() if sourced_id != here])
    moved = {**user, "orgs": [reference(there)], "dateLastModified": modified}
    if user["role"] == "student" and district.counselors_by_school:
        moved["metadata"] = {
            **user["metadata"],
            "counselorEmail": district.counselors_by_school[there["sourcedId"]].email,
        }
        if user["grades"][0] not in grades_of(there):
            moved["grades"] = [dice.choice(grades_of(there))]
    return moved


def _joined(dice: random.Random, people: People, district: District, schools: list[Record], modified: str) -> Record:
    school = dice.choice(schools)
    user = people.user("student", school, modified)
    if district.counselors_by_school:
        user["metadata"] = student_metadata(dice, district.counselors_by_school[school["sourcedId"]])
    return user
