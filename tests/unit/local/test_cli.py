import sys
from io import StringIO
from pathlib import Path

import pytest

from local.cli import main
from local.cli_district import counselors_csv, school_id_of


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
