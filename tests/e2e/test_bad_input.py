"""What is wrong with a provider, or with what was entered, is told in a sentence and harms nothing that is stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.cli_district import Connection, enter_settings
from local.cli_progress import Steps, console
from local.cli_sync import SyncOptions, sync_on
from local.errors import CannotSyncError
from local.stack import Stack
from tests.e2e.conftest import ADistrict
from tests.e2e.district import LiveDistrict, a_live_district
from tests.support.certificates import Certificates
from tests.support.provider import KEY, SECRET, Route, Scripted, ScriptedProvider, collection

SCHOOL: dict[str, object] = {"sourcedId": "school-1", "name": "North High", "type": "school", "status": "active"}
PAGE = Scripted(b"<html><body>Sign in</body></html>", headers={"Content-Type": "text/html"})


@dataclass(frozen=True, slots=True)
class Bad:
    """What is wrong, and words of the sentence that says so."""

    says: str
    users: Route
    secret: str = SECRET
    host: str | None = None
    scheme: str = "http"
    self_signed: bool = False


BAD = {
    "wrong secret": Bad(
        "Enter the consumer key and the consumer secret again", [Scripted({"users": []})], "wrong-secret"
    ),
    "unreachable host": Bad("cannot be reached", [Scripted({"users": []})], host="http://127.0.0.1:9"),
    "web page": Bad("instead of JSON", [PAGE]),
    "empty roster": Bad("no users", [Scripted({"users": []})]),
    "no TLS": Bad("TLS", [Scripted({"users": []})], scheme="https"),
    "self-signed": Bad("its certificate is self-signed", [Scripted({"users": []})], self_signed=True),
}


@pytest.fixture(params=BAD)
def bad(request: pytest.FixtureRequest) -> Bad:
    return BAD[request.param]


@pytest.fixture
def connection(bad: Bad, tmp_path: Path) -> Iterator[Connection]:
    """Settings of the provider that is bad."""
    tls = Certificates(tmp_path).server(self_signed=True) if bad.self_signed else None
    with ScriptedProvider({"orgs": collection([SCHOOL], wrapper="orgs"), "users": bad.users}, tls=tls) as provider:
        base_url = bad.host or provider.base_url.replace("http", bad.scheme, 1)
        yield Connection(base_url=base_url, consumer_key=KEY, consumer_secret=bad.secret)


@pytest.fixture(scope="module")
def settled(stack: Stack) -> Iterator[LiveDistrict]:
    """A district after a good night."""
    with a_live_district(stack) as district:
        district.night()
        school_id = next(iter(district.schools.values()))
        district.api.put(f"schools/{school_id}", {"name": "North High", "oneroster_id": "school-1"})
        yield district


def test_a_bad_night_says_why_and_harms_nothing(settled: LiveDistrict, bad: Bad, connection: Connection) -> None:
    before = settled.users()
    enter_settings(settled.api, connection)

    night = settled.night()

    assert night.run["state"] == "failed"
    assert bad.says in night.run["reason"]
    assert settled.users() == before


def test_the_command_says_why(
    stack: Stack, a_district: ADistrict, bad: Bad, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    api = a_district(stack).api

    try:
        assert not sync_on(stack, api, connection, asked(connection), Steps(console()))
        told = capsys.readouterr().out
    except CannotSyncError as error:
        told = str(error)

    assert [line for line in told.splitlines() if bad.says in line]
    assert "Traceback" not in told
    assert connection.consumer_secret not in told


def test_the_command_names_a_school_that_the_provider_lacks(
    stack: Stack, a_district: ADistrict, capsys: pytest.CaptureFixture[str]
) -> None:
    district = a_district(stack)
    provider = district.provider
    connection = Connection(
        base_url=provider.base_url, consumer_key=provider.consumer_key, consumer_secret=provider.consumer_secret
    )

    sync_on(stack, district.api, connection, asked(connection, schools=("nowhere",)), Steps(console()))

    told = capsys.readouterr().out
    assert "school_unknown" in told
    assert "(nowhere)" in told


def asked(connection: Connection, schools: tuple[str, ...] = ()) -> SyncOptions:
    """One night, of all schools unless told otherwise."""
    files: dict[str, Any] = {"report": None, "users": None, "enforce_iam": False}
    return SyncOptions(
        base_url=connection.base_url, schools=schools, counselor_key=None, nights=1, pause_between=False, **files
    )


def test_a_school_that_the_provider_lacks_is_an_issue(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    district.api.put("schools/annex", {"name": "Annex", "oneroster_id": "nowhere"})

    night = district.night()

    [issue] = [issue for issue in night.issues if issue["code"] == "school_unknown"]
    assert issue["sourced_id"] == "nowhere"
    assert "Test Settings lists them" in issue["remedy"]
    assert night.ended_well
