"""Two nights of a made-up district on the local stack, entered as its administrator would."""

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from local.cli_api import DistrictApi
from local.cli_district import Connection, counselors_csv, enter_schools, enter_settings, run_test
from local.cli_nights import Night, night, nights_of
from local.cli_progress import Steps, console
from local.report import print_night
from local.report_probe import print_steps, schools
from local.sample_provider import OvernightChanges, SampleProvider
from local.stack import Stack, local_stack

DISTRICT_ID = "maplewood"
ADMINISTRATOR = "admin@maplewood.example.org"
COUNSELOR_KEY = "counselorEmail"


def demo(*, users: int, once: bool) -> bool:
    """Show two nights, then stay until Ctrl-C unless `once`; whether both nights ended well."""
    printing = console()
    with (
        Steps(printing) as steps,
        local_stack("run", report=steps.begin) as stack,
        SampleProvider(users=users) as provider,
    ):
        steps.end()
        api = DistrictApi(stack, DISTRICT_ID)
        _enter_district(api, provider, steps)
        begins = nights_of(api)
        first = _show(night(stack, api, next(begins), steps), printing)
        changes = provider.change_overnight()
        _say_changes(changes, printing)
        second = _show(night(stack, api, next(begins), steps), printing)
        if not once:
            _stay(stack, provider, printing)
    return first.ended_well and second.ended_well


def _enter_district(api: DistrictApi, provider: SampleProvider, steps: Steps) -> None:
    steps.begin("Entering the settings of a district")
    enter_settings(
        api,
        Connection(
            base_url=provider.base_url,
            consumer_key=provider.consumer_key,
            consumer_secret=provider.consumer_secret,
            counselor_key=COUNSELOR_KEY,
        ),
    )
    steps.begin("Testing the settings")
    report = run_test(api)
    steps.end()
    print_steps(report, steps.console)
    steps.begin("Entering the schools and uploading the counselors")
    enter_schools(api, schools(report))
    counselors = provider.counselors()
    uploaded = api.upload(
        counselors_csv((each.first_name, each.last_name, each.email, each.school_name) for each in counselors)
    )
    steps.end()
    _say_upload(uploaded["run"]["counts"], steps.console)


def _say_upload(counts: Mapping[str, Any], printing: Console) -> None:
    printing.print(f"  {counts['created']} of {counts['fetched']} counselors stored", soft_wrap=True)


def _show(passed: Night, printing: Console) -> Night:
    print_night(passed, printing)
    return passed


def _say_changes(changes: OvernightChanges, printing: Console) -> None:
    told = ", ".join(f"{count} {kind}" for kind, count in changes.counts().items())
    printing.print(f"Meanwhile at the provider: {told}.", soft_wrap=True)


def _stay(stack: Stack, provider: SampleProvider, printing: Console) -> None:
    """Say where everything is, and wait for Ctrl-C."""
    endpoint, outputs = stack.endpoint_url, stack.outputs
    token = stack.sign_in(district_id=DISTRICT_ID, role="district_admin")
    administrator = stack.create_account(district_id=DISTRICT_ID, role="district_admin", email=ADMINISTRATOR)
    lines = (
        "",
        f"Portal:        {stack.portal_url}",
        f"  sign in as   {administrator.email}",
        f"  password     {administrator.password}",
        f"Settings API:  {stack.api_url}",
        f"Provider:      {provider.base_url}",
        f"Emulated AWS:  {endpoint} (user pool {outputs['UserPoolId']}, client {outputs['PortalClientId']})",
        "Ask it from another terminal (the token lasts an hour):",
        f"  export API={stack.api_url} TOKEN={token}",
        f'  curl -H "Authorization: Bearer $TOKEN" "$API/districts/{DISTRICT_ID}/runs"',
        "Ctrl-C ends everything.",
    )
    try:
        for line in lines:
            printing.print(line, soft_wrap=True)
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        printing.print("Ending the local stack.")
