"""The settings API through its handler, over the deployed tables, queues, bucket and key in memory."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import boto3
import pytest
import requests
from moto import mock_aws

from functions.import_users import app as import_users
from functions.settings_api import app as settings_api
from roster_sync.security.secrets import Secrets
from tests.support.builders import DISTRICT, OTHER_DISTRICT
from tests.support.deployed import Context
from tests.support.events import EVENTS, api_event, district_admin, support
from tests.support.invocations import Invocations, serve_invocations
from tests.support.template import create_queues, create_tables, functions

BUCKET = "uploads"
SETTINGS = {
    "base_url": "https://sis.example.org/",
    "consumer_key": "key",
    "consumer_secret": "hunter2hunter2",
    "products": ["serve"],
}
HEADER = "First Name,Last Name,Email,Default User Password,ID,Grade,Role,Counselor Email,Status,School or Move To\n"
COUNSELOR = "Ned,Flanders,ned@example.org,pass4321,2001,,counselor,,active,Springfield Elementary\n"


def deployed_routes() -> list[tuple[str, str]]:
    """Method and path of each route that template.yaml gives the function, with ids filled in."""
    routes = [event["Properties"] for event in functions()["settings_api"]["Events"].values()]
    return sorted(
        (
            route["Method"],
            route["Path"].format(
                district_id=DISTRICT, school_id="elementary", user_id="u-1", run_id="20261124T090000Z-nightly"
            ),
        )
        for route in routes
    )


class Deployed:
    """The API with what it needs."""

    def __init__(self, queues: dict[str, str], key_id: str, invocations: Invocations) -> None:
        self.queues = queues
        self.key_id = key_id
        self.invocations = invocations

    def send(self, method: str, path: str, **request: Any) -> tuple[int, Any]:
        event = api_event(method, f"/districts/{DISTRICT}{path}", **{"claims": district_admin(DISTRICT), **request})
        answer = settings_api.handler(event, Context())
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None

    def arrive(self, key: str) -> None:
        event = json.loads((EVENTS / "import_users.json").read_text())
        event["detail"]["object"]["key"] = key
        import_users.handler(event, Context())

    def messages(self, queue: str) -> list[Any]:
        received = boto3.client("sqs").receive_message(QueueUrl=self.queues[queue], MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in received.get("Messages", [])]

    def set_up(self) -> None:
        self.send("PUT", "/schools/elementary", body={"name": "Springfield Elementary", "oneroster_id": "org-1"})
        self.send("PUT", "/settings", body=SETTINGS)


def clear_caches() -> None:
    for factory in (
        settings_api.environment,
        settings_api.sync_requests,
        settings_api.consumer_secrets,
        settings_api.api,
        import_users.environment,
        import_users.uploads,
        import_users.deletions,
        import_users.importer,
    ):
        factory.cache_clear()


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The functions' environment, of resources that need not exist."""
    for name, value in {
        "DISTRICTS_TABLE": "DistrictsTable",
        "USERS_TABLE": "UsersTable",
        "SYNC_RUNS_TABLE": "SyncRunsTable",
        "SYNC_REQUESTS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/SyncRequestsQueue",
        "USER_CHANGES_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/UserChangesQueue",
        "DELETIONS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/DeletionsQueue",
        "UPLOADS_BUCKET": BUCKET,
        "SECRETS_KEY_ID": "key",
        "TEST_CONNECTION_FUNCTION": "test-connection",
        "PRODUCTS": "serve,jobs,journey",
        "DEFAULT_SYNC_TIME": "04:00",
        "DEFAULT_TIMEZONE": "America/New_York",
        "ALLOW_LOCAL_PROVIDERS": "false",
        "EVENT_BUS": "none",
        "EVENT_VALUES": "false",
    }.items():
        monkeypatch.setenv(name, value)
    clear_caches()
    yield
    clear_caches()


