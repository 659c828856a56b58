"""What stands between a function and DynamoDB: it lets calls through, refuses them, or lets them hang."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from local.stack import Stack

USER_WRITES = frozenset({"UpdateItem", "BatchExecuteStatement"})
HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"})

Refuses = Callable[[str, dict[str, Any]], bool]


@contextmanager
def between(stack: Stack, function: str, refuses: Refuses) -> Iterator[None]:
    """Throttle each call of a function for which `refuses(operation, request)` is true; it may also take its time."""
    endpoint = urlsplit(stack.endpoint_url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            if refuses(operation, json.loads(body)):
                self._answer(400, b'{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}', {})
                return
            connection = http.client.HTTPConnection(endpoint.netloc)
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content, headers = answer.read(), dict(answer.getheaders())
            connection.close()
            self._answer(answer.status, content, headers)

        def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                """Who asked was killed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            with _reached_by(stack, function, f"http://127.0.0.1:{server.server_port}"):
                yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _reached_by(stack: Stack, function: str, url: str) -> Iterator[None]:
    """A function finds DynamoDB at an address of its own."""
    functions, name = stack.client("lambda"), stack.outputs[function]
    before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def configure(variables: dict[str, str]) -> None:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    configure({**before, "AWS_ENDPOINT_URL_DYNAMODB": url})
    try:
        yield
    finally:
        configure(before)
