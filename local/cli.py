"""Reads the command line of `python -m local` and turns what goes wrong into a sentence and an exit status."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from local.cli_sync import SyncOptions, sync
from local.demo import demo
from local.errors import CannotSyncError, LocalStackError

FAILED = 1
INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if every night ended well, 1 if one did not or something was in the way."""
    options = _parser().parse_args(arguments)
    # A shell's background job would start us deaf to Ctrl-C; and to be ended by the system is to be ended in order.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        if options.command == "run":
            ended_well = demo(users=options.users, once=options.once)
        else:
            ended_well = sync(
                SyncOptions(
                    base_url=options.base_url,
                    schools=tuple(options.school or ()),
                    token_url=options.token_url,
                    counselor_key=options.counselor_key,
                    nights=options.nights,
                    pause_between=options.pause_between,
                    report=options.report,
                    users=options.users,
                    enforce_iam=options.enforce_iam,
                )
            )
    except (LocalStackError, CannotSyncError) as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0 if ended_well else FAILED


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The nightly sync on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help="two nights of a made-up district",
        description="Deploys the system to this machine and lets a made-up district live two nights.",
    )
    run.add_argument("--once", action="store_true", help="end after the two reports instead of at Ctrl-C")
    run.add_argument("--users", type=_positive, default=3000, help="how many users the provider has (default: 3000)")

    sync_parser = commands.add_parser(
        "sync",
        help="nights of a real provider",
        description="Deploys the system to this machine and syncs from your provider. The consumer key and secret are "
        "read from ONEROSTER_CONSUMER_KEY and ONEROSTER_CONSUMER_SECRET, or asked for.",
    )
    sync_parser.add_argument("--base-url", required=True, metavar="URL", help="of the provider's OneRoster v1.1 API")
    sync_parser.add_argument("--token-url", metavar="URL", help="of an OAuth 2 provider, if it is not found by itself")
    which = sync_parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--school", action="append", metavar="SOURCEDID", help="sync this school (may be repeated)")
    which.add_argument("--all-schools", action="store_true", help="sync every school that the provider lists")
    sync_parser.add_argument("--counselor-key", metavar="NAME", help="metadata key of a student's counselor e-mail")
    sync_parser.add_argument("--nights", type=_positive, default=1, metavar="N", help="how many nights (default: 1)")
    sync_parser.add_argument(
        "--pause-between", action="store_true", help="wait for a line on standard input before each further night"
    )
    sync_parser.add_argument("--report", type=Path, metavar="R.json", help="write each night's report to this file")
    sync_parser.add_argument("--users", type=Path, metavar="U.jsonl", help="write the stored users to this file")
    sync_parser.add_argument("--enforce-iam", action="store_true", help="let functions do only what their policies say")
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError("give a whole number of at least 1")
    return int(text)
