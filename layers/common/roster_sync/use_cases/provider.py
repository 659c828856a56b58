"""What the sync needs of a provider's client."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from roster_sync.domain.district import Settings
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.record import RawRecord, RecordReader


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

    def pages(self, endpoint: str) -> Iterator[Page]:
        """Every page of a collection in order, for example `users`."""

    def proof(self, distinct: int) -> FetchProof:
        """What the last complete iteration of `pages` can vouch for, given how many distinct records came."""

    def close(self) -> None:
        """Give connections back."""


OpenProvider = Callable[[Settings], Provider]
"""Opens the provider of a district's settings."""
