"""The sample provider's HTTP server: checks signatures, answers from the catalogue, changes overnight on demand."""

import base64
import logging
import secrets
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from local.sample_provider.answers import Answer, RefusedRequestError, unknown_object
from local.sample_provider.catalogue import Catalogue
from local.sample_provider.district import Counselor, District, Record, generate_district
from local.sample_provider.overnight import OvernightChanges, change_overnight
from local.sample_provider.signatures import Signatures

HOST = "127.0.0.1"
ROOT = "/ims/oneroster/v1p1"
IDLE_TIMEOUT_S = 60
logger = logging.getLogger(__name__)


class SampleProvider:
    """A OneRoster 1.1 provider on a port of this machine, for as long as the `with` block lasts.

    It serves a generated district of `users` users, or `district` if one is given. `page_cap` is the most records it
    gives at once whatever the limit; `latency_s` is how long it thinks before each answer.
    """

    def __init__(
        self,
        users: int = 3000,
        seed: int = 1,
        *,
        schools: int | None = None,
        page_cap: int | None = None,
        latency_s: float = 0,
        port: int = 0,
        district: District | None = None,
    ) -> None:
        self.consumer_key = f"sample-{secrets.token_hex(8)}"
        # Plain base 64 may hold characters that a consumer has to encode before it signs.
        self.consumer_secret = base64.b64encode(secrets.token_bytes(24)).decode()
        self.latency_s = latency_s
        self.requests_served = 0
        self._seed = seed
        self._page_cap = page_cap
        self._district = district or generate_district(seed, users, schools=schools)
        self._catalogue = Catalogue(self._district, page_cap)
        self._signatures = Signatures(self.consumer_key, self.consumer_secret)
        self._control_path = f"/_control/{secrets.token_urlsafe(16)}"
        self._lock = threading.Lock()
        self._server = _Server((HOST, port), self)
        self._origin = f"http://{HOST}:{self._server.server_address[1]}"
        self.base_url = self._origin + ROOT
        self.control_url = self._origin + self._control_path

    @property
    def users(self) -> list[Record]:
        """The users it serves now."""
        return self._district.users

    @property
    def orgs(self) -> list[Record]:
        """The district and its schools."""
        return self._district.orgs

    @property
    def district(self) -> District:
        """All about the district of now, with what is odd about it."""
        return self._district

    def counselors(self) -> list[Counselor]:
        """The counselors, whom it does not serve."""
        return self._district.counselors()

    def serve(self, users: Iterable[Record]) -> None:
        """Serve these users from now on."""
        with self._lock:
            self._district = replace(self._district, users=list(users))
            self._catalogue = Catalogue(self._district, self._page_cap)

    def change_overnight(self, seed: int | None = None) -> OvernightChanges:
        """Let a night pass at the district; without a seed the change depends on the provider's and the night."""
        with self._lock:
            chosen = self._seed * 1000 + self._district.night if seed is None else seed
            self._district, changes = change_overnight(self._district, chosen)
            self._catalogue = Catalogue(self._district, self._page_cap)
        return changes

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.end_connections()
        self._server.server_close()

    def answer(self, method: str, target: str, headers: Message) -> Answer:
        """Answer one request, whatever it is."""
        try:
            if target.startswith(self._control_path + "/"):
                return self._control(method, target.removeprefix(self._control_path))
            with self._lock:
                self.requests_served += 1
            time.sleep(self.latency_s)
            return self._records(method, target, headers)
        except RefusedRequestError as refusal:
            return refusal.answer()
        except Exception:
            logger.exception("The sample provider could not answer")
            return RefusedRequestError(
                HTTPStatus.INTERNAL_SERVER_ERROR, "internal_server_error", "The provider could not answer."
            ).answer()

    def _records(self, method: str, target: str, headers: Message) -> Answer:
        if method != "GET":
            raise RefusedRequestError(
                HTTPStatus.METHOD_NOT_ALLOWED, "invaliddata", "This provider is only read: use GET."
            )
        if not self._signatures.accepts(method, f"http://{headers['Host']}{target}", dict(headers.items())):
            raise RefusedRequestError(
                HTTPStatus.UNAUTHORIZED,
                "unauthorised",
                "The OAuth 1.0a signature was not accepted: check key, secret and clock, and use each nonce once.",
            )
        parts = urlsplit(target)
        if not parts.path.startswith(ROOT + "/"):
            raise unknown_object(parts.path)
        path = unquote(parts.path.removeprefix(ROOT))
        return self._catalogue.answer(path, parts.query, self._origin + parts.path)

    def _control(self, method: str, path: str) -> Answer:
        match method, path:
            case "POST", "/overnight":
                changes = self.change_overnight()
                return Answer.of({"counts": changes.counts(), **asdict(changes)})
            case "GET", "/requests":
                return Answer.of({"requests_served": self.requests_served})
            case "GET", "/users":
                return Answer.of(self.users)
            case "GET", "/orgs":
                return Answer.of(self.orgs)
            case "GET", "/counselors":
                return Answer.of([asdict(counselor) for counselor in self.counselors()])
        raise unknown_object(path)


class _Server(ThreadingHTTPServer):
    """A server that knows its open connections, to end those that are kept alive."""

    request_queue_size = 128

    def __init__(self, address: tuple[str, int], provider: SampleProvider) -> None:
        self.provider = provider
        self._connections: set[Any] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look the host's name up, which takes seconds on a machine without a name server.
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        # A consumer that hangs up in the middle of an answer is no defect of this server.
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            logger.exception("A connection failed")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_TIMEOUT_S
    disable_nagle_algorithm = True
    # Headers and body leave together.
    wbufsize = -1
    server: _Server

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.provider.answer(self.command, self.path, self.headers)
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Say nothing: its consumers report, and URLs are not to be logged."""
