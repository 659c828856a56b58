"""One client in a process of its own, in the environment that has it: `python -m bench.clients NAME fetch|read URL...`.

Prints one line of JSON for each base URL: what a fetch costs, or what was read.
"""

import argparse
import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from bench.clients.client import Client
from bench.provider import PAGE_SIZE

CLIENTS = {
    "ours": ("bench.clients.ours", "Ours"),
    "loop": ("bench.clients.plain_loop", "PlainLoop"),
    "oneroster": ("bench.clients.oneroster_package", "OneRosterPackage"),
    "strongmind": ("bench.clients.strongmind_package", "StrongMindPackage"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.clients", description=__doc__)
    parser.add_argument("name", choices=CLIENTS)
    parser.add_argument("task", choices=["fetch", "read"])
    parser.add_argument("base_urls", nargs="+", metavar="URL")
    options = parser.parse_args()
    module, kind = CLIENTS[options.name]
    client: Client = getattr(importlib.import_module(module), kind)()
    for base_url in options.base_urls:
        print(json.dumps(_fetch(client, base_url) if options.task == "fetch" else _read(client, base_url)), flush=True)


def _fetch(client: Client, base_url: str) -> dict[str, float]:
    """What it costs to get all users, and to let go of each as soon as the client does."""
    began, cpu_began = time.perf_counter(), time.process_time()
    users = 0
    for page in client.pages(base_url, PAGE_SIZE):
        users = 0 if page is None else users + len(page)
    return {
        "users": users,
        "seconds": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu_began,
        "peak_mb": _peak_mb(),
    }


def _read(client: Client, base_url: str) -> dict[str, Any]:
    """The users as the client gives them, and its complaint, if it has one."""
    users: list[Any] = []
    complaint = None
    try:
        for page in client.pages(base_url, PAGE_SIZE):
            if page is None:
                users.clear()
            else:
                users += page
    except Exception as error:  # noqa: BLE001 - whatever a client raises is its way to say that something is wrong
        complaint = f"{type(error).__name__}: {error}"[:200]
    views = [client.view(user) for user in users]
    return {"views": views, "complaint": complaint or client.doubt(len({view["sourcedId"] for view in views}))}


def _peak_mb() -> float:
    """Of this process alone: Linux hands ru_maxrss on from the process that started it."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


if __name__ == "__main__":
    main()
