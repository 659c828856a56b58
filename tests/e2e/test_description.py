"""The deployed API does what its description says: schemathesis asks every operation, well and badly."""

import json
import subprocess
import sys
from pathlib import Path

import requests

from local.stack import Stack
from tests.e2e.conftest import ADistrict

CHECKS = """
seed = 1

[parameters]
"path.district_id" = "{district_id}"

# 412 and 422: rules that a schema cannot say, as that two dates are in order.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422", "429"]

# A test reports what is wrong with settings; blanks and repeats, which are none the worse, pass.
[[operations]]
include-name = "POST /districts/{{district_id}}/settings/test"
checks.negative_data_rejection.enabled = false
"""
MOST_S = 300
"""Far more than it takes, for a busy machine: it ends by itself."""


def test_every_operation_answers_as_it_is_described(stack: Stack, a_district: ADistrict, tmp_path: Path) -> None:
    district = a_district(stack)
    district.night()
    token = stack.sign_in(district_id=district.api.district_id, role="district_admin")
    document = requests.get(f"{stack.api_url}/openapi.json", timeout=60).json()
    # Who has no token is answered by the gateway, and the local one does so in words and a type of its own.
    document["components"]["responses"]["Problem401"]["content"]["application/json"] = {}
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "schemathesis.toml").write_text(CHECKS.format(district_id=district.api.district_id))
    command = [str(Path(sys.executable).with_name("st")), "run", "openapi.json", "--url", stack.api_url]
    limits = ["--phases", "coverage", "--max-time", str(MOST_S), "--continue-on-failure"]

    asked = subprocess.run(
        [*command, *limits, "--header", f"Authorization: Bearer {token}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert f"Tested: {sum(map(len, document['paths'].values()))}" in asked.stdout, asked.stdout
