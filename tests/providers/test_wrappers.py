"""Providers that call the list of records something else than the standard does, or send one record without a list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from roster_sync.domain.errors import RosterSyncError
from roster_sync.oneroster.errors import UnexpectedAnswerError
from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, Behaviour, standard, wrapper_of

ONE = [{"sourcedId": "U-1", "name": "Ada", "orgs": [{"sourcedId": "S 1"}], "children": [{"sourcedId": "S 2"}]}]

Wrap = Callable[[str, Sequence[Mapping[str, object]]], object]


def wrapping(wrap: Wrap) -> Behaviour:
    """A provider whose answers are `wrap` of the standard's name for the list and of the records."""

    def behaviour(asked: Asked) -> Scripted:
        name = wrapper_of(asked.endpoint)
        page = standard(asked)
        assert isinstance(page.content, Mapping)
        return replace(page, content=wrap(name, page.content[name]))

    return behaviour


@pytest.mark.parametrize(
    "wrap",
    [
        lambda name, records: {name.removesuffix("s"): records},
        lambda name, records: {name.upper(): records},
        lambda _, records: {"academicSessions": records},
        lambda _, records: {"data": records, "links": [], "warnings": ["slow"]},
        lambda _, records: records,
        lambda name, records: {
            "imsx_codeMajor": "success",
            "statusInfoSet": [{"imsx_severity": "status"}],
            name: records,
        },
        lambda name, records: {"others": [{"sourcedId": "X"}], name.title(): records},
        lambda name, records: {"status": "ok", "count": len(records), "data": {"page": 1, name: records}},
        lambda _, records: {"result": {"items": records}, "links": [], "error": None},
        lambda name, records: {name: records, "orgs" if name == "users" else "users": [{"sourcedId": "X"}]},
    ],
    ids=[
        "singular",
        "upper case",
        "another's",
        "any",
        "none",
        "beside a status",
        "beside others",
        "enveloped",
        "enveloped, any",
        "beside orgs",
    ],
)
def test_the_list_is_found_whatever_it_is_called(fetch: Fetch, endpoint: str, wrap: Wrap) -> None:
    fetched = fetch(users(25), wrapping(wrap), endpoint=endpoint)

    assert fetched.records == users(25)
    assert fetched.proof.whole


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("users", "students"),
        ("users", "teachers"),
        ("users", "Student"),
        ("students", "users"),
        ("students", "students"),
        ("schools/S 1/teachers", "teachers"),
        ("orgs", "schools"),
        ("orgs", "School"),
        ("schools", "orgs"),
    ],
)
def test_a_part_of_the_users_or_orgs_goes_for_the_whole(fetch: Fetch, endpoint: str, name: str) -> None:
    beside = {name: users(25), "total": 25, "links": [{"rel": "self"}], "pages": [1]}

    fetched = fetch(users(25), wrapping(lambda _, records: {**beside, name: records}), endpoint=endpoint)

    assert fetched.records == users(25)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda name, records: {name: records[0] if records else None},
        lambda name, records: {name.removesuffix("s"): records[0] if records else {}},
        lambda _, records: records[0] if records else [],
    ],
    ids=["plural", "singular", "bare"],
)
def test_one_record_in_place_of_a_list_is_a_list_of_one(fetch: Fetch, endpoint: str, wrap: Wrap) -> None:
    fetched = fetch(ONE, wrapping(wrap), endpoint=endpoint)

    assert fetched.records == ONE
    assert fetched.proof.whole


@pytest.mark.parametrize("nothing", [None, {}, []], ids=["null", "empty object", "empty list"])
def test_null_and_an_empty_object_are_empty_lists(fetch: Fetch, endpoint: str, nothing: object) -> None:
    fetched = fetch([], wrapping(lambda name, _: {name: nothing}), endpoint=endpoint)

    assert fetched.records == []
    assert fetched.proof.whole


@pytest.mark.parametrize(
    "content",
    [
        {},
        None,
        5,
        "users",
        {"users": "none"},
        {"count": 0, "totalRecords": 0},
        {"a": [], "b": []},
        {"messages": ["Unknown tenant."]},
        {"data": [{"code": "E17"}]},
        {"data": {"code": "E17"}},
        {"data": {"users": None}},
        {"data": {"rows": [{"code": "E17"}]}},
        {"data": {"users": []}, "meta": {"page": 1}},
        [{"errorCode": "E17", "message": "Unknown tenant."}],
        ["Unknown tenant."],
    ],
    ids=str,
)
def test_a_missing_list_is_a_failure_and_never_an_empty_roster(fetch: Fetch, content: object) -> None:
    with pytest.raises(UnexpectedAnswerError, match=r"Check that the base URL is that|Tell the provider"):
        fetch(users(25), lambda _: Scripted(_json(content)))


@pytest.mark.parametrize(
    "beside",
    [
        {"imsx_codeMajor": "failure", "imsx_severity": "error"},
        {"imsx_StatusInfo": {"imsx_codeMajor": "Failure"}},
        {"statusInfoSet": [{"imsx_codeMajor": "unsupported"}]},
        {"errors": [{"message": "The database did not answer."}]},
        {"error": "The database did not answer."},
    ],
    ids=str,
)
@pytest.mark.parametrize("content", [{"users": []}, {"data": {"users": []}}], ids=str)
def test_an_empty_list_beside_a_failure_is_a_failure(
    fetch: Fetch, content: dict[str, Any], beside: dict[str, Any]
) -> None:
    with pytest.raises(RosterSyncError):
        fetch(users(25), lambda _: Scripted({**content, **beside}))


@pytest.mark.parametrize("beside", [{"errors": []}, {"error": None}, {"imsx_codeMajor": "success"}], ids=str)
def test_an_empty_list_beside_no_failure_is_empty(fetch: Fetch, beside: dict[str, Any]) -> None:
    assert fetch([], wrapping(lambda name, _: {name: [], **beside})).proof.whole


def _json(content: object) -> object:
    return b"null" if content is None else content
