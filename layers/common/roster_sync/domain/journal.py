"""A provider's pages as they came: a fetch that was cut off, or has handed over, reads none of them again.

Whoever goes on is given the same pages in answer to the same requests, and so comes to the same point with the same
proof; from there on it asks the provider.
"""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

_LEVEL: Final = 1
"""Of zlib: a tenth of the size, in a tenth of the time that the best level takes."""
_LOOSE_BYTES: Final = 32_000_000
"""Most fetches end before they have read so much: they need not compress anything, at 5 microseconds a record."""


class Place(NamedTuple):
    """What a page was the answer to.

    Attributes:
        collection: An endpoint with its filter.
        reading: Counts from 1; higher each time that the collection is read from its first page.
    """

    collection: str
    reading: int
    offset: int
    limit: int


class PageContent(msgspec.Struct, frozen=True):
    """One page: its records to the letter."""

    records: Sequence[msgspec.Raw]
    total: int | None = None
    linked: bool = False


class _Part(msgspec.Struct):
    began: datetime
    requests: int
    places: Sequence[Place]
    pages: Sequence[bytes]


class Journal:
    """The pages of one fetch, over all invocations that take part in it.

    Attributes:
        began: When the first of them began to read.
        requests_before: Requests that earlier ones have made.
        keeps_all: Whether much is kept as well as little. While not, a provider that gives much at once is soon read:
            what came is let go, and would be asked for again.
    """

    def __init__(self, began: datetime, parts: Sequence[bytes] = ()) -> None:
        """Begin, or go on from all parts that were saved, in order."""
        self.began = began
        self.requests_before = 0
        self.keeps_all = bool(parts)
        self._known: dict[Place, bytes] = {}
        self._loose: list[tuple[Place, PageContent]] = []
        self._loose_bytes = 0
        self._packed: list[tuple[Place, bytes]] = []
        for content in parts:
            part = msgspec.msgpack.decode(content, type=_Part)
            self.began = min(self.began, part.began)
            self.requests_before = max(self.requests_before, part.requests)
            self._known.update(zip(part.places, part.pages, strict=True))

    @property
    def has_news(self) -> bool:
        """Whether a page has come that is in no part yet."""
        return bool(self._loose or self._packed)

    @property
    def news_bytes(self) -> int:
        """About how large the next part is."""
        return sum(len(content) for _, content in self._packed)

    def has(self, place: Place) -> bool:
        """Whether `recall` gives a page."""
        return place in self._known

    def recall(self, place: Place) -> PageContent | None:
        """The page that came in answer to this request in an earlier invocation; None if none did."""
        packed = self._known.get(place)
        return msgspec.json.decode(zlib.decompress(packed), type=PageContent) if packed else None

    def note(self, place: Place, page: PageContent) -> None:
        """Keep a page that the provider has given."""
        self._loose.append((place, page))
        if page.records:
            # The records of a page are about alike; measuring each would cost more than it tells.
            self._loose_bytes += len(memoryview(page.records[0])) * len(page.records)
        if self._loose_bytes > _LOOSE_BYTES:
            if self.keeps_all:
                self._pack()
            self._loose, self._loose_bytes = [], 0

    def next_part(self, requests: int) -> bytes:
        """What has come since the last part, to be saved; `requests` were made in this invocation so far."""
        self._pack()
        packed, self._packed = self._packed, []
        return msgspec.msgpack.encode(
            _Part(
                self.began,
                self.requests_before + requests,
                [place for place, _ in packed],
                [content for _, content in packed],
            )
        )

    def _pack(self) -> None:
        self._packed += [(place, zlib.compress(msgspec.json.encode(page), _LEVEL)) for place, page in self._loose]
        self._loose, self._loose_bytes = [], 0
