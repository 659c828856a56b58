"""The runs' routes."""

import pytest

from roster_sync.domain.dead_letter import DeadLetter, LetterKind
from roster_sync.domain.errors import TransientError
from roster_sync.domain.fetch_plan import SchoolLists, Scope
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.issue import Issue, IssueCode, RecordKind
from roster_sync.domain.reading import Reading
from roster_sync.domain.run import Counts, RunState
from roster_sync.domain.usage import Usage
from tests.support.builders import DISTRICT, LATER_RUN, NOW, OTHER_DISTRICT, RUN, a_run, a_school, settings
from tests.unit.api.conftest import Client


@pytest.fixture
def ready(client: Client) -> Client:
    """A client of a district that may run."""
    client.districts.save_settings(settings(version=0), 0)
    client.districts.put_school(a_school())
    return client


def test_runs_come_newest_first_page_by_page(client: Client) -> None:
    for run_id in (RUN, LATER_RUN):
        client.runs.create(a_run(run_id=run_id))
    client.runs.create(a_run(district_id=OTHER_DISTRICT))

    first = client.send("GET", "/runs", query={"limit": "1"})
    second = client.send("GET", "/runs", query={"limit": "1", "cursor": first.json["next_cursor"]})

    assert [run["run_id"] for run in first.json["items"]] == [LATER_RUN]
    assert [run["run_id"] for run in second.json["items"]] == [RUN]
    assert second.json["next_cursor"] is None


def test_a_run_has_state_reason_counts_and_issues_by_code(client: Client) -> None:
    client.runs.create(
        a_run(
            state=RunState.COMPLETED_WITH_ISSUES,
            counts=Counts(fetched=3, created=2, invalid=1),
            issues_by_code={"role_missing": 1},
            reason="One record could not be used.",
        )
    )

    answer = client.send("GET", f"/runs/{RUN}")

    assert answer.status == 200
    assert (answer.json["state"], answer.json["reason"]) == ("completed_with_issues", "One record could not be used.")
    assert (answer.json["counts"]["fetched"], answer.json["counts"]["created"]) == (3, 2)
    assert answer.json["issues_by_code"] == {"role_missing": 1}
    assert answer.json["created_at"] == "2026-11-24T09:00:00Z"


def test_a_run_says_what_it_used_and_what_that_costs(client: Client) -> None:
    client.runs.create(a_run(usage=Usage(read_units=80_000, write_units=16_000, invocations=2)))

    run = client.send("GET", f"/runs/{RUN}").json

    assert run["cost_estimate_usd"] == 0.02
    assert (run["usage"]["read_units"], run["usage"]["write_units"], run["usage"]["invocations"]) == (80_000, 16_000, 2)


def test_a_run_says_which_users_were_read_and_why(client: Client) -> None:
    reading = Reading(
        scope=Scope.DISTRICT, scope_reason="The whole district was read.", key="k", school_lists=SchoolLists.UNTRIED
    )
    client.runs.create(a_run(reading=reading))
    client.runs.create(a_run(run_id=LATER_RUN))

    read, queued = (client.send("GET", f"/runs/{run_id}").json for run_id in (RUN, LATER_RUN))

    assert (read["scope"], read["scope_reason"]) == ("district", "The whole district was read.")
    assert (read["fetch"], read["fetch_reason"]) == ("full", None)
    assert {queued[name] for name in ("scope", "scope_reason", "fetch", "fetch_reason")} == {None}


def test_the_issues_of_a_run_say_what_to_do(client: Client) -> None:
    client.runs.create(a_run(attempt=2))
    client.runs.add_issues(DISTRICT, RUN, 1, [Issue(IssueCode.EMAIL_INVALID, "Of an earlier attempt.", "S-9")])
    client.runs.add_issues(
        DISTRICT,
        RUN,
        2,
        [
            Issue(IssueCode.ORGS_MISSING, "The user belongs to no org.", "S-1", record_kind=RecordKind.STUDENT),
            Issue(IssueCode.UPLOAD_ROW_INVALID, "The school is missing.", line=7, column="School"),
        ],
    )

    first = client.send("GET", f"/runs/{RUN}/issues", query={"limit": "1"})
    second = client.send("GET", f"/runs/{RUN}/issues", query={"cursor": first.json["next_cursor"]})

    assert first.json["items"] == [
        {
            "code": "orgs_missing",
            "severity": "error",
            "message": "The user belongs to no org.",
            "remedy": "Assign the person to a school in the SIS.",
            "sourced_id": "S-1",
            "record_kind": "student",
            "line": None,
            "column": None,
        }
    ]
    assert [(issue["line"], issue["column"]) for issue in second.json["items"]] == [(7, "School")]


@pytest.mark.parametrize("path", [f"/runs/{RUN}", f"/runs/{RUN}/issues"])
def test_an_unknown_run_answers_404(client: Client, path: str) -> None:
    client.runs.create(a_run(district_id=OTHER_DISTRICT))

    assert client.send("GET", path).status == 404


