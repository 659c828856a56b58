"""A Lambda service on loopback whose functions answer as a test tells them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class Invocations:
    """What was asked of which function, and what it answers."""

    url: str
    answer: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    function_error: str | None = None
    requests: list[tuple[str, Any]] = field(default_factory=list)


@contextmanager
def serve_invocations() -> Iterator[Invocations]:
    """Serve Lambda's Invoke."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            function = self.path.split("/")[3]
            invocations.requests.append((function, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            content = json.dumps(invocations.answer).encode()
            self.send_response(invocations.status)
            if invocations.function_error:
                self.send_header("X-Amz-Function-Error", invocations.function_error)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        invocations = Invocations(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield invocations
        finally:
            server.shutdown()
            thread.join()
