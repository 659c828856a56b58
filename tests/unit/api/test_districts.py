"""The route over all districts."""

import pytest

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import RunKind, RunState
from tests.support.builders import DISTRICT, NOW, OTHER_DISTRICT, a_run, settings
from tests.support.events import support
from tests.unit.api.conftest import Client


@pytest.fixture
def staff(client: Client) -> Client:
    """A client of the vendor's staff; three districts, one of them off."""
    for district_id in (DISTRICT, OTHER_DISTRICT):
        client.districts.save_settings(settings(district_id=district_id, version=0), 0)
    client.districts.save_settings(settings(district_id=DistrictId("off"), products=frozenset(), version=0), 0)
    client.claims = support()
    return client


def test_staff_see_how_each_district_fares(staff: Client) -> None:
    staff.runs.create(a_run(state=RunState.FAILED, created_at=NOW, reason="The key has expired."))

    answer = staff.send_to("GET", "/districts")

    by_id = {item["district_id"]: item for item in answer.json["items"]}
    assert answer.status == 200
    assert {name: item["health"] for name, item in by_id.items()} == {DISTRICT: "failed", OTHER_DISTRICT: "new"}
    assert by_id[DISTRICT]["last_sync"]["reason"] == "The key has expired."
    assert by_id[OTHER_DISTRICT]["last_sync"] is None


def test_an_upload_or_preview_since_is_no_sync(staff: Client) -> None:
    staff.runs.create(a_run(state=RunState.COMPLETED, created_at=NOW))
    later = RunId("20261125T090000Z-preview-00000001")
    staff.runs.create(a_run(run_id=later, kind=RunKind.PREVIEW, state=RunState.FAILED, created_at=NOW))

    items = staff.send_to("GET", "/districts").json["items"]

    assert {item["district_id"]: item["health"] for item in items}[DISTRICT] == "good"


def test_districts_come_page_by_page(staff: Client) -> None:
    first = staff.send_to("GET", "/districts", query={"limit": "1"}).json
    second = staff.send_to("GET", "/districts", query={"limit": "1", "cursor": first["next_cursor"]}).json

    assert [item["district_id"] for page in (first, second) for item in page["items"]] == sorted(
        [DISTRICT, OTHER_DISTRICT]
    )
    assert second["next_cursor"] is None


def test_a_districts_administrator_sees_no_other(client: Client) -> None:
    answer = client.send_to("GET", "/districts")

    assert (answer.status, answer.json["detail"]) == (
        403,
        "Only the vendor's staff may see all districts. Ask for your own district.",
    )
