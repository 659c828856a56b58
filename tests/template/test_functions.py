"""The functions, their schedule, the API's routes and who may sign in."""

import json
import re
import subprocess
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from roster_sync.domain.schedule import SLOT, USUAL, Schedule
from tests.support.template import ROOT, functions, properties, resources, template

PUBLIC_ROUTES = {("GET", "/portal"), ("GET", "/portal/{proxy+}"), ("GET", "/openapi.json")}
ROUTES = {
    ("GET", "/districts"),
    ("DELETE", "/districts/{district_id}"),
    ("GET", "/districts/{district_id}/deletion"),
    ("GET", "/districts/{district_id}/export/users"),
    ("GET", "/districts/{district_id}/export/consent"),
    ("PUT", "/districts/{district_id}/export/consent"),
    ("DELETE", "/districts/{district_id}/export/consent"),
    ("GET", "/districts/{district_id}/settings"),
    ("PUT", "/districts/{district_id}/settings"),
    ("POST", "/districts/{district_id}/settings/test"),
    ("GET", "/districts/{district_id}/schools"),
    ("PUT", "/districts/{district_id}/schools/{school_id}"),
    ("DELETE", "/districts/{district_id}/schools/{school_id}"),
    ("GET", "/districts/{district_id}/users"),
    ("GET", "/districts/{district_id}/users/{user_id}"),
    ("GET", "/districts/{district_id}/users/unknown-counselors"),
    ("GET", "/districts/{district_id}/users/{user_id}/changes"),
    ("PATCH", "/districts/{district_id}/users/{user_id}"),
    ("POST", "/districts/{district_id}/users/upload"),
    ("POST", "/districts/{district_id}/users/upload-preview"),
    ("POST", "/districts/{district_id}/users/upload-url"),
    ("GET", "/districts/{district_id}/audit"),
    ("GET", "/districts/{district_id}/runs"),
    ("POST", "/districts/{district_id}/runs"),
    ("GET", "/districts/{district_id}/runs/{run_id}"),
    ("GET", "/districts/{district_id}/runs/{run_id}/issues"),
    ("POST", "/districts/{district_id}/runs/{run_id}/redrive"),
    ("GET", "/districts/{district_id}/runs/{run_id}/held"),
    ("POST", "/districts/{district_id}/runs/{run_id}/approve"),
    ("POST", "/districts/{district_id}/runs/{run_id}/discard"),
    ("GET", "/districts/{district_id}/runs/{run_id}/changes"),
    ("GET", "/districts/{district_id}/runs/{run_id}/samples"),
    ("POST", "/districts/{district_id}/runs/{run_id}/revert"),
    *PUBLIC_ROUTES,
}


def default(parameter: str) -> str:
    value: str = template()["Parameters"][parameter]["Default"]
    return value


def schedule() -> dict[str, Any]:
    found: dict[str, Any] = functions()["dispatch"]["Events"]["Night"]["Properties"]
    return found


def routes() -> list[dict[str, Any]]:
    return [
        event["Properties"]
        for function in functions().values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "Api"
    ]


def test_nights_that_are_due_are_looked_for_at_each_quarter_of_an_hour() -> None:
    night = schedule()

    assert night["ScheduleExpression"] == "cron(0/15 * * * ? *)"
    assert night["ScheduleExpressionTimezone"] == "UTC"
    assert timedelta(minutes=15) == SLOT


def test_a_night_begins_at_four_in_new_york_unless_the_district_says_otherwise() -> None:
    assert (default("DefaultSyncTime"), default("DefaultTimezone")) == ("04:00", "America/New_York")
    assert Schedule(at=time(4), zone="America/New_York") == USUAL
    for function in ("dispatch", "settings_api"):
        variables = functions()[function]["Environment"]["Variables"]
        assert variables["DEFAULT_SYNC_TIME"] == {"Ref": "DefaultSyncTime"}
        assert variables["DEFAULT_TIMEZONE"] == {"Ref": "DefaultTimezone"}


@pytest.mark.parametrize(("text", "fits"), [("00:00", True), ("23:45", True), ("4:00", False), ("04:10", False)])
def test_the_default_time_is_a_quarter_of_an_hour(text: str, *, fits: bool) -> None:
    pattern = template()["Parameters"]["DefaultSyncTime"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, text)) is fits


