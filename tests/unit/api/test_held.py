"""The routes of what blocked runs hold."""

import pytest
from msgspec import structs

from roster_sync.domain.change import Change, ChangeKind
from roster_sync.domain.fetch_plan import SchoolLists, Scope
from roster_sync.domain.held_changes import HeldKind
from roster_sync.domain.identifiers import SchoolId, UserId
from roster_sync.domain.reading import Reading
from roster_sync.domain.run import Run, RunState
from tests.support.builders import DISTRICT, LATER_RUN, OTHER_DISTRICT, RUN, a_held_change, a_run, a_sis_user, a_user
from tests.support.events import district_admin
from tests.unit.api.conftest import Client

READING = Reading(scope=Scope.DISTRICT, scope_reason="", key="", school_lists=SchoolLists.UNTRIED)


@pytest.fixture
def blocked(client: Client) -> Client:
    """A client of a district whose run holds three users, the last of them of another school."""
    client.runs.create(
        a_run(state=RunState.BLOCKED, attempt=1, fence=5, reading=READING, held={"deactivation": 3}, reason="Too many.")
    )
    high = (SchoolId("high"),)
    client.held.add(DISTRICT, RUN, 1, [a_held_change(1), a_held_change(2), a_held_change(3, school_ids=high)])
    for number in (1, 2):
        client.users.put(a_user(user_id=UserId(f"u-{number}"), fence=4 + number, given_name=f"Given {number}"))
    client.claims = {**district_admin(DISTRICT), "email": "admin@example.org"}
    return client


def test_held_changes_come_page_by_page_with_who_it_is(blocked: Client) -> None:
    first = blocked.send("GET", f"/runs/{RUN}/held", query={"limit": "1"})
    second = blocked.send("GET", f"/runs/{RUN}/held", query={"cursor": first.json["next_cursor"]})

    assert first.json["items"] == [
        {
            "user_id": "u-1",
            "kind": "deactivation",
            "sourced_id": "S-1",
            "school_ids": ["elementary"],
            "given_name": "Given 1",
            "family_name": "Simpson",
            "email": "Lisa@Example.org",
            "role": "student",
            "status": "active",
            "changed_since": False,
            "before": {},
            "after": {},
            "decision": None,
            "decided_by": None,
            "decided_at": None,
            "run_id": None,
        }
    ]
    assert (first.json["decisions"], second.json["next_cursor"]) == ([], None)
    assert [(item["user_id"], item["changed_since"]) for item in second.json["items"]] == [("u-2", True), ("u-3", True)]


def test_held_changes_of_a_school_are_found(blocked: Client) -> None:
    answer = blocked.send("GET", f"/runs/{RUN}/held", query={"school": "high"})

    assert [item["user_id"] for item in answer.json["items"]] == ["u-3"]


def test_an_approval_is_a_run_that_is_asked_for(blocked: Client) -> None:
    answer = blocked.send("POST", f"/runs/{RUN}/approve", body={"all": True})

    run_id = "20261124T090000Z-approval-00000001"
    assert (answer.status, answer.json["run_id"], answer.json["kind"]) == (202, run_id, "approval")
    assert (answer.json["state"], answer.json["of_run"]) == ("queued", RUN)
    assert blocked.requested == [(DISTRICT, run_id)]
    (decision,) = blocked.send("GET", f"/runs/{run_id}/held").json["decisions"]
    assert (decision["action"], decision["decided_by"], decision["run_id"]) == ("approve", "admin@example.org", run_id)


def test_what_is_discarded_is_shown_with_who_decided_and_when(blocked: Client) -> None:
    answer = blocked.send("POST", f"/runs/{RUN}/discard", body={"school_id": "elementary"})

    listed = blocked.send("GET", f"/runs/{RUN}/held").json
    assert answer.status == 200
    assert answer.json == {
        "action": "discard",
        "school_id": "elementary",
        "user_ids": None,
        "kind": None,
        "decided_by": "admin@example.org",
        "decided_at": "2026-11-24T09:00:00Z",
        "run_id": None,
        "users": 2,
    }
    assert listed["decisions"] == [answer.json]
    assert [(item["decision"], item["decided_by"]) for item in listed["items"]] == [
        ("discard", "admin@example.org"),
        ("discard", "admin@example.org"),
        (None, None),
    ]


