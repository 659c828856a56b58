"""The one place that makes a request to a customer's URL.

Only https to public addresses, unless local providers are allowed. The host is resolved once per connection, every
address it resolves to is checked, and the connection goes to a checked address, so that a name cannot change its
meaning in between. Redirects are not followed; size and time of an answer are bounded, finding the host included.

    TransientError
    ├── HostUnreachableError    no such host, nothing listens, or it is not a host we may call: which is not told
    ├── HandshakeBrokenError    a connection, but no encryption on it
    ├── TimedOutError           no whole answer in time
    └── TruncatedError          the connection or the answer broke off
    ConfigurationError
    ├── TlsError                no trustworthy encrypted connection
    └── TooLargeError           more bytes than we take
"""

import http.client
import io
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urlsplit

import certifi
import urllib3
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.connection import create_connection

from roster_sync.domain.errors import ConfigurationError, TransientError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_BYTES: Final = 64 * 1024 * 1024
_CONNECT_TIMEOUT_S: Final = 10.0
_SHORTEST_S: Final = 0.001
_READ_BYTES: Final = 4 * 1024 * 1024
_BUFFER_BYTES: Final = 128 * 1024
_COOKIE: Final = re.compile(r"([!-:<>-~]{1,100})=([!-:<-~]{1,4000}) *(?:;|$)")
_MOST_COOKIES: Final = 20
# All that is given out of IPv6: neither site-local addresses nor those of NAT64, which carry another one inside.
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
# Addresses within that carry another one inside (Teredo, 6to4): a translator could lead them to a private network.
_TRANSLATED: Final = (ipaddress.IPv6Network("2001::/32"), ipaddress.IPv6Network("2002::/16"))

_INCOMPLETE_CHAIN: Final = (
    "nobody whom we trust vouches for its certificate",
    "Ask the provider to install the whole chain of certificates, up to a public authority.",
)
_OTHER_NAME: Final = (
    "its certificate is for another name",
    "Check the host in the base URL; if it is right, ask the provider for a certificate of this name.",
)
_NO_TLS: Final = (
    "the server does not speak TLS on this port",
    "Check the port in the base URL, or ask the provider to switch on https.",
)
_OLD_TLS: Final = (
    "the server speaks no TLS of version 1.2 or newer",
    "Ask the provider to switch on TLS 1.2 or 1.3.",
)
# Cause and remedy by OpenSSL's codes, X509_V_ERR_*.
_CERTIFICATE_FAULTS: Final = {
    9: ("its certificate is not valid yet", "Ask the provider to check the dates of its certificate."),
    10: ("its certificate has expired", "Ask the provider to renew it."),
    18: ("its certificate is self-signed", "Ask the provider to install one of a public authority."),
    19: (
        "the authority of its certificate is not a public one",
        "Ask the provider to install one of a public authority.",
    ),
    20: _INCOMPLETE_CHAIN,
    21: _INCOMPLETE_CHAIN,
    62: _OTHER_NAME,
    64: _OTHER_NAME,
}
# Cause and remedy by OpenSSL's reasons; what a server without TLS gives differs by OpenSSL's version.
_HANDSHAKE_FAULTS: Final = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": _OLD_TLS,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD_TLS,
}


class HostUnreachableError(TransientError):
    """The host cannot be reached, or must not be."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} cannot be reached. Check the host in the base URL; if it is right, ask the provider whether the "
            "server is up and open to the internet."
        )


class HandshakeBrokenError(TransientError):
    """The host takes the connection, but hangs up or says nothing when it is to be encrypted."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} takes the connection, but does not complete its encryption. Check the port in the base URL; if it "
            "is right, ask the provider whether its firewall lets this system in."
        )


class TimedOutError(TransientError):
    """No whole answer came in time."""

    def __init__(self, host: str, timeout_s: float) -> None:
        super().__init__(
            f"{host} did not answer within {timeout_s:g} seconds. Try again later, or set a smaller page size."
        )


