"""Providers that cannot be reached, or whose answer does not come or does not end: told in a sentence each."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from roster_sync.domain.errors import ConfigurationError, RosterSyncError, TransientError
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.errors import (
    HandshakeBrokenError,
    HostUnreachableError,
    TimedOutError,
    TlsError,
    TooLargeError,
    TruncatedError,
)
from tests.providers.conftest import AT_ONCE, STANDARD
from tests.support.provider import ROOT, Scripted, ScriptedProvider, collection, users


def failure(base_url: str, *, timeout_s: float = 10) -> tuple[RosterSyncError, int]:
    """What is told of a provider, and after how many requests."""
    with closing(
        OneRosterClient(base_url, **STANDARD.client, allow_local=True, retry=AT_ONCE, request_timeout_s=timeout_s)
    ) as client:
        with pytest.raises(RosterSyncError) as caught:
            list(client.pages("users"))
        return caught.value, client.requests_made


@contextmanager
def a_server(talk: Callable[[socket.socket], object]) -> Iterator[str]:
    """A host and port at which `talk` is said to every caller."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def listen(connection: socket.socket) -> None:
    while connection.recv(9_999):
        pass


def hang_up(connection: socket.socket) -> None:
    connection.recv(9_999)


def speak_another_protocol(connection: socket.socket) -> None:
    connection.recv(9_999)
    connection.sendall(b"220 mail.example.org ESMTP\r\n\r\n")


def assert_is_advice(error: RosterSyncError) -> None:
    """One sentence of cause, one of remedy."""
    assert re.fullmatch(r"[^.]+(\.\S[^.]*)*\. (Ask|Check|Enter|Set|Try|Tell) [^.]+\.", str(error)), str(error)


def test_a_host_that_does_not_exist_is_told() -> None:
    error, _ = failure(f"https://nowhere.invalid{ROOT}")

    assert type(error) is HostUnreachableError
    assert "nowhere.invalid cannot be reached. Check the host in the base URL" in str(error)
    assert_is_advice(error)


def test_a_port_at_which_nothing_listens_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    error, requests = failure(f"http://127.0.0.1:{port}{ROOT}")

    assert type(error) is HostUnreachableError
    assert requests == 3
    assert_is_advice(error)


@pytest.mark.parametrize(
    ("scheme", "talk", "kind", "says"),
    [
        ("http", listen, TimedOutError, "did not answer within 0.3 seconds"),
        ("http", hang_up, TruncatedError, "broke off or is damaged"),
        ("http", speak_another_protocol, TruncatedError, "broke off or is damaged"),
        ("https", listen, HandshakeBrokenError, "does not complete its encryption"),
        ("https", hang_up, HandshakeBrokenError, "does not complete its encryption"),
        ("https", speak_another_protocol, TlsError, "does not speak TLS on this port"),
    ],
)
def test_a_connection_that_leads_nowhere_is_told(
    scheme: str, talk: Callable[[socket.socket], object], kind: type[RosterSyncError], says: str
) -> None:
    with a_server(talk) as place:
        error, requests = failure(f"{scheme}://{place}{ROOT}", timeout_s=0.3)

    assert type(error) is kind
    assert says in str(error)
    assert requests == (3 if isinstance(error, TransientError) else 1)
    assert_is_advice(error)


def test_an_answer_that_drips_is_given_up_and_told() -> None:
    with ScriptedProvider({"users": [Scripted(b" " * 1_000, drip_s=0.05)]}) as provider:
        error, _ = failure(provider.base_url, timeout_s=0.3)

    assert type(error) is TimedOutError
    assert_is_advice(error)


def test_an_answer_without_end_is_given_up_and_told_once() -> None:
    with ScriptedProvider({"users": [Scripted(b" " * (65 << 20), gzipped=True)]}) as provider:
        error, requests = failure(provider.base_url)

    assert type(error) is TooLargeError
    assert isinstance(error, ConfigurationError)
    assert requests == 1
    assert_is_advice(error)


def test_a_later_page_that_never_comes_fails_the_fetch() -> None:
    whole = collection(users(25))
    routes = {"users": lambda asked: Scripted(b" " * 999, drip_s=0.05) if asked["offset"] != "0" else whole(asked)}
    with (
        ScriptedProvider(routes) as provider,
        closing(
            OneRosterClient(
                provider.base_url,
                **STANDARD.client,
                allow_local=True,
                page_size=10,
                retry=AT_ONCE,
                request_timeout_s=0.3,
            )
        ) as client,
        pytest.raises(TimedOutError),
    ):
        list(client.pages("users"))
