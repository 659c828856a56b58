"""The routes by which staff delete a district."""

from dataclasses import replace
from datetime import timedelta

import pytest

from roster_sync.domain.audit import Act
from roster_sync.domain.deletion import Contents
from tests.support.builders import DISTRICT, NOW, a_school, settings
from tests.support.events import district_admin, support
from tests.unit.api.conftest import Answer, Client


@pytest.fixture
def staff(client: Client) -> Client:
    """A client of the vendor's staff, and a district."""
    client.districts.save_settings(settings(version=0), 0)
    client.districts.put_school(a_school())
    client.claims = {**support(), "email": "staff@example.org"}
    return client


def delete(client: Client, confirm: str | None = DISTRICT) -> Answer:
    return client.send("DELETE", "", query=None if confirm is None else {"confirm": confirm})


def test_a_deletion_is_answered_at_once_and_goes_on_after_it(staff: Client) -> None:
    answer = delete(staff)

    assert (answer.status, answer.json) == (
        202,
        {
            "district_id": DISTRICT,
            "state": "under_way",
            "asked_by": "staff@example.org",
            "asked_at": "2026-11-24T09:00:00Z",
            "ended_at": None,
            "users": None,
            "schools": None,
            "runs": None,
        },
    )
    assert staff.deletions_asked == [DISTRICT]
    assert staff.districts.settings(DISTRICT) is None
    assert [(line.act, line.actor) for line in staff.audit.lines] == [(Act.DELETION_STARTED, "staff@example.org")]


def test_a_second_request_is_answered_the_same_and_lets_it_go_on(staff: Client) -> None:
    first = delete(staff)
    staff.now += timedelta(minutes=1)

    second = delete(staff)

    assert second == first
    assert staff.deletions_asked == [DISTRICT, DISTRICT]
    assert len(staff.audit.lines) == 1


@pytest.mark.parametrize("confirm", [None, "", "shelbyville", DISTRICT.upper()])
def test_without_the_district_s_id_once_more_nothing_happens(staff: Client, confirm: str | None) -> None:
    answer = delete(staff, confirm)

    assert answer.status == 422
    assert "confirm" in answer.json["detail"]
    assert (staff.deletions.get(DISTRICT), staff.deletions_asked, staff.audit.lines) == (None, [], [])
    assert staff.districts.settings(DISTRICT) is not None


def test_a_district_that_is_not_there_is_not_deleted(client: Client) -> None:
    client.claims = support()

    answer = delete(client)

    assert (answer.status, answer.json["detail"]) == (404, "There is no such district. Check its id.")


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("GET", "/deletion")])
def test_an_administrator_may_neither_delete_nor_see_it(staff: Client, method: str, path: str) -> None:
    staff.claims = district_admin(DISTRICT)

    answer = staff.send(method, path, query={"confirm": DISTRICT} if method == "DELETE" else None)

    assert (answer.status, answer.json["detail"]) == (403, "Only the vendor's staff may delete a district. Ask them.")
    assert staff.deletions_asked == []


def test_staff_see_how_far_it_is_and_that_it_has_ended(staff: Client) -> None:
    assert staff.send("GET", "/deletion").status == 404
    delete(staff)
    deletion = staff.deletions.get(DISTRICT)
    assert deletion
    counted = replace(deletion, contents=Contents(users=7, schools=1, runs=2))
    staff.deletions.count(deletion, Contents(users=7, schools=1, runs=2))

    under_way = staff.send("GET", "/deletion").json
    staff.deletions.end(counted, NOW + timedelta(minutes=5))
    done = staff.send("GET", "/deletion").json

    assert (under_way["state"], under_way["users"], under_way["ended_at"]) == ("under_way", 7, None)
    assert (done["state"], done["users"], done["ended_at"]) == ("done", 7, "2026-11-24T09:05:00Z")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/settings"), ("PUT", "/schools/high"), ("POST", "/runs"), ("POST", "/users/upload-url")],
)
@pytest.mark.parametrize("claims", [support(), district_admin(DISTRICT)])
def test_meanwhile_nobody_changes_the_district(staff: Client, claims: dict[str, str], method: str, path: str) -> None:
    delete(staff)
    lines = len(staff.audit.lines)
    staff.claims = claims

    answer = staff.send(method, path, body={"name": "High"} if "schools" in path else {})

    assert (answer.status, answer.json["detail"]) == (
        409,
        "This district is being deleted. Nothing of it can be changed any more.",
    )
    assert staff.districts.settings(DISTRICT) is None
    assert len(staff.audit.lines) == lines


def test_afterwards_the_district_may_begin_anew(staff: Client) -> None:
    delete(staff)
    deletion = staff.deletions.get(DISTRICT)
    assert deletion
    staff.deletions.end(deletion, NOW)

    assert staff.send("PUT", "/settings", body={}).status == 200
    assert delete(staff).json["state"] == "under_way"
