"""The vendor's staff at their command line, on the deployed stack."""

from datetime import UTC, datetime, timedelta

import pytest

from local.stack import Stack
from staff.cli import main
from tests.e2e.conftest import ADistrict


def test_staff_find_a_district_sync_it_and_export_its_users_with_its_consent_alone(
    stack: Stack, a_district: ADistrict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    live = a_district(stack)
    district = live.api.district_id
    monkeypatch.setenv("ROSTER_SYNC_API", stack.api_url)
    monkeypatch.setenv("ROSTER_SYNC_TOKEN", stack.sign_in(district_id=None, role="support"))

    assert main(["districts"]) == 0
    [line] = [each for each in capsys.readouterr().out.splitlines() if district in each]
    assert line.split() == ["new", district]
    assert main(["sync", district, "--preview"]) == 0
    assert "-preview-" in capsys.readouterr().out
    assert main(["users", district, "--format", "jsonl"]) == 1
    live.api.put("export/consent", {"until": (datetime.now(UTC) + timedelta(days=1)).isoformat()})
    assert main(["users", district, "--format", "jsonl"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(live.users())
