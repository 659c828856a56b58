"""Requests to customers' URLs reach public hosts over TLS only, follow nowhere, and end in time."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.oneroster.auth import Signer
from roster_sync.security.egress import (
    Answer,
    Egress,
    HostUnreachableError,
    RedirectedError,
    TimedOutError,
    TlsError,
    TooLargeError,
    TruncatedError,
    is_public,
)
from tests.support.provider import KEY, SECRET, Scripted, ScriptedProvider


def get(url: str, *, allow_local: bool = True, timeout_s: float = 10, max_bytes: int = 1 << 20) -> Answer:
    with closing(Egress(allow_local=allow_local, max_bytes=max_bytes)) as egress:
        return egress.get(url, dict(Signer(KEY, SECRET).signed(url).headers), timeout_s=timeout_s)


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


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed_and_named_without_its_query(self, status: int) -> None:
        with ScriptedProvider(
            {"users": [Scripted(b"", status, {"Location": "https://login.example.org/signin?token=t"})]}
        ) as provider:
            with pytest.raises(RedirectedError) as caught:
                get(f"{provider.base_url}/users")

            assert "login.example.org/signin." in str(caught.value)
            assert "token" not in str(caught.value)
            assert len(provider.seen) == 1

    def test_a_relative_redirect_is_named_in_full(self) -> None:
        with pytest.raises(RedirectedError, match=r"redirects to 127\.0\.0\.1/login\."):
            answer_to(Scripted(b"", 302, {"Location": "/login"}))


class TestBounds:
    def test_a_body_over_the_bound_is_refused(self) -> None:
        with pytest.raises(TooLargeError, match="Set a smaller page size"):
            answer_to(Scripted(b"x" * (1 << 20) + b"x"))

    def test_a_body_at_the_bound_is_taken(self) -> None:
        assert len(answer_to(Scripted(b"x" * (1 << 20))).body) == 1 << 20

    def test_a_small_body_that_unpacks_to_a_large_one_is_refused(self) -> None:
        with pytest.raises(TooLargeError):
            answer_to(Scripted(b"\0" * (64 << 20), gzipped=True))

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
                egress.get(url, dict(Signer(KEY, SECRET).signed(url).headers), timeout_s=5)

            assert len({seen.caller_port for seen in provider.seen}) == 1

    def test_a_connection_that_the_server_has_closed_meanwhile_is_made_anew(self) -> None:
        with (
            ScriptedProvider({"users": [Scripted({"users": []}, headers={"Connection": "close"})]}) as provider,
            closing(Egress(allow_local=True)) as egress,
        ):
            url = f"{provider.base_url}/users"

            answers = [
                egress.get(url, dict(Signer(KEY, SECRET).signed(url).headers), timeout_s=5).body for _ in range(3)
            ]

            assert answers == [b'{"users": []}'] * 3


class Certificates:
    """A private authority's certificate, and one for 127.0.0.1 and sis.example.org."""

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "authority.pem"
        chain = folder / "server.pem"
        authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        authority_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority of a test")])
        authority_identity = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
        authority = (
            self._builder(authority_name, authority_key)
            .issuer_name(authority_name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(authority_identity, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        server = (
            self._builder(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Server of a test")]), server_key)
            .issuer_name(authority_name)
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName("sis.example.org"), x509.IPAddress(IPv4Address("127.0.0.1"))]
                ),
                critical=False,
            )
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), False)
            .sign(authority_key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        self.authority.write_bytes(authority.public_bytes(pem))
        chain.write_bytes(
            server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + server.public_bytes(pem)
        )
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(chain)

    @staticmethod
    def _builder(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.fixture
def trusted(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    monkeypatch.setattr(certifi, "where", lambda: os.fspath(certificates.authority))
    return certificates


class TestTls:
    def test_a_certificate_that_nobody_trusts_is_refused_also_locally(self, certificates: Certificates) -> None:
        with ScriptedProvider({"users": [Scripted()]}, tls=certificates.server) as provider:
            with pytest.raises(TlsError, match="unable to get local issuer certificate"):
                get(f"{provider.base_url}/users")
            assert provider.seen == []

    def test_a_certificate_of_another_host_is_refused(
        self, trusted: Certificates, resolve: Callable[[dict[str, list[str]]], None]
    ) -> None:
        resolve({"other.example.org": ["127.0.0.1"]})
        with ScriptedProvider({"users": [Scripted()]}, tls=trusted.server) as provider:
            with pytest.raises(TlsError, match=r"not valid for 'other\.example\.org'"):
                get(f"https://other.example.org:{provider.port}/users")
            assert provider.seen == []

    def test_the_host_s_name_is_verified_and_sent_though_an_address_is_called(
        self, trusted: Certificates, resolve: Callable[[dict[str, list[str]]], None]
    ) -> None:
        names: list[str | None] = []
        trusted.server.sni_callback = lambda _connection, name, _context: names.append(name)
        resolve({"sis.example.org": ["127.0.0.1"]})
        with ScriptedProvider({"users": [Scripted({"users": []})]}, tls=trusted.server) as provider:
            answer = get(f"https://sis.example.org:{provider.port}/ims/oneroster/v1p1/users")

            assert answer.status == 200
            assert names == ["sis.example.org"]
            assert provider.seen[0].headers["Host"] == f"sis.example.org:{provider.port}"

    def test_a_server_without_tls_is_told_apart_from_an_unreachable_one(self) -> None:
        with ScriptedProvider({"users": [Scripted()]}) as provider, pytest.raises(TlsError, match="does not speak TLS"):
            get(f"https://127.0.0.1:{provider.port}/users")

    def test_a_handshake_that_never_ends_ends_in_time(self) -> None:
        with a_raw_server(listen) as url, pytest.raises(TimedOutError):
            get(url.replace("http:", "https:"), timeout_s=0.3)
