"""The made-up district: what a consumer of it may rely on."""

import re
from collections import Counter

import pytest

from local.sample_provider.district import District, Record, generate_district


@pytest.fixture(scope="module")
def district() -> District:
    return generate_district(1, 3000)


def odd(district: District, kind: str) -> list[Record]:
    return [user for user in district.users if user["sourcedId"] in district.odd[kind]]


def test_the_same_seed_gives_the_same_district(district: District) -> None:
    again = generate_district(1, 3000)

    assert again == district


def test_another_seed_gives_other_people(district: District) -> None:
    other = generate_district(2, 3000)

    assert not {user["sourcedId"] for user in other.users} & {user["sourcedId"] for user in district.users}


@pytest.mark.parametrize("users", [1, 20, 50, 1234])
def test_it_has_exactly_as_many_users_as_asked_for(users: int) -> None:
    district = generate_district(1, users)

    assert len({user["sourcedId"] for user in district.users}) == users


def test_nine_users_in_ten_are_students(district: District) -> None:
    roles = Counter(user["role"] for user in district.users)

    assert roles["student"] == 2700
    assert set(roles) == {"student", "teacher", "administrator", "aide", "proctor", "parent", "staff"}


def test_every_student_is_in_a_grade_that_the_school_teaches(district: District) -> None:
    names = {org["sourcedId"]: org["name"] for org in district.orgs}
    taught = {
        (names[user["orgs"][0]["sourcedId"]].split()[-2], *user["grades"])
        for user in district.users
        if user["role"] == "student"
    }

    assert taught == {
        *(("Elementary", grade) for grade in ("KG", "01", "02", "03", "04", "05")),
        *(("Middle", grade) for grade in ("06", "07", "08")),
        *(("High", grade) for grade in ("09", "10", "11", "12")),
    }


def test_a_student_names_the_counselor_of_the_first_school(district: District) -> None:
    students = [user for user in district.users if user["role"] == "student"]

    named = {(user["orgs"][0]["sourcedId"], user["metadata"]["counselorEmail"]) for user in students}

    assert named == {(school, counselor.email) for school, counselor in district.counselors_by_school.items()}


def test_counselors_are_known_by_school_and_not_served(district: District) -> None:
    emails = {counselor.email for counselor in district.counselors()}

    assert {counselor.school_name for counselor in district.counselors()} == {
        org["name"] for org in district.orgs if org["type"] == "school"
    }
    assert not emails & {user.get("email") for user in district.users}


def test_email_addresses_are_plain_and_of_an_example_domain(district: District) -> None:
    emails = [user["email"] for user in district.users if "email" in user]

    assert all(re.fullmatch(r"[a-z]+\.[a-z]+\d*@(students\.)?maplewood\.example\.org", email) for email in emails)


def test_only_the_odd_share_an_email_address(district: District) -> None:
    holders = Counter(user["email"] for user in district.users if "email" in user)

    shared = {user["sourcedId"] for user in district.users if holders[user.get("email")] > 1}

    assert shared == district.odd["two_records"] | district.odd["shared_email"]


def test_names_hold_more_than_ascii(district: District) -> None:
    names = {user["givenName"] for user in district.users} | {user["familyName"] for user in district.users}

    assert {"Zoë", "Núñez", "Nguyễn", "O'Brien"} <= names


def test_parents_and_children_refer_to_each_other(district: District) -> None:
    by_id = {user["sourcedId"]: user for user in district.users}
    bound = [(user, by_id[agent["sourcedId"]]) for user in district.users for agent in user["agents"]]

    assert bound
    assert all(user["sourcedId"] in {back["sourcedId"] for back in agent["agents"]} for user, agent in bound)
    assert all({user["role"], agent["role"]} == {"parent", "student"} for user, agent in bound)


def test_some_records_carry_a_password_that_a_consumer_must_drop(district: District) -> None:
    with_password = [user for user in district.users if "password" in user]

    assert 0 < len(with_password) < len(district.users) / 10


def test_odd_users_are_what_they_are_called(district: District) -> None:
    teacher_and_administrator = odd(district, "two_records")
    siblings = odd(district, "shared_email")

    assert all("email" not in user for user in odd(district, "no_email"))
    assert {user["status"] for user in odd(district, "to_be_deleted")} == {"tobedeleted"}
    assert {user["enabledUser"] for user in odd(district, "disabled")} == {"false"}
    assert {len(user["orgs"]) for user in odd(district, "several_orgs")} == {2}
    assert {user["role"] for user in odd(district, "unknown_role")} == {"staff"}
    assert {user["role"] for user in teacher_and_administrator} == {"teacher", "administrator"}
    assert len({(user["email"], user["givenName"], user["familyName"]) for user in teacher_and_administrator}) == 1
    assert len({user["email"] for user in siblings}) == 1
    assert len({user["givenName"] for user in siblings}) == 2
