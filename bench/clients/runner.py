"""Runs each compared client in a process of its own and in the environment that has it."""

import json
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

OURS, LOOP = "ours", "loop"
CLIENTS = {
    OURS: "this client",
    LOOP: "loop of requests",
    "oneroster": "oneroster 0.0.17",
    "strongmind": "strongmind 2.0.5",
}
_RIVALS_PYTHON = ".venv-rivals/bin/python"
"""Built by `make bench`."""


def run_client(client: str, task: str, base_urls: Iterable[str]) -> list[dict[str, Any]]:
    """What `python -m bench.clients` tells of each base URL."""
    python = sys.executable if client in (OURS, LOOP) else _RIVALS_PYTHON
    command = [python, "-m", "bench.clients", client, task, *base_urls]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    return [json.loads(line) for line in printed.splitlines()]
