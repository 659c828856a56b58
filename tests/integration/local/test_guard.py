"""Nothing that the local stack starts outlives who started it."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60.0

# Two generations hold the writing end of a pipe that has a name: its reader sees the end when both are gone.
FAMILY = """
import signal, subprocess, sys
with open(sys.argv[1], "w") as pipe:
    if sys.argv[2:]:
        subprocess.Popen([sys.executable, __file__, sys.argv[1]])
    print("here", file=pipe, flush=True)
    signal.pause()
"""
STARTER = """
import os, pathlib, signal, sys
from local.guard import guarded, release
signal.signal(signal.SIGINT, signal.default_int_handler)
family = [sys.executable, sys.argv[1], sys.argv[2], "with a child"]
process = guarded(family, environment=os.environ, directory=pathlib.Path("."), output=sys.stdout)
try:
    signal.pause()
finally:
    release(process)
"""


def read(pipe: int) -> bytes:
    """What comes next through the pipe, nothing at its end; fails if it does not come in time."""
    assert select.select([pipe], [], [], PATIENCE_S)[0], "a process neither began nor ended in time"
    return os.read(pipe, 5)


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[int]:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    yield reader
    os.close(reader)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_started_family_ends_with_its_starter_however_that_ends(
    ending: signal.Signals, pipe: int, tmp_path: Path
) -> None:
    (tmp_path / "family.py").write_text(FAMILY)
    command = [sys.executable, "-c", STARTER, str(tmp_path / "family.py"), str(tmp_path / "pipe")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as starter:
        assert [read(pipe), read(pipe)] == [b"here\n", b"here\n"]

        starter.send_signal(ending)

        assert read(pipe) == b""
