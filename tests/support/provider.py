"""A provider on loopback that plays a script and checks every signature."""

import gzip
import json
import math
import re
import socket
import ssl
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Protocol, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

KEY = "key of a district"
SECRET = "s3cret & more + %"
ROOT = "/ims/oneroster/v1p1"
CORE = "https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly"
_NONCE = re.compile(r'oauth_nonce="([^"]*)"')
WRONG_SIGNATURE = {"imsx_codeMajor": "failure", "imsx_CodeMinor": "unauthorised", "imsx_description": "Bad signature"}


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer.

    Attributes:
        content: JSON unless bytes.
        drip_s: Pause before each byte of the body.
        drip_headers: Send header after header with the same pause, without end.
        cut: Announce the whole body, send half of it.
        gate: Answer only when it is set.
    """

    content: object = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    drip_s: float = 0.0
    drip_headers: bool = False
    cut: bool = False
    gzipped: bool = False
    gate: threading.Event | None = None


Route = list[Scripted] | Callable[[Mapping[str, str]], Scripted]


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came."""

    endpoint: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    nonce: str
    caller_port: int
    body: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came: what a sign-in is judged by."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class SignIn(Protocol):
    """How a provider knows who asks."""

    def answer(self, request: Received) -> Scripted | None:
        """What it answers itself, such as a refusal or a token; None lets the request pass."""


class OAuth1(RequestValidator):
    """One consumer, who signs in the header, or in the query; nonces are used once."""

    client_key_length = (1, 255)
    enforce_ssl = False

    def __init__(self, *methods: str, in_query: bool = False) -> None:
        super().__init__()
        self._methods = methods or ("HMAC-SHA256",)
        self._in_query = in_query
        self._nonces: set[str] = set()
        self._verifier = SignatureOnlyEndpoint(self)
        self.refused = 0

    def answer(self, request: Received) -> Scripted | None:
        genuine = ("Authorization" not in request.headers) == self._in_query and self._is_genuine(request)
        self.refused += not genuine
        return None if genuine else Scripted(WRONG_SIGNATURE, 401)

    def _is_genuine(self, request: Received) -> bool:
        try:
            genuine, _ = self._verifier.validate_request(request.url, request.method, "", dict(request.headers))
        except ValueError:
            return False
        return bool(genuine)

    @property
    def allowed_signature_methods(self) -> tuple[str, ...]:
        return self._methods

    @property
    def safe_characters(self) -> set[str]:
        return set(map(chr, range(32, 127)))

    @property
    def nonce_length(self) -> tuple[int, int]:
        return (8, 64)

    def validate_client_key(self, client_key: str, request: object) -> bool:
        return client_key == KEY

    def get_client_secret(self, client_key: str, request: object) -> str:
        return SECRET

    def validate_timestamp_and_nonce(
        self, client_key: str, timestamp: str, nonce: str, *others: Any, **more: Any
    ) -> bool:
        fresh = nonce not in self._nonces
        self._nonces.add(nonce)
        return fresh

    @property
    def dummy_client(self) -> str:
        return "nobody"


class Bearer:
    """One token, given once for all; what shows none is answered with a status."""

    def __init__(self, token: str = SECRET, *, unsigned: int = 401) -> None:
        self._token = token
        self._unsigned = unsigned
        self.refused = 0

    def answer(self, request: Received) -> Scripted | None:
        shown = request.headers.get("Authorization", "")
        genuine = shown == f"Bearer {self._token}"
        self.refused += not genuine
        return None if genuine else Scripted(WRONG_SIGNATURE, 401 if shown.startswith("Bearer ") else self._unsigned)


