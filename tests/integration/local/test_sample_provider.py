"""The sample provider over HTTP: signatures, paging, queries and errors."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, SIGNATURE_PLAINTEXT, Client
from requests_oauthlib import OAuth1Session

from local.sample_provider import District, SampleProvider

Get = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def provider() -> Iterator[SampleProvider]:
    with SampleProvider(users=500, page_cap=200) as provider:
        yield provider


@pytest.fixture
def get(provider: SampleProvider) -> Iterator[Get]:
    with OAuth1Session(
        provider.consumer_key, provider.consumer_secret, signature_method=SIGNATURE_HMAC_SHA256
    ) as session:
        yield lambda path, **parameters: session.get(provider.base_url + path, params=parameters)


def signed(provider: SampleProvider, path: str, **settings: Any) -> requests.Response:
    """Send a request whose signature is made with some settings of its own."""
    client = Client(
        **{"client_key": provider.consumer_key, "client_secret": provider.consumer_secret, **settings},
    )
    url, headers, _ = client.sign(provider.base_url + path)
    return requests.get(url, headers=headers, timeout=10)


def assert_refused(response: requests.Response, status: int, code_minor: str) -> None:
    """The response is the standard's payload for an error."""
    assert response.status_code == status
    [status_info] = response.json()["statusInfoSet"]
    assert status_info.pop("imsx_description")
    assert status_info == {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_CodeMinor": code_minor,
    }


@pytest.mark.parametrize("method", [SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256])
def test_both_signature_methods_are_accepted(provider: SampleProvider, method: str) -> None:
    response = signed(provider, "/users?filter=familyName%3D%27O%27Brien%27&limit=1", signature_method=method)

    assert response.status_code == 200


@pytest.mark.parametrize(
    "settings",
    [
        {"client_secret": "another"},
        {"client_key": "another"},
        {"signature_method": SIGNATURE_PLAINTEXT},
    ],
    ids=["secret", "key", "method"],
)
def test_a_wrong_signature_is_refused(provider: SampleProvider, settings: dict[str, str]) -> None:
    response = signed(provider, "/users", **settings)

    assert_refused(response, 401, "unauthorised")


@pytest.mark.parametrize("skew_s", [-330, 330])
def test_a_timestamp_of_another_time_is_refused(provider: SampleProvider, skew_s: int) -> None:
    response = signed(provider, "/users", timestamp=str(int(time.time()) + skew_s))

    assert_refused(response, 401, "unauthorised")


def test_a_nonce_is_accepted_once(provider: SampleProvider) -> None:
    signed(provider, "/orgs", nonce="once-and-never-again")

    replayed = signed(provider, "/users", nonce="once-and-never-again")

    assert_refused(replayed, 401, "unauthorised")


def test_a_changed_query_breaks_the_signature(provider: SampleProvider) -> None:
    client = Client(provider.consumer_key, provider.consumer_secret)
    _, headers, _ = client.sign(provider.base_url + "/users?limit=1")

    response = requests.get(provider.base_url + "/users?limit=2", headers=headers, timeout=10)

    assert_refused(response, 401, "unauthorised")


@pytest.mark.parametrize("authorization", [None, "OAuth", "Bearer token", 'OAuth oauth_nonce="half'])
def test_a_request_without_a_signature_is_refused(provider: SampleProvider, authorization: str | None) -> None:
    response = requests.get(provider.base_url + "/users", headers={"Authorization": authorization}, timeout=10)

    assert_refused(response, 401, "unauthorised")


def test_pages_hold_every_user_exactly_once(provider: SampleProvider, get: Get) -> None:
    offsets = range(0, 500, 150)

    pages = [get("/users", limit=150, offset=offset, sort="sourcedId").json()["users"] for offset in offsets]

    found = [user for page in pages for user in page]
    assert found == sorted(provider.users, key=lambda user: str(user["sourcedId"]))


def test_a_page_holds_no_more_than_the_cap(get: Get) -> None:
    response = get("/users", limit=10_000)

    assert len(response.json()["users"]) == 200
    assert response.headers["X-Total-Count"] == "500"


def test_a_page_past_the_end_is_empty(get: Get) -> None:
    response = get("/users", offset=500)

    assert response.json() == {"users": []}
    assert "next" not in response.links


def test_links_lead_through_all_pages(provider: SampleProvider, get: Get) -> None:
    response = get("/students", limit=120, offset=120, filter="status='active'")

    links = {relation: parse_qs(urlsplit(link["url"]).query) for relation, link in response.links.items()}
    last = (int(response.headers["X-Total-Count"]) - 1) // 120 * 120
    assert {relation: query["offset"] for relation, query in links.items()} == {
        "first": ["0"],
        "prev": ["0"],
        "next": ["240"],
        "last": [str(last)],
    }
    assert all(query["filter"] == ["status='active'"] for query in links.values())
    assert response.links["next"]["url"].startswith(provider.base_url + "/students?")


@pytest.mark.parametrize(
    ("path", "wrapper", "kinds"),
    [
        ("/orgs", "orgs", {"district", "school"}),
        ("/schools", "orgs", {"school"}),
        ("/students", "users", {"student"}),
        ("/teachers", "users", {"teacher"}),
    ],
)
def test_a_collection_holds_its_kind(get: Get, path: str, wrapper: str, kinds: set[str]) -> None:
    records = get(path).json()[wrapper]

    assert {record.get("role", record.get("type")) for record in records} == kinds


