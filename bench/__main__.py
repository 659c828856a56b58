"""Prints every figure beside its target: `python -m bench`, or with the names of some."""

import argparse
import subprocess
import sys
from collections.abc import Callable

from rich.console import Console

from bench.completeness import completeness
from bench.fetch import fetch
from bench.fetch_cpu import USERS as CPU_USERS
from bench.fetch_cpu import fetch_cpu
from bench.fetch_memory import USERS as MEMORY_USERS
from bench.fetch_memory import fetch_memory
from bench.fetch_scale import PAGE_SIZE, fetch_scale
from bench.fetch_scale import USERS as MANY_USERS
from bench.figures import Figure, show
from bench.import_time import import_time
from bench.neighbours import HUGE_USERS, SMALL, neighbours
from bench.night_cost import night_cost
from bench.portal import TITLE as PORTAL_TITLE
from bench.portal import portal

PLAIN_WIDTH = 100
ALL = "all"
STORAGE = "storage"
BENCHES: dict[str, tuple[str, Callable[[], list[Figure]]]] = {
    "cpu": (f"CPU of a fetch per user, {CPU_USERS:,} users", fetch_cpu),
    "memory": (f"Peak memory of a fetch, {MEMORY_USERS:,} users", fetch_memory),
    "portal": (PORTAL_TITLE, portal),
    "scale": (f"A fetch of {MANY_USERS:,} users at {PAGE_SIZE:,} a page", fetch_scale),
    "neighbours": (f"{SMALL} small districts beside one of {HUGE_USERS:,} users", neighbours),
    "imports": ("Import of each function beyond boto3", import_time),
}
COMPARISONS: dict[str, Callable[[Console], None]] = {
    "fetch": fetch,
    "completeness": completeness,
    "nights": night_cost,
}


def main() -> None:
    """Measure and print; a missed target is shown, and is no failure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[*BENCHES, STORAGE, *COMPARISONS, ALL], default=ALL, help="default: all"
    )
    chosen = parser.parse_args().names
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    for name in [*BENCHES, STORAGE, *COMPARISONS] if ALL in chosen else chosen:
        if name == STORAGE:
            # Starts a server in a process of its own, and prints a table of its own.
            subprocess.run([sys.executable, "-m", "bench.storage"], check=True)
            continue
        if name in COMPARISONS:
            COMPARISONS[name](console)
            continue
        title, measure = BENCHES[name]
        with console.status(f"Measuring: {title}"):
            figures = measure()
        show(console, title, figures)


if __name__ == "__main__":
    main()