def test_sync_now_creates_a_queued_run_and_asks_for_it(ready: Client) -> None:
    answer = ready.send("POST", "/runs")

    run_id = RunId("20261124T090000Z-00000001")
    assert (answer.status, answer.json["run_id"], answer.json["state"]) == (202, run_id, "queued")
    assert answer.json["kind"] == "manual"
    assert ready.requested == [(DISTRICT, run_id)]
    assert ready.runs.get(DISTRICT, run_id) is not None


def test_a_preview_is_a_run_of_its_own_kind(ready: Client) -> None:
    answer = ready.send("POST", "/runs", body={"preview": True})

    run_id = RunId("20261124T090000Z-preview-00000001")
    assert (answer.status, answer.json["run_id"], answer.json["state"]) == (202, run_id, "queued")
    assert (answer.json["kind"], answer.json["would_be_blocked"]) == ("preview", None)
    assert ready.requested == [(DISTRICT, run_id)]


@pytest.mark.parametrize("body", [{}, {"preview": False}])
def test_without_a_preview_it_is_a_sync(ready: Client, body: dict[str, object]) -> None:
    answer = ready.send("POST", "/runs", body=body)

    assert (answer.json["kind"], answer.json["would_be_blocked"]) == ("manual", None)


@pytest.mark.parametrize("body", [{"preview": "yes"}, {"pre_view": True}])
def test_a_body_that_asks_for_something_else_starts_nothing(ready: Client, body: dict[str, object]) -> None:
    assert ready.send("POST", "/runs", body=body).status == 422
    assert ready.requested == []


def test_a_sync_before_the_first_preview_is_skipped_and_the_preview_is_not(ready: Client) -> None:
    ready.districts.save_settings(settings(first_run_preview=True), 1)

    sync, preview = ready.send("POST", "/runs"), ready.send("POST", "/runs", body={"preview": True})

    assert (sync.json["state"], preview.json["state"]) == ("skipped", "queued")
    assert sync.json["reason"].startswith("The first sync waits for a preview.")
    assert "preview" in ready.send("GET", "/settings").json["why_not_run"]


def test_products_are_told_of_a_sync_that_is_skipped_at_once(client: Client) -> None:
    skipped = client.send("POST", "/runs")

    assert skipped.json["state"] == "skipped"
    assert [run.run_id for run in client.events.ended] == [skipped.json["run_id"]]


def test_a_repetition_tells_of_a_skipped_sync_when_the_bus_did_not_take_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise TransientError("The event bus is busy or did not answer.")

    key = {"Idempotency-Key": "a-key"}
    with monkeypatch.context() as bus:
        bus.setattr(client.events, "run_ended", fails)
        refused = client.send("POST", "/runs", headers=key)
    client.send("POST", "/runs", headers=key)

    assert refused.status == 503
    assert [run.state for run in client.events.ended] == [RunState.SKIPPED]
    assert len(client.runs.page(DISTRICT)[0]) == 1


def test_of_a_sync_that_is_queued_nothing_is_told_yet(ready: Client) -> None:
    ready.send("POST", "/runs")

    assert ready.events.ended == []


def test_a_run_that_could_not_be_asked_for_ends_failed(ready: Client) -> None:
    def out_of_order(_district_id: DistrictId, _run_id: RunId) -> None:
        raise TransientError("The queue did not answer.")

    ready.request_sync = out_of_order

    ready.send("POST", "/runs")

    (run,), _ = ready.runs.page(DISTRICT)
    assert (run.state, run.reason) == (RunState.FAILED, "The queue did not answer.")


def test_a_redrive_sends_what_the_run_lacks_and_answers_with_the_run(client: Client) -> None:
    client.runs.create(a_run())
    letter = DeadLetter(kind=LetterKind.SYNC_REQUEST, district_id=DISTRICT, run_id=RUN, body="request")
    client.dead_letters.keep(letter, a_run())
    client.runs.close(DISTRICT, RUN, RunState.FAILED, "It failed.", NOW)

    answer = client.send("POST", f"/runs/{RUN}/redrive")

    assert (answer.status, answer.json["state"], answer.json["reason"]) == (202, "queued", None)
    assert client.requested == [(DISTRICT, RUN)]


def test_a_redrive_of_a_run_that_lacks_nothing_answers_409(client: Client) -> None:
    client.runs.create(a_run(state=RunState.COMPLETED))

    answer = client.send("POST", f"/runs/{RUN}/redrive")

    assert answer.status == 409
    assert "Nothing of this run" in answer.json["detail"]


def test_a_redrive_of_an_unknown_run_answers_404(client: Client) -> None:
    assert client.send("POST", f"/runs/{RUN}/redrive").status == 404