class TruncatedError(TransientError):
    """The connection or the answer broke off, or its compression is damaged."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"The answer of {host} broke off or is damaged. Try again later; if it stays so, tell the provider."
        )


class TlsError(ConfigurationError):
    """No trustworthy encrypted connection."""

    def __init__(self, host: str, why: str, remedy: str) -> None:
        super().__init__(f"No secure connection to {host}: {why}. {remedy}")


class TooLargeError(ConfigurationError):
    """The answer has more bytes than we take."""

    def __init__(self, host: str, max_bytes: int) -> None:
        super().__init__(
            f"{host} sends a page of more than {max_bytes >> 20} MB. Set a smaller page size; if it stays so, ask the "
            "provider to honour the parameter limit."
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer, decompressed; its headers are found in any case.

    Attributes:
        cookies: Those it sets, by name; for the host that it came from, and no other.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)


class Egress:
    """Makes requests; may be used by several threads at once."""

    def __init__(self, *, allow_local: bool, connections: int = 1, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._schemes = ("https", "http") if allow_local else ("https",)
        # Neither proxies nor credentials of the environment: urllib3 reads none, unlike a requests session.
        self._manager = urllib3.PoolManager(maxsize=connections)
        self._manager.pool_classes_by_scheme = (
            {"http": _LocalHttpPool, "https": _LocalHttpsPool} if allow_local else {"https": _HttpsPool}
        )

    def get(self, url: str, headers: Mapping[str, str], *, timeout_s: float) -> Answer:
        """The answer to a GET of exactly `url`, whatever its status; a redirect is an answer, too.

        Raises:
            TransientError: See the module; so for ConfigurationError.
        """
        return self._answer("GET", url, headers, None, timeout_s)

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float) -> Answer:
        """The answer to a POST, as to a GET.

        Raises:
            TransientError: See the module; so for ConfigurationError.
        """
        return self._answer("POST", url, headers, body, timeout_s)

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_s: float
    ) -> Answer:
        parts = urlsplit(url)
        host = parts.netloc
        if parts.scheme not in self._schemes:
            raise ConfigurationError(f"The base URL of {host} must begin with https://. Enter it so.")
        try:
            response = self._manager.request(
                method,
                url,
                body=body,
                headers={"Accept-Encoding": "gzip, deflate", "User-Agent": "roster-sync", **headers},
                timeout=urllib3.Timeout(connect=min(_CONNECT_TIMEOUT_S, timeout_s), total=timeout_s),
                redirect=False,
                retries=False,
                preload_content=False,
            )
        except _HandshakeError as error:
            raise HandshakeBrokenError(host) from error
        except exceptions.SSLError as error:
            raise _tls_error(host, error.args[0]) from error
        except (exceptions.NewConnectionError, exceptions.ConnectTimeoutError) as error:
            raise HostUnreachableError(host) from error
        except exceptions.TimeoutError as error:
            raise TimedOutError(host, timeout_s) from error
        except exceptions.HTTPError as error:
            raise TruncatedError(host) from error
        try:
            return Answer(response.status, response.headers, self._read(response, host), _cookies(response.headers))
        except exceptions.TimeoutError as error:
            raise TimedOutError(host, timeout_s) from error
        except exceptions.HTTPError as error:
            raise TruncatedError(host) from error
        finally:
            # A connection whose answer was read to the end has gone back to its pool by now; any other ends here.
            response.close()

    def close(self) -> None:
        """Close the idle connections."""
        self._manager.clear()

    def _read(self, response: urllib3.BaseHTTPResponse, host: str) -> bytes:
        """The body; decompressing stops soon after the bound, so that a small bomb stays small."""
        chunks: list[bytes] = []
        size_bytes = 0
        while chunk := response.read(_READ_BYTES, decode_content=True):
            size_bytes += len(chunk)
            if size_bytes > self._max_bytes:
                raise TooLargeError(host, self._max_bytes)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _cookies(headers: urllib3.HTTPHeaderDict) -> dict[str, str]:
    """The cookies that an answer sets, as far as they can be sent back."""
    pairs = (_COOKIE.match(header) for header in headers.getlist("Set-Cookie", [])[:_MOST_COOKIES])
    return {pair[1]: pair[2] for pair in pairs if pair}


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, also by what is embedded in it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif ip not in _UNICAST or any(ip in network for network in _TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _tls_error(host: str, cause: object) -> TlsError | TruncatedError:
    """The error for what OpenSSL says."""
    if isinstance(cause, ssl.SSLEOFError):
        return TruncatedError(host)
    if isinstance(cause, ssl.SSLCertVerificationError):
        unknown = (f"its certificate cannot be trusted ({cause.verify_message})", "Ask the provider to replace it.")
        return TlsError(host, *_CERTIFICATE_FAULTS.get(cause.verify_code, unknown))
    reason = getattr(cause, "reason", None) or "no reason given"
    unknown = (
        f"the two sides cannot agree on encryption ({reason.replace('_', ' ').lower()})",
        "Check the host in the base URL, or ask the provider which TLS its server wants.",
    )
    return TlsError(host, *_HANDSHAKE_FAULTS.get(reason, unknown))


@lru_cache(maxsize=1)
def _tls_context(authorities: str) -> ssl.SSLContext:
    """For every connection of the process: it costs 13 ms, and most of the functions' invocations make none."""
    return ssl.create_default_context(cafile=authorities)


