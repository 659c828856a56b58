"""The same request twice starts one thing: what the header `Idempotency-Key` promises for a day."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, TypeVar

from aws_lambda_powertools.event_handler.openapi.params import Header
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from roster_sync.api.services import Services
from roster_sync.domain.beginning import Beginning
from roster_sync.domain.errors import ConfigurationError, ConflictError, RosterSyncError
from roster_sync.domain.identifiers import DistrictId

T = TypeVar("T")

UNDER_WAY: Final = timedelta(seconds=30)
"""No request lasts longer."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Chosen by the client, for instance a UUID. Within 24 hours the same request with the same key "
        "starts nothing new and is answered with what the first one started; another request with it is refused (422).",
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that starts something, and the key that came with it."""

    district_id: DistrictId
    key: str | None
    event: APIGatewayProxyEvent

    @property
    def digest(self) -> str:
        """Of all that a repetition must have in common."""
        parts = (self.event.http_method, self.event.path, self.event.body or "")
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def once(
    asked: Asked, services: Services, *, start: Callable[[Beginning], T], started: Callable[[Beginning], T | None]
) -> T:
    """What `start` answers; with a key that was used before, what `started` finds of that beginning.

    A request that was refused or failed started nothing, so its key is as good as new.

    Raises:
        ConfigurationError: The key came with another request before.
        ConflictError: The first request with this key is still under way.
    """
    new = Beginning(services.clock(), services.nonce(), asked.digest)
    if asked.key is None:
        return start(new)
    first = services.beginnings.keep(asked.district_id, asked.key, new)
    if first != new:
        if first.digest != new.digest:
            raise ConfigurationError("This Idempotency-Key came with another request before. Send a new key.")
        known = started(first)
        if known is not None:
            return known
        if new.at < first.at + UNDER_WAY:
            raise ConflictError("The first request with this Idempotency-Key is under way. Try again in half a minute.")
        # It died before it had started anything.
        services.beginnings.replace(asked.district_id, asked.key, new)
    try:
        return start(new)
    except RosterSyncError:
        services.beginnings.forget(asked.district_id, asked.key, new.at)
        raise
