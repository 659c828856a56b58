"""The message that asks for one district's sync."""

import pytest

from roster_sync.messaging.sync_requests import SyncRequest
from tests.support.builders import DISTRICT, RUN


def test_a_request_arrives_as_it_was_sent() -> None:
    request = SyncRequest(DISTRICT, RUN)

    assert SyncRequest.from_json(request.to_json()) == request


def test_a_request_says_its_version() -> None:
    body = SyncRequest(DISTRICT, RUN).to_json()

    assert body == '{"district_id":"springfield","run_id":"20261124T090000Z-nightly","version":1}'


def test_a_request_of_an_unknown_version_is_refused() -> None:
    body = SyncRequest(DISTRICT, RUN).to_json().replace('"version":1', '"version":99')

    with pytest.raises(ValueError, match="99"):
        SyncRequest.from_json(body)


@pytest.mark.parametrize("body", ["", "{}", '{"version":1,"run_id":"r"}'])
def test_what_is_no_request_is_refused(body: str) -> None:
    with pytest.raises((KeyError, ValueError)):
        SyncRequest.from_json(body)
