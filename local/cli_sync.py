"""Nights of any provider's district on the local stack."""

import getpass
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cli_api import DistrictApi
from local.cli_district import Connection, enter_schools, enter_settings, run_test
from local.cli_nights import Night, night, nights_of
from local.cli_progress import Steps, console
from local.errors import CannotSyncError
from local.report import print_night, write_reports, write_users
from local.report_probe import cannot_be_reached, first_failure, print_steps, schools
from local.report_users import stored_users
from local.stack import Stack, local_stack

DISTRICT_ID = "district"
KEY_VARIABLE = "ONEROSTER_CONSUMER_KEY"
SECRET_VARIABLE = "ONEROSTER_CONSUMER_SECRET"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """What was asked for on the command line.

    Attributes:
        schools: sourcedIds; empty for every school that the provider lists.
        token_url: Of an OAuth 2 provider that has it elsewhere than usual; None to look for it.
        counselor_key: Metadata key of a student's counselor e-mail.
        report: Where to write the nights' reports.
        users: Where to write the stored users.
    """

    base_url: str
    schools: tuple[str, ...]
    token_url: str | None = None
    counselor_key: str | None
    nights: int
    pause_between: bool
    report: Path | None
    users: Path | None
    enforce_iam: bool


def sync(options: SyncOptions) -> bool:
    """Let the nights pass; whether each ended well.

    Raises:
        CannotSyncError: No night could be tried.
    """
    connection = Connection(
        base_url=options.base_url,
        consumer_key=_credential(KEY_VARIABLE, "Consumer key: ", hidden=False),
        consumer_secret=_credential(SECRET_VARIABLE, "Consumer secret: ", hidden=True),
        token_url=options.token_url,
        counselor_key=options.counselor_key,
    )
    _begin_files(options)
    with (
        Steps(console()) as steps,
        local_stack("sync", enforce_iam=options.enforce_iam, report=steps.begin) as stack,
    ):
        return sync_on(stack, DistrictApi(stack, DISTRICT_ID), connection, options, steps)


def sync_on(stack: Stack, api: DistrictApi, connection: Connection, options: SyncOptions, steps: Steps) -> bool:
    """Let the nights of a district pass on a stack; whether each ended well.

    Raises:
        CannotSyncError: No night could be tried.
    """
    _enter_district(api, connection, options.schools, steps)
    nights: list[Night] = []
    begins = nights_of(api)
    for number in range(options.nights):
        if number and options.pause_between:
            steps.console.print("Press Enter for the next night.")
            sys.stdin.readline()
        nights.append(night(stack, api, next(begins), steps))
        print_night(nights[-1], steps.console)
        if options.report:
            write_reports(options.report, nights)
        if options.users:
            write_users(options.users, stored_users(stack, api.district_id))
    return all(passed.ended_well for passed in nights)


def _begin_files(options: SyncOptions) -> None:
    """Empty the files, so that nobody takes those of an earlier time for ours, and it is known that they can be."""
    try:
        if options.report:
            write_reports(options.report, [])
        if options.users:
            write_users(options.users, [])
    except OSError as error:
        raise CannotSyncError(f"{error.filename} cannot be written: {error.strerror}. Choose another file.") from error


def _credential(variable: str, prompt: str, *, hidden: bool) -> str:
    value = os.environ.get(variable, "").strip()
    if not value and sys.stdin.isatty():
        with suppress(EOFError):
            value = (getpass.getpass(prompt) if hidden else input(prompt)).strip()
    if not value:
        raise CannotSyncError(f"Set the environment variables {KEY_VARIABLE} and {SECRET_VARIABLE}.")
    return value


def _enter_district(api: DistrictApi, connection: Connection, asked_for: tuple[str, ...], steps: Steps) -> None:
    steps.begin("Entering the settings")
    enter_settings(api, connection)
    steps.begin("Testing the settings")
    report = run_test(api)
    steps.end()
    chosen = _chosen(report, asked_for)
    print_steps(report, steps.console)
    steps.begin(f"Entering {len(chosen)} school{'s' if len(chosen) > 1 else ''}")
    enter_schools(api, chosen)
    steps.end()


def _chosen(report: Mapping[str, Any], asked_for: tuple[str, ...]) -> dict[str, str]:
    """The schools to sync, name by sourcedId.

    A test that failed only later is no obstacle: the night has more time, and says itself what it cannot do.
    """
    unreachable = cannot_be_reached(report)
    if unreachable:
        raise CannotSyncError(unreachable)
    listed = schools(report)
    if asked_for:
        return {sourced_id: listed.get(sourced_id, sourced_id) for sourced_id in asked_for}
    if not listed:
        raise CannotSyncError(
            first_failure(report) or "The provider lists no org of type school. Name schools with --school SOURCEDID."
        )
    return listed
