"""Reads the command line of `python -m staff` and turns what goes wrong into a sentence and an exit status."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from time import sleep
from typing import Any, Final

from staff import show
from staff.api import Api, RefusedError
from staff.export import write_users

FAILED: Final = 1
PAUSE_S: Final = 5.0
"""Between two looks at a deletion."""
ADDRESS, TOKEN = "ROSTER_SYNC_API", "ROSTER_SYNC_TOKEN"
_UNWELL: Final = frozenset({"failed", "late", "blocked"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if it was done, 1 if it was refused or something is not well."""
    options = _parser().parse_args(arguments)
    address, token = os.environ.get(ADDRESS), os.environ.get(TOKEN)
    if not address or not token:
        print(f"Set the environment variables {ADDRESS} (output ApiUrl) and {TOKEN} (an ID token).", file=sys.stderr)
        return FAILED
    try:
        return _COMMANDS[options.command](Api(address, token), options)
    except BrokenPipeError:
        # Whoever read the output, as `head`, has seen enough; nor may Python's own flush at the end meet the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except RefusedError as error:
        print(error, file=sys.stderr)
        return FAILED


def _districts(api: Api, options: argparse.Namespace) -> int:
    items = list(api.items("districts", limit="100"))
    shown = [item for item in items if item["health"] in _UNWELL] if options.unwell else items
    _tell(options, shown, show.districts(shown, show.now()))
    return FAILED if options.unwell and shown else 0


def _runs(api: Api, options: argparse.Namespace) -> int:
    items = api.get(f"districts/{options.district}/runs", limit=str(options.limit))["items"]
    _tell(options, items, (line for item in items for line in show.run(item, show.now())))
    return 0


def _run(api: Api, options: argparse.Namespace) -> int:
    _tell_run(options, api.get(f"districts/{options.district}/runs/{options.run}"))
    return 0


def _test(api: Api, options: argparse.Namespace) -> int:
    report = api.post(f"districts/{options.district}/settings/test")
    _tell(options, report, show.report(report))
    return 0 if report["ok"] else FAILED


def _sync(api: Api, options: argparse.Namespace) -> int:
    run = api.post(f"districts/{options.district}/runs", {"preview": options.preview})
    _tell_run(options, run)
    return FAILED if run["state"] == "skipped" else 0


def _approve(api: Api, options: argparse.Namespace) -> int:
    selection: dict[str, Any] = {"all": True}
    if options.school:
        selection = {"school_id": options.school}
    elif options.user:
        selection = {"user_ids": options.user}
    _tell_run(options, api.post(f"districts/{options.district}/runs/{options.run}/approve", selection))
    return 0


def _redrive(api: Api, options: argparse.Namespace) -> int:
    _tell_run(options, api.post(f"districts/{options.district}/runs/{options.run}/redrive"))
    return 0


def _users(api: Api, options: argparse.Namespace) -> int:
    users = api.items(f"districts/{options.district}/export/users", limit="200")
    if options.output is None:
        write_users(users, options.format, sys.stdout)
        return 0
    # Personal data: for whoever asked alone.
    with open(options.output, "w", encoding="utf-8", newline="", opener=_own) as file:
        count = write_users(users, options.format, file)
    print(f"{count} users were written to {options.output}. They are personal data.", file=sys.stderr)
    return 0


def _delete(api: Api, options: argparse.Namespace) -> int:
    district = options.district
    if options.yes_delete is None:
        print(f"Everything of {district} but its audit log will be deleted for good.", file=sys.stderr)
        print("Type the district's id again to go on: ", end="", file=sys.stderr, flush=True)
        typed = sys.stdin.readline().strip()
    else:
        typed = options.yes_delete
    if typed != district:
        raise RefusedError("That is not the district's id. Nothing was deleted.")
    deletion = api.delete(f"districts/{district}", confirm=typed)
    shown = ""
    while deletion["state"] != "done":
        if (line := show.deletion(deletion)) != shown:
            print(line, file=sys.stderr)
            shown = line
        sleep(PAUSE_S)
        deletion = api.get(f"districts/{district}/deletion")
    _tell(options, deletion, [show.deletion(deletion)])
    return 0


def _own(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _tell_run(options: argparse.Namespace, run: Mapping[str, Any]) -> None:
    _tell(options, run, show.run(run, show.now()))


def _tell(options: argparse.Namespace, answer: object, lines: Iterable[str]) -> None:
    print(json.dumps(answer, indent=2, ensure_ascii=False) if options.json else "\n".join(lines))


_COMMANDS: Final = {
    "districts": _districts,
    "runs": _runs,
    "run": _run,
    "test": _test,
    "sync": _sync,
    "approve": _approve,
    "redrive": _redrive,
    "users": _users,
    "delete": _delete,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m staff",
        description=f"Looks after districts of a deployed stack. {ADDRESS} names its API, {TOKEN} holds an ID token.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help_: str, *, district: bool = True, run: bool = False) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_, description=f"{help_[0].upper()}{help_[1:]}.")
        if district:
            added.add_argument("district", metavar="DISTRICT")
        if run:
            added.add_argument("run", metavar="RUN")
        if name != "users":
            added.add_argument("--json", action="store_true", help="print what the API answers")
        return added

    districts = command("districts", "list districts, the worst first", district=False)
    districts.add_argument("--unwell", action="store_true", help="failed, late and blocked only; exit status 1 if any")
    runs = command("runs", "list a district's newest runs")
    runs.add_argument("--limit", type=int, default=10, choices=range(1, 201), metavar="N", help="default: 10")
    command("run", "show a run", run=True)
    command("test", "test a district's saved settings")
    command("sync", "sync a district now").add_argument("--preview", action="store_true", help="change nobody")
    which = command("approve", "approve what a blocked run holds: everything, unless told otherwise", run=True)
    one = which.add_mutually_exclusive_group()
    one.add_argument("--school", metavar="SCHOOL", help="only what concerns this school")
    one.add_argument("--user", action="append", metavar="USER", help="only this user (may be repeated)")
    command("redrive", "let a failed run go on", run=True)
    users = command("users", "export a district's users: for its administrator, or with its consent")
    users.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="default: csv")
    users.add_argument("--output", type=Path, metavar="FILE", help="instead of standard output")
    delete = command("delete", "delete a district and everything of it but its audit log, for good")
    delete.add_argument("--yes-delete", metavar="DISTRICT", help="its id once more, instead of being asked for it")
    return parser
