"""What a probe needs of a provider's client."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from roster_sync.domain.errors import RosterSyncError
from roster_sync.domain.sign_in import SignIn


class ProbedPage(Protocol):
    """Some records of a collection."""

    @property
    def raw_records(self) -> Sequence[object]:
        """As the provider sent them, unread."""

    def head(self, most: int) -> Sequence[object]:
        """The first records, read: there may be far more than were asked for."""

    @property
    def total(self) -> int | None:
        """The provider's count of the whole collection; None if it gives none."""

    @property
    def linked(self) -> bool:
        """Whether the provider links to a next page."""

    @property
    def starts_over(self) -> bool:
        """Whether the collection is read anew from here: what came of it before does not count."""


class ProbedProvider(Protocol):
    """A OneRoster provider, signed in to; its errors are RosterSyncErrors with a cause and a remedy."""

    @property
    def sign_in(self) -> SignIn | None:
        """The way to sign in that it took; None before it took one."""

    @property
    def requests_made(self) -> int:
        """Requests so far, those tried again included."""

    @property
    def clock_ahead_s(self) -> float | None:
        """How far the provider's clock was ahead of ours at its last answer; None if it did not tell."""

    def page(self, endpoint: str, *, limit: int, offset: int) -> ProbedPage:
        """One page of a collection."""

    def pages(self, endpoint: str) -> Iterator[ProbedPage]:
        """Every page of a collection, in order."""

    def ask(
        self, endpoint: str, *, limit: int, offset: int = 0, descending: bool = False, condition: str | None = None
    ) -> ProbedPage:
        """What comes of one request, sent once; by several threads at a time."""

    def close(self) -> None:
        """Give connections back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderErrors:
    """The types of a provider's errors that a probe tells apart.

    Attributes:
        signature_refused: Blames key or secret.
        forbidden: The key may not read this.
        missing: There is no such endpoint.
        request_refused: A parameter is not taken.
        throttled: The provider asks for a pause.
    """

    signature_refused: type[RosterSyncError]
    forbidden: type[RosterSyncError]
    missing: type[RosterSyncError]
    request_refused: type[RosterSyncError]
    throttled: type[RosterSyncError]
