"""What the sync needs of a provider's client."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from roster_sync.domain.district import Settings
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.journal import Journal
from roster_sync.domain.record import RawRecord, RecordReader

NO_USERS: Final = "The provider sent no users at all. Check in the SIS that it shares users with this system."
"""The reason of a run to which nobody came."""


class ProviderFailedError(Exception):
    """The provider's data cannot be had; the text is the run's reason."""

    requests_made = 0


class Page(Protocol):
    """Some records of a collection."""

    @property
    def raw_records(self) -> Sequence[RawRecord]:
        """As the provider sent them."""

    @property
    def records(self) -> Sequence[object]:
        """The same, read."""

    @property
    def starts_over(self) -> bool:
        """Whether it is the first page again: what came of the collection before is to be forgotten."""

    @property
    def total(self) -> int | None:
        """The provider's count of the whole collection; None if it gives none."""


class Provider(Protocol):
    """A OneRoster provider, signed in to.

    Each method raises a ConfigurationError (the administrator must act) or a TransientError (the provider failed,
    retries included), whose text is fit for the run.
    """

    @property
    def reader(self) -> RecordReader:
        """Reads one raw record."""

    @property
    def requests_made(self) -> int:
        """Requests so far, retries included."""

    def remember(self, journal: Journal) -> None:
        """Let `pages` take what the journal has from it, and note there what it has not."""

    def pages(self, endpoint: str, filter: str | None = None) -> Iterator[Page]:  # noqa: A002  # OneRoster's name
        """Every page of a collection in order, for example `users`; a filter may be honoured or not."""

    def page(self, endpoint: str, *, limit: int, offset: int, filter: str | None = None) -> Page:  # noqa: A002
        """One page of a collection."""

    def proof(self, distinct: int) -> FetchProof:
        """What the last complete iteration of `pages` can vouch for, given how many distinct records came."""

    def close(self) -> None:
        """Give connections back."""


OpenProvider = Callable[[Settings], Provider]
"""Opens the provider of a district's settings."""
