"""Test Settings through its handler: settings and key of AWS in memory, providers on loopback."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import StringIO
from typing import Any

import boto3
import pytest
from moto import mock_aws

from functions.test_connection import app
from local.sample_provider import SampleProvider
from roster_sync.domain.district import Settings
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.security.secrets import Secrets
from roster_sync.storage.districts import Districts
from roster_sync.use_cases.probe.report import EndpointState, ProbeReport
from roster_sync.use_cases.probe_provider import MOST_TESTS
from tests.support.builders import DISTRICT, OTHER_DISTRICT, a_school
from tests.support.deployed import Context
from tests.support.events import EVENTS
from tests.support.provider import KEY, ROOT, SECRET, OAuth2, Scripted, ScriptedProvider, collection
from tests.support.template import create_tables

ORGS: list[dict[str, object]] = [{"sourcedId": "org-1", "name": "Springfield Elementary", "type": "school"}]
USERS: list[dict[str, object]] = [
    {"sourcedId": "S-1", "role": "student", "email": "lisa@example.org", "metadata": {"homeroom": "room-2B"}}
]
GOOD = {"orgs": collection(ORGS, wrapper="orgs"), "users": collection(USERS)}
WEB_PAGE = b"<!doctype html><title>Sign in</title>"


class District:
    """A district's settings and schools, stored."""

    def __init__(self) -> None:
        self.districts = Districts("DistrictsTable")
        self.secrets = Secrets(app.environment().secrets_key_id)
        self.districts.put_school(a_school())

    def save(self, base_url: str, consumer_key: str | None = KEY, consumer_secret: str = SECRET) -> None:
        self.districts.save_settings(
            Settings(
                district_id=DISTRICT,
                base_url=base_url,
                consumer_key=consumer_key,
                consumer_secret=self.secrets.encrypt(DISTRICT, consumer_secret),
            ),
            0,
        )


@pytest.fixture
def district(monkeypatch: pytest.MonkeyPatch) -> Iterator[District]:
    def clear_caches() -> None:
        for factory in (app.environment, app.districts, app.consumer_secrets):
            factory.cache_clear()

    with mock_aws():
        tables = create_tables(boto3.client("dynamodb"))
        for name, value in {
            "DISTRICTS_TABLE": tables["DistrictsTable"],
            "SECRETS_KEY_ID": boto3.client("kms").create_key()["KeyMetadata"]["KeyId"],
            "PRODUCTS": "serve,jobs,journey",
            "ALLOW_LOCAL_PROVIDERS": "true",
        }.items():
            monkeypatch.setenv(name, value)
        clear_caches()
        yield District()
        clear_caches()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def answered(event: object = None) -> dict[str, Any]:
    """The handler's answer, as the invoker gets it."""
    answer: dict[str, Any] = json.loads(json.dumps(app.handler(event or {"district_id": DISTRICT}, Context())))
    return answer


def oks(report: Mapping[str, Any]) -> list[bool | None]:
    """Of the steps that can fail by the provider's settings."""
    return [step["ok"] for step in report["steps"][:6]]


