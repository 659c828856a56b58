"""A report shows schools, and of persons nothing but the form of their metadata."""

import json
import re
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.use_cases.probe.records import MOST_ORGS, MOST_SCHOOLS, Orgs, masked, metadata_of, roles_of, text_of

_WORD = re.compile(r"[^\W_]+")


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("jane.doe@example.org", "j***@e***.org"),
        ("J@example.org", "***@e***.org"),
        ("Ødegård@skole.no", "***@s***.no"),
        ("a@b@example.org", "a***@e***.org"),
        ("jane@example.museumofart", "j***@e***.***"),
        ("jane@localhost", "xxxx@xxxxxxxxx"),
        ("Room 12-B", "Xxxx 99-X"),
        ("Zoë O'Neill", "Xxx X'Xxxxx"),
        ("東京", "xx"),
        ("x" * 41, "x" * 40 + "…"),
        (1234, "9999"),
        (1.5, "9.9"),
        (True, "true or false"),
        (["Jane"], "a list"),
        ({"name": "Jane"}, "an object"),
    ],
)
def test_a_value_is_shown_by_its_form(value: object, form: str) -> None:
    assert masked(value) == form


@given(st.text())
def test_no_word_of_a_value_is_shown(value: str) -> None:
    form = masked(value)

    shown = {word for word in _WORD.findall(form) if not re.fullmatch("[xX9]+", word)}
    assert shown == set()


@given(st.from_regex(r"[A-Za-z]{2,20}\.[A-Za-z]{2,20}@[a-z]{2,20}\.(org|com|edu)", fullmatch=True))
def test_of_an_address_only_the_first_letters_are_shown(address: str) -> None:
    name, _, host = address.partition("@")

    assert masked(address) == f"{name[0]}***@{host[0]}***.{host.rpartition('.')[2]}"


def test_metadata_keys_come_with_how_many_have_a_value_and_the_form_of_the_first() -> None:
    users: list[dict[str, object]] = [
        {"metadata": {"room": "", "house": None, "counselor": "edna@school.example.org"}},
        {"metadata": {"room": "2B", "counselor": "seymour@other.example.org"}},
        {"metadata": None},
        {},
    ]

    counts, forms = metadata_of(users)

    assert counts == {"counselor": 2, "room": 1}
    assert forms == {"counselor": "e***@s***.org", "room": "9X"}


def test_of_one_user_no_more_keys_are_looked_at_than_anybody_has() -> None:
    countless: dict[str, object] = {"metadata": {str(number): "x" for number in range(1000)} | {"house": "x"}}
    users: list[dict[str, object]] = [countless, {"metadata": {"house": "x"}}, {"metadata": {"house": "x"}}]

    counts, _ = metadata_of(users)

    assert counts["house"] == 2


def test_text_of_a_provider_is_short_and_printable() -> None:
    assert text_of(" a\x00b\n" + "c" * 200) == "ab" + "c" * 98
    assert text_of(" \x00") is None
    assert text_of(["a"]) is None


def a_school_org(number: int, name: str = "School") -> dict[str, object]:
    return {"sourcedId": f"S-{number}", "name": name, "type": "School", "identifier": str(number)}


def test_schools_come_with_what_tells_them_apart() -> None:
    orgs = Orgs()

    orgs.add([{"sourcedId": "D", "type": "district"}, a_school_org(1, "Elementary"), {"type": "school"}, None])

    assert [asdict(school) for school in orgs.schools] == [
        {"sourced_id": "S-1", "name": "Elementary", "identifier": "1", "type": "School"}
    ]
    assert orgs.described() == "4 orgs were read, 1 of them of type school"


def test_a_school_that_comes_twice_is_listed_once() -> None:
    orgs = Orgs()

    orgs.add([a_school_org(1), a_school_org(1)])

    assert len(orgs.schools) == 1


def test_without_schools_the_types_are_named() -> None:
    orgs = Orgs()

    orgs.add([{"sourcedId": str(number), "type": "departments"} for number in range(3)])

    assert orgs.described() == "3 orgs were read, 0 of them of type school; there are departments (3)"


def test_no_more_schools_are_listed_than_a_report_has_room_for() -> None:
    orgs = Orgs()

    orgs.add([a_school_org(number) for number in range(MOST_SCHOOLS + 7)])

    assert (len(orgs.schools), orgs.schools_left_out) == (MOST_SCHOOLS, 7)
    assert f"S-{MOST_SCHOOLS + 6}" in orgs.sourced_ids


def test_schools_of_the_longest_texts_stay_within_what_lambda_answers_with() -> None:
    longest = "\U0001f3eb" * 255
    orgs = Orgs()

    orgs.add([a_school_org(number, longest) | {"sourcedId": f"{longest[:250]}{number}"} for number in range(5000)])

    # The API's answer is JSON within JSON.
    size = len(json.dumps(json.dumps([asdict(school) for school in orgs.schools])))
    assert 0 < len(orgs.schools) < MOST_SCHOOLS
    assert size < 5_000_000


def test_no_more_orgs_are_looked_at_than_any_district_has() -> None:
    orgs = Orgs()

    orgs.add([{}] * (MOST_ORGS + 1))

    assert (orgs.count, orgs.full) == (MOST_ORGS, True)


def test_an_id_that_nobody_could_configure_is_not_kept() -> None:
    orgs = Orgs()

    orgs.add([{"sourcedId": "x" * 256, "type": "school"}, {"sourcedId": [7]}, {"sourcedId": ""}])

    assert (orgs.sourced_ids, orgs.schools) == (set(), [])


def test_a_number_is_a_sourced_id_as_it_is_for_a_night() -> None:
    orgs = Orgs()

    orgs.add([{"sourcedId": 4711, "type": "School", "name": "Springfield"}])

    assert orgs.sourced_ids == {"4711"}
    assert [school.sourced_id for school in orgs.schools] == ["4711"]


def test_roles_of_1_1_and_of_1_2_are_counted_as_they_are_spelt() -> None:
    held = [{"roleType": "secondary", "role": "aide"}, {"roleType": "primary", "role": "Counselor"}]

    assert roles_of([{"role": "student"}, {"role": "student"}, {"roles": held}, {"role": None}, {"role": 5}]) == {
        "student": 2,
        "Counselor": 1,
        "aide": 1,
    }