def test_nights_begin_on_the_minute_and_a_failed_start_is_tried_again_then_kept() -> None:
    night = schedule()

    assert night["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert night["RetryPolicy"]["MaximumRetryAttempts"] > 0
    assert night["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["DispatchDeadLetterQueue", "Arn"]}}


def test_a_schedule_has_a_name_of_its_own_in_every_stack() -> None:
    """SAM named it DispatchFunctionNight, so a second stack of the account and region could not be created."""
    for schedule in (functions()["dispatch"]["Events"]["Night"], functions()["sweep"]["Events"]["Sweep"]):
        assert schedule["Properties"]["OmitName"] is True
        assert "Name" not in schedule["Properties"]


def test_dispatch_gets_the_scheduled_time_in_the_shape_of_its_event() -> None:
    event = json.loads((ROOT / "events" / "dispatch.json").read_text())

    given = json.loads(schedule()["Input"])

    assert given == {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    assert given.keys() == event.keys()


def test_runs_that_died_are_looked_for_at_least_four_times_an_hour() -> None:
    sweep = functions()["sweep"]["Events"]["Sweep"]["Properties"]

    assert sweep["ScheduleExpression"] == "rate(15 minutes)"
    assert functions()["sweep"]["Timeout"] < 15 * 60
    assert json.loads(sweep["Input"]) == json.loads((ROOT / "events" / "sweep.json").read_text())
    # The next one comes soon enough.
    assert functions()["sweep"]["EventInvokeConfig"]["MaximumRetryAttempts"] == 0


@pytest.mark.parametrize("function", ["dispatch", "import_users"])
def test_an_asynchronous_invocation_that_fails_is_tried_again_then_kept(function: str) -> None:
    configuration = functions()[function]["EventInvokeConfig"]

    assert configuration["MaximumRetryAttempts"] == 2
    assert configuration["DestinationConfig"]["OnFailure"]["Type"] == "SQS"


def test_each_function_is_a_folder_of_its_own_with_one_event() -> None:
    names = set(functions())

    assert names == {
        "dispatch",
        "fetch",
        "upsert",
        "sweep",
        "dead_letters",
        "delete_district",
        "import_users",
        "settings_api",
        "portal",
        "test_connection",
    }
    assert names == {path.stem for path in (ROOT / "events").glob("*.json")}
    assert {function["CodeUri"] for function in functions().values()} == {f"functions/{name}" for name in names}


@pytest.mark.parametrize("function", sorted(functions()))
def test_what_a_function_logs_is_kept_for_a_limited_time(function: str) -> None:
    group = functions()[function]["LoggingConfig"]["LogGroup"]["Ref"]

    assert 7 <= properties(group)["RetentionInDays"] <= 365


def test_the_api_has_exactly_the_described_routes() -> None:
    described = [(route["Method"], route["Path"]) for route in routes()]

    assert sorted(described) == sorted(ROUTES)


def test_every_route_but_the_portals_files_asks_for_a_token_of_the_user_pool() -> None:
    auth = properties("Api")["Auth"]

    assert auth["DefaultAuthorizer"] == "DistrictTokens"
    assert auth["Authorizers"] == {"DistrictTokens": {"UserPoolArn": {"Fn::GetAtt": ["UserPool", "Arn"]}}}
    assert {(route["Method"], route["Path"]) for route in routes() if "Auth" in route} == PUBLIC_ROUTES
    assert [route for route in routes() if route["RestApiId"] != {"Ref": "Api"}] == []


def test_the_portal_signs_in_where_the_pools_page_leads_back_to_it() -> None:
    portal_url = template()["Outputs"]["PortalUrl"]["Value"]

    assert properties("PortalClient")["CallbackURLs"] == [portal_url]
    assert properties("PortalClient")["LogoutURLs"] == [portal_url]
    assert properties("Api")["Variables"] == {"portalClientId": {"Ref": "PortalClient"}}


def test_the_portal_has_no_rights() -> None:
    assert functions()["portal"]["Policies"] == []


def test_the_gateways_own_answers_have_the_shape_of_the_apis() -> None:
    for name, response in properties("Api")["GatewayResponses"].items():
        body = response["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"text"')
        problem = json.loads(body)

        assert response["ResponseParameters"]["Headers"]["Content-Type"] == "'application/problem+json'", name
        assert problem["detail"], name
        assert problem.get("status") == response.get("StatusCode"), name


def test_who_asks_too_often_is_told_when_to_ask_again() -> None:
    responses = properties("Api")["GatewayResponses"]
    headers = {name: each["ResponseParameters"]["Headers"] for name, each in responses.items()}

    assert {name for name, each in responses.items() if each.get("StatusCode") == 429} == {
        "THROTTLED",
        "QUOTA_EXCEEDED",
    }
    assert {name for name, each in headers.items() if "Retry-After" in each} == {"THROTTLED", "QUOTA_EXCEEDED"}
    # API Gateway takes a text in quotes of its own for a constant.
    assert re.fullmatch(r"'[1-9]\d*'", headers["THROTTLED"]["Retry-After"])


def test_the_api_answers_before_the_gateway_gives_up_and_waits_for_a_whole_probe() -> None:
    api, probe = functions()["settings_api"]["Timeout"], functions()["test_connection"]["Timeout"]

    assert 20 < probe < api <= 29


def test_a_user_cannot_move_to_another_district_or_role() -> None:
    client = properties("PortalClient")

    assert {"custom:district_id", "custom:role"} <= set(client["ReadAttributes"])
    assert [name for name in client["WriteAttributes"] if name.startswith("custom:")] == []


def test_an_address_signs_in_however_it_is_capitalised() -> None:
    """Cognito's default is otherwise, and a pool that has it can only be replaced."""
    assert properties("UserPool")["UsernameConfiguration"] == {"CaseSensitive": False}


def test_only_staff_create_users() -> None:
    pool = properties("UserPool")

    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}


def test_the_portal_signs_in_by_code_without_a_secret() -> None:
    client = properties("PortalClient")

    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["GenerateSecret"] is False
    assert "ALLOW_USER_PASSWORD_AUTH" not in client["ExplicitAuthFlows"]


def test_only_the_local_stage_may_reach_providers_on_this_machine() -> None:
    rule = template()["Rules"]["LocalProvidersOnlyOnTheLocalStack"]

    assert default("AllowLocalProviders") == "false"
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Equals": [{"Ref": "AllowLocalProviders"}, "false"]}


def test_only_the_local_configuration_allows_local_providers() -> None:
    sections = re.split(r"^\[", (ROOT / "samconfig.toml").read_text(), flags=re.MULTILINE)

    allowing = [section.split("]")[0] for section in sections if "AllowLocalProviders" in section]

    assert allowing == ["local.deploy.parameters"]


def test_the_layer_is_built_for_the_functions_target() -> None:
    makefile = (ROOT / "layers" / "common" / "Makefile").read_text()

    assert f"PYTHON_RUNTIME ?= {default('PythonRuntime')}\n" in makefile
    assert f"ARCHITECTURE ?= {default('Architecture')}\n" in makefile


@pytest.mark.parametrize(
    ("here", "system", "fetches"),
    [
        ("python3.13 arm64 darwin", "linux", True),
        ("python3.13 arm64 darwin", "darwin", False),
        ("python3.13 arm64 linux", "linux", False),
        ("python3.12 arm64 linux", "linux", True),
    ],
)
def test_a_layer_built_elsewhere_than_on_its_target_gets_the_wheels_of_the_target(
    here: str, system: str, *, fetches: bool
) -> None:
    """A Mac of Lambda's processor and Python put its own compiled packages into the layer."""
    variables = [f"HERE={here}", f"SYSTEM={system}", "ARTIFACTS_DIR=layer", "PYTHON=python3"]

    commands = subprocess.run(
        ["make", "-n", "-C", ROOT / "layers/common", "build-CommonLayer", *variables],  # noqa: S607 - as SAM finds it
        capture_output=True,
        check=True,
        text=True,
    ).stdout

    assert ("--platform manylinux2014_aarch64 --python-version 3.13" in commands) is fetches


def test_the_layer_holds_all_code_but_the_handlers() -> None:
    [layer] = resources("AWS::Serverless::LayerVersion").values()
    uri = layer["Properties"]["ContentUri"]

    assert (ROOT / uri / "roster_sync").is_dir()
    assert [path.name for path in Path(ROOT / "functions").glob("*/*.py") if path.name != "app.py"] == []