def only_failure(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one step that failed."""
    (failed,) = [step for step in report["steps"] if step["ok"] is False]
    assert not report["ok"]
    assert failed["remedy"] is not None
    found: Mapping[str, Any] = failed
    return found


def test_a_good_district_passes_and_is_described(district: District) -> None:
    with SampleProvider(users=300, schools=3) as provider:
        district.save(provider.base_url, provider.consumer_key, provider.consumer_secret)
        schools = [org for org in provider.orgs if org["type"] == "school"]
        district.districts.put_school(a_school(oneroster_id=SourcedId(str(schools[0]["sourcedId"]))))

        report = answered()

        assert report["ok"]
        assert oks(report) == [True, None, True, True, True, True]
        assert (report["total_users"], report["sampled_users"]) == (len(provider.users), 200)
        assert {"student", "teacher"} <= report["roles"].keys()
        assert sorted(school["sourced_id"] for school in report["schools"]) == sorted(
            str(school["sourcedId"]) for school in schools
        )
        assert report["unknown_schools"] == []


def test_the_event_under_events_names_a_district_without_settings(district: District) -> None:
    event = json.loads((EVENTS / "test_connection.json").read_text())

    report = answered(event)

    assert report["steps"][0]["message"] == "There are no OneRoster settings of a district northfield."


@pytest.mark.parametrize("wrong", [{"consumer_key": "another"}, {"consumer_secret": "another"}])
def test_a_wrong_key_or_secret_is_a_refused_signature(district: District, wrong: dict[str, str]) -> None:
    with ScriptedProvider(GOOD) as provider:
        district.save(provider.base_url, **wrong)

        report = answered()

    assert oks(report) == [True, None, False, None, None, None]
    assert "Enter the consumer key and the consumer secret again" in only_failure(report)["remedy"]


def test_the_way_to_sign_in_is_found_reported_and_not_saved(district: District) -> None:
    with ScriptedProvider(GOOD, sign_in=OAuth2(client="body")) as provider:
        district.save(provider.base_url)

        report = answered()

    assert report["ok"]
    assert report["sign_in"] == {
        "method": "oauth2-body",
        "token_url": f"{provider.base_url.removesuffix(ROOT)}/token",
    }
    saved = district.districts.settings(DISTRICT)
    assert saved
    assert saved.sign_in is None


def test_a_token_url_that_was_entered_is_asked(district: District) -> None:
    with ScriptedProvider(GOOD, sign_in=OAuth2(path="/odd?app=x")) as provider:
        entered = {
            "base_url": provider.base_url,
            "consumer_key": KEY,
            "consumer_secret": SECRET,
            "token_url": f" {provider.base_url.removesuffix(ROOT)}/odd?app=x",
        }

        report = answered({"district_id": DISTRICT, "settings": entered})

    assert report["ok"]
    assert report["sign_in"]["token_url"].endswith("/odd?app=x")


def test_an_unreachable_host_is_an_address_not_reached(district: District, closed_port: int) -> None:
    district.save(f"https://127.0.0.1:{closed_port}{ROOT}")

    report = answered()

    assert oks(report) == [False, None, None, None, None, None]
    assert "Check the host in the base URL" in only_failure(report)["remedy"]


def test_a_server_without_tls_fails_in_tls(district: District) -> None:
    with ScriptedProvider(GOOD) as provider:
        district.save(provider.base_url.replace("http://", "https://"))

        report = answered()

    assert oks(report) == [True, False, None, None, None, None]
    assert only_failure(report)["name"] == "TLS"


def test_a_web_page_instead_of_json_blames_the_base_url(district: District) -> None:
    with ScriptedProvider({"orgs": [Scripted(WEB_PAGE)], "users": GOOD["users"]}) as provider:
        district.save(provider.base_url)

        report = answered()

    assert oks(report) == [True, None, True, False, True, None]
    assert "Check the base URL" in only_failure(report)["remedy"]


def test_an_empty_roster_fails_in_users(district: District) -> None:
    with ScriptedProvider({**GOOD, "users": collection([])}) as provider:
        district.save(provider.base_url)

        report = answered()

    assert oks(report) == [True, None, True, True, False, True]
    assert only_failure(report)["message"] == "The provider sent no users at all."


def test_a_school_id_that_does_not_exist_is_named_with_its_school(district: District) -> None:
    high = a_school(school_id=SchoolId("high"), name="Springfield High", oneroster_id=SourcedId("no-such-org"))
    district.districts.put_school(high)
    with ScriptedProvider(GOOD) as provider:
        district.save(provider.base_url)

        report = answered()

    assert "Springfield High" in only_failure(report)["message"]
    assert report["unknown_schools"] == [
        {"school_id": "high", "name": "Springfield High", "oneroster_id": "no-such-org"}
    ]


@pytest.mark.parametrize("slow", [{"drip_s": 0.05}, {"drip_s": 0.05, "drip_headers": True}])
def test_a_provider_that_drips_is_cut_off_in_time(district: District, slow: dict[str, Any]) -> None:
    dripping = Scripted({"orgs": ORGS * 100}, **slow)
    with ScriptedProvider({"orgs": [dripping], "users": [dripping]}) as provider:
        district.save(provider.base_url)

        report, seconds = timed_probe(3.0)

    assert [step.ok for step in report.steps][:6] == [True, None, None, False, False, None]
    assert seconds < 10


def test_a_provider_that_hangs_after_orgs_leaves_them_in_the_report(district: District) -> None:
    gate = threading.Event()
    with ScriptedProvider({**GOOD, "users": [Scripted(gate=gate)]}) as provider:
        district.save(provider.base_url)

        report, seconds = timed_probe(3.0)
        gate.set()

    assert [step.ok for step in report.steps][:6] == [True, None, True, True, False, True]
    assert [school.sourced_id for school in report.schools] == ["org-1"]
    assert seconds < 10


@pytest.mark.parametrize("slow", [{"drip_s": 0.05}, {"drip_s": 0.05, "drip_headers": True}])
def test_a_provider_that_drips_at_the_end_fails_nothing(district: District, slow: dict[str, Any]) -> None:
    dripping = Scripted({"users": USERS * 100}, **slow)
    others = {name: [dripping] for name in ("classes", "courses", "enrollments", "students", "teachers")}
    with ScriptedProvider({**GOOD, **others}) as provider:
        district.save(provider.base_url)

        report, seconds = timed_probe(3.0)

    assert report.ok
    assert EndpointState.NOT_TRIED in {found.state for found in report.endpoints}
    assert seconds < 10


def test_an_answer_beyond_all_bounds_is_not_read_to_its_end(district: District) -> None:
    endless = Scripted({"users": ["x" * app.MAX_BYTES]})
    with ScriptedProvider({**GOOD, "students": [endless]}) as provider:
        district.save(provider.base_url)

        report = answered()

    [students] = [found for found in report["endpoints"] if found["endpoint"] == "/students"]
    assert report["ok"]
    assert students["message"].endswith("sends a page of more than 16 MB.")


def test_a_server_that_takes_connections_and_says_nothing_is_told_from_an_unreachable_one(
    district: District, silent_port: int
) -> None:
    district.save(f"https://127.0.0.1:{silent_port}{ROOT}")

    report, seconds = timed_probe(3.0)

    assert [step.ok for step in report.steps][:4] == [True, False, None, None]
    assert seconds < 10


def timed_probe(deadline_s: float) -> tuple[ProbeReport, float]:
    begun = time.monotonic()
    report = app.probe({"district_id": DISTRICT}, deadline_s)
    return report, time.monotonic() - begun


def test_unsaved_settings_are_probed_and_not_saved(district: District) -> None:
    with ScriptedProvider(GOOD) as provider:
        entered = {"base_url": provider.base_url, "consumer_key": KEY, "consumer_secret": SECRET}

        report = answered({"district_id": DISTRICT, "settings": entered})

    assert report["ok"]
    assert district.districts.settings(DISTRICT) is None


def test_the_saved_secret_is_used_for_unsaved_settings_of_its_host(district: District) -> None:
    with ScriptedProvider(GOOD) as provider:
        district.save(provider.base_url, "old key")

        report = answered(
            {"district_id": DISTRICT, "settings": {"base_url": provider.base_url, "consumer_key": KEY}},
        )

    assert report["ok"]


def test_the_saved_secret_signs_nothing_for_another_host(district: District) -> None:
    with ScriptedProvider(GOOD) as provider:
        district.save("https://sis.example.org/ims/oneroster/v1p1")

        report = answered({"district_id": DISTRICT, "settings": {"base_url": provider.base_url, "consumer_key": KEY}})

        assert provider.seen == []
    assert report["steps"][0]["remedy"] == "Enter the consumer secret of that host too."


def test_a_secret_encrypted_for_another_district_has_to_be_entered_again(district: District) -> None:
    with ScriptedProvider(GOOD) as provider:
        district.save(provider.base_url)
        saved = district.districts.settings(DISTRICT)
        assert saved is not None
        district.districts.save_settings(replace(saved, district_id=OTHER_DISTRICT), 0)

        report = answered({"district_id": OTHER_DISTRICT})

        assert provider.seen == []
    assert only_failure(report)["remedy"] == "Enter the consumer secret again."


def test_a_production_stack_probes_no_local_provider(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedProvider(GOOD) as provider:
        district.save(provider.base_url)
        monkeypatch.setenv("ALLOW_LOCAL_PROVIDERS", "false")
        app.environment.cache_clear()

        plain = answered()
        entered = {"base_url": f"https://127.0.0.1:{provider.port}", "consumer_key": KEY, "consumer_secret": SECRET}
        private = answered({"district_id": DISTRICT, "settings": entered})

        assert provider.seen == []
    assert "https://" in only_failure(plain)["message"]
    assert "cannot be reached" in only_failure(private)["message"]


def test_no_log_line_and_no_report_holds_personal_data_or_a_secret(
    district: District, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedProvider(GOOD) as provider:
        district.save(provider.base_url)

        report = json.dumps(answered())

    logged = log.getvalue() + "".join(capsys.readouterr())
    assert DISTRICT in logged
    for private in (SECRET, KEY, "lisa@example.org", "S-1", "room-2B", "2B"):
        assert private not in logged
        assert private not in report
    assert str(provider.port) not in logged


def test_a_district_is_tested_five_times_in_five_minutes_and_no_oftener(district: District) -> None:
    with ScriptedProvider(GOOD) as provider:
        district.save(provider.base_url)
        reports = [answered() for _ in range(MOST_TESTS)]
        asked = len(provider.seen)

        refused = answered()

        assert len(provider.seen) == asked
    assert all(report["ok"] for report in reports)
    assert 0 < refused["retry_after_s"] <= 300
    assert refused["steps"][0]["message"].startswith("The settings of this district were tested 5 times within 5")


def test_another_district_may_be_tested_meanwhile(district: District) -> None:
    with ScriptedProvider(GOOD) as provider:
        entered = {"base_url": provider.base_url, "consumer_key": KEY, "consumer_secret": SECRET}
        for _ in range(MOST_TESTS + 1):
            answered({"district_id": DISTRICT, "settings": entered})

        assert answered({"district_id": OTHER_DISTRICT, "settings": entered})["ok"]


def test_a_request_that_cannot_be_tested_is_not_counted(district: District) -> None:
    for _ in range(MOST_TESTS + 1):
        report = answered({"district_id": DISTRICT, "settings": {"base_url": "nonsense"}})

    assert report["retry_after_s"] is None


def test_a_provider_of_countless_orgs_makes_no_report_that_is_too_large(district: District) -> None:
    def orgs(parameters: Mapping[str, str]) -> Scripted:
        offset = int(parameters["offset"])
        numbers = range(offset, offset + 1000)
        return Scripted(
            {"orgs": [{"sourcedId": f"{number}", "type": "school", "name": "\x07é" * 60} for number in numbers]}
        )

    with ScriptedProvider({**GOOD, "orgs": orgs}) as provider:
        district.save(provider.base_url)

        report = answered()

    assert len(json.dumps(json.dumps(report))) < 6_000_000
    assert 0 < len(report["schools"]) <= 5_000
    assert report["schools_left_out"] > 0
    assert report["steps"][3]["message"].startswith("The first ")
