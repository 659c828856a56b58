import sys
from collections.abc import Mapping
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from local import cli, cli_sync
from local.cli import main
from local.cli_district import counselors_csv, school_id_of
from local.cli_nights import Night
from roster_sync.domain.run import RunState


@pytest.mark.parametrize(
    "arguments",
    [
        ["sync", "--base-url", "https://sis.example.org"],
        ["sync", "--base-url", "https://sis.example.org", "--all-schools", "--school", "a"],
        ["sync", "--base-url", "https://sis.example.org", "--all-schools", "--nights", "0"],
        ["sync", "--base-url", "https://sis.example.org", "--all-schools", "--consumer-secret", "secret"],
        ["run", "--users", "some"],
        [],
    ],
)
def test_a_command_line_that_cannot_be_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(arguments)

    assert refusal.value.code == 2
    assert "usage: python -m local" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONEROSTER_CONSUMER_KEY", "key")
    monkeypatch.setenv("ONEROSTER_CONSUMER_SECRET", "secret")
    report = tmp_path / "missing" / "report.json"

    status = main(["sync", "--base-url", "https://sis.example.org", "--all-schools", "--report", str(report)])

    assert status == 1
    assert capsys.readouterr().err == f"{report} cannot be written: No such file or directory. Choose another file.\n"


class ClosedTerminal(StringIO):
    """Where somebody types Ctrl-D when asked."""

    def isatty(self) -> bool:
        return True


def test_who_gives_no_key_when_asked_is_told_of_the_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ONEROSTER_CONSUMER_KEY", raising=False)
    monkeypatch.setattr(sys, "stdin", ClosedTerminal())

    status = main(["sync", "--base-url", "https://sis.example.org", "--all-schools"])

    assert status == 1
    assert capsys.readouterr().err == (
        "Set the environment variables ONEROSTER_CONSUMER_KEY and ONEROSTER_CONSUMER_SECRET.\n"
    )


@pytest.mark.parametrize("sourced_id", ["1", "35bf992d-c9e9-4616-a12e-7696a6cecc1b", "North_High.2"])
def test_a_school_keeps_its_sourced_id_as_its_id(sourced_id: str) -> None:
    assert school_id_of(sourced_id) == sourced_id


def test_sourced_ids_that_cannot_be_ids_stay_apart() -> None:
    sourced_ids = ["a/b", "a b", "a?b", "é" * 255, "x" * 65, "x" * 66]

    school_ids = [school_id_of(sourced_id) for sourced_id in sourced_ids]

    assert len(set(school_ids)) == len(sourced_ids)
    assert all(len(school_id) <= 64 and school_id_of(school_id) == school_id for school_id in school_ids)


def test_an_upload_of_counselors_has_a_row_for_each() -> None:
    csv = counselors_csv([("Ana", "Díaz", "ana@example.org", "North High")])

    assert csv.splitlines() == [
        "First Name,Last Name,Email,Role,School or Move To",
        '"Ana","Díaz",ana@example.org,Counselor,"North High"',
    ]


class FakeApi:
    """The settings API of a district whose provider has two schools."""

    def __init__(self, *_: object) -> None:
        self.saved: dict[str, Mapping[str, Any]] = {}

    def get(self, path: str) -> dict[str, Any]:
        assert path == "settings"
        return {"offered_products": ["serve"], "sync_time": "04:00", "timezone": "America/New_York"}

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        self.saved[path] = body

    def post(self, path: str) -> dict[str, Any]:
        assert path == "settings/test"
        schools = [{"sourced_id": "n/1", "name": "North High"}, {"sourced_id": "south", "name": None}]
        return {"steps": [], "schools": schools}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """The district that `sync` enters; nothing is deployed, and a night has completed as soon as it begins."""
    entered = FakeApi()
    monkeypatch.setenv("ONEROSTER_CONSUMER_KEY", "key")
    monkeypatch.setenv("ONEROSTER_CONSUMER_SECRET", "secret")
    monkeypatch.setattr(cli_sync, "local_stack", lambda *_, **__: nullcontext())
    monkeypatch.setattr(cli_sync, "DistrictApi", lambda *_: entered)
    monkeypatch.setattr(cli_sync, "print_night", lambda *_: None)
    nights_end(monkeypatch, RunState.COMPLETED)
    return entered


def nights_end(monkeypatch: pytest.MonkeyPatch, *states: RunState) -> None:
    """One night after the other ends so."""
    left = list(states)
    monkeypatch.setattr(
        cli_sync, "night", lambda *_: Night(run={"state": left.pop(0)}, issues=[], writes=0, seconds=0.0)
    )


SYNC = ["sync", "--base-url", "https://sis.example.org"]


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ([RunState.COMPLETED, RunState.COMPLETED_WITH_ISSUES], 0),
        ([RunState.FAILED, RunState.COMPLETED], 1),
        ([RunState.COMPLETED, RunState.BLOCKED], 1),
        ([RunState.COMPLETED, RunState.SKIPPED], 1),
    ],
)
def test_a_night_that_ends_badly_is_an_exit_status(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, states: list[RunState], status: int
) -> None:
    nights_end(monkeypatch, *states)

    assert main([*SYNC, "--all-schools", "--nights", "2"]) == status


@pytest.mark.parametrize(
    ("chosen", "entered"),
    [
        (["--all-schools"], {"n/1": "North High", "south": "south"}),
        (["--school", "n/1"], {"n/1": "North High"}),
        (["--school", "south", "--school", "nowhere"], {"south": "south", "nowhere": "nowhere"}),
    ],
    ids=["all", "one", "one and an unknown one"],
)
def test_the_schools_that_are_asked_for_are_entered_by_name(
    api: FakeApi, chosen: list[str], entered: dict[str, str]
) -> None:
    assert main([*SYNC, *chosen]) == 0

    assert {path: body for path, body in api.saved.items() if path != "settings"} == {
        f"schools/{school_id_of(sourced_id)}": {"name": name, "oneroster_id": sourced_id}
        for sourced_id, name in entered.items()
    }


@pytest.mark.parametrize(("arguments", "once", "users"), [([], False, 3000), (["--once", "--users", "9"], True, 9)])
@pytest.mark.parametrize(("ended_well", "status"), [(True, 0), (False, 1)])
def test_the_demo_says_by_its_exit_status_how_its_nights_ended(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], once: bool, users: int, ended_well: bool, status: int
) -> None:
    asked: dict[str, Any] = {}

    def demo(**options: Any) -> bool:
        asked.update(options)
        return ended_well

    monkeypatch.setattr(cli, "demo", demo)

    assert main(["run", *arguments]) == status
    assert asked == {"once": once, "users": users}


def test_ctrl_c_is_an_exit_status_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def demo(**_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "demo", demo)

    assert main(["run"]) == 130
