"""The message that asks for a district's deletion to go on."""

from dataclasses import dataclass
from typing import Final, Self

import msgspec

from roster_sync.domain.identifiers import DistrictId
from roster_sync.messaging.bodies import message_of

VERSION: Final = 1
"""Of the message that is sent. The version before it, once there is one, stays readable too."""


@dataclass(frozen=True, slots=True)
class DeletionRequest:
    """Asks for a deletion that is stored already."""

    district_id: DistrictId
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
        message = message_of(body, "DeletionRequest", VERSION)
        return cls(message["district_id"])
