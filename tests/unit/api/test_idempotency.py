"""The same request twice, as by a client that lost the answer to the first."""

from datetime import timedelta
from typing import Any

import pytest

from roster_sync.domain.beginning import KEPT, Beginning
from roster_sync.domain.errors import TransientError
from roster_sync.domain.fetch_plan import SchoolLists, Scope
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.reading import Reading
from roster_sync.domain.run import Counts, RunState
from tests.support.builders import DISTRICT, NOW, RUN, a_held_change, a_run, a_school, settings
from tests.support.events import district_admin
from tests.unit.api.conftest import Answer, Client

KEY = {"Idempotency-Key": "6f9619ff-8b86-d011-b42d-00cf4fc964ff"}
READING = Reading(scope=Scope.DISTRICT, scope_reason="", key="", school_lists=SchoolLists.UNTRIED)
CSV = "First Name,Last Name,Email,Role,School or Move To\r\nAda,Lovelace,ada@example.org,Sponsor,elementary\r\n"


@pytest.fixture
def ready(client: Client) -> Client:
    """A client of a district that can be synced."""
    client.districts.save_settings(settings(version=0), 0)
    client.districts.put_school(a_school())
    return client


@pytest.fixture
def blocked(ready: Client) -> Client:
    """A client of a district whose run holds a user."""
    run = a_run(state=RunState.BLOCKED, attempt=1, fence=5, reading=READING, held={"deactivation": 1}, reason="Many.")
    ready.runs.create(run)
    ready.held.add(DISTRICT, RUN, 1, [a_held_change(1)])
    ready.claims = {**district_admin(DISTRICT), "email": "admin@example.org"}
    return ready


def twice(client: Client, path: str, **request: Any) -> tuple[Answer, Answer]:
    first = client.send("POST", path, headers=KEY, **request)
    client.now += timedelta(minutes=2)
    return first, client.send("POST", path, headers=KEY, **request)


@pytest.mark.parametrize("body", [None, {"preview": True}])
def test_one_key_starts_one_run(ready: Client, body: dict[str, bool] | None) -> None:
    first, second = twice(ready, "/runs", body=body)

    assert (first.status, second.status) == (202, 202)
    assert second.json == first.json
    assert len(ready.requested) == 1


def test_another_key_or_none_starts_another(ready: Client) -> None:
    answers = [ready.send("POST", "/runs", headers=headers) for headers in (KEY, {"Idempotency-Key": "b"}, {}, {})]

    assert len({answer.json["run_id"] for answer in answers}) == 4


def test_a_repetition_is_answered_with_the_run_as_it_now_stands(ready: Client) -> None:
    first = ready.send("POST", "/runs", headers=KEY)
    ready.runs.close(DISTRICT, RunId(first.json["run_id"]), RunState.COMPLETED, None, NOW)

    second = ready.send("POST", "/runs", headers=KEY)

    assert (second.json["run_id"], second.json["state"]) == (first.json["run_id"], "completed")


def test_a_key_with_another_body_is_refused(ready: Client) -> None:
    ready.send("POST", "/runs", headers=KEY)

    answer = ready.send("POST", "/runs", headers=KEY, body={"preview": True})

    assert (answer.status, len(ready.requested)) == (422, 1)
    assert answer.json["detail"] == "This Idempotency-Key came with another request before. Send a new key."


def test_a_key_is_forgotten_after_a_day(ready: Client) -> None:
    first = ready.send("POST", "/runs", headers=KEY)
    ready.now += KEPT

    second = ready.send("POST", "/runs", headers=KEY)

    assert second.json["run_id"] != first.json["run_id"]


def test_what_failed_may_be_tried_again_with_its_key(ready: Client) -> None:
    def refuse(_district_id: DistrictId, _run_id: RunId) -> None:
        raise TransientError("The queue did not answer.")

    works = ready.request_sync
    ready.request_sync = refuse
    failed = ready.send("POST", "/runs", headers=KEY)
    ready.request_sync = works

    answer = ready.send("POST", "/runs", headers=KEY)

    assert (failed.status, answer.status, answer.json["state"]) == (503, 202, "queued")


def test_a_repetition_beside_the_first_waits(ready: Client) -> None:
    """The first has taken the key and not yet started its run."""
    first = ready.send("POST", "/runs")
    digest = _digest_of(ready)
    ready.beginnings.replace(DISTRICT, KEY["Idempotency-Key"], Beginning(NOW, "ffffffff", digest))

    beside = ready.send("POST", "/runs", headers=KEY)
    ready.now += timedelta(seconds=30)
    after = ready.send("POST", "/runs", headers=KEY)

    assert (first.status, beside.status, after.status) == (202, 409, 202)


def _digest_of(client: Client) -> str:
    """Of the request that starts a sync."""
    client.send("POST", "/runs", headers={"Idempotency-Key": "another"})
    kept = client.beginnings.keep(DISTRICT, "another", Beginning(NOW, "00000000", ""))
    return kept.digest


def test_one_key_approves_once(blocked: Client) -> None:
    first, second = twice(blocked, f"/runs/{RUN}/approve", body={"all": True})

    assert (first.status, second.json) == (202, first.json)
    assert len(blocked.requested) == 1


def test_one_key_discards_once(blocked: Client) -> None:
    first, second = twice(blocked, f"/runs/{RUN}/discard", body={"all": True})

    assert (first.status, second.status) == (200, 200)
    assert second.json == first.json


def test_one_key_undoes_once(ready: Client) -> None:
    ready.runs.create(a_run(state=RunState.COMPLETED, counts=Counts(created=1)))

    first, second = twice(ready, f"/runs/{RUN}/revert")

    assert (first.status, second.json) == (202, first.json)
    assert len(ready.requested) == 1


def test_one_key_uploads_once(ready: Client) -> None:
    first, second = twice(ready, "/users/upload", body=CSV, content_type="text/csv")

    assert (first.status, second.json) == (200, first.json)
    assert first.json["run"]["counts"]["created"] == 1


def test_one_key_uploads_a_large_file_once(ready: Client) -> None:
    header, row, _ = CSV.split("\r\n")
    many = "\r\n".join([header, *(row.replace("ada@", f"ada.{number}@") for number in range(2_001))])

    first, second = twice(ready, "/users/upload", body=many, content_type="text/csv")

    assert (first.status, second.status, second.json) == (202, 202, first.json)
    assert len(ready.uploads.files) == 1


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_a_length(ready: Client, key: str) -> None:
    assert ready.send("POST", "/runs", headers={"Idempotency-Key": key}).status == 422
