"""The deployed API does what its description says: schemathesis asks every operation, well and badly."""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from local.stack import Stack
from tests.e2e.conftest import ADistrict
from tests.e2e.district import LiveDistrict

CHECKS = """
seed = 1

[parameters]
"path.district_id" = "{district_id}"

[checks.positive_data_acceptance]
expected-statuses = {statuses}

# A test reports what is wrong with settings; blanks and repeats, which are none the worse, pass.
[[operations]]
include-name = "POST /districts/{{district_id}}/settings/test"
checks.negative_data_rejection.enabled = false
"""
STATUSES = ("2xx", "401", "404", "409", "412", "422", "429")
"""Of requests that are as described. 412 and 422: rules that a schema cannot say, as that two dates are in order."""
MOST_S = 300
"""Far more than it takes, for a busy machine: it ends by itself."""


STAFFS_ROUTES = ("/districts", "/districts/{district_id}/export/users")
"""Those that answer the vendor's staff otherwise than a district's administrator."""


def test_every_operation_answers_as_it_is_described(stack: Stack, a_district: ADistrict, tmp_path: Path) -> None:
    district = a_district(stack)
    district.night()
    token = stack.sign_in(district_id=district.api.district_id, role="district_admin")

    asked, operations = ask(stack, district, token, tmp_path, (*STATUSES, "403"))

    assert asked.returncode == 0, what_failed(asked)
    assert f"Tested: {operations}" in asked.stdout, asked.stdout


def test_what_staff_alone_may_ask_answers_as_it_is_described(
    stack: Stack, a_district: ADistrict, tmp_path: Path
) -> None:
    district = a_district(stack)
    district.api.put("export/consent", {"until": (datetime.now(UTC) + timedelta(days=1)).isoformat()})
    token = stack.sign_in(district_id=None, role="support")

    asked, _ = ask(stack, district, token, tmp_path, STATUSES, STAFFS_ROUTES)

    assert asked.returncode == 0, what_failed(asked)
    assert f"Tested: {len(STAFFS_ROUTES)}" in asked.stdout, asked.stdout


def what_failed(asked: subprocess.CompletedProcess[str]) -> str:
    """The failures that schemathesis tells, without the warnings behind them."""
    _, _, told = asked.stdout.rpartition("= FAILURES =")
    return told.partition("= WARNINGS =")[0] + asked.stderr


def ask(
    stack: Stack,
    district: LiveDistrict,
    token: str,
    folder: Path,
    statuses: Sequence[str],
    paths: Sequence[str] = (),
) -> tuple[subprocess.CompletedProcess[str], int]:
    """Ask the operations of these paths, else of all; what schemathesis says of them, and how many there are in all."""
    document = requests.get(f"{stack.api_url}/openapi.json", timeout=60).json()
    # Who has no token, or asks faster than MethodSettings allow, is answered by the gateway, and the local one does so
    # in words and a type of its own.
    for status in (401, 429):
        document["components"]["responses"][f"Problem{status}"]["content"]["application/json"] = {}
    (folder / "openapi.json").write_text(json.dumps(document))
    checks = CHECKS.format(district_id=district.api.district_id, statuses=json.dumps(statuses))
    (folder / "schemathesis.toml").write_text(checks)
    command = [str(Path(sys.executable).with_name("st")), "run", "openapi.json", "--url", stack.api_url]
    limits = ["--phases", "coverage", "--max-time", str(MOST_S), "--continue-on-failure"]
    chosen = [part for path in paths for part in ("--include-path", path)]
    asked = subprocess.run(
        [*command, *limits, *chosen, "--header", f"Authorization: Bearer {token}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked, sum(map(len, document["paths"].values()))
