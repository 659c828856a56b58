"""What a measured client is. Standard library only: each client runs in the environment that it is installed in."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

View = dict[str, Any]
"""What its caller gets to know of one user: the record as it came, where the client hands that on; else what it read,
by OneRoster's names, with `active` for what status and enabledUser say; else `issue`, why it was kept out."""


class Client(Protocol):
    """Reads all users of a provider, as a program that uses it would have it do."""

    def pages(self, base_url: str, page_size: int) -> Iterator[Sequence[Any] | None]:
        """Page by page (or all at once, if it knows no pages), the users as the client gives them.

        None where it says that all before is to be forgotten, since it reads them anew.
        """

    def view(self, user: Any) -> View:
        """One of these users."""

    def doubt(self, distinct: int) -> str | None:
        """Why `distinct` different users may not be all; None if it sees no reason, or does not ask."""
