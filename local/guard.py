"""Runs a command whose whole process group ends with whoever started it, however that one ended.

`guarded` starts this file as a program between the two. It holds the reading end of a pipe: when the starter ends, even
by a kill, the other end is closed. Standard library only, as it runs as a file.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

GRACE_S = 3.0
"""How long the group may take to end by itself."""


def guarded(
    command: Sequence[str | Path], *, environment: Mapping[str, str], directory: Path, output: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a command; `release`, or the end of this process, ends all that it started.

    In a session of its own, so that Ctrl-C in the terminal reaches only us and we end it in order.
    """
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, command)],
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def release(process: subprocess.Popen[bytes]) -> None:
    """End a guarded command and everything that it started, and wait for it."""
    if process.stdin:
        process.stdin.close()
    process.wait()


def end_group(child: subprocess.Popen[bytes]) -> None:
    """End every process of the child's group: politely, then for good."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline:
            child.poll()  # a zombie would still count as one of the group
            os.killpg(child.pid, 0)
            time.sleep(0.05)
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def main() -> None:
    """Run the command given as arguments until it ends or standard input does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, process_group=0)
    try:
        # Nobody writes to standard input: it gets readable when it ends.
        while child.poll() is None and not select.select([sys.stdin], [], [], 0.1)[0]:
            pass
    finally:
        end_group(child)
    sys.exit(child.returncode)


if __name__ == "__main__":
    main()
