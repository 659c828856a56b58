"""A provider whose answers cost nearly nothing: records are rendered before the first request, signatures not checked.

Any `Authorization` by OAuth 1 or bearer token is accepted, so that every client can sign in its own way and none waits
for the server to verify. Requests are answered in parallel, each after the latency of its scenario.
"""

import json
import multiprocessing
import socketserver
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from multiprocessing.connection import Connection
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from bench.deviations import TYPICAL
from local.sample_provider.district import District, Record, generate_district

_SEED = 1
_SCHOOLS = 30
_ROOT = "/ims/oneroster/v1p1"
_EVERY = 100
"""One in so many records deviates, if any do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent, and after which part of the body the connection ends early."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    sent_bytes: int | None = None


class Scenario(Protocol):
    """How a provider behaves."""

    @property
    def latency_s(self) -> float:
        """Wait before each answer."""

    def answer(self, url: str, offset: int, limit: int) -> Answer:
        """The page of users, or what comes instead. `url` is that of the collection."""


@dataclass(frozen=True, slots=True)
class OneAnswer:
    """The same body for the first page, whatever is asked for, and none after it."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    latency_s: float = 0

    def answer(self, url: str, offset: int, limit: int) -> Answer:  # noqa: ARG002
        return Answer(b'{"users":[]}') if offset else Answer(self.body, headers=self.headers)


@dataclass(slots=True, kw_only=True)
class Roster:
    """`users` users in pages, sorted.

    Attributes:
        page_cap: Most users that a page has, whatever the limit.
        announces: Whether X-Total-Count and Link come with a page.
        deviates: Whether one record in a hundred deviates from the standard.
        fails_once: What the sixth request gets instead of its page; a status of 200: half of its page.
        leaving: So many more users, the first ones, are there until the tenth answer.
    """

    users: int
    latency_s: float = 0
    page_cap: int | None = None
    announces: bool = True
    deviates: bool = False
    fails_once: HTTPStatus | None = None
    leaving: int = 0
    _requests: Iterator[int] = field(default_factory=lambda: count(1))

    def answer(self, url: str, offset: int, limit: int) -> Answer:
        request = next(self._requests)
        fails = self.fails_once if request == 6 else None
        if fails is HTTPStatus.TOO_MANY_REQUESTS:
            return Answer(b"", fails, {"Retry-After": "1"})
        if fails not in (None, HTTPStatus.OK):
            return Answer(b"<h1>Bad gateway</h1>", fails, {"Content-Type": "text/html"})
        gone = self.leaving if request > 10 else 0
        total = self.users + self.leaving - gone
        first = gone + offset
        page = _rendered(self.users + self.leaving, self.deviates)[first : first + min(limit, self.page_cap or limit)]
        body = b'{"users":[' + b",".join(page) + b"]}"
        headers = {}
        if self.announces:
            end = offset + len(page)
            headers["X-Total-Count"] = str(total)
            if end < total:
                headers["Link"] = f'<{url}?limit={limit}&offset={end}>; rel="next"'
        return Answer(body, headers=headers, sent_bytes=len(body) // 2 if fails else None)


def schools() -> list[str]:
    """The sourcedIds of all schools, the same however many users there are."""
    return [org["sourcedId"] for org in _district(users=1).orgs if org["type"] == "school"]


def records(users: int) -> list[Record]:
    """The users served, to the letter of the standard, in the order of their sourcedIds."""
    served = sorted(_district(users).users, key=lambda user: user["sourcedId"])
    return [{**user, "role": "aide"} if user["role"] == "staff" else user for user in served]


@contextmanager
def page_server(scenarios: Mapping[str, Scenario]) -> Iterator[Mapping[str, str]]:
    """The base URL of each scenario, served by a process of its own for as long as the `with` block lasts."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs, scenarios), daemon=True)
    server.start()
    theirs.close()
    try:
        port = ours.recv()
        yield {name: f"http://127.0.0.1:{port}/{name}{_ROOT}" for name in scenarios}
    finally:
        server.terminate()
        server.join()


def _district(users: int) -> District:
    return generate_district(_SEED, users, schools=_SCHOOLS)


@cache
def _rendered(users: int, deviates: bool) -> Sequence[bytes]:
    served = records(users)
    if deviates:
        for number, row in enumerate(range(0, users, _EVERY)):
            served[row] = TYPICAL[number % len(TYPICAL)].change(served[row])
    return [json.dumps(record, separators=(",", ":")).encode() for record in served]


def _serve(ready: Connection, scenarios: Mapping[str, Scenario]) -> None:
    for scenario in scenarios.values():
        if isinstance(scenario, Roster):
            _rendered(scenario.users + scenario.leaving, scenario.deviates)
    server = _Server(scenarios)
    ready.send(server.server_address[1])
    server.serve_forever()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, scenarios: Mapping[str, Scenario]) -> None:
        self.scenarios = scenarios
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look the host's name up, which takes seconds on a machine without a name server.
        socketserver.TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers leave together
    server: _Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        _, name, *_ = url.path.split("/")
        scenario = self.server.scenarios[name]
        time.sleep(scenario.latency_s)
        if self.headers.get("Authorization", "").partition(" ")[0] not in ("OAuth", "Bearer"):
            answer = Answer(b"", HTTPStatus.UNAUTHORIZED)
        else:
            origin = f"http://{self.headers['Host']}"
            answer = scenario.answer(origin + url.path, int(query["offset"][0]), int(query["limit"][0]))
        self.send_response(answer.status)
        for header in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(*header)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.sent_bytes])
        self.close_connection = answer.sent_bytes is not None

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Say nothing."""
