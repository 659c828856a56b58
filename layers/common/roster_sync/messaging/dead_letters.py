"""What a dead letter asked for: read from its body, whatever queue it comes from."""

from collections.abc import Callable
from typing import Any

import msgspec

from roster_sync.domain.dead_letter import DeadLetter, LetterKind
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.messaging.user_changes import from_json


def read(body: str, upload_of: Callable[[str], tuple[DistrictId, RunId]]) -> DeadLetter:
    """Read a message that was given up.

    Args:
        body: Of a SyncRequest, of a chunk of changes, or of a file's arrival: the bucket's event, or what Lambda makes
            of an invocation that failed with it.
        upload_of: District and run that a file's key names; raises ValueError for a key that is none of ours.

    Raises:
        ValueError: It is none of these.
    """
    try:
        message: dict[str, Any] = msgspec.json.decode(body)
        if "changes" in message:
            chunk = from_json(body)
            return DeadLetter(
                kind=LetterKind.CHANGES,
                district_id=chunk.district_id,
                run_id=chunk.run_id,
                body=body,
                attempt=chunk.attempt,
                number=chunk.number,
                changes=len(chunk.changes),
            )
        if "run_id" in message:
            request = SyncRequest.from_json(body)
            return DeadLetter(
                kind=LetterKind.SYNC_REQUEST, district_id=request.district_id, run_id=request.run_id, body=body
            )
        arrival: dict[str, Any] = message.get("requestPayload", message)
        district_id, run_id = upload_of(arrival["detail"]["object"]["key"])
        return DeadLetter(kind=LetterKind.UPLOAD, district_id=district_id, run_id=run_id, body=body)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("This is no message of ours.") from error
