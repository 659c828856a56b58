"""What is wrong with a provider is told by Test Settings and by the night in the same sentence."""

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from functions.fetch import app as fetch
from functions.test_connection import app as test_connection
from roster_sync.domain.run import RunState
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.retry import RetryPolicy
from tests.support.builders import DISTRICT, RUN
from tests.support.certificates import Certificates
from tests.support.deployed import Context, Night, sqs_event
from tests.support.nights import a_record
from tests.support.provider import KEY, ROOT, SECRET, Route, Scripted, ScriptedProvider, collection, users

Provider = Callable[[], AbstractContextManager[str]]
"""Gives the base URL."""

REQUEST_S = 0.3
MAX_BYTES = 1 << 20

ANSWERS = {
    "bad request": Scripted({"imsx_description": "Unknown parameter"}, 400),
    "refused": Scripted({"imsx_description": "Unknown key"}, 401),
    "clock": Scripted(b"", 401, {"Date": "Mon, 24 Nov 2025 09:00:00 GMT"}),
    "forbidden": Scripted(b"", 403),
    "wrong path": Scripted(b"<html>Not Found", 404),
    "moved": Scripted(b"", 301, {"Location": "https://new.example.org/ims/oneroster/v1p1/orgs"}),
    "throttled": Scripted(b"", 429),
    "broken": Scripted(b"", 500),
    "not implemented": Scripted(b"", 501),
    "bad gateway": Scripted(b"<html>Bad Gateway", 502),
    "gateway time-out": Scripted(b"", 504),
    "firewall": Scripted(b"<html><title>Just a moment...</title>", 403),
    "sign-in page": Scripted(b'<html><input type="password">'),
    "failure with 200": Scripted({"imsx_StatusInfo": {"imsx_description": "Closed", "imsx_CodeMinor": "forbidden"}}),
    "cut": Scripted({"orgs": []}, cut=True),
    "dripping body": Scripted(b" " * 1_000, drip_s=0.05),
    "endless headers": Scripted(drip_s=0.05, drip_headers=True),
    "endless body": Scripted(b" " * (2 * MAX_BYTES), gzipped=True),
}


