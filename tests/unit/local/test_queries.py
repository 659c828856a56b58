"""Filters, sorting, fields and paging as OneRoster 1.1 §3.4 gives them."""

import json
from typing import Any

import pytest

from local.sample_provider.answers import RefusedRequestError
from local.sample_provider.queries import USER_FIELDS, read_filter, read_query, sort_key

USER: dict[str, Any] = {
    "sourcedId": "b",
    "status": "active",
    "dateLastModified": "2026-10-09T07:05:42.000Z",
    "metadata": {"counselorEmail": "grace@example.org"},
    "familyName": "O'Brien",
    "role": "student",
    "orgs": [{"sourcedId": "school-1", "type": "org"}, {"sourcedId": "school-2", "type": "org"}],
    "grades": ["09", "10"],
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("role='student'", True),
        ("role='teacher'", False),
        ("role!='teacher'", True),
        ("role!='student'", False),
        ("familyName='O'Brien'", True),
        ("familyName~'Bri'", True),
        ("familyName~'bro'", False),
        ("familyName>'A'", True),
        ("familyName<'A'", False),
        ("sourcedId>='b'", True),
        ("sourcedId<='a'", False),
        ("email='a@example.org'", False),
        ("email!='a@example.org'", True),
        ("grades='10,09'", True),
        ("grades='09'", False),
        ("grades~'09'", True),
        ("metadata.counselorEmail='grace@example.org'", True),
        ("orgs.sourcedId~'school-2'", True),
        ("dateLastModified>'2026-10-09'", True),
        ("dateLastModified>'2026-10-09T07:05:42Z'", False),
        ("dateLastModified>='2026-10-09T07:05:42Z'", True),
        ("role='student' AND status='active'", True),
        ("role='student' AND status='tobedeleted'", False),
        ("role='teacher' OR status='active'", True),
        ("role='teacher' OR status='tobedeleted'", False),
    ],
)
def test_a_filter_finds_what_it_asks_for(text: str, found: bool) -> None:
    wanted = read_filter(text, USER_FIELDS)

    assert wanted(USER) is found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "role",
        "role=student",
        "shoeSize='9'",
        "role='student' AND",
        "role='student' XOR status='active'",
        "role='a' OR role='b' OR role='c'",
        "dateLastModified>'yesterday'",
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        read_filter(text, USER_FIELDS)

    assert b'"invalid_filter_field"' in refused.value.answer().body


@pytest.mark.parametrize(
    ("parameters", "code_minor"),
    [
        ({"sort": "shoeSize"}, "invalid_sort_field"),
        ({"sort": "role", "orderBy": "random"}, "invalid_sort_field"),
        ({"fields": "role,shoeSize"}, "invalid_selection_field"),
        ({"limit": "0"}, "invaliddata"),
        ({"limit": "many"}, "invaliddata"),
        ({"offset": "-1"}, "invaliddata"),
    ],
)
def test_a_query_that_cannot_be_read_is_refused(parameters: dict[str, str], code_minor: str) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        read_query(parameters, USER_FIELDS, None)

    [status] = json.loads(refused.value.answer().body)["statusInfoSet"]
    assert status["imsx_CodeMinor"] == code_minor


def test_pages_have_a_hundred_records_unless_asked_otherwise() -> None:
    query = read_query({}, USER_FIELDS, None)

    assert (query.limit, query.offset) == (100, 0)


def test_a_cap_holds_whatever_the_limit() -> None:
    query = read_query({"limit": "5000"}, USER_FIELDS, 1000)

    assert query.limit == 1000


def test_records_without_the_field_come_last() -> None:
    records = [{"sourcedId": "1"}, {"sourcedId": "2", "email": "b"}, {"sourcedId": "3", "email": "a"}]

    in_order = sorted(records, key=sort_key("email"))

    assert [record["sourcedId"] for record in in_order] == ["3", "2", "1"]
