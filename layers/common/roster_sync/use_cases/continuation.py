"""How a fetch that takes longer than one invocation goes on in the next: by its journal and a message to itself."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from roster_sync.domain.errors import TransientError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.journal import Journal
from roster_sync.use_cases.provider import Provider, ProviderFailedError

MOST_READING: Final = timedelta(hours=3)
"""In all. A provider that takes longer does not answer as it should, and what came first is no longer true."""

_BETWEEN_PARTS: Final = timedelta(minutes=1)
"""Most fetches are over by then, and keep nothing."""
_PART_BYTES: Final = 16_000_000
_LONG: Final = timedelta(seconds=30)
"""Who has read for so long may have to hand over."""


class HandedOverError(Exception):
    """The time of this invocation is over; the journal is saved."""


class CheckpointStore(Protocol):
    """Where journals are kept, by district and run, for a day at most."""

    def save(self, district_id: DistrictId, run_id: RunId, name: str, content: bytes) -> None:
        """Keep a part; the same name replaces.

        Raises:
            TransientError: It was not kept.
        """

    def load(self, district_id: DistrictId, run_id: RunId, prefix: str) -> list[bytes]:
        """The parts whose names begin so, by name.

        Raises:
            TransientError: They cannot be had now.
        """

    def forget(self, district_id: DistrictId, run_id: RunId) -> None:
        """Delete all parts of a run.

        Raises:
            TransientError: Some may be left.
        """


@dataclass(slots=True)
class Continuation:
    """The journal of one invocation, and when to save it.

    Attributes:
        prefix: Of the names of parts that this fetch may go on from: other settings are another provider.
        attempt: Names this invocation's parts.
        deadline: When it must hand over.
    """

    district_id: DistrictId
    run_id: RunId
    prefix: str
    attempt: int
    store: CheckpointStore
    clock: Callable[[], datetime]
    deadline: datetime
    journal: Journal
    saved_at: datetime
    parts: int = 0

    def page_came(self, provider: Provider) -> None:
        """Save the journal now and then.

        Raises:
            HandedOverError: Another invocation must go on.
            ProviderFailedError: The time for reading is over for good.
            TransientError: The journal was not saved.
        """
        now = self.clock()
        if now - self.journal.began > MOST_READING:
            raise ProviderFailedError(
                "The provider answers so slowly that the users could not be read in time. Try a larger page size, or "
                "ask the vendor of the SIS."
            )
        self.journal.keeps_all |= now - self.saved_at > _LONG
        # Whoever has got nothing new yet would hand over for ever.
        over = now > self.deadline and self.journal.has_news
        if over or now - self.saved_at > _BETWEEN_PARTS or self.journal.news_bytes > _PART_BYTES:
            self.parts += 1
            self.saved_at = now
            name = f"{self.prefix}{self.attempt:04d}-{self.parts:04d}"
            self.store.save(self.district_id, self.run_id, name, self.journal.next_part(provider.requests_made))
        if over:
            raise HandedOverError

    def forget(self) -> None:
        """Delete what was saved, once nobody needs it any more; what cannot be deleted now expires."""
        if self.parts or self.journal.requests_before:
            with suppress(TransientError):
                self.store.forget(self.district_id, self.run_id)
