"""The one place that makes a request to a customer's URL.

Only https to public addresses, unless local providers are allowed. The host is resolved once per connection, every
address it resolves to is checked, and the connection goes to a checked address, so that a name cannot change its
meaning in between. Redirects are not followed; size and time of an answer are bounded.

    TransientError
    ├── HostUnreachableError    no such host, nothing listens, or it is not a host we may call: which is not told
    ├── TimedOutError           no whole answer in time
    └── TruncatedError          the connection or the answer broke off
    ConfigurationError
    ├── TlsError                no trustworthy encrypted connection
    ├── RedirectedError         the answer is to be had elsewhere
    └── TooLargeError           more bytes than we take
"""

import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import urljoin, urlsplit

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
_READ_BYTES: Final = 4 * 1024 * 1024
_BUFFER_BYTES: Final = 128 * 1024
# All that is given out of IPv6: neither site-local addresses nor those of NAT64, which carry another one inside.
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
# Addresses within that carry another one inside (Teredo, 6to4): a translator could lead them to a private network.
_TRANSLATED: Final = (ipaddress.IPv6Network("2001::/32"), ipaddress.IPv6Network("2002::/16"))


class HostUnreachableError(TransientError):
    """The host cannot be reached, or must not be."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} cannot be reached. Check the host in the base URL; if it is right, ask the provider whether the "
            "server is up and open to the internet."
        )


class TimedOutError(TransientError):
    """No whole answer came in time."""

    def __init__(self, host: str, timeout_s: float) -> None:
        super().__init__(
            f"{host} did not answer within {timeout_s:g} seconds. Try again later, or set a smaller page size."
        )


class TruncatedError(TransientError):
    """The connection or the answer broke off."""

    def __init__(self, host: str) -> None:
        super().__init__(f"The answer of {host} broke off. Try again later; if it stays so, tell the provider.")


class TlsError(ConfigurationError):
    """No trustworthy encrypted connection."""

    def __init__(self, host: str, why: str) -> None:
        super().__init__(
            f"No secure connection to {host} ({why}). Check the host in the base URL, or ask the provider to repair "
            "the server's certificate."
        )


class RedirectedError(ConfigurationError):
    """The answer is to be had elsewhere."""

    def __init__(self, host: str, target: str) -> None:
        super().__init__(f"{host} redirects to {target}. Enter the base URL that the provider gives for OneRoster.")


class TooLargeError(ConfigurationError):
    """The answer has more bytes than we take."""

    def __init__(self, host: str, max_bytes: int) -> None:
        super().__init__(f"{host} sends a page of more than {max_bytes >> 20} MB. Set a smaller page size.")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer, decompressed; its headers are found in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Egress:
    """Makes requests; may be used by several threads at once."""

    def __init__(self, *, allow_local: bool, connections: int = 1, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._schemes = ("https", "http") if allow_local else ("https",)
        # Neither proxies nor credentials of the environment: urllib3 reads none, unlike a requests session.
        self._manager = urllib3.PoolManager(
            maxsize=connections, ssl_context=ssl.create_default_context(cafile=certifi.where())
        )
        self._manager.pool_classes_by_scheme = (
            {"http": _LocalHttpPool, "https": _LocalHttpsPool} if allow_local else {"https": _HttpsPool}
        )

    def get(self, url: str, headers: Mapping[str, str], *, timeout_s: float) -> Answer:
        """The answer to a GET of exactly `url`, whatever its status unless it redirects.

        Raises:
            TransientError: See the module; so for ConfigurationError.
        """
        parts = urlsplit(url)
        host = parts.netloc
        if parts.scheme not in self._schemes:
            raise ConfigurationError(f"The base URL of {host} must begin with https://.")
        try:
            response = self._manager.request(
                "GET",
                url,
                headers={"Accept-Encoding": "gzip", "User-Agent": "roster-sync", **headers},
                timeout=urllib3.Timeout(connect=min(_CONNECT_TIMEOUT_S, timeout_s), total=timeout_s),
                redirect=False,
                retries=False,
                preload_content=False,
            )
        except exceptions.SSLError as error:
            raise TlsError(host, _tls_reason(error)) from error
        except (exceptions.NewConnectionError, exceptions.ConnectTimeoutError) as error:
            raise HostUnreachableError(host) from error
        except exceptions.TimeoutError as error:
            raise TimedOutError(host, timeout_s) from error
        except exceptions.HTTPError as error:
            raise TruncatedError(host) from error
        try:
            location = response.headers.get("Location")
            if 300 <= response.status < 400 and location:
                target = urlsplit(urljoin(url, location))
                raise RedirectedError(host, f"{target.hostname}{target.path}"[:200])
            return Answer(response.status, response.headers, self._read(response, host))
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


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, also by what is embedded in it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif ip not in _UNICAST or any(ip in network for network in _TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _tls_reason(error: exceptions.SSLError) -> str:
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message.rstrip(".")
    return "it does not speak TLS as we do"


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
    """Connects to checked addresses; its read timeout bounds the whole answer."""

    allow_local: ClassVar[bool] = False

    def _new_conn(self) -> socket.socket:
        deadline = time.monotonic() + (self.timeout or _CONNECT_TIMEOUT_S)
        try:
            found = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise exceptions.NewConnectionError(self, "no such host") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self.allow_local and not all(map(is_public, addresses)):
            raise exceptions.NewConnectionError(self, "not a public host")
        failure: OSError | None = None
        for address in addresses:
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                break
            try:
                return create_connection((address, self.port), remaining_s, socket_options=self.socket_options)
            except OSError as error:
                failure = error
        raise exceptions.NewConnectionError(self, "no connection") from failure

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3 itself overrides http.client
        deadline = time.monotonic() + (self.timeout or 0)
        self.response_class = partial(_BoundedResponse, deadline=deadline)  # type: ignore[assignment]  # only called
        return super().getresponse()


class _HttpsConnection(_CheckedConnection, HTTPSConnection):
    pass


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
