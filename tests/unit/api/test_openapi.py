"""The API's description. That it says what the API does is held against each answer of the tests beside this one."""

import pytest

from local.openapi import FILE, text
from roster_sync.api.problems import CONTENT_TYPE
from tests.support.description import description, operations, resolved
from tests.support.template import functions


def test_what_is_checked_in_is_what_the_code_says() -> None:
    assert FILE.read_text("utf-8") == text(), "Run `make openapi`."


def test_every_route_that_is_deployed_is_described_and_no_other() -> None:
    events = functions()["settings_api"]["Events"].values()

    deployed = {(event["Properties"]["Method"], event["Properties"]["Path"]) for event in events}

    assert operations().keys() == deployed


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for operation in operations().values()]

    assert sorted(set(names)) == sorted(names)
    assert {"get_settings", "sync_now"} < set(names)


@pytest.mark.parametrize(("method", "path"), operations())
def test_every_operation_says_what_it_is_for_and_where_it_belongs(method: str, path: str) -> None:
    operation = operations()[method, path]

    assert method not in operation["summary"].split()
    assert operation["tags"][0] in {tag["name"] for tag in description()["tags"]}


@pytest.mark.parametrize(("method", "path"), operations())
def test_every_error_is_described_as_problem_details(method: str, path: str) -> None:
    answers = {int(status): answer for status, answer in operations()[method, path]["responses"].items()}

    refused = {status: resolved(answer) for status, answer in answers.items() if status >= 400}
    assert {401, 403, 422, 429, 500, 503} <= refused.keys()
    assert {tuple(answer["content"]) for answer in refused.values()} == {(CONTENT_TYPE,)}
    assert {status for status, answer in refused.items() if "Retry-After" in answer.get("headers", ())} == {429, 503}


def test_every_operation_asks_for_a_token() -> None:
    assert description()["security"] == [{"IdToken": []}]
    assert [name for name, operation in operations().items() if "security" in operation] == []


def test_a_test_report_is_described_field_by_field() -> None:
    """The API passes it on from another function, so its route has no type for it."""
    answer = operations()["POST", "/districts/{district_id}/settings/test"]["responses"]["200"]

    report = resolved(answer["content"]["application/json"]["schema"])

    assert {"ok", "steps", "schools", "metadata_keys"} <= set(report["required"])
    assert report["properties"]["total_users"]["description"] == "null if the provider does not tell."


def test_a_parameter_that_has_no_value_is_left_out_rather_than_null() -> None:
    parameters = operations()["GET", "/districts/{district_id}/users"]["parameters"]

    assert {each["name"]: each["schema"].get("type") for each in parameters if each["name"] == "cursor"} == {
        "cursor": "string"
    }
