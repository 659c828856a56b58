"""Every error is problem details, and gives nothing away."""

import logging
from typing import Any

import pytest

from roster_sync.domain.errors import TransientError
from tests.support.builders import DISTRICT, OTHER_DISTRICT
from tests.support.events import support
from tests.unit.api.conftest import Answer, Client

ROUTES = [
    ("DELETE", ""),
    ("GET", "/deletion"),
    ("GET", "/settings"),
    ("PUT", "/settings"),
    ("POST", "/settings/test"),
    ("GET", "/schools"),
    ("PUT", "/schools/elementary"),
    ("DELETE", "/schools/elementary"),
    ("POST", "/users/upload"),
    ("POST", "/users/upload-preview"),
    ("POST", "/users/upload-url"),
    ("GET", "/users"),
    ("GET", "/users/u-1"),
    ("PATCH", "/users/u-1"),
    ("GET", "/users/u-1/changes"),
    ("GET", "/users/unknown-counselors"),
    ("GET", "/runs"),
    ("POST", "/runs"),
    ("GET", "/runs/20261124T090000Z-nightly"),
    ("GET", "/runs/20261124T090000Z-nightly/issues"),
]


def problem_of(answer: Answer) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["type"] == "about:blank"
    assert answer.json["status"] == answer.status
    assert answer.json["title"]
    return answer.status, answer.json["detail"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_token_every_route_answers_401(client: Client, method: str, path: str) -> None:
    answer = client.send(method, path, claims=None)

    assert problem_of(answer) == (401, "Sign in, and send the ID token in the Authorization header.")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_of_another_district_every_route_answers_403(client: Client, method: str, path: str) -> None:
    answer = client.send_to(method, f"/districts/{OTHER_DISTRICT}{path}")

    assert problem_of(answer) == (
        403,
        "Your account may not act on this district. Sign in with an account of the district.",
    )


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_support_passes_on_every_route(client: Client, method: str, path: str) -> None:
    answer = client.send_to(method, f"/districts/{OTHER_DISTRICT}{path}", claims=support())

    assert answer.status not in (401, 403)


@pytest.mark.parametrize(
    "path", [f"/districts/{OTHER_DISTRICT}/../{DISTRICT}/settings", "/districts/spring%66ield/settings"]
)
def test_a_path_that_spells_the_district_otherwise_is_not_let_through(client: Client, path: str) -> None:
    answer = client.send_to("GET", path)

    assert answer.status in (403, 404)


def test_an_unknown_path_answers_404(client: Client) -> None:
    answer = client.send("GET", "/teachers")

    assert problem_of(answer) == (404, "There is no such path. Check it against the API's description.")


def test_an_unknown_method_answers_405_with_those_that_are_allowed(client: Client) -> None:
    answer = client.send("PATCH", "/settings")

    assert problem_of(answer) == (405, "This path does not take PATCH. Use GET or PUT.")
    assert answer.headers["Allow"] == "GET, PUT"


def test_values_that_cannot_be_are_named_one_by_one_but_not_repeated(client: Client) -> None:
    body = {"page_size": 0, "parallel_requests": "hunter2", "metadata_keys": ["a", ""], "sercet": "hunter2"}

    answer = client.send("PUT", "/settings", body=body)

    assert problem_of(answer)[0] == 422
    errors = {error["pointer"]: error["detail"] for error in answer.json["errors"]}
    assert errors.keys() == {"#/page_size", "#/parallel_requests", "#/metadata_keys/1", "#/sercet"}
    assert errors["#/sercet"] == "There is no such field. Check its spelling."
    assert "hunter2" not in str(answer.json)
    assert answer.json["detail"].endswith(". 3 more below.")


def test_the_one_value_that_cannot_be_is_said_in_a_sentence(client: Client) -> None:
    answer = client.send("PUT", "/settings", body={"deactivation_percent": 101})

    assert problem_of(answer) == (
        422,
        "deactivation_percent cannot be used: Input should be less than or equal to 100.",
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("products", "serve", "It must be a list."),
        ("metadata_keys", {}, "It must be a list."),
        ("roles", [], "It must be a JSON object."),
        ("base_url", 5, "It must be text."),
        ("page_size", "many", "It must be a whole number."),
        ("page_size", "100", "It must be a whole number."),
        ("page_size", True, "It must be a whole number."),
        ("page_size", 2.5, "It must be a whole number."),
        ("page_size", None, "It must be a whole number."),
        ("page_size", 1e19, "It must be a whole number."),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_in_plain_words(
    client: Client, name: str, value: object, said: str
) -> None:
    answer = client.send("PUT", "/settings", body={name: value})

    assert problem_of(answer) == (422, f"{name} cannot be used: {said}")


def test_the_place_of_an_error_is_a_json_pointer(client: Client) -> None:
    answer = client.send("PUT", "/settings", body={"roles": {"a/b~c": "janitor"}})

    assert answer.json["errors"][0]["pointer"] == "#/roles/a~1b~0c"


def test_a_parameter_that_cannot_be_is_named(client: Client) -> None:
    answer = client.send("GET", "/runs", query={"limit": "0"})

    assert problem_of(answer)[0] == 422
    assert answer.json["errors"] == [
        {"parameter": "limit", "detail": "Input should be greater than or equal to 1."},
    ]


@pytest.mark.parametrize("body", ["{", "[]", "null", '"text"', "\ud800", "[" * 100_000])
def test_a_body_that_is_no_json_object_answers_422(client: Client, body: str) -> None:
    answer = client.send("PUT", "/settings", body=body)

    status, detail = problem_of(answer)
    assert status == 422
    assert detail.startswith("The body cannot be used: It ")


def test_a_body_longer_than_any_settings_answers_413_before_it_is_read(client: Client) -> None:
    """Else each of its unknown fields would come back as an error, in an answer longer than Lambda's 6 MB."""
    answer = client.send("PUT", "/settings", body={f"field{number}": 1 for number in range(100_000)})

    assert problem_of(answer) == (413, "The body is longer than 300 kB. Send only the fields of this request.")


def test_the_longest_settings_there_can_be_are_taken(client: Client) -> None:
    longest = "\U0001f600" * 255
    body = {
        "consumer_key": "\U0001f600" * 1000,
        "consumer_secret": "\U0001f600" * 1000,
        "counselor_metadata_key": longest,
        "role_metadata_key": longest,
        "roles": {f"{longest[:-2]}{number}": "administrator" for number in range(10, 60)},
        "metadata_keys": [longest] * 20,
    }

    answer = client.send("PUT", "/settings", body=body)

    assert answer.status == 200


def test_an_id_or_cursor_that_cannot_be_is_refused_in_plain_words(client: Client) -> None:
    answer = client.send("GET", "/runs/a%20b")

    assert problem_of(answer) == (
        422,
        "run_id cannot be used: It is too long, or has characters that it cannot have. Correct it.",
    )


def test_a_body_that_is_not_said_to_be_json_answers_415(client: Client) -> None:
    answer = client.send("PUT", "/settings", body="base_url=x", content_type="text/plain")

    assert problem_of(answer) == (415, "Send the body as JSON, with Content-Type: application/json.")


@pytest.mark.parametrize("form", ["application/x-www-form-urlencoded", "multipart/form-data", "Multipart/mixed; a=b"])
@pytest.mark.parametrize(("method", "path"), [("PUT", "/settings"), ("POST", "/users/upload"), ("POST", "/runs")])
def test_a_form_answers_415(client: Client, method: str, path: str, form: str) -> None:
    answer = client.send(method, path, body="base_url=x", content_type=form)

    assert problem_of(answer)[0] == 415


@pytest.mark.parametrize("number", [0, 1_800_000_000, "0", "1800000000", True])
@pytest.mark.parametrize("field", ["pause_from", "credentials_expire_on", "limits_lifted_until"])
def test_a_number_is_no_date(client: Client, field: str, number: object) -> None:
    answer = client.send("PUT", "/settings", body={field: number})

    sentence = f"{field} cannot be used: It must be a date as ISO 8601 has it, such as 2026-11-25."
    assert problem_of(answer) == (422, sentence)


def test_a_path_that_takes_other_methods_answers_405_and_names_them(client: Client) -> None:
    answer = client.send("DELETE", "/users/u-1")

    assert problem_of(answer) == (405, "This path does not take DELETE. Use GET or PATCH.")
    assert answer.headers["Allow"] == "GET, PATCH"


def test_an_upload_that_is_not_said_to_be_csv_answers_415(client: Client) -> None:
    answer = client.send("POST", "/users/upload", body={"users": []})

    assert problem_of(answer)[0] == 415


def test_what_may_be_tried_again_answers_503_with_retry_after(client: Client) -> None:
    def out_of_order(*_: Any) -> None:
        raise TransientError("The queue did not answer.")

    client.request_sync = out_of_order
    _make_runnable(client)

    answer = client.send("POST", "/runs")

    assert problem_of(answer) == (503, "The queue did not answer. Try again in half a minute.")
    assert answer.headers["Retry-After"] == "30"


def test_a_defect_answers_500_without_details_and_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("division of hunter2 by zero")

    client.request_sync = broken
    _make_runnable(client)

    with caplog.at_level(logging.ERROR):
        answer = client.send("POST", "/runs")

    assert problem_of(answer) == (500, "Something failed on our side. Try again later.")
    assert "Request failed" in caplog.messages


def test_no_answer_is_kept_by_a_cache(client: Client) -> None:
    for answer in (client.send("GET", "/settings"), client.send("GET", "/settings", claims=None)):
        assert answer.headers["Cache-Control"] == "no-store"


def _make_runnable(client: Client) -> None:
    client.send("PUT", "/schools/elementary", body={"name": "Springfield Elementary", "oneroster_id": "org-1"})
    client.send(
        "PUT",
        "/settings",
        body={
            "base_url": "https://sis.example.org",
            "consumer_key": "key",
            "consumer_secret": "s3cret",
            "products": ["serve"],
        },
    )
