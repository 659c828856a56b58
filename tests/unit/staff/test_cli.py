"""The command line of the vendor's staff against an API on loopback that answers what the tests say."""

import base64
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from staff.api import Api, RefusedError
from staff.cli import main
from tests.support.template import ROOT

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
RUN = {
    "run_id": "20261125T090000Z-nightly",
    "kind": "nightly",
    "state": "blocked",
    "reason": "Too many would go.",
    "created_at": "2026-11-25T09:00:00Z",
    "counts": {"fetched": 10, "created": 0},
    "chunks_expected": 0,
    "chunks_applied": 0,
    "issues_by_code": {"email_missing": 2},
    "held": {"deactivation": 3},
}
PROMPT = "Type the district's id again to go on: "
USER = {"user_id": "u-1", "given_name": "Ada", "family_name": "=1+1", "school_ids": ["a", "b"], "email": None}


def token(role: str) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"custom:role": role}).encode()).decode().rstrip("=")
    return f"header.{claims}.signature"


@dataclass
class Deployed:
    """An API; `answers` are given in turn by method and path, the last again and again."""

    url: str = ""
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, Any, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    api = Deployed()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            name = f"{self.command} {self.path}"
            api.asked.append((name, json.loads(self.rfile.read(length) or b"null"), dict(self.headers)))
            answers = api.answers[name]
            status, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.send_header("Retry-After", "7")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        do_DELETE = do_GET  # noqa: N815 - http.server's name
        do_POST = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api.url = f"http://127.0.0.1:{server.server_port}/prod"
    monkeypatch.setenv("ROSTER_SYNC_API", api.url)
    monkeypatch.setenv("ROSTER_SYNC_TOKEN", token("support"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("staff.show.now", lambda: NOW)
    yield api
    server.shutdown()
    server.server_close()


def test_districts_are_listed_the_worst_first(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    last = {"created_at": "2026-11-25T09:00:00Z", "reason": None}
    page = [{"district_id": "ash", "health": "good", "last_sync": last}]
    failed = {"created_at": "2026-11-21T09:00:00Z", "reason": "The key has expired."}
    more: list[dict[str, object]] = [{"district_id": "oakwood", "health": "failed", "last_sync": failed}]
    more.append({"district_id": "new", "health": "new", "last_sync": None})
    deployed.answers["GET /prod/districts?limit=100"] = [(200, {"items": page, "next_cursor": "ash"})]
    deployed.answers["GET /prod/districts?limit=100&cursor=ash"] = [(200, {"items": more, "next_cursor": None})]

    status = main(["districts"])

    assert status == 0
    assert capsys.readouterr().out.splitlines() == [
        "failed   oakwood    4 d ago  The key has expired.",
        "new      new",
        "good     ash        3 h ago",
    ]
    assert main(["districts", "--unwell"]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_run_says_what_it_did_and_waits_for(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    deployed.answers[f"GET /prod/districts/oakwood/runs/{RUN['run_id']}"] = [(200, RUN)]

    assert main(["run", "oakwood", str(RUN["run_id"])]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "20261125T090000Z-nightly  nightly  blocked  3 h ago",
        "  Too many would go.",
        "  10 fetched",
        "       2 email_missing",
        "  holds 3 deactivation for a decision: approve, or discard in the portal",
    ]


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (["sync", "oakwood"], "runs", {"preview": False}),
        (["sync", "oakwood", "--preview"], "runs", {"preview": True}),
        (["approve", "oakwood", "r-1"], "runs/r-1/approve", {"all": True}),
        (["approve", "oakwood", "r-1", "--school", "s"], "runs/r-1/approve", {"school_id": "s"}),
        (["approve", "oakwood", "r-1", "--user", "a", "--user", "b"], "runs/r-1/approve", {"user_ids": ["a", "b"]}),
        (["redrive", "oakwood", "r-1"], "runs/r-1/redrive", None),
    ],
)
def test_what_starts_something_is_sent_with_a_key(
    deployed: Deployed, arguments: list[str], path: str, body: object
) -> None:
    deployed.answers[f"POST /prod/districts/oakwood/{path}"] = [(202, RUN)]

    assert main(arguments) == 0

    [(_, sent, headers)] = deployed.asked
    assert sent == body
    assert headers["Idempotency-Key"]
    assert headers["Authorization"] == f"Bearer {token('support')}"


def test_a_test_that_fails_says_what_to_do(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [
        {"name": "TLS", "ok": True, "message": "Fine.", "remedy": None},
        {"name": "Signature accepted", "ok": False, "message": "Refused.", "remedy": "Enter the key again."},
    ]
    deployed.answers["POST /prod/districts/oakwood/settings/test"] = [(200, {"ok": False, "steps": steps})]

    assert main(["test", "oakwood"]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "ok      TLS: Fine.",
        "FAILED  Signature accepted: Refused.",
        "        Enter the key again.",
    ]


def test_a_refusal_is_told_in_the_apis_words(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    deployed.answers["POST /prod/districts/oakwood/runs/r-1/redrive"] = [(409, {"detail": "Nothing waits."})]

    assert main(["redrive", "oakwood", "r-1"]) == 1

    assert capsys.readouterr().err == "Nothing waits.\n"


def test_users_are_exported_as_csv_for_their_administrator(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ROSTER_SYNC_TOKEN", token("district_admin"))
    path = "GET /prod/districts/oakwood/export/users?limit=200"
    deployed.answers[path] = [(200, {"items": [USER], "next_cursor": None})]
    file = tmp_path / "users.csv"

    assert main(["users", "oakwood", "--output", str(file)]) == 0

    header, row = file.read_text("utf-8").splitlines()
    shown = dict(zip(header.split(","), row.split(","), strict=True))
    assert (shown["given_name"], shown["school_ids"], shown["email"]) == ("Ada", "a;b", "")
    # A spreadsheet must not calculate with a name.
    assert shown["family_name"] == "'=1+1"
    assert file.stat().st_mode & 0o077 == 0


def test_users_are_exported_as_json_lines(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROSTER_SYNC_TOKEN", token("district_admin"))
    path = "GET /prod/districts/oakwood/export/users?limit=200"
    deployed.answers[path] = [(200, {"items": [USER, USER], "next_cursor": None})]

    assert main(["users", "oakwood", "--format", "jsonl"]) == 0

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [USER, USER]


def test_without_the_districts_consent_nothing_is_exported(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {"detail": "This district has not consented."}
    deployed.answers["GET /prod/districts/oakwood/export/users?limit=200"] = [(403, refused)]

    assert main(["users", "oakwood"]) == 1

    assert capsys.readouterr().err == "This district has not consented.\n"


DELETION = {"district_id": "oakwood", "state": "under_way", "users": None, "schools": None, "runs": None}
COUNTED = {**DELETION, "users": 7, "schools": 2, "runs": 9}


@pytest.mark.parametrize(("arguments", "typed"), [([], "oakwood\n"), (["--yes-delete", "oakwood"], "")])
def test_a_district_is_deleted_when_its_id_is_typed_again(
    deployed: Deployed,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    typed: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    monkeypatch.setattr("staff.cli.PAUSE_S", 0.0)
    deployed.answers["DELETE /prod/districts/oakwood?confirm=oakwood"] = [(202, DELETION)]
    looks = [DELETION, COUNTED, COUNTED, {**COUNTED, "state": "done"}]
    deployed.answers["GET /prod/districts/oakwood/deletion"] = [(200, look) for look in looks]

    assert main(["delete", "oakwood", *arguments]) == 0

    told = capsys.readouterr()
    assert told.out == "oakwood is deleted: 7 users, 2 schools, 9 runs. Its audit log stays.\n"
    assert told.err.splitlines()[-2:] == [
        f"{'' if arguments else PROMPT}oakwood: waits until nobody works on the district any more.",
        "oakwood: deletes 7 users, 2 schools, 9 runs.",
    ]


@pytest.mark.parametrize(
    ("arguments", "typed"), [([], "maplewood\n"), ([], ""), (["--yes-delete", "maplewood"], "oakwood\n")]
)
def test_with_another_id_nothing_is_deleted(
    deployed: Deployed,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    typed: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))

    assert main(["delete", "oakwood", *arguments]) == 1

    assert capsys.readouterr().err.endswith("That is not the district's id. Nothing was deleted.\n")
    assert deployed.asked == []


def test_who_is_throttled_waits_as_long_as_told_and_sends_the_same_key(deployed: Deployed) -> None:
    deployed.answers["POST /prod/districts/oakwood/runs"] = [(429, {"detail": "Too many."}), (202, RUN)]
    pauses: list[float] = []

    answer = Api(deployed.url, token("support"), pauses.append).post("districts/oakwood/runs")

    assert (answer, pauses) == (RUN, [7])
    assert len({headers["Idempotency-Key"] for _, _, headers in deployed.asked}) == 1
    assert len(deployed.asked) == 2


def test_who_is_throttled_on_and_on_gives_up(deployed: Deployed) -> None:
    deployed.answers["GET /prod/districts"] = [(503, {"detail": "The database is busy."})]
    pauses: list[float] = []

    with pytest.raises(RefusedError, match="The database is busy"):
        Api(deployed.url, token("support"), pauses.append).get("districts")

    assert len(pauses) == 3


def test_without_address_and_token_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ROSTER_SYNC_API", raising=False)

    assert main(["districts"]) == 1

    assert "ROSTER_SYNC_API" in capsys.readouterr().err


def test_who_has_seen_enough_of_an_export_meets_no_traceback(deployed: Deployed) -> None:
    path = "GET /prod/districts/oakwood/export/users?limit=200"
    deployed.answers[path] = [(200, {"items": [USER] * 5_000, "next_cursor": None})]
    environment = {**os.environ, "ROSTER_SYNC_TOKEN": token("district_admin")}

    with subprocess.Popen(
        [sys.executable, "-m", "staff", "users", "oakwood"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as export:
        assert export.stdout and export.stderr  # noqa: PT018 - both were asked for
        export.stdout.readline()
        export.stdout.close()
        told = export.stderr.read()

    assert (export.returncode, told) == (1, b"")