def _resolved(host: str, port: int, timeout_s: float) -> list[str]:
    """The addresses of a host, asked for in a thread of its own: the system's resolver knows no bound of time.

    Raises:
        OSError: There are none, or not in time.
        UnicodeError: It cannot be a name.
    """
    answer: Future[list[Any]] = Future()

    def ask() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True, name="resolver").start()
    return list(dict.fromkeys(str(entry[4][0]) for entry in answer.result(timeout_s)))


class _HandshakeError(exceptions.SSLError):
    """The connection broke off or hung before it was encrypted."""


class _BoundedRaw(io.RawIOBase):
    """A socket's bytes until a moment, however slowly they drip."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        remaining_s = self._deadline - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError("The answer took too long.")
        self._sock.settimeout(remaining_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    """An answer whose headers and body come before a moment."""

    def __init__(self, sock: socket.socket, *, deadline: float, method: str | None = None, debuglevel: int = 0) -> None:
        super().__init__(sock, debuglevel, method=method)
        # http.client's reader holds the socket open when the server announces to close it: kept below ours.
        self.fp = io.BufferedReader(_BoundedRaw(self.fp.detach(), sock, deadline), _BUFFER_BYTES)


class _CheckedConnection(HTTPConnection):
    """Connects to checked addresses.

    Its connect timeout bounds finding the host, connecting and encrypting together, its read timeout the whole answer.
    """

    allow_local: ClassVar[bool] = False

    def _new_conn(self) -> socket.socket:
        deadline = time.monotonic() + (self.timeout or _CONNECT_TIMEOUT_S)
        try:
            addresses = _resolved(self._dns_host.strip("[]"), self.port, deadline - time.monotonic())
        except (OSError, UnicodeError) as error:
            raise exceptions.NewConnectionError(self, "no such host") from error
        if not self.allow_local and not all(map(is_public, addresses)):
            raise exceptions.NewConnectionError(self, "not a public host")
        failure: OSError | None = None
        for address in addresses:
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                break
            try:
                connection = create_connection((address, self.port), remaining_s, socket_options=self.socket_options)
            except OSError as error:
                failure = error
            else:
                connection.settimeout(max(deadline - time.monotonic(), _SHORTEST_S))
                return connection
        raise exceptions.NewConnectionError(self, "no connection") from failure

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3 itself overrides http.client
        deadline = time.monotonic() + (self.timeout or 0)
        self.response_class = partial(_BoundedResponse, deadline=deadline)  # type: ignore[assignment]  # only called
        return super().getresponse()


class _HttpsConnection(_CheckedConnection, HTTPSConnection):
    def connect(self) -> None:
        self.ssl_context = _tls_context(certifi.where())
        try:
            super().connect()
        except (TimeoutError, ConnectionError, ssl.SSLEOFError) as error:
            raise _HandshakeError(error) from error


class _LocalHttpConnection(_CheckedConnection):
    allow_local = True


class _LocalHttpsConnection(_HttpsConnection):
    allow_local = True


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class _LocalHttpPool(HTTPConnectionPool):
    ConnectionCls = _LocalHttpConnection


class _LocalHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _LocalHttpsConnection
