"""Peak memory of the fetch of a huge district, everything that `fetch` imports included."""

import importlib
import resource
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure
from bench.nights import run_night
from bench.processes import in_fresh_process
from bench.provider import Address, sample_provider

USERS = 200_000
TARGET_MB = 300
# Linux gives ru_maxrss in kilobytes, macOS in bytes.
_MAXRSS_PER_MB = 1e6 if sys.platform == "darwin" else 1e3


def fetch_memory() -> list[Figure]:
    """Measure each night in a process of its own."""
    with TemporaryDirectory() as folder, sample_provider(USERS) as address:
        first, second = Path(folder, "first.jsonl"), Path(folder, "second.jsonl")
        at_rest = in_fresh_process(_peak_at_rest)
        first_night = in_fresh_process(_peak_of_night, address, 3, None, first)
        unchanged_night = in_fresh_process(_peak_of_night, address, 4, first, second)
    return [
        Figure("unchanged night", unchanged_night, "MB", TARGET_MB),
        Figure("first night", first_night, "MB", TARGET_MB),
        Figure("  of both: modules alone", at_rest, "MB"),
    ]


def _peak_at_rest() -> float:
    importlib.import_module("functions.fetch.app")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MAXRSS_PER_MB


def _peak_of_night(address: Address, number: int, roster: Path | None, stored: Path) -> float:
    _peak_at_rest()
    night = run_night(address, number, roster=roster, stored=stored)
    changed = night.fetched.chunks > 0
    if night.fetched.records != USERS or changed is not (roster is None):
        raise RuntimeError(f"The night was not what it should be: {night}")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MAXRSS_PER_MB
