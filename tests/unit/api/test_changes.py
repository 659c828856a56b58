"""The routes of what runs changed, and would change."""

import pytest

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.identifiers import RunId, SourcedId, UserId
from roster_sync.domain.run import Counts, RunKind, RunState
from roster_sync.domain.user_change import UserChange
from tests.support.builders import DISTRICT, LATER_RUN, NOW, OTHER_DISTRICT, RUN, a_run, a_user
from tests.unit.api.conftest import Client

PREVIEW = RunId("20261124T090000Z-preview-00000001")
RENAMED = UserChange(
    ChangeKind.UPDATE,
    UserId("u-1"),
    SourcedId("S-1"),
    {"given_name": "Lisa", "fingerprint": "AQ=="},
    {"given_name": "Liza", "fingerprint": "Ag==", "grades": ["02"]},
)
CREATED = UserChange(ChangeKind.CREATE, UserId("u-2"))


@pytest.fixture
def night(client: Client) -> Client:
    """A client of a district with a run that has changed two users."""
    client.runs.create(a_run(counts=Counts(created=1, updated=1)))
    client.log.keep(DISTRICT, RUN, attempt=1, number=1, fence=1, changes=[RENAMED, CREATED])
    client.users.put(a_user(given_name="Liza"), a_user(user_id=UserId("u-2"), sourced_ids=(SourcedId("S-2"),)))
    return client


def test_a_change_shows_what_differs_before_and_after(night: Client) -> None:
    answer = night.send("GET", f"/runs/{RUN}/changes", query={"kind": "update"})

    assert answer.status == 200
    assert answer.json == {
        "items": [
            {
                "kind": "update",
                "user_id": "u-1",
                "sourced_id": "S-1",
                "before": {"given_name": "Lisa"},
                "after": {"given_name": "Liza", "grades": ["02"]},
                "changed_since": False,
                "given_name": "Liza",
                "family_name": "Simpson",
            }
        ],
        "next_cursor": None,
    }


def test_a_created_user_shows_all_that_is_stored(night: Client) -> None:
    (created,) = night.send("GET", f"/runs/{RUN}/changes", query={"kind": "create"}).json["items"]

    assert (created["sourced_id"], created["before"], created["changed_since"]) == ("S-2", {}, False)
    assert created["after"]["family_name"] == "Simpson"
    assert created["after"]["status"] == "active"
    assert created["after"].keys().isdisjoint({"fence", "run_id", "fingerprint", "record_digest", "created_at"})


def test_changes_come_page_by_page(night: Client) -> None:
    first = night.send("GET", f"/runs/{RUN}/changes", query={"limit": "1"})
    second = night.send("GET", f"/runs/{RUN}/changes", query={"limit": "1", "cursor": first.json["next_cursor"]})

    assert [change["user_id"] for page in (first, second) for change in page.json["items"]] == ["u-1", "u-2"]
    assert second.json["next_cursor"] is None


def test_whoever_was_changed_since_is_said_to_be(night: Client) -> None:
    night.users.put(*(a_user(user_id=UserId(f"u-{n}"), run_id=LATER_RUN, fence=2) for n in (1, 2)))

    renamed, created = night.send("GET", f"/runs/{RUN}/changes").json["items"]

    assert (renamed["changed_since"], created["changed_since"]) == (True, True)
    assert renamed["after"]["given_name"] == "Liza"
    assert created["after"] == {}


def test_what_was_kept_and_then_not_written_is_not_shown(night: Client) -> None:
    """A chunk's changes are kept before they are written; its function may die in between."""
    night.users.put(a_user(run_id=RunId("20261123T090000Z-nightly"), fence=0))

    assert [change["user_id"] for change in night.send("GET", f"/runs/{RUN}/changes").json["items"]] == ["u-2"]


def test_samples_hold_each_kind_that_was_counted(night: Client) -> None:
    answer = night.send("GET", f"/runs/{RUN}/samples")

    assert [(change["kind"], change["user_id"]) for change in answer.json["items"]] == [
        ("create", "u-2"),
        ("update", "u-1"),
    ]


def test_samples_of_a_preview_show_users_who_are_not_stored(client: Client) -> None:
    new = UserChange(ChangeKind.CREATE, UserId("u-9"), SourcedId("S-9"), {}, {"given_name": "Bart"})
    client.runs.create(a_run(run_id=PREVIEW, kind=RunKind.PREVIEW, counts=Counts(created=1)))
    client.log.keep(DISTRICT, PREVIEW, attempt=1, number=1, fence=1, changes=[new])

    (sample,) = client.send("GET", f"/runs/{PREVIEW}/samples").json["items"]

    assert (sample["sourced_id"], sample["after"]) == ("S-9", {"given_name": "Bart"})


@pytest.mark.parametrize("path", ["changes", "samples"])
def test_the_changes_of_an_unknown_run_are_not_found(client: Client, path: str) -> None:
    client.runs.create(a_run(district_id=OTHER_DISTRICT))

    assert client.send("GET", f"/runs/{RUN}/{path}").status == 404


def test_an_unknown_kind_is_refused(night: Client) -> None:
    assert night.send("GET", f"/runs/{RUN}/changes", query={"kind": "delete"}).status == 422


def test_undoing_a_run_is_a_run_of_its_own(night: Client) -> None:
    night.runs.close(DISTRICT, RUN, RunState.COMPLETED, None, NOW)

    answer = night.send("POST", f"/runs/{RUN}/revert")

    run_id = RunId("20261124T090000Z-revert-00000001")
    assert (answer.status, answer.json["run_id"], answer.json["state"]) == (202, run_id, "queued")
    assert (answer.json["kind"], answer.json["of_run"]) == ("revert", RUN)
    assert night.requested == [(DISTRICT, run_id)]


def test_a_run_that_goes_on_cannot_be_undone(night: Client) -> None:
    answer = night.send("POST", f"/runs/{RUN}/revert")

    assert (answer.status, answer.json["detail"]) == (409, "This run has not ended yet. Wait until it has.")
    assert night.requested == []


def test_an_unknown_run_cannot_be_undone(client: Client) -> None:
    assert client.send("POST", f"/runs/{RUN}/revert").status == 404