@pytest.mark.parametrize("action", ["approve", "discard"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": False},
        {"all": True, "school_id": "high"},
        {"school_id": "high", "user_ids": ["u-3"]},
        {"kind": "deactivation"},
        {"user_ids": []},
        {"user_ids": [f"u-{number}" for number in range(1_001)]},
        {"all": True, "kind": "rename"},
        {"everybody": True},
    ],
)
def test_what_is_meant_must_be_said(blocked: Client, action: str, body: object) -> None:
    answer = blocked.send("POST", f"/runs/{RUN}/{action}", body=body)

    assert answer.status == 422
    assert blocked.requested == []
    assert blocked.held.decisions(DISTRICT, RUN) == []


def test_single_people_are_approved(blocked: Client) -> None:
    answer = blocked.send("POST", f"/runs/{RUN}/approve", body={"user_ids": ["u-3"], "kind": "deactivation"})

    (decision,) = blocked.held.decisions(DISTRICT, answer.json["run_id"])
    assert (decision.selection.user_ids, decision.selection.kind) == (frozenset({"u-3"}), HeldKind.DEACTIVATION)


@pytest.mark.parametrize(
    ("later", "says"),
    [
        (
            a_run(run_id=LATER_RUN, state=RunState.COMPLETED, fence=6, reading=READING),
            "A later sync has read the provider since.",
        ),
        (a_run(run_id=LATER_RUN), "Another sync of this district is waiting or under way."),
    ],
)
def test_an_approval_that_comes_too_late_is_refused(blocked: Client, later: Run, says: str) -> None:
    blocked.runs.create(later)

    answer = blocked.send("POST", f"/runs/{RUN}/approve", body={"all": True})

    assert answer.status == 409
    assert answer.json["detail"].startswith(says)
    assert blocked.requested == []


@pytest.mark.parametrize("action", ["approve", "discard"])
def test_a_run_that_holds_nothing_has_nothing_to_decide(client: Client, action: str) -> None:
    client.runs.create(a_run(state=RunState.COMPLETED))

    answer = client.send("POST", f"/runs/{RUN}/{action}", body={"all": True})

    assert (answer.status, answer.json["detail"]) == (
        409,
        "This run holds nothing that could be approved or discarded.",
    )


def test_what_was_discarded_before_is_not_there_any_more(blocked: Client) -> None:
    blocked.send("POST", f"/runs/{RUN}/discard", body={"all": True})

    answer = blocked.send("POST", f"/runs/{RUN}/discard", body={"user_ids": ["u-1"]})

    assert answer.status == 404


@pytest.mark.parametrize(("method", "path"), [("GET", "held"), ("POST", "approve"), ("POST", "discard")])
def test_of_an_unknown_run_nothing_is_held(client: Client, method: str, path: str) -> None:
    client.runs.create(a_run(district_id=OTHER_DISTRICT))

    body = {"all": True} if method == "POST" else None
    assert client.send(method, f"/runs/{RUN}/{path}", body=body).status == 404


def test_a_held_update_shows_what_would_change(client: Client) -> None:
    update = Change(
        ChangeKind.UPDATE,
        UserId("u-1"),
        a_sis_user(email="new@example.org", school_ids=(SchoolId("elementary"), SchoolId("high"))),
        b"\x01" * 16,
    )
    client.runs.create(a_run(state=RunState.BLOCKED, attempt=1, fence=5, held={"email": 1}))
    client.held.add(DISTRICT, RUN, 1, [a_held_change(1, kind=HeldKind.EMAIL, change=update)])
    sis = structs.asdict(a_sis_user())
    client.users.put(a_user(**{**sis, "metadata": {"homeroom": "2B"}}))

    (item,) = client.send("GET", f"/runs/{RUN}/held").json["items"]

    assert (item["kind"], item["email"]) == ("email", "Lisa@Example.org")
    assert item["before"] == {"email": "Lisa@Example.org", "school_ids": ["elementary"]}
    assert item["after"] == {"email": "new@example.org", "school_ids": ["elementary", "high"]}
