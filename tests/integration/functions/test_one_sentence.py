"""What is wrong with a provider is told by Test Settings and by the night in the same sentence."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest

from functions.fetch import app as fetch
from functions.test_connection import app as test_connection
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.oneroster.retry import RetryPolicy
from tests.support.builders import DISTRICT, RUN
from tests.support.deployed import Context, Night, sqs_event
from tests.support.provider import KEY, SECRET, Scripted, ScriptedProvider, collection, users

Provider = Callable[[], AbstractContextManager[str]]
"""Gives the base URL."""

ANSWERS = {
    "refused": Scripted({"imsx_description": "Unknown key"}, 401),
    "clock": Scripted(b"", 401, {"Date": "Mon, 24 Nov 2025 09:00:00 GMT"}),
    "forbidden": Scripted(b"", 403),
    "wrong path": Scripted(b"<html>Not Found", 404),
    "moved": Scripted(b"", 301, {"Location": "https://new.example.org/ims/oneroster/v1p1/orgs"}),
    "throttled": Scripted(b"", 429),
    "broken": Scripted(b"", 500),
    "firewall": Scripted(b"<html><title>Just a moment...</title>", 403),
    "sign-in page": Scripted(b'<html><input type="password">'),
    "failure with 200": Scripted({"imsx_StatusInfo": {"imsx_description": "Closed", "imsx_CodeMinor": "forbidden"}}),
    "cut": Scripted({"orgs": []}, cut=True),
}


@pytest.fixture(autouse=True)
def _impatient(night: Night, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One attempt a page; and the probe's connections to what the night has deployed."""
    monkeypatch.setattr(fetch, "PATIENCE", RetryPolicy(attempts=1))
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


@contextmanager
def no_tls() -> Iterator[str]:
    with an_answer(Scripted()) as base_url:
        yield base_url.replace("http:", "https:")


@pytest.mark.parametrize(
    "provider",
    [*(partial(an_answer, scripted) for scripted in ANSWERS.values()), a_closed_port, no_tls, an_ignored_offset],
    ids=[*ANSWERS, "closed port", "no TLS", "ignored offset"],
)
def test_probe_and_night_tell_a_failure_alike(night: Night, provider: Provider) -> None:
    with provider() as base_url:
        night.enter_district(base_url=base_url, consumer_key=KEY, secret=SECRET)
        night.queued_run()

        report = test_connection.handler({"district_id": DISTRICT}, Context())
        fetch.handler(sqs_event(SyncRequest(DISTRICT, RUN).to_json()), Context())

    told = [f"{step['message']} {step['remedy']}" for step in report["steps"] if step["ok"] is False]
    assert told
    assert night.run().reason in told
