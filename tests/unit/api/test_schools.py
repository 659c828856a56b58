"""The schools' routes."""

import pytest

from tests.support.builders import DISTRICT
from tests.unit.api.conftest import Client


def test_schools_are_added_changed_listed_and_removed(client: Client) -> None:
    added = client.send("PUT", "/schools/high", body={"name": " Springfield High "})
    client.send("PUT", "/schools/elementary", body={"name": "Springfield Elementary", "oneroster_id": "org-1"})
    client.send("PUT", "/schools/high", body={"name": "Springfield High School", "oneroster_id": "org-2"})
    listed = client.send("GET", "/schools")
    removed = client.send("DELETE", "/schools/high")

    assert (added.status, added.json) == (
        200,
        {"school_id": "high", "name": "Springfield High", "oneroster_id": None},
    )
    assert listed.json["items"] == [
        {"school_id": "elementary", "name": "Springfield Elementary", "oneroster_id": "org-1"},
        {"school_id": "high", "name": "Springfield High School", "oneroster_id": "org-2"},
    ]
    assert (removed.status, removed.json) == (204, None)
    assert [school.school_id for school in client.districts.schools(DISTRICT)] == ["elementary"]


def test_a_school_that_is_not_there_cannot_be_removed(client: Client) -> None:
    answer = client.send("DELETE", "/schools/high")

    assert (answer.status, answer.json["detail"]) == (404, "There is no such school. Load the list of schools again.")


def test_two_schools_have_no_oneroster_id_in_common(client: Client) -> None:
    client.send("PUT", "/schools/elementary", body={"name": "Springfield Elementary", "oneroster_id": "org-1"})

    other = client.send("PUT", "/schools/high", body={"name": "Springfield High", "oneroster_id": "org-1"})
    same = client.send("PUT", "/schools/elementary", body={"name": "Elementary", "oneroster_id": "org-1"})

    assert (other.status, other.json["detail"]) == (
        422,
        "The school elementary has this OneRoster ID already. Give each school an ID of its own.",
    )
    assert same.status == 200


def test_a_oneroster_id_is_opaque_and_case_sensitive(client: Client) -> None:
    client.send("PUT", "/schools/a", body={"name": "A", "oneroster_id": "{Org/1} é"})

    answer = client.send("PUT", "/schools/b", body={"name": "B", "oneroster_id": "{ORG/1} é"})

    assert answer.json["oneroster_id"] == "{ORG/1} é"


@pytest.mark.parametrize("body", [{}, {"name": " "}, {"name": "n" * 256}, {"name": "High", "oneroster_id": "o" * 256}])
def test_a_school_needs_a_name_and_an_id_of_a_length_that_oneroster_allows(
    client: Client, body: dict[str, str]
) -> None:
    answer = client.send("PUT", "/schools/high", body=body)

    assert answer.status == 422


@pytest.mark.parametrize(("school_id", "status"), [("a" * 65, 422), ("high school", 422), ("high#1", 404)])
def test_a_school_id_is_short_and_plain(client: Client, school_id: str, status: int) -> None:
    answer = client.send("PUT", f"/schools/{school_id}", body={"name": "High"})

    assert answer.status == status
    assert not client.districts.schools(DISTRICT)
