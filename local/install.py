"""Installs the packages of a lock file for the interpreter that runs this, and shows how far it is.

Run as a file, by the standard library alone: nothing else is there yet.
"""

import os
import re
import select
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

WIDTH = 40
TICK_S = 0.2
PAUSE_S = 30.0
"""Between two plain lines, where there is no terminal."""


def packages(lock: str) -> int:
    """How many packages a lock file names."""
    return len(re.findall(r"^[\w.-]+(?:\[.*?\])?==", lock, re.MULTILINE))


def turned_to(output: bytes) -> int:
    """How many packages pip says that it has turned to."""
    return len(re.findall(rb"^(?:Collecting|Processing) ", output, re.MULTILINE))


def share(turned_to: int, installed: int, total: int) -> float:
    """How much is done: each package is fetched, then each is installed."""
    return min((turned_to + installed) / (2 * total), 1.0) if total else 1.0


def bar(done: float, seconds: float) -> str:
    """A line that takes the place of the one before."""
    filled = round(WIDTH * done)
    return f"\r  {'━' * filled}{' ' * (WIDTH - filled)} {done:4.0%} {seconds:.0f} s "


def main(lock: Path) -> int:
    """Install; pip's exit status, and what it said if that is not 0."""
    total, terminal = packages(lock.read_text()), sys.stdout.isatty()
    folder = Path(sysconfig.get_path("purelib"))
    there = len(list(folder.glob("*.dist-info")))
    began = said = time.monotonic()
    output = b""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    with subprocess.Popen([*command, "-r", lock], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as pip:
        assert pip.stdout  # noqa: S101 - for the types: a pipe was asked for
        while True:
            if select.select([pip.stdout], [], [], TICK_S)[0]:
                read = os.read(pip.stdout.fileno(), 65536)
                if not read:
                    break
                output += read
            now = time.monotonic()
            if now - said < (TICK_S if terminal else PAUSE_S):
                continue
            said = now
            done = share(turned_to(output), len(list(folder.glob("*.dist-info"))) - there, total)
            print(bar(done, now - began) if terminal else f"  {done:.0%}", end="" if terminal else "\n", flush=True)
    print(f"\r{' ' * (WIDTH + 20)}\r" if terminal else "", end="")
    if pip.returncode:
        sys.stderr.write(output.decode(errors="replace"))
    return pip.returncode


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(130)