def test_a_single_record_is_found_by_id(provider: SampleProvider, get: Get) -> None:
    user, org = provider.users[7], provider.orgs[0]

    assert get(f"/users/{user['sourcedId']}").json() == {"user": user}
    assert get(f"/orgs/{org['sourcedId']}").json() == {"org": org}


@pytest.mark.parametrize("role", ["student", "teacher"])
def test_a_school_lists_its_own(provider: SampleProvider, get: Get, role: str) -> None:
    school = provider.orgs[1]["sourcedId"]

    found = get(f"/schools/{school}/{role}s", limit=200).json()["users"]

    assert found == [
        user for user in provider.users if user["role"] == role and school in {org["sourcedId"] for org in user["orgs"]}
    ]


def test_a_filter_and_an_order_are_obeyed(provider: SampleProvider, get: Get) -> None:
    response = get("/users", filter="role='administrator' OR role='aide'", sort="familyName", orderBy="desc")

    wanted = [user for user in provider.users if user["role"] in {"administrator", "aide"}]
    names = [user["familyName"] for user in response.json()["users"]]
    assert names == sorted((user["familyName"] for user in wanted), reverse=True)
    assert response.headers["X-Total-Count"] == str(len(wanted))


def test_only_the_selected_fields_are_given(get: Get) -> None:
    users = get("/users", fields="sourcedId,role").json()["users"]

    assert {frozenset(user) for user in users} == {frozenset({"sourcedId", "role"})}


@pytest.mark.parametrize(
    ("parameters", "code_minor"),
    [
        ({"filter": "shoeSize='9'"}, "invalid_filter_field"),
        ({"sort": "shoeSize"}, "invalid_sort_field"),
        ({"fields": "shoeSize"}, "invalid_selection_field"),
        ({"limit": "-1"}, "invaliddata"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(get: Get, parameters: dict[str, str], code_minor: str) -> None:
    response = get("/users", **parameters)

    assert_refused(response, 400, code_minor)


@pytest.mark.parametrize("path", ["/users/nobody", "/schools/nowhere/students", "/lunches", "/users/a/b"])
def test_what_is_unknown_is_not_found(get: Get, path: str) -> None:
    response = get(path)

    assert_refused(response, 404, "unknownobject")


def test_a_defect_of_the_provider_is_an_internal_error() -> None:
    undated = {"sourcedId": "1", "role": "student", "orgs": []}
    with SampleProvider(district=District(orgs=[], users=[undated])) as provider:
        response = signed(provider, "/users?filter=dateLastModified%3E%272026-01-01%27")

    assert_refused(response, 500, "internal_server_error")


def test_nothing_can_be_written(provider: SampleProvider) -> None:
    response = requests.delete(provider.base_url + "/users/1", timeout=10)

    assert_refused(response, 405, "invaliddata")
    assert response.headers["Allow"] == "GET"


def test_requests_are_counted_and_one_connection_serves_many(provider: SampleProvider, get: Get) -> None:
    before = provider.requests_served

    connections = {get("/orgs").headers.get("Connection") for _ in range(3)}

    assert provider.requests_served == before + 3
    assert connections == {None}


def test_a_night_passes_while_it_serves() -> None:
    with SampleProvider(users=200) as provider:
        changes = provider.change_overnight()

        response = signed(provider, f"/users/{changes.joined[0]}")
        gone = signed(provider, f"/users/{changes.left[0]}")

    assert response.json()["user"]["sourcedId"] == changes.joined[0]
    assert_refused(gone, 404, "unknownobject")


def test_the_control_address_needs_its_token(provider: SampleProvider) -> None:
    root = provider.control_url.rpartition("/")[0]

    response = requests.get(f"{root}/guess/users", timeout=10)

    assert response.status_code == 401


def test_it_runs_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "local.sample_provider", "--users", "50", "--seed", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        control = where["control_url"]

        with OAuth1Session(where["consumer_key"], where["consumer_secret"]) as session:
            served = session.get(where["base_url"] + "/users").json()["users"]
        known = requests.get(f"{control}/users", timeout=10).json()
        counted = requests.get(f"{control}/requests", timeout=10).json()
        changes = requests.post(f"{control}/overnight", timeout=10).json()
        counselors = requests.get(f"{control}/counselors", timeout=10).json()
        process.terminate()

    assert served == known
    assert counted == {"requests_served": 1}
    assert changes["counts"] == {"joined": 1, "left": 1, "moved": 1, "renamed": 1}
    assert {"first_name", "last_name", "email", "school_name"} == set(counselors[0])
    assert process.returncode == 0


def test_a_port_that_is_taken_is_told_in_a_sentence(provider: SampleProvider) -> None:
    port = str(urlsplit(provider.base_url).port)

    ended = subprocess.run(
        [sys.executable, "-m", "local.sample_provider", "--users", "50", "--port", port],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert f"Port {port} cannot be used: Address already in use. Choose another; 0 takes a free one." in ended.stderr
