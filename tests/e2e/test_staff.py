"""The vendor's staff at their command line, on the deployed stack."""

import pytest

from local.stack import Stack
from staff.cli import main
from tests.e2e.conftest import ADistrict


def test_staff_find_a_district_sync_it_and_see_none_of_its_users(
    stack: Stack, a_district: ADistrict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    district = a_district(stack).api.district_id
    monkeypatch.setenv("ROSTER_SYNC_API", stack.api_url)
    monkeypatch.setenv("ROSTER_SYNC_TOKEN", stack.sign_in(district_id=None, role="support"))

    assert main(["districts"]) == 0
    [line] = [each for each in capsys.readouterr().out.splitlines() if district in each]
    assert line.split() == ["new", district]
    assert main(["sync", district, "--preview"]) == 0
    assert "-preview-" in capsys.readouterr().out
    assert main(["users", district]) == 1


def test_an_administrator_exports_the_districts_users(
    stack: Stack, a_district: ADistrict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    district = a_district(stack)
    token = stack.sign_in(district_id=district.api.district_id, role="district_admin")
    monkeypatch.setenv("ROSTER_SYNC_API", stack.api_url)
    monkeypatch.setenv("ROSTER_SYNC_TOKEN", token)

    assert main(["users", district.api.district_id, "--format", "jsonl"]) == 0

    assert len(capsys.readouterr().out.splitlines()) == len(district.users())
