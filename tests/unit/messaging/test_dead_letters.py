import json
from typing import Any

import pytest

from roster_sync.domain.dead_letter import DeadLetter, LetterKind
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.messaging.dead_letters import read
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.messaging.user_changes import to_json
from roster_sync.storage.uploads import upload_of
from tests.support.builders import DISTRICT, RUN, a_change, a_chunk
from tests.support.events import EVENTS

ARRIVAL: dict[str, Any] = json.loads((EVENTS / "import_users.json").read_text())


def test_a_sync_request_is_read() -> None:
    body = SyncRequest(DISTRICT, RUN).to_json()

    assert read(body, upload_of) == DeadLetter(
        kind=LetterKind.SYNC_REQUEST, district_id=DISTRICT, run_id=RUN, body=body
    )


def test_a_chunk_is_read_with_its_number() -> None:
    body = to_json(a_chunk([a_change()] * 3, attempt=2, number=7))

    assert read(body, upload_of) == DeadLetter(
        kind=LetterKind.CHANGES, district_id=DISTRICT, run_id=RUN, body=body, attempt=2, number=7, changes=3
    )


@pytest.mark.parametrize("message", [ARRIVAL, {"version": "1.0", "requestPayload": ARRIVAL, "responsePayload": {}}])
def test_a_file_s_arrival_is_read_undelivered_and_as_lambda_reports_it(message: dict[str, Any]) -> None:
    body = json.dumps(message)

    assert read(body, upload_of) == DeadLetter(
        kind=LetterKind.UPLOAD,
        district_id=DistrictId("northfield"),
        run_id=RunId("20261124T142005Z-upload-3f9ac2d1"),
        body=body,
    )


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        "7",
        "{}",
        '{"version": 99, "district_id": "d", "run_id": "r"}',
        '{"version": 1, "changes": null}',
        '{"detail": {"object": {"key": "elsewhere"}}}',
    ],
)
def test_what_is_no_message_of_ours_is_refused(body: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's, ours and Python's own
        read(body, upload_of)
