"""The sample provider in a process of its own, so that its work is nobody else's."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class Address:
    """Where a provider is, and how to sign in."""

    base_url: str
    consumer_key: str
    consumer_secret: str
    page_size: int = PAGE_SIZE


@contextmanager
def sample_provider(users: int) -> Iterator[Address]:
    """A provider that serves a generated district of `users` users for as long as the `with` block lasts."""
    command = [sys.executable, "-m", "local.sample_provider", "--users", str(users)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout  # noqa: S101 - it is piped
            where = json.loads(process.stdout.readline())
            yield Address(where["base_url"], where["consumer_key"], where["consumer_secret"])
        finally:
            process.terminate()
