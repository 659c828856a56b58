import subprocess
import sys
from pathlib import Path

import pytest

from local.install import bar, packages, share, turned_to
from local.stack import PROJECT


def test_every_package_of_a_lock_is_counted() -> None:
    lock = "# made\nboto3==1.2 \\\n    --hash=sha256:a==\n    # via moto\npydantic[email]==2 ; python_version < '4'\n"

    assert packages(lock) == 2


def test_every_lock_of_the_project_names_packages() -> None:
    locks = [PROJECT / "requirements-dev.txt", *(PROJECT / "local").glob("requirements-*.txt")]

    assert min(packages(lock.read_text()) for lock in locks) > 30


def test_what_pip_turns_to_is_counted_wherever_it_comes_from() -> None:
    output = b"Looking in indexes: ...\nCollecting a==1\n  Downloading a.whl\nProcessing /wheels/b.whl\nInstalling\n"

    assert turned_to(output) == 2


@pytest.mark.parametrize(
    ("fetched", "installed", "total", "expected"),
    [(0, 0, 4, 0), (4, 0, 4, 0.5), (4, 4, 4, 1), (9, 9, 4, 1), (0, 0, 0, 1)],
)
def test_a_package_is_half_done_when_it_is_fetched(fetched: int, installed: int, total: int, expected: float) -> None:
    assert share(fetched, installed, total) == expected


def test_a_bar_has_the_same_width_however_far_it_is() -> None:
    assert len({len(bar(done, 5)) for done in (0.0, 0.5, 1.0)}) == 1


def test_what_pip_says_is_shown_when_it_fails(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("this is no requirement\n")

    ended = subprocess.run(
        [sys.executable, PROJECT / "local/install.py", lock], capture_output=True, text=True, check=False
    )

    assert ended.returncode != 0
    # On a busy machine it may first have said how far it is.
    assert not ended.stdout.strip(" %0123456789\n")
    assert "this is no requirement" in ended.stderr
