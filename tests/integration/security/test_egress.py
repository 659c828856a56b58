"""Requests to customers' URLs reach public hosts over TLS only, follow nowhere, and end in time."""

import gzip
import os
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import certifi
import pytest
from cryptography.hazmat.primitives import serialization

from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.oneroster.auth import Consumer, OAuth1
from roster_sync.security.egress import (
    Answer,
    Egress,
    HandshakeBrokenError,
    HostUnreachableError,
    TimedOutError,
    TlsError,
    TooLargeError,
    TruncatedError,
    is_public,
)
from tests.support.certificates import Certificates
from tests.support.provider import KEY, ROOT, SECRET, Scripted, ScriptedProvider


def signed(url: str) -> Mapping[str, str]:
    return OAuth1(Consumer(KEY, SECRET), "sha256").signed(url).headers


def get(url: str, *, allow_local: bool = True, timeout_s: float = 10, max_bytes: int = 1 << 20) -> Answer:
    with closing(Egress(allow_local=allow_local, max_bytes=max_bytes)) as egress:
        return egress.get(url, signed(url), timeout_s=timeout_s)


def answer_to(scripted: Scripted, **arguments: Any) -> Answer:
    with ScriptedProvider({"users": [scripted]}) as provider:
        return get(f"{provider.base_url}/users", **arguments)


