"""The short way from a record to a user never says anything but what the long way says."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roster_sync.domain.district import DEFAULT_ROLES
from roster_sync.domain.fingerprint import pack
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.issue import Issue
from roster_sync.domain.normalise import NotStored, Rules, normalise, sourced_id_of
from roster_sync.domain.plain_record import packed_user
from roster_sync.domain.user import SisUser
from roster_sync.oneroster.records import JsonRecordReader

RULES = Rules(
    schools={SourcedId("org-1"): SchoolId("elementary"), SourcedId("org-2"): SchoolId("high")},
    roles=DEFAULT_ROLES,
    counselor_metadata_key="counselor",
    metadata_keys=("homeroom",),
)
READER = JsonRecordReader()


def a_record(**fields: Any) -> dict[str, Any]:
    record = {
        "sourcedId": "S-1",
        "status": "active",
        "dateLastModified": "2026-11-01T00:00:00.000Z",
        "metadata": {"counselor": "ruth@example.org", "homeroom": "2B", "shoe": "38"},
        "username": "zoë.van der berg",
        "userIds": [{"type": "SIS", "identifier": "1001"}],
        "enabledUser": "true",
        "givenName": "Zoë",
        "middleName": "",
        "familyName": "van der Berg",
        "role": "student",
        "identifier": "1001",
        "email": "Zoe@Example.org",
        "sms": None,
        "phone": "555-0100",
        "agents": [{"href": "https://sis.example.org/users/P-1", "sourcedId": "P-1", "type": "user"}],
        "orgs": [{"href": "https://sis.example.org/orgs/org-1", "sourcedId": "org-1", "type": "org"}],
        "grades": ["02"],
        "password": "secret",
    }
    return {**record, **fields}


def both_ways(record: dict[str, Any]) -> tuple[SisUser | NotStored | None, SisUser | NotStored, list[Issue]]:
    raw = json.dumps(record).encode()
    plain = READER.plain(raw)
    read = READER.read(raw)
    issues: list[Issue] = []
    assert isinstance(read, dict)
    sourced_id = sourced_id_of(read, issues)
    long = NotStored.INVALID if sourced_id is None else normalise(read, sourced_id, RULES, issues)
    short = packed_user(plain, RULES) if plain else None
    if isinstance(short, tuple):
        user, packed = short
        assert packed == pack(user)
        return user, long, issues
    return short, long, issues


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"role": "teacher", "grades": [], "agents": [], "metadata": {}},
        {"middleName": None, "sms": "", "userIds": None, "grades": None, "agents": None, "metadata": None},
        {"orgs": [{"sourcedId": "org-2"}, {"sourcedId": "org-9"}, {"sourcedId": "org-1"}]},
        {"orgs": [{"sourcedId": "org-9"}]},
        {"role": "parent"},
        {"status": "tobedeleted"},
        {"enabledUser": True, "grades": ["K"]},
        {"orgs": [{"sourcedId": "org-1", "type": "school", "name": "Elementary"}]},
        {"userIds": [{"type": "SIS", "identifier": "1"}, {"identifier": "2"}, {"type": "SIS", "identifier": "1"}]},
        {"email": "", "metadata": {"counselor": ""}},
        {"givenName": "Иван", "familyName": "Łukasz-Ñandú"},
        {"givenName": "愛", "middleName": "de la", "familyName": "O\u2019Brien"},
    ],
)
def test_a_record_as_the_standard_has_it_goes_the_short_way(fields: dict[str, Any]) -> None:
    short, long, issues = both_ways(a_record(**fields))

    assert short == long
    assert short is not None
    assert issues == []


_TEXTS = [
    None,
    "",
    " ",
    "a",
    " a",
    "a ",
    "a| b",
    "|",
    "a b@c",
    "@c",
    "a@",
    "a@b ",
    "a@b@",
    "@a@b",
    "a@b",
    "\u200b",
    "\u00a0",
    "\u0085",
    "\u00ad",
    "\x7f",
    "tab\t",
    'a"b',
    'a "b" c',
    "a\\b",
    "x" * 300,
]
_WORDS = ["x" * 1001, "Active", "inactive", "tobedeleted", "false", "Student", "aide", "principal", "org-1"]
_VALUES = [1, 0, 1.5, True, False, [], {}, ["02"], ["9"], ["k"], [" 09"], ["ninth"], [None], ["02", "03"]]
_OBJECTS: list[object] = [
    {"sourcedId": "org-1"},
    {"sourcedId": " "},
    {"sourcedId": "org-1", "more": 1},
    {"SourcedId": "org-1"},
    {"sourcedid": "org-2", "sourcedId": "org-1"},
    {"sourcedId": None},
    {"type": "SIS", "identifier": ""},
    {"identifier": "1"},
    {"type": None, "identifier": " 1"},
    {"type": "SIS ", "identifier": "1"},
    {"type": "\u200b", "identifier": "1"},
    {"counselor": " ruth@example.org"},
    {"counselor": 5},
    {"counselor": 0},
    {"counselor": []},
    {"counselor": "\u200bruth@example.org"},
    {"counselor": f"{'x' * 300}@example.org"},
    {"counselor": "nobody"},
    {"homeroom": ["2B"]},
]
_odd = st.sampled_from([*_TEXTS, *_WORDS, *_VALUES, *_OBJECTS, *([value] for value in _OBJECTS)])


@given(st.dictionaries(st.sampled_from([*a_record(), "Email", "roles", "primaryOrg"]), _odd, max_size=4))
@example({"sourcedId": " "})
@example({"sourcedId": "x" * 300, "status": "tobedeleted"})
def test_what_goes_the_short_way_comes_to_the_same_user_without_an_issue(fields: dict[str, Any]) -> None:
    short, long, issues = both_ways(a_record(**fields))

    assert short is None or (short == long and issues == [])


@given(st.sampled_from(sorted(a_record())))
def test_a_missing_field_is_no_reason_for_another_user(field: str) -> None:
    record = a_record()
    del record[field]

    short, long, issues = both_ways(record)

    assert short is None or (short == long and issues == [])
