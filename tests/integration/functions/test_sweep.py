"""Runs that died are found: through the handler, over what is deployed in memory."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from functions.fetch import app as fetch
from functions.sweep import app
from functions.upsert import app as upsert
from roster_sync.domain.identifiers import RunId
from roster_sync.domain.run import RunState
from roster_sync.messaging.sync_requests import SyncRequest
from tests.support.builders import DISTRICT
from tests.support.deployed import Context, Night, event_of
from tests.support.nights import a_record
from tests.support.provider import KEY, SECRET, ScriptedProvider, collection

GOOD = {
    "orgs": collection([{"sourcedId": "org-1", "name": "Elementary", "type": "school"}], wrapper="orgs"),
    "users": collection([a_record("S-1"), a_record("S-2")]),
}
AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
RUN = RunId(f"{AN_HOUR_AGO:%Y%m%dT%H%M%SZ}-nightly")


def swept() -> dict[str, int]:
    answer: dict[str, int] = app.handler(event_of("sweep"), Context())
    return answer


def test_a_night_whose_sync_request_was_lost_ends_completed_all_the_same(night: Night) -> None:
    with ScriptedProvider(GOOD) as provider:
        night.enter_district(base_url=provider.base_url, consumer_key=KEY, secret=SECRET)
        night.queued_run(run_id=RUN, created_at=AN_HOUR_AGO)

        answer = swept()
        night.pass_on("SyncRequestsQueue", fetch.handler)
        night.pass_on("UserChangesQueue", upsert.handler)

    assert answer == {"resumed": 1, "ended": 0}
    assert (night.run(run_id=RUN).state, night.run(run_id=RUN).counts.created) == (RunState.COMPLETED, 2)
    assert night.holder() is None


def test_a_run_whose_fetch_died_is_asked_for_again_in_its_district_s_group(night: Night) -> None:
    night.queued_run(run_id=RUN, created_at=AN_HOUR_AGO)
    lease = night.districts.acquire(DISTRICT, RUN, AN_HOUR_AGO, AN_HOUR_AGO + timedelta(minutes=20))
    night.runs.begin_attempt(DISTRICT, RUN, lease.fence, AN_HOUR_AGO)

    swept()

    (message,) = night.messages("SyncRequestsQueue")
    assert SyncRequest.from_json(message["Body"]) == SyncRequest(DISTRICT, RUN)
    assert message["Attributes"]["MessageGroupId"] == DISTRICT


def test_where_all_is_well_nothing_is_sent_or_written(night: Night) -> None:
    night.queued_run(run_id=RUN, state=RunState.COMPLETED)
    now = datetime.now(UTC)
    young = RunId(f"{now:%Y%m%dT%H%M%SZ}-young")
    night.queued_run(run_id=young, created_at=now)
    before = [night.run(run_id=RUN), night.run(run_id=young)]

    answer = swept()

    assert answer == {"resumed": 0, "ended": 0}
    assert [night.run(run_id=RUN), night.run(run_id=young)] == before
    assert night.messages("SyncRequestsQueue") == []


def test_what_was_done_is_logged_and_counted_with_ids_alone(
    night: Night, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    night.queued_run(run_id=RUN, created_at=AN_HOUR_AGO)
    dead = RunId(RUN.replace("nightly", "upload-1"))
    night.queued_run(run_id=dead, created_at=AN_HOUR_AGO, resumes=2)

    swept()

    logged = [json.loads(line) for line in log.getvalue().splitlines()]
    (counted,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert {(line["message"], line["district_id"], line["run_id"]) for line in logged} == {
        ("Resumed a run", DISTRICT, RUN),
        ("Ended a run", DISTRICT, dead),
    }
    assert (counted["RunsResumed"], counted["RunsFailed"]) == ([1], [1])