@pytest.fixture
def deployed(variables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """The resources too."""
    with serve_invocations() as invocations, mock_aws():
        create_tables(boto3.client("dynamodb"))
        queues = create_queues(boto3.client("sqs"))
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        key_id = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
        monkeypatch.setenv("SYNC_REQUESTS_QUEUE_URL", queues["SyncRequestsQueue"])
        monkeypatch.setenv("USER_CHANGES_QUEUE_URL", queues["UserChangesQueue"])
        monkeypatch.setenv("DELETIONS_QUEUE_URL", queues["DeletionsQueue"])
        monkeypatch.setenv("SECRETS_KEY_ID", key_id)
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", invocations.url)
        yield Deployed(queues, key_id, invocations)


@pytest.mark.parametrize(("method", "path"), deployed_routes())
def test_without_a_token_every_deployed_route_answers_401(variables: None, method: str, path: str) -> None:
    answer = settings_api.handler(api_event(method, path, claims=None), Context())

    assert answer["statusCode"] == 401
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]


@pytest.mark.parametrize(("method", "path"), deployed_routes())
def test_of_another_district_every_deployed_route_answers_403(variables: None, method: str, path: str) -> None:
    answer = settings_api.handler(api_event(method, path, claims=district_admin(OTHER_DISTRICT)), Context())

    assert answer["statusCode"] == 403
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]


def test_every_deployed_route_is_a_route_of_the_api(deployed: Deployed) -> None:
    for method, path in deployed_routes():
        answer = settings_api.handler(api_event(method, path, claims=district_admin(DISTRICT)), Context())

        assert answer["statusCode"] != 405, (method, path)
        assert "There is no such path" not in (answer["body"] or ""), (method, path)


def test_the_secret_is_stored_encrypted_with_the_district_as_context(deployed: Deployed) -> None:
    deployed.set_up()

    (stored,) = [
        item for item in boto3.client("dynamodb").scan(TableName="DistrictsTable")["Items"] if "consumer_secret" in item
    ]
    ciphertext = stored["consumer_secret"]["B"]
    assert b"hunter2" not in ciphertext
    assert Secrets(deployed.key_id).decrypt(DISTRICT, ciphertext) == "hunter2hunter2"
    assert deployed.send("GET", "/settings")[1]["consumer_secret_set"] is True


def test_settings_come_back_as_saved_and_collide_when_saved_at_once(deployed: Deployed) -> None:
    saved = deployed.send("PUT", "/settings", body={**SETTINGS, "roles": {"aide": "sponsor"}, "metadata_keys": ["m"]})
    loaded = deployed.send("GET", "/settings")
    again = deployed.send("PUT", "/settings", body={**SETTINGS, "version": 1})
    late = deployed.send("PUT", "/settings", body={**SETTINGS, "version": 1})

    assert (saved[0], loaded) == (200, saved)
    assert loaded[1]["base_url"] == "https://sis.example.org/ims/oneroster/v1p1"
    assert (loaded[1]["roles"], loaded[1]["metadata_keys"]) == ({"aide": "sponsor"}, ["m"])
    assert (again[0], again[1]["version"], late[0]) == (200, 2, 409)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/settings"), ("POST", "/settings/test")])
def test_a_base_url_of_another_version_is_refused_with_the_one_that_was_meant(
    deployed: Deployed, method: str, path: str
) -> None:
    deployed.set_up()
    before = deployed.send("GET", "/settings")
    wrong = {**SETTINGS, "base_url": " <sis.example.org/campus/api/ims/oneroster/rostering/v1p2/users?limit=5> "}

    status, problem = deployed.send(method, path, body=wrong)

    assert status == 422
    assert "OneRoster 1.2" in problem["detail"]
    assert "Enter https://sis.example.org/campus/api/ims/oneroster/v1p1 or" in problem["detail"]
    assert deployed.send("GET", "/settings") == before
    assert deployed.invocations.requests == []


def test_settings_are_tested_by_the_function_that_may_decrypt(deployed: Deployed) -> None:
    deployed.set_up()
    deployed.invocations.answer = {"ok": True, "steps": []}

    answer = deployed.send("POST", "/settings/test")

    assert answer == (200, {"ok": True, "steps": []})
    assert deployed.invocations.requests == [("test-connection", {"district_id": DISTRICT})]


def test_sync_now_sends_the_request_of_its_run(deployed: Deployed) -> None:
    deployed.set_up()

    status, run = deployed.send("POST", "/runs")

    (request,) = deployed.messages("SyncRequestsQueue")
    assert (status, run["state"]) == (202, "queued")
    assert (request["district_id"], request["run_id"]) == (DISTRICT, run["run_id"])
    assert deployed.send("GET", f"/runs/{run['run_id']}")[1] == run
    assert [run["run_id"] for run in deployed.send("GET", "/runs")[1]["items"]] == [run["run_id"]]


