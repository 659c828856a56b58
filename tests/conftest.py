"""What holds for every test: fake AWS credentials, and no connection that leaves this machine."""

import functools
import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import botocore.loaders
import pytest
from hypothesis import HealthCheck, settings

# No test depends on the clock, so neither do properties; what CI has passed once, it passes again.
settings.register_profile(
    "project", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("project")

FAKE_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_SESSION_TOKEN": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_METRICS_NAMESPACE": "OneRosterSync",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_TRACE_DISABLED": "true",
}
# Whatever the developer's shell names must not reach a test.
FOREIGN_ENVIRONMENT = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")

# Powertools reads its variables when it is first imported, which other conftests do.
for name in FOREIGN_ENVIRONMENT:
    os.environ.pop(name, None)
os.environ.update(FAKE_ENVIRONMENT)


# Each mocked AWS is a session of its own, which reads the descriptions of its services anew: half of a test's time.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)


class OutsideConnectionError(AssertionError):
    """A test tried to reach another machine."""


def is_loopback(address: object) -> bool:
    """Whether a socket address stays on this machine; anything that is not host and port is a local socket."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto

    def guard(address: object) -> None:
        if not is_loopback(address):
            raise OutsideConnectionError(f"Tests reach loopback addresses only, not {address!r}.")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        guard(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        guard(address)
        return connect_ex(self, address)

    def guarded_sendto(self: socket.socket, data: Any, *arguments: Any) -> int:
        guard(arguments[-1])
        return sendto(self, data, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket.socket, "sendto", guarded_sendto)
        yield