class OAuth2:
    """Gives tokens to one consumer, and takes them.

    Attributes:
        tokens: Those given, in order.
        refused: Requests for tokens that showed a wrong key or secret, or a right one in another way than it takes.
        asked: Requests for tokens with key and secret.
    """

    def __init__(
        self,
        *,
        path: str = "/token",
        client: Literal["basic", "body"] = "basic",
        in_query: bool = False,
        scope: Literal["compulsory", "core", "ignored", "refused"] = "compulsory",
        token: Mapping[str, object] | None = None,
        cookie: str | None = None,
        uses: int | None = None,
        bad_token: int = 401,
        secret: str = SECRET,
    ) -> None:
        """Set the manner.

        Args:
            path: Of the token URL, with its query.
            client: How key and secret are to be shown.
            in_query: Whether the parameters are to come in the query, without a body.
            scope: What becomes of the standard's; "core": roster-core alone is given.
            token: What else the answer with a token holds; overrides.
            cookie: Set with each token, and demanded with its use.
            uses: A token is good for so many requests.
            bad_token: Status of the answer to a bad one, and to none.
            secret: Of the consumer.
        """
        self._path = path
        self._client = client
        self._in_query = in_query
        self._scope = scope
        self._more = {"token_type": "Bearer", "expires_in": 3600} if token is None else token
        self._cookie = cookie
        self._uses = uses
        self._bad_token = bad_token
        self._secret = secret
        self._used: dict[str, int] = {}
        self.tokens: list[str] = []
        self.refused = 0
        self.asked = 0

    def answer(self, request: Received) -> Scripted | None:
        parts = urlsplit(request.url)
        given = urlsplit(self._path)
        if parts.path == given.path and set(parse_qsl(given.query)) <= set(parse_qsl(parts.query)):
            return self._token(request)
        if not parts.path.startswith(f"{ROOT}/"):
            return Scripted(b"<html>", 404)
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        good = self._used.get(shown, 0) < (math.inf if self._uses is None else self._uses) and shown in self.tokens[-1:]
        if not good or (self._cookie and request.headers.get("Cookie") != self._cookie):
            return Scripted(WRONG_SIGNATURE, self._bad_token, {"WWW-Authenticate": "Bearer"})
        self._used[shown] = self._used.get(shown, 0) + 1
        return None

    def _token(self, request: Received) -> Scripted:
        if request.method != "POST":
            return Scripted(b"", 405)
        form = dict(parse_qsl(request.body.decode()))
        fields = dict(parse_qsl(urlsplit(request.url).query)) if self._in_query else form
        basic = f"Basic {b64encode(f'{KEY}:{self._secret}'.encode()).decode()}"
        shows_itself = "Authorization" in request.headers or "client_secret" in form
        if self._client == "basic":
            known = request.headers.get("Authorization") == basic
        else:
            known = (form.get("client_id"), form.get("client_secret")) == (KEY, self._secret)
        self.asked += shows_itself
        if fields.get("grant_type") != "client_credentials" or (self._in_query and request.body):
            return Scripted({"error": "unsupported_grant_type"}, 400)
        if not known:
            self.refused += shows_itself
            return Scripted({"error": "invalid_client"}, 401)
        if not self._takes(fields.get("scope")):
            return Scripted({"error": "invalid_scope"}, 400)
        self.tokens.append(f"token-{len(self.tokens)}")
        headers = {"Set-Cookie": f"{self._cookie}; Path=/; HttpOnly"} if self._cookie else {}
        return Scripted({"access_token": self.tokens[-1], **self._more}, headers=headers)

    def _takes(self, scope: str | None) -> bool:
        match self._scope:
            case "ignored":
                return True
            case "core":
                return scope == CORE
            case "compulsory":
                return scope is not None
            case "refused":
                return scope is None


