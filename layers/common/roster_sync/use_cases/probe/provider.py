"""What a probe needs of a provider's client."""

from collections.abc import Iterator, Sequence
from typing import Protocol


class ProbedPage(Protocol):
    """Some records of a collection."""

    @property
    def records(self) -> Sequence[object]:
        """As the provider sent them."""

    @property
    def total(self) -> int | None:
        """The provider's count of the whole collection; None if it gives none."""


class ProbedProvider(Protocol):
    """A OneRoster provider, signed in to; its errors are RosterSyncErrors with a cause and a remedy."""

    def page(self, endpoint: str, *, limit: int, offset: int) -> ProbedPage:
        """One page of a collection."""

    def pages(self, endpoint: str) -> Iterator[ProbedPage]:
        """Every page of a collection, in order."""

    def close(self) -> None:
        """Give connections back."""
