"""Providers whose answers are not quite as HTTP has them."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.errors import TruncatedError
from tests.providers.conftest import AT_ONCE, STANDARD
from tests.support.provider import ROOT, users

_OFFSET = re.compile(rb"offset=(\d+)")


@contextmanager
def answering(head: bytes, *, chunked: bool = False, ends: bool = True) -> Iterator[OneRosterClient]:
    """A client of a provider of three users, each of whose answers begins with `head` and ends its connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    asked = _OFFSET.search(connection.recv(65_536))
                    assert asked
                    body = json.dumps({"users": users(3)[int(asked[1]) :]}).encode()
                    if chunked:
                        framed = b"%X;a=b\r\n%b\r\n" % (len(body), body)
                        connection.sendall(head + framed + (b"0\r\nTrailer: x\r\n\r\n" if ends else b""))
                    else:
                        connection.sendall(head.replace(b"<length>", b"%d" % len(body)) + body)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}{ROOT}"
        with closing(OneRosterClient(base_url, **STANDARD.client, allow_local=True, retry=AT_ONCE)) as client:
            yield client
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def read(client: OneRosterClient) -> list[object]:
    return [record for page in client.pages("users") for record in page.records]


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 200 OK\r\nX-Total-Count: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Total-Count: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\nX-Total-Count: 3\nContent-Length: <length>\n\n",
        b"HTTP/1.1 200\r\nX-Total-Count: 3\r\nContent-Length: <length>\r\n\r\n",
        b"HTTP/1.1 203 Non-Authoritative Information\r\nX-Total-Count: 3\r\nContent-Length: <length>\r\n\r\n",
        b"HTTP/1.1 206 Partial Content\r\nX-Total-Count: 3\r\nContent-Length: <length>\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-total-count:3\r\ncontent-length:<length>\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Total-Count: 3\r\nnonsense\r\nContent-Length: <length>\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nServer: Sch\xfcler\r\nX-Total-Count: 3\r\nContent-Length: <length>\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Total-Count: 3\r\nContent-Length: <length>\r\n\r\n",
    ],
    ids=["1.0", "no length", "line feeds", "no reason", "203", "206", "lower case", "no colon", "Latin-1", "100 first"],
)
def test_what_can_be_understood_is_understood(head: bytes) -> None:
    with answering(head) as client:
        assert read(client) == users(3)
        assert client.proof(3).whole


def test_chunks_with_extensions_and_trailers_are_joined() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Total-Count: 3\r\nTransfer-Encoding: Chunked\r\n\r\n"
    with answering(head, chunked=True) as client:
        assert read(client) == users(3)


def test_chunks_without_an_end_are_an_answer_that_broke_off() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Total-Count: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    with answering(head, chunked=True, ends=False) as client, pytest.raises(TruncatedError):
        read(client)


@pytest.mark.parametrize("length", [b"9999", b"12"], ids=["longer", "shorter"])
def test_another_length_than_the_announced_is_an_answer_that_broke_off(length: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Total-Count: 3\r\nContent-Length: %b\r\n\r\n" % length
    with answering(head) as client, pytest.raises(TruncatedError):
        read(client)