@contextmanager
def a_raw_server(talk: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that says what `talk` says to its first caller."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/users"
        thread.join(10)


def listen(connection: socket.socket) -> None:
    """Say nothing until the caller has gone."""
    while connection.recv(9999):
        pass


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, list[str]]], None]:
    """Let names resolve as told; every other name as ever."""
    genuine = socket.getaddrinfo

    def install(names: dict[str, list[str]]) -> None:
        def resolved(host: Any, port: Any, *arguments: Any, **more: Any) -> Any:
            found = names.get(host)
            if found is None:
                return genuine(host, port, *arguments, **more)
            return [entry for address in found for entry in genuine(address, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", resolved)

    return install


class TestWhere:
    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fe80::1%eth0",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        ],
    )
    def test_an_address_that_is_or_leads_inside_is_not_public(self, address: str) -> None:
        assert not is_public(address)

    @pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
    def test_an_address_of_the_internet_is_public(self, address: str) -> None:
        assert is_public(address)

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]
    )
    def test_a_private_host_is_refused_like_an_unreachable_one(self, host: str) -> None:
        with pytest.raises(HostUnreachableError) as private:
            get(f"https://{host}/users", allow_local=False)
        with pytest.raises(HostUnreachableError) as unreachable:
            get("https://nowhere.invalid/users", allow_local=False)

        assert str(private.value).replace(host, "") == str(unreachable.value).replace("nowhere.invalid", "")

    def test_a_name_that_resolves_to_loopback_is_refused_unless_allowed(
        self, resolve: Callable[[dict[str, list[str]]], None]
    ) -> None:
        resolve({"sis.example.org": ["127.0.0.1"]})
        with ScriptedProvider({"users": [Scripted({"users": []})]}) as provider:
            with pytest.raises(HostUnreachableError):
                get(f"https://sis.example.org:{provider.port}/ims/oneroster/v1p1/users", allow_local=False)
            assert provider.seen == []

            assert get(f"http://sis.example.org:{provider.port}/ims/oneroster/v1p1/users").status == 200

    def test_one_private_address_among_public_ones_is_enough_to_refuse(
        self, resolve: Callable[[dict[str, list[str]]], None]
    ) -> None:
        """The tests' own guard fails the test if any address is called."""
        resolve({"sis.example.org": ["8.8.8.8", "10.0.0.1"]})

        with pytest.raises(HostUnreachableError):
            get("https://sis.example.org/users", allow_local=False)

    def test_the_name_is_resolved_once_and_the_checked_address_called(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name that answers anew each time must not get from the check to another address."""
        genuine, asked = socket.getaddrinfo, []

        def resolved(host: Any, *arguments: Any, **more: Any) -> Any:
            if host != "sis.example.org":
                return genuine(host, *arguments, **more)
            asked.append(host)
            return genuine("127.0.0.1" if len(asked) == 1 else "10.0.0.1", *arguments, **more)

        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        with ScriptedProvider({"users": [Scripted({"users": []})]}) as provider:
            assert get(f"http://sis.example.org:{provider.port}/ims/oneroster/v1p1/users").status == 200

        assert asked == ["sis.example.org"]

    def test_a_name_that_nobody_resolves_is_given_up_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The system's resolver may take half a minute and longer, beyond every time-out of a request."""
        over, genuine = threading.Event(), socket.getaddrinfo

        def hangs(host: Any, *arguments: Any, **more: Any) -> Any:
            over.wait(30)
            return genuine("127.0.0.1", *arguments, **more)

        monkeypatch.setattr(socket, "getaddrinfo", hangs)
        begun = time.monotonic()
        try:
            with pytest.raises(HostUnreachableError):
                get("http://sis.example.org/users", timeout_s=0.2)
        finally:
            over.set()

        assert time.monotonic() - begun < 10

    def test_plain_http_is_refused_unless_local_providers_are_allowed(self) -> None:
        with ScriptedProvider({"users": [Scripted()]}) as provider:
            with pytest.raises(ConfigurationError, match="must begin with https://"):
                get(f"{provider.base_url}/users", allow_local=False)
            assert provider.seen == []

    def test_a_closed_port_is_an_unreachable_host(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]

        with pytest.raises(HostUnreachableError, match="cannot be reached"):
            get(f"http://127.0.0.1:{port}/users")

    def test_proxies_and_netrc_of_the_environment_are_not_used(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password word\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        with ScriptedProvider({"users": [Scripted({"users": []})]}) as provider:
            assert get(f"{provider.base_url}/users").status == 200
            assert provider.seen[0].headers["Authorization"].startswith("OAuth ")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(status: int) -> None:
    with ScriptedProvider({"users": [Scripted(b"", status, {"Location": "/ims/oneroster/v1p1/orgs"})]}) as provider:
        assert get(f"{provider.base_url}/users").status == status

        assert len(provider.seen) == 1


class TestBounds:
    def test_a_body_over_the_bound_is_refused(self) -> None:
        with pytest.raises(TooLargeError, match="Set a smaller page size"):
            answer_to(Scripted(b"x" * (1 << 20) + b"x"))

    def test_a_body_at_the_bound_is_taken(self) -> None:
        assert len(answer_to(Scripted(b"x" * (1 << 20))).body) == 1 << 20

    def test_a_small_body_that_unpacks_to_a_large_one_is_refused(self) -> None:
        with pytest.raises(TooLargeError):
            answer_to(Scripted(b"\0" * (64 << 20), gzipped=True))

    def test_an_endless_body_is_refused(self) -> None:
        def talk(connection: socket.socket) -> None:
            connection.recv(9999)
            with suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

        with a_raw_server(talk) as url, pytest.raises(TooLargeError, match="honour the parameter limit"):
            get(url)

    @pytest.mark.parametrize(
        ("encoding", "bomb"),
        [
            ("gzip", gzip.compress(b"\0" * (64 << 20))),
            ("deflate", zlib.compress(b"\0" * (64 << 20))),
            ("gzip, gzip", gzip.compress(gzip.compress(b"\0" * (64 << 20)))),
        ],
        ids=["gzip", "deflate", "gzip twice"],
    )
    def test_a_bomb_takes_little_more_memory_than_the_bound(self, encoding: str, bomb: bytes) -> None:
        tracemalloc.start()
        try:
            with suppress(TooLargeError):
                answer_to(Scripted(bomb, headers={"Content-Encoding": encoding}))
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert peak_bytes < 20 << 20

    @pytest.mark.parametrize(
        ("encoding", "body"),
        [
            ("gzip", gzip.compress(b"{}")),
            ("GZIP", gzip.compress(b"{}")),
            ("x-gzip", gzip.compress(b"{}")),
            ("deflate", zlib.compress(b"{}")),
            ("deflate", zlib.compress(b"{}")[2:-4]),
            ("identity", b"{}"),
            ("utf-8", b"{}"),
        ],
        ids=["gzip", "upper case", "x-gzip", "zlib", "raw deflate", "identity", "no encoding at all"],
    )
    def test_every_usual_compression_is_undone(self, encoding: str, body: bytes) -> None:
        assert answer_to(Scripted(body, headers={"Content-Encoding": encoding})).body == b"{}"

    def test_compression_is_asked_for(self) -> None:
        with ScriptedProvider({"users": [Scripted({"users": []})]}) as provider:
            get(f"{provider.base_url}/users")

            assert provider.seen[0].headers["Accept-Encoding"] == "gzip, deflate"

    @pytest.mark.parametrize("slow", [Scripted(b"x" * 100, drip_s=0.05), Scripted(drip_s=0.05, drip_headers=True)])
    def test_an_answer_that_drips_ends_in_time(self, slow: Scripted) -> None:
        """Each byte comes well within any timeout between bytes."""
        with pytest.raises(TimedOutError, match=r"did not answer within 0\.5 seconds"):
            answer_to(slow, timeout_s=0.5)

    def test_a_server_that_says_nothing_ends_in_time(self) -> None:
        with a_raw_server(listen) as url, pytest.raises(TimedOutError):
            get(url, timeout_s=0.3)

    @pytest.mark.parametrize(
        "talk",
        [
            lambda connection: connection.recv(9999),
            lambda connection: connection.recv(9999) and connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n"),
            lambda connection: (
                connection.recv(9999) and connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
            ),
            lambda connection: (
                connection.recv(9999)
                and connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{")
            ),
            lambda connection: (
                connection.recv(9999)
                and connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")
            ),
        ],
        ids=["silent", "not http", "short", "short chunk", "not gzip"],
    )
    def test_an_answer_that_breaks_off_may_be_tried_again(self, talk: Callable[[socket.socket], object]) -> None:
        with a_raw_server(talk) as url, pytest.raises(TruncatedError) as caught:
            get(url)

        assert isinstance(caught.value, TransientError)

    def test_a_connection_is_used_again(self) -> None:
        with (
            ScriptedProvider({"users": [Scripted({"users": []})]}) as provider,
            closing(Egress(allow_local=True)) as egress,
        ):
            url = f"{provider.base_url}/users"
            for _ in range(3):
                egress.get(url, signed(url), timeout_s=5)

            assert len({seen.caller_port for seen in provider.seen}) == 1

    def test_a_connection_that_the_server_has_closed_meanwhile_is_made_anew(self) -> None:
        with (
            ScriptedProvider({"users": [Scripted({"users": []}, headers={"Connection": "close"})]}) as provider,
            closing(Egress(allow_local=True)) as egress,
        ):
            url = f"{provider.base_url}/users"

            answers = [egress.get(url, signed(url), timeout_s=5).body for _ in range(3)]

            assert answers == [b'{"users": []}'] * 3


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.fixture
def trusted(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    monkeypatch.setattr(certifi, "where", lambda: os.fspath(certificates.authorities))
    return certificates


def refusal(tls: ssl.SSLContext, host: str = "127.0.0.1") -> str:
    """What is told of a server whose encryption is not to be trusted, which no request must have reached."""
    with ScriptedProvider({"users": [Scripted({"users": []})]}, tls=tls) as provider:
        with pytest.raises(TlsError) as caught:
            get(f"https://{host}:{provider.port}{ROOT}/users")
        assert provider.seen == []
    return str(caught.value)


class TestTls:
    def test_a_whole_chain_up_to_a_known_authority_is_trusted(self, trusted: Certificates) -> None:
        with ScriptedProvider({"users": [Scripted({"users": []})]}, tls=trusted.server()) as provider:
            assert get(f"{provider.base_url}/users").status == 200

    def test_an_unknown_authority_is_refused_also_locally(self, certificates: Certificates) -> None:
        assert "nobody whom we trust vouches for its certificate" in refusal(certificates.server())

    def test_an_incomplete_chain_is_told(self, trusted: Certificates) -> None:
        assert "install the whole chain" in refusal(trusted.server(whole_chain=False))

    def test_an_expired_certificate_is_told(self, trusted: Certificates) -> None:
        assert "its certificate has expired. Ask the provider to renew it." in refusal(trusted.server(days=(-9, -1)))

    def test_a_certificate_of_the_future_is_told(self, trusted: Certificates) -> None:
        assert "not valid yet" in refusal(trusted.server(days=(1, 9)))

    def test_a_self_signed_certificate_is_told(self, trusted: Certificates) -> None:
        assert "its certificate is self-signed" in refusal(trusted.server(self_signed=True))

    def test_a_self_signed_authority_in_the_chain_is_told(self, certificates: Certificates) -> None:
        chain = certificates.folder / "chain.pem"
        tls = certificates.server()
        pem = serialization.Encoding.PEM
        chain.write_bytes((certificates.folder / "server.pem").read_bytes() + certificates.root.public_bytes(pem))
        tls.load_cert_chain(chain)

        assert "the authority of its certificate is not a public one" in refusal(tls)

    def test_a_certificate_of_another_host_is_told(
        self, trusted: Certificates, resolve: Callable[[dict[str, list[str]]], None]
    ) -> None:
        resolve({"other.example.org": ["127.0.0.1"]})

        assert "its certificate is for another name" in refusal(trusted.server(), "other.example.org")

    def test_a_certificate_of_another_address_is_told(self, trusted: Certificates) -> None:
        assert "its certificate is for another name" in refusal(trusted.server(address="192.0.2.1"))

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
    def test_a_server_of_outdated_tls_is_told(self, trusted: Certificates) -> None:
        old = trusted.server()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1

        assert "no TLS of version 1.2 or newer" in refusal(old)

    def test_a_server_that_wants_our_certificate_is_told(self, trusted: Certificates) -> None:
        tls = trusted.server()
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.maximum_version = ssl.TLSVersion.TLSv1_2

        assert "cannot agree on encryption" in refusal(tls)

    def test_the_host_s_name_is_verified_and_sent_though_an_address_is_called(
        self, trusted: Certificates, resolve: Callable[[dict[str, list[str]]], None]
    ) -> None:
        names: list[str | None] = []
        tls = trusted.server()
        tls.sni_callback = lambda _connection, name, _context: names.append(name)
        resolve({"sis.example.org": ["127.0.0.1"]})
        with ScriptedProvider({"users": [Scripted({"users": []})]}, tls=tls) as provider:
            answer = get(f"https://sis.example.org:{provider.port}/ims/oneroster/v1p1/users")

            assert answer.status == 200
            assert names == ["sis.example.org"]
            assert provider.seen[0].headers["Host"] == f"sis.example.org:{provider.port}"

    def test_a_server_without_tls_is_told_apart_from_an_unreachable_one(self) -> None:
        with ScriptedProvider({"users": [Scripted()]}) as provider, pytest.raises(TlsError, match="does not speak TLS"):
            get(f"https://127.0.0.1:{provider.port}/users")

    def test_a_handshake_that_never_ends_ends_in_time_and_is_told_as_such(self) -> None:
        """It was told as a slow answer, with the advice to set a smaller page size."""
        with a_raw_server(listen) as url, pytest.raises(HandshakeBrokenError, match="does not complete its encryption"):
            get(url.replace("http:", "https:"), timeout_s=0.3)

    def test_a_handshake_that_is_hung_up_on_may_be_tried_again(self) -> None:
        with (
            a_raw_server(lambda connection: connection.recv(9999)) as url,
            pytest.raises(HandshakeBrokenError) as caught,
        ):
            get(url.replace("http:", "https:"))

        assert isinstance(caught.value, TransientError)
