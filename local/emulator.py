"""Starts ministack, the emulated AWS, on a free port of this machine and stops it without a trace."""

import http.client
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalStackError
from local.guard import guarded, release

PROGRAM = (Path(".venv-stack/bin/python"), Path("local/fair_ministack.py"))
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
# Functions inherit the emulator's environment, so it holds what they would find on AWS and little else. The company's
# own certificates are let through, for a provider may be behind them.
KEPT = ("LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
START_TIMEOUT_S = 60.0


@contextmanager
def emulator(project: Path, state: Path, *, enforce_iam: bool) -> Iterator[str]:
    """Run the emulator and give its endpoint URL; its files and log are in `state`.

    With `enforce_iam`, a function may do only what its policy says.
    """
    port = _free_port()
    temporary = state / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    environment = {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        **CREDENTIALS,
        "PATH": f"{project / '.venv-stack/bin'}:{os.defpath}",
        "HOME": str(state),
        "TMPDIR": str(temporary),
        "TZ": "UTC",
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        # Otherwise it would listen for other services' clients, on every address of the machine.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AUTH": "true" if enforce_iam else "false",
        "STATE_DIR": str(state / "state"),
        "S3_DATA_DIR": str(state / "s3"),
    }
    log = state / "ministack.log"
    with log.open("wb") as output:
        process = guarded([project / each for each in PROGRAM], environment=environment, directory=state, output=output)
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise LocalStackError.from_log("The local stack did not start.", log)
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            release(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