def test_an_upload_stores_users_who_are_then_found(deployed: Deployed) -> None:
    deployed.set_up()
    superintendent = "Sue,Intendent,sue@example.org,,,,District Administrator,,,\n"
    bad = "Rod,Flanders,,,,,student,,,Springfield Elementary\n"

    status, report = deployed.send(
        "POST", "/users/upload", body=(HEADER + COUNSELOR + bad + superintendent).encode(), content_type="text/csv"
    )

    assert (status, report["run"]["state"]) == (200, "completed_with_issues")
    assert {name: count for name, count in report["run"]["counts"].items() if count} == {
        "fetched": 3,
        "created": 2,
        "invalid": 1,
    }
    assert [(issue["code"], issue["line"], issue["column"]) for issue in report["issues"]["items"]] == [
        ("upload_notice", 1, "Default User Password"),
        ("upload_row_invalid", 3, "Email"),
    ]
    assert deployed.send("GET", f"/runs/{report['run_id']}")[1] == report["run"]
    assert deployed.send("GET", f"/runs/{report['run_id']}/issues")[1] == report["issues"]

    _, counselors = deployed.send("GET", "/users", query={"role": "counselor", "school": "elementary"})
    (ned,) = counselors["items"]
    assert (ned["email"], ned["manual_role"], ned["status"]) == ("ned@example.org", "counselor", "active")
    assert (ned["products"], ned["school_ids"]) == (["serve"], ["elementary"])
    assert deployed.send("GET", f"/users/{ned['user_id']}") == (200, ned)
    _, by_email = deployed.send("GET", "/users", query={"email": "SUE@example.org"})
    assert [(user["role"], user["school_ids"]) for user in by_email["items"]] == [("district_administrator", [])]


def test_a_change_by_hand_is_stored_shown_as_a_run_and_can_be_undone(deployed: Deployed) -> None:
    deployed.set_up()
    deployed.send("POST", "/users/upload", body=(HEADER + COUNSELOR).encode(), content_type="text/csv")
    (ned,) = deployed.send("GET", "/users")[1]["items"]
    path = f"/users/{ned['user_id']}"

    status, changed = deployed.send(
        "PATCH", path, body={"manual_role": "sponsor", "manual_counselor_email": "ned@example.org"}
    )

    assert (status, changed["role"], changed["counselor_email"]) == (200, "sponsor", "ned@example.org")
    assert deployed.send("GET", path) == (200, changed)
    _, run = deployed.send("GET", f"/runs/{changed['run_id']}")
    assert (run["kind"], run["state"], run["counts"]["updated"]) == ("edit", "completed", 1)
    ((change,),) = (deployed.send("GET", f"/runs/{changed['run_id']}/changes")[1]["items"],)
    assert (change["before"], change["after"]["role"]) == (
        {"manual_role": "counselor", "role": "counselor"},
        "sponsor",
    )
    assert deployed.send("POST", f"/runs/{changed['run_id']}/revert")[0] == 202


def test_a_cursor_that_no_page_gave_is_refused(deployed: Deployed) -> None:
    for path in ("/users", "/runs/20261124T090000Z-nightly/issues"):
        status, _ = deployed.send("GET", path, query={"cursor": "../../etc"})

        assert status in (404, 422)


def test_an_upload_of_many_rows_is_kept_in_the_bucket(deployed: Deployed) -> None:
    deployed.set_up()
    rows = [f"N,F,n{number}@example.org,,,,student,,,Springfield Elementary\n" for number in range(2_001)]
    content = (HEADER + "".join(rows)).encode()

    status, report = deployed.send("POST", "/users/upload", body=content, content_type="text/csv")
    queued = deployed.send("GET", f"/runs/{report['run_id']}")[1]["state"]
    (stored,) = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    kept = boto3.client("s3").get_object(Bucket=BUCKET, Key=stored["Key"])["Body"].read()

    assert (status, queued, kept) == (202, "queued", content)


