import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from local.sample_provider import SampleProvider
from local.stack import PROJECT
from tests.e2e.expected import Expected

PATIENCE_S = 240


@pytest.fixture
def provider() -> Iterator[SampleProvider]:
    with SampleProvider(users=300, seed=11) as serving:
        yield serving


def command(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start `python -m local` as the Makefile does."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "local", *arguments],
        cwd=PROJECT,
        env={**own, "PYTHONPATH": "layers/common:.", **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def credentials(provider: SampleProvider) -> dict[str, str]:
    return {
        "ONEROSTER_CONSUMER_KEY": provider.consumer_key,
        "ONEROSTER_CONSUMER_SECRET": provider.consumer_secret,
    }


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What a process prints up to the line with `text`."""
    assert process.stdout
    printed = ""
    for line in process.stdout:
        printed += line
        if text in line:
            return printed
    raise AssertionError(f"It ended without printing {text!r}: {printed}")


def parents() -> dict[int, int]:
    """The parent of each process of this machine."""
    if Path("/proc/self/stat").exists():
        # Linux, where a container may lack ps. The name, in brackets, may hold anything; state and parent follow it.
        stats = (read_if_there(path) for path in Path("/proc").glob("[0-9]*/stat"))
        return {int(stat.split()[0]): int(stat.rpartition(")")[2].split()[1]) for stat in stats if stat}
    listed = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return {int(pid): int(parent) for pid, parent in (line.split() for line in listed.splitlines())}


def read_if_there(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descendants(of: int) -> set[int]:
    """The processes that a process has started, and theirs."""
    parent_of = parents()
    found = {of}
    while more := {pid for pid, parent in parent_of.items() if parent in found} - found:
        found |= more
    return found - {of}


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_sync_reports_each_night_and_the_stored_users(provider: SampleProvider, tmp_path: Path) -> None:
    report, users = tmp_path / "report.json", tmp_path / "users.jsonl"
    asked = ["--base-url", provider.base_url, "--all-schools", "--counselor-key", "counselorEmail", "--nights", "2"]
    written = ["--pause-between", "--report", str(report), "--users", str(users)]

    with command("sync", *asked, *written, environment=credentials(provider)) as process:
        printed = read_until(process, "Press Enter")
        after_first = json.loads(report.read_text())
        changes = provider.change_overnight()
        rest, errors = process.communicate("\n", timeout=PATIENCE_S)

    assert (process.returncode, errors) == (0, "")
    assert provider.consumer_secret not in printed + rest
    nights = json.loads(report.read_text())
    assert nights[:1] == after_first
    first, second = nights
    assert {night["state"] for night in nights} == {"completed_with_issues"}
    assert first["writes"] == first["counts"]["created"]
    assert (second["messages"], second["writes"]) == (1, sum(changes.counts().values()))
    assert second["counts"]["updated"] == len(changes.moved) + len(changes.renamed)
    assert set(second["issues"][0]) == {"code", "sourced_id", "message"}
    schools = {org["sourcedId"]: org["sourcedId"] for org in provider.orgs if org["type"] == "school"}
    expected = Expected("district", schools, ("serve", "jobs", "journey"), "counselorEmail").users(provider.users, ())
    stored = {user["sourced_id"]: user for user in map(json.loads, users.read_text().splitlines())}
    assert {name for name, user in stored.items() if user["status"] == "inactive"} == set(changes.left)
    assert stored.keys() - set(changes.left) == expected.keys()
    for name, attributes in expected.items():
        for attribute, value in attributes.items():
            shown = sorted(value) if isinstance(value, set) else value
            assert attribute == "email_key" or stored[name].get(attribute) == shown


def test_sync_without_a_secret_names_the_variables() -> None:
    nothing = {"ONEROSTER_CONSUMER_KEY": "", "ONEROSTER_CONSUMER_SECRET": ""}

    with command("sync", "--base-url", "http://127.0.0.1:9", "--all-schools", environment=nothing) as process:
        _, errors = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 1
    assert errors == "Set the environment variables ONEROSTER_CONSUMER_KEY and ONEROSTER_CONSUMER_SECRET.\n"


def test_after_ctrl_c_no_process_and_no_folder_is_left() -> None:
    folders = set((PROJECT / ".local").glob("run-*"))

    with command("run", "--users", "100") as process:
        printed = read_until(process, "Ctrl-C ends everything")
        started = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 0
    assert "Meanwhile at the provider: 1 joined, 1 left, 1 moved, 1 renamed." in printed
    assert len(started) > 2
    assert not [pid for pid in started if is_running(pid)]
    assert set((PROJECT / ".local").glob("run-*")) <= folders