@pytest.fixture(autouse=True)
def _impatient(night: Night, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One attempt a page; the same short time and small size for both; the probe's connections to what is deployed."""
    once = RetryPolicy(attempts=1)
    monkeypatch.setattr(fetch, "PATIENCE", once)
    monkeypatch.setattr(test_connection, "RetryPolicy", lambda **_: once)
    bounded = partial(OneRosterClient, request_timeout_s=REQUEST_S, max_bytes=MAX_BYTES)
    monkeypatch.setattr(fetch, "OneRosterClient", bounded)
    monkeypatch.setattr(test_connection, "REQUEST_SHARE", REQUEST_S / test_connection.DEADLINE_S)
    monkeypatch.setattr(test_connection, "MAX_BYTES", MAX_BYTES)
    factories = (test_connection.environment, test_connection.districts, test_connection.consumer_secrets)
    for factory in factories:
        factory.cache_clear()
    yield
    for factory in factories:
        factory.cache_clear()


@contextmanager
def a_closed_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield f"http://127.0.0.1:{port}/ims/oneroster/v1p1"


@contextmanager
def an_unknown_host() -> Iterator[str]:
    genuine = socket.getaddrinfo

    def resolved(host: Any, *arguments: Any, **more: Any) -> Any:
        if host == "nowhere.example.org":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return genuine(host, *arguments, **more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", resolved)
        yield f"https://nowhere.example.org{ROOT}"


@contextmanager
def silence() -> Iterator[str]:
    over = threading.Event()
    with an_answer(Scripted(gate=over)) as base_url:
        yield base_url
        over.set()


@contextmanager
def a_certificate(**fault: Any) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        tls = Certificates(Path(folder)).server(**fault)
        with ScriptedProvider({"orgs": [Scripted()], "users": [Scripted()]}, tls=tls) as provider:
            yield provider.base_url


@contextmanager
def an_answer(scripted: Scripted) -> Iterator[str]:
    with ScriptedProvider({"orgs": [scripted], "users": [scripted]}) as provider:
        yield provider.base_url


@contextmanager
def an_ignored_offset() -> Iterator[str]:
    """More users than a page has, and always the first of them; no total tells that there are more."""
    everybody = collection(users(1001), total=False)
    orgs = collection([{"sourcedId": "org-1", "type": "school"}], wrapper="orgs")
    ignoring = {"orgs": orgs, "users": lambda parameters: everybody({**parameters, "offset": "0"})}
    with ScriptedProvider(ignoring) as provider:
        yield provider.base_url


SCHOOLS = collection([{"sourcedId": "org-1", "type": "school"}], wrapper="orgs")
PEOPLE = collection([a_record(f"S-{number}") for number in range(3)])
NONE_OF_SEVEN = [Scripted({"users": [], "orgs": []}, headers={"X-Total-Count": "7"})]


@contextmanager
def endpoints(**routes: Route) -> Iterator[str]:
    """These alone; any other is 404."""
    with ScriptedProvider(routes) as provider:
        yield provider.base_url


@contextmanager
def no_tls() -> Iterator[str]:
    with an_answer(Scripted()) as base_url:
        yield base_url.replace("http:", "https:")


OTHERS: dict[str, Provider] = {
    "unknown host": an_unknown_host,
    "closed port": a_closed_port,
    "no TLS": no_tls,
    "self-signed certificate": partial(a_certificate, self_signed=True),
    "certificate of nobody known": a_certificate,
    "silence": silence,
    "ignored offset": an_ignored_offset,
    "no list of users": partial(endpoints, orgs=SCHOOLS),
    "users in no list": partial(
        endpoints, orgs=SCHOOLS, users=NONE_OF_SEVEN, students=collection([]), teachers=collection([])
    ),
    "no users at all": partial(endpoints, orgs=SCHOOLS, users=collection([])),
    "teachers that break off": partial(endpoints, orgs=SCHOOLS, students=PEOPLE, teachers=[Scripted(b"", 500)]),
    "neither orgs nor users": endpoints,
}

FALLBACKS: dict[str, Provider] = {
    "no users": partial(endpoints, orgs=SCHOOLS, students=PEOPLE, teachers=PEOPLE),
    "no users and teachers": partial(endpoints, orgs=SCHOOLS, students=PEOPLE),
    "none of seven users": partial(endpoints, orgs=SCHOOLS, users=NONE_OF_SEVEN, students=PEOPLE),
    "no orgs": partial(endpoints, schools=SCHOOLS, users=PEOPLE),
    "none of seven orgs": partial(endpoints, orgs=NONE_OF_SEVEN, schools=SCHOOLS, users=PEOPLE),
    "no orgs and schools": partial(endpoints, users=PEOPLE),
    "no orgs and users": partial(endpoints, schools=SCHOOLS, students=PEOPLE, teachers=PEOPLE),
}


@pytest.mark.parametrize(
    "provider",
    [*(partial(an_answer, scripted) for scripted in ANSWERS.values()), *OTHERS.values()],
    ids=[*ANSWERS, *OTHERS],
)
def test_probe_and_night_tell_a_failure_alike(night: Night, provider: Provider) -> None:
    with provider() as base_url:
        night.enter_district(base_url=base_url, consumer_key=KEY, secret=SECRET)
        night.queued_run()

        report = test_connection.handler({"district_id": DISTRICT}, Context())
        fetch.handler(sqs_event(SyncRequest(DISTRICT, RUN).to_json()), Context())

    assert night.run().state is RunState.FAILED
    told = [f"{step['message']} {step['remedy']}" for step in report["steps"] if step["ok"] is False]
    assert told
    assert night.run().reason in told


@pytest.mark.parametrize("provider", FALLBACKS.values(), ids=list(FALLBACKS))
def test_no_step_fails_where_the_night_reads_something_else(night: Night, provider: Provider) -> None:
    with provider() as base_url:
        night.enter_district(base_url=base_url, consumer_key=KEY, secret=SECRET)
        night.queued_run()

        report = test_connection.handler({"district_id": DISTRICT}, Context())
        fetch.handler(sqs_event(SyncRequest(DISTRICT, RUN).to_json()), Context())

    assert night.run().state is not RunState.FAILED
    assert report["ok"]
    lacking = [step for step in report["steps"] if step["name"] in ("/orgs read", "/users read") and not step["ok"]]
    assert lacking
    assert all(step["remedy"].startswith("Ask the provider to let this consumer key read /") for step in lacking)