def test_a_district_s_deletion_is_asked_for_and_a_file_that_arrives_after_it_leaves_nothing(
    deployed: Deployed,
) -> None:
    deployed.set_up()
    _, upload = deployed.send("POST", "/users/upload-url")
    key = f"uploads/{DISTRICT}/{upload['run_id']}.csv"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=(HEADER + COUNSELOR).encode())

    status, deletion = deployed.send("DELETE", "", query={"confirm": DISTRICT}, claims=support())
    deployed.arrive(key)

    assert (status, deletion["state"]) == (202, "under_way")
    assert deployed.messages("DeletionsQueue") == [{"district_id": DISTRICT, "version": 1}]
    assert boto3.client("dynamodb").scan(TableName="UsersTable")["Items"] == []
    assert boto3.client("dynamodb").scan(TableName="SyncRunsTable")["Items"] == []


def test_a_file_that_arrives_twice_is_applied_once(deployed: Deployed) -> None:
    deployed.set_up()
    bad = "N,F,bad,,,,student,,,Springfield Elementary\n"
    key = f"uploads/{DISTRICT}/20261124T090000Z-upload-00000001.csv"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=(HEADER + bad + COUNSELOR).encode())

    deployed.arrive(key)
    first = deployed.send("GET", "/runs")[1]["items"]
    deployed.arrive(key)
    second = deployed.send("GET", "/runs")[1]["items"]

    assert [(run["state"], run["counts"]["created"], run["counts"]["invalid"]) for run in first] == [
        ("completed_with_issues", 1, 1)
    ]
    assert second == first


def test_a_file_that_was_put_to_its_url_is_applied_under_its_run(deployed: Deployed) -> None:
    deployed.set_up()

    status, slot = deployed.send("POST", "/users/upload-url")
    put = requests.request(
        slot["method"], slot["url"], data=(HEADER + COUNSELOR).encode(), headers=slot["headers"], timeout=5
    )
    (stored,) = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    deployed.arrive(stored["Key"])

    assert (status, put.status_code) == (201, 200)
    run = deployed.send("GET", f"/runs/{slot['run_id']}")[1]
    assert (run["kind"], run["state"], run["counts"]["created"]) == ("upload", "completed", 1)


def test_a_file_in_utf_16_ends_its_run_with_the_sentence(deployed: Deployed) -> None:
    deployed.set_up()
    _, slot = deployed.send("POST", "/users/upload-url")
    key = f"uploads/{DISTRICT}/{slot['run_id']}.csv"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=(HEADER + COUNSELOR).encode("utf-16"))

    deployed.arrive(key)

    run = deployed.send("GET", f"/runs/{slot['run_id']}")[1]
    assert run["state"] == "failed"
    assert run["reason"].startswith("The file is encoded as UTF-16, not as UTF-8. Save it as UTF-8")


def test_what_is_logged_of_an_outage_names_the_district_and_what_did_not_answer(
    deployed: Deployed, log: StringIO
) -> None:
    deployed.invocations.function_error = "Unhandled"

    status, _ = deployed.send("POST", "/settings/test")

    outage, answered = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (status, outage["message"], outage["reason"]) == (
        503,
        "Could not answer",
        "The test did not come to an end.",
    )
    assert (answered["message"], answered["status"]) == ("Answered", 503)
    assert {outage["district_id"], answered["district_id"]} == {DISTRICT}


def test_no_log_line_holds_personal_data_or_a_secret(
    deployed: Deployed, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.set_up()
    deployed.send("POST", "/settings/test", body=SETTINGS)
    deployed.send("POST", "/users/upload", body=(HEADER + COUNSELOR).encode(), content_type="text/csv")
    deployed.send("GET", "/users", query={"email": "ned@example.org"})
    deployed.send("PUT", "/settings", body={**SETTINGS, "page_size": "hunter2hunter2"})
    _, slot = deployed.send("POST", "/users/upload-url")
    key = f"uploads/{DISTRICT}/{slot['run_id']}.csv"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=(HEADER + COUNSELOR).encode())
    deployed.arrive(key)

    logged = log.getvalue() + "".join(capsys.readouterr())
    assert '"message":"Answered"' in logged
    assert '"message":"Imported a file"' in logged
    for private in ("hunter2", "ned@", "Flanders", "pass4321", "X-Amz-Signature", "sis.example.org"):
        assert private not in logged