class ScriptedProvider:
    """Routes of endpoints to answers: a list is played once, its last answer repeated; a function sees the query."""

    def __init__(
        self, routes: Mapping[str, Route], *, tls: ssl.SSLContext | None = None, sign_in: SignIn | None = None
    ) -> None:
        """Check signatures of OAuth 1, unless another `sign_in` is given."""
        self.routes = dict(routes)
        self.seen: list[Seen] = []
        self._sign_in = sign_in or OAuth1()
        self._lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                provider._answer(self)

            def do_POST(self) -> None:
                provider._answer(self)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # http.server names it
                pass

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}{ROOT}"

    def requests_of(self, endpoint: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.endpoint == endpoint]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        endpoint = unquote(parts.path.removeprefix(f"{ROOT}/"))
        parameters = dict(parse_qsl(parts.query))
        headers = dict(handler.headers.items())
        received = Received(
            handler.command,
            f"{self._scheme}://{handler.headers['Host']}{handler.path}",
            headers,
            handler.rfile.read(int(handler.headers.get("Content-Length", 0))),
        )
        with self._lock:
            nonce = _NONCE.search(handler.headers.get("Authorization", ""))
            self.seen.append(
                Seen(
                    endpoint,
                    parameters,
                    headers,
                    nonce[1] if nonce else "",
                    handler.client_address[1],
                    received.body.decode(),
                )
            )
            scripted = self._sign_in.answer(received) or self._play(endpoint, parameters)
        _send(handler, scripted)

    def _play(self, endpoint: str, parameters: Mapping[str, str]) -> Scripted:
        route = self.routes.get(endpoint)
        if route is None:
            return Scripted({"imsx_CodeMinor": "unknownobject"}, 404)
        if callable(route):
            return route(parameters)
        return route.pop(0) if len(route) > 1 else route[0]


def collection(
    records: list[dict[str, object]],
    *,
    wrapper: str = "users",
    cap: int | None = None,
    total: bool = True,
    links: bool = False,
    short_page_at: int | None = None,
) -> Callable[[Mapping[str, str]], Scripted]:
    """A route that pages through records.

    Args:
        records: All of them.
        wrapper: Name of the list.
        cap: Most records of a page, whatever is asked for.
        total: Whether X-Total-Count comes.
        links: Whether a Link to the next page comes.
        short_page_at: The offset at which the page has two records only.
    """

    def answer(parameters: Mapping[str, str]) -> Scripted:
        offset, limit = int(parameters.get("offset", 0)), int(parameters.get("limit", 100))
        size = min(limit, cap or limit, 2 if offset == short_page_at else limit)
        page = records[offset : offset + size]
        headers: dict[str, str] = {}
        if total:
            headers["x-total-count"] = str(len(records))
        if links and offset + size < len(records):
            headers["Link"] = f'<http://inner.example:1/{wrapper}?limit={limit}&offset={offset + size}>; rel="next"'
        return Scripted({wrapper: page}, headers=headers)

    return answer


def users(count: int) -> list[dict[str, object]]:
    """Users of whom nothing matters but their identity."""
    return [{"sourcedId": f"U-{number:05}"} for number in range(count)]


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the scripts."""


def _send(handler: BaseHTTPRequestHandler, scripted: Scripted) -> None:
    if scripted.gate:
        scripted.gate.wait(30)
    body = scripted.content if isinstance(scripted.content, bytes) else json.dumps(scripted.content).encode()
    if scripted.gzipped:
        body = gzip.compress(body)
    if "Date" in scripted.headers:
        handler.send_response_only(scripted.status)
    else:
        handler.send_response(scripted.status)
    for name, value in scripted.headers.items():
        handler.send_header(name, value)
    if scripted.gzipped:
        handler.send_header("Content-Encoding", "gzip")
    if scripted.drip_headers:
        handler.flush_headers()
        while True:
            handler.wfile.write(b"X-Slow: yes\r\n")
            time.sleep(scripted.drip_s)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if scripted.cut:
        handler.wfile.write(body[: len(body) // 2])
        handler.close_connection = True
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
    elif scripted.drip_s:
        for byte in body:
            handler.wfile.write(bytes([byte]))
            time.sleep(scripted.drip_s)
    else:
        handler.wfile.write(body)
