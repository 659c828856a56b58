"""The message that asks for one district's sync."""

from dataclasses import dataclass
from typing import Final, Self

import msgspec

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.messaging.bodies import message_of

VERSION: Final = 1
"""Of the message that is sent. The version before it, once there is one, stays readable too."""


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """Asks for a run that exists already."""

    district_id: DistrictId
    run_id: RunId
    version: int = VERSION

    def to_json(self) -> str:
        """The message's body."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, body: str) -> Self:
        """Read a body.

        Raises:
            ValueError: Its version is not known.
        """
        message = message_of(body, "SyncRequest", VERSION)
        return cls(message["district_id"], message["run_id"])
