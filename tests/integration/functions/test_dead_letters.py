"""Messages that were given up: through the handler, over what is deployed in memory."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from functions.dead_letters import app
from functions.fetch import app as fetch
from functions.upsert import app as upsert
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import RunKind, RunState
from roster_sync.messaging.sync_requests import SyncRequest
from tests.support.builders import DISTRICT, RUN
from tests.support.deployed import Context, Night, event_of, failures, items, sqs_event
from tests.support.events import EVENTS
from tests.support.nights import a_record
from tests.support.provider import KEY, SECRET, ScriptedProvider, collection

GOOD = {
    "orgs": collection([{"sourcedId": "org-1", "name": "Elementary", "type": "school"}], wrapper="orgs"),
    "users": collection([a_record("S-1", email="lisa@example.org"), a_record("S-2", givenName="Bartholomew")]),
}
REQUEST = SyncRequest(DISTRICT, RUN).to_json()


def fetched(night: Night) -> str:
    """The chunk of a run that was fetched, which nobody has applied."""
    with ScriptedProvider(GOOD) as provider:
        night.enter_district(base_url=provider.base_url, consumer_key=KEY, secret=SECRET)
        night.queued_run()
        fetch.handler(sqs_event(REQUEST), Context())
    # Until a chunk is given up, five tries pass.
    night.districts.renew(DISTRICT, RUN, datetime.now(UTC))
    (message,) = night.messages("UserChangesQueue")
    body: str = message["Body"]
    return body


def given_up(*bodies: str) -> list[str]:
    """Ids of the messages that stay in the dead-letter queue, which are their places."""
    return failures(app.handler(sqs_event(*bodies), Context()))


def redrive() -> object:
    return app.handler({"district_id": DISTRICT, "run_id": RUN}, Context())


def test_a_chunk_that_was_given_up_is_kept_and_a_redrive_applies_it_once(night: Night) -> None:
    chunk = fetched(night)

    stay = given_up(chunk, chunk)
    failed, issues = night.run(), night.issues(night.run())
    answer = redrive()
    sent = night.messages("UserChangesQueue")
    for message in sent * 2:
        upsert.handler(sqs_event(message["Body"]), Context())

    assert stay == []
    assert (failed.state, failed.chunks_failed, issues) == (RunState.FAILED, 1, [("work_not_done", None)])
    assert answer == {"run_id": RUN, "state": "applying"}
    assert [(message["Body"], message["Attributes"]["MessageGroupId"]) for message in sent] == [(chunk, DISTRICT)]
    assert (night.run().state, night.run().counts.created, len(items("UsersTable"))) == (RunState.COMPLETED, 2, 2)
    assert night.holder() is None


def test_a_sync_request_that_was_given_up_ends_its_run_and_a_redrive_asks_again(night: Night) -> None:
    night.queued_run()

    stay = given_up(REQUEST)
    failed = night.run()
    answer = redrive()

    (message,) = night.messages("SyncRequestsQueue")
    assert (stay, failed.state) == ([], RunState.FAILED)
    assert answer == {"run_id": RUN, "state": "queued"}
    assert message["Body"] == REQUEST


def test_a_redrive_of_a_run_that_lacks_nothing_is_refused_with_a_sentence_and_is_no_failure(night: Night) -> None:
    unknown = redrive()
    night.queued_run(state=RunState.COMPLETED)

    assert unknown == {
        "run_id": RUN,
        "refused": "There is no such run. Runs are kept for 90 days; load the list of runs again.",
    }
    assert redrive() == {
        "run_id": RUN,
        "refused": "Nothing of this run waits to be tried again. Sync again, or upload the file again.",
    }


def test_an_upload_that_was_given_up_ends_its_run(night: Night) -> None:
    arrival = json.loads((EVENTS / "import_users.json").read_text())
    northfield, run_id = DistrictId("northfield"), RunId("20261124T142005Z-upload-3f9ac2d1")
    night.queued_run(district_id=northfield, run_id=run_id, kind=RunKind.UPLOAD)

    stay = given_up(json.dumps({"requestPayload": arrival}))

    run = night.run(northfield, run_id)
    assert (stay, run.state) == ([], RunState.FAILED)
    assert "Upload the file again." in (run.reason or "")


def test_the_event_under_events_is_of_a_district_that_has_no_such_run(night: Night) -> None:
    assert app.handler(event_of("dead_letters"), Context()) == {"batchItemFailures": []}
    assert items("SyncRunsTable") == []


def test_what_cannot_be_read_stays_in_its_queue_and_its_neighbour_does_not(night: Night) -> None:
    night.queued_run()

    assert given_up("not json", REQUEST) == ["0"]
    assert night.run().state is RunState.FAILED
    with pytest.raises(BatchProcessingError):
        given_up("{}")


def test_what_is_kept_is_counted_and_logged_with_ids_alone(
    night: Night, log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    chunk = fetched(night)
    capsys.readouterr()

    given_up(chunk, chunk)

    written = log.getvalue() + (out := capsys.readouterr().out)
    (counted,) = [json.loads(line) for line in out.splitlines() if "_aws" in line]
    lines = [json.loads(line) for line in log.getvalue().splitlines() if "Read a dead letter" in line]
    assert (counted["DeadLettersKept"], counted["RunsFailed"]) == ([1], [1])
    assert [(line["run_id"], line["kept"], line.get("ended")) for line in lines] == [
        (RUN, True, "failed"),
        (RUN, False, None),
    ]
    for private in ("lisa@example.org", "Bartholomew", "S-1", SECRET):
        assert private not in written
