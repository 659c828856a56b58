"""How a collection is read page by page until it has provably ended.

Pages advance by the number of records received: a provider may give fewer than asked for, on any page. Each is asked
for from the last record that came, so that nobody who stays is missed when others join or leave between two pages:
what follows that record in one order is what was behind it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qs, urlsplit

from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.record import RawRecord
from roster_sync.oneroster.pace import SMALLEST_PAGE
from roster_sync.oneroster.records import JsonRecordReader

_READER: Final = JsonRecordReader()
MOST_RECORDS: Final = 20_000_000
"""More than any district has; a provider that never ends is stopped here."""
MOST_EMPTY_PAGES: Final = 10
"""So many planned pages in a row without a record, and no more are asked for, whatever total was announced."""
NOTHING_READ: Final = FetchProof(whole=False, reason="Not every page was read.", announced=None, received=0)
_MOST_DIGITS: Final = 15
# A target and its attributes. No part can be read in two ways: a hostile header must not take long.
_LINK: Final = re.compile(r"<([^<>]*)>([^<]*)")


class NoOverlapError(Exception):
    """The provider gave the first page again: it takes only multiples of the limit for an offset."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it came.

    Attributes:
        raw_records: As they came.
        offset: Records before it.
        total: The provider's count of the whole collection; None if it gives none.
        next_offset: The offset that the provider links to next; None if it links to none.
    """

    raw_records: Sequence[RawRecord]
    offset: int
    total: int | None
    next_offset: int | None = None

    @property
    def records(self) -> list[object]:
        """The records, read; unchecked."""
        return [_READER.read(record) for record in self.raw_records]

    def repeats(self, other: "Page") -> bool:
        """Whether both hold the same records, to the letter."""
        if len(self.raw_records) != len(other.raw_records):
            return False
        return all(
            bytes(ours) == bytes(theirs) for ours, theirs in zip(self.raw_records, other.raw_records, strict=True)
        )

    @property
    def end(self) -> int:
        """The offset behind its last record."""
        return self.offset + len(self.raw_records)


@dataclass(frozen=True, slots=True)
class Span:
    """Records that are asked for with one request."""

    offset: int
    limit: int


def total_of(headers: Mapping[str, str]) -> int | None:
    """X-Total-Count; None if absent or no number."""
    return _number(headers.get("X-Total-Count", ""))


def next_offset_of(headers: Mapping[str, str]) -> int | None:
    """The offset in the Link to the next page; its host, scheme and path are not trusted."""
    for target, attributes in _LINK.findall(headers.get("Link", "")):
        if _is_next(attributes):
            try:
                values = parse_qs(urlsplit(target).query).get("offset", [])
            except ValueError:
                return None
            return _number(values[-1]) if values else None
    return None


def _is_next(attributes: str) -> bool:
    """Whether `next` is among the relations of a link."""
    named = (attribute.partition("=") for attribute in attributes.lower().split(";"))
    return any(name.strip() == "rel" and "next" in value.strip(" \t\"',").split() for name, _, value in named)


def _number(text: str) -> int | None:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else None


def believable_total(first: Page, limit: int) -> int | None:
    """The total by which the other pages can be planned.

    None if there is none, if it is less than what came or more than can be, and if it equals a full first page: some
    providers give the page's count as the total, which must not pass for the end.
    """
    if first.total is None or not first.end <= first.total <= MOST_RECORDS:
        return None
    if first.total == first.end and first.end >= limit:
        return None
    return first.total


def spans_after(first: Page, total: int, overlap: int) -> Iterator[Span]:
    """What is left after the first page, in steps of what the provider gave for it."""
    step = len(first.raw_records)
    if step:
        for offset in range(first.end - overlap, total - overlap, step - overlap):
            yield Span(offset, min(step, total - offset))


def gap_after(page: Page, span: Span, overlap: int) -> Span | None:
    """The rest of a span of which the provider gave only a part; None if it is complete or nothing more comes."""
    missing = span.offset + span.limit - page.end
    return Span(page.end - overlap, missing + overlap) if missing > 0 and page.raw_records else None


class Progress:
    """What has come of one collection so far.

    Attributes:
        announced: The first total that the provider gave.
        overlap: Records already held that each further page begins with: 1, or 0 if the provider
            cannot do that, or a page did not.
        tries_overlap: Whether no page has yet shown that the provider can.
    """

    def __init__(self, first: Page, *, overlap: bool) -> None:
        self.announced = first.total
        self.overlap = int(overlap and len(first.raw_records) >= SMALLEST_PAGE)
        self.tries_overlap = bool(self.overlap)
        self._first = first
        self._last: object = _identity_of(first.raw_records[-1]) if self.overlap else None
        self._received = len(first.raw_records)
        self._linked = first.next_offset is not None
        self._total_changed = False
        self._moved = False
        self._pages = 1
        self._finished = False

    def add(self, page: Page) -> Page:
        """Note the next page, in order of offset; what is left of it without the records already held.

        Raises:
            NoOverlapError: The first page that should overlap is the first page again.
        """
        if page.total is not None:
            self._total_changed |= self.announced is not None and self.announced != page.total
            self.announced = page.total if self.announced is None else self.announced
        self._linked |= page.next_offset is not None
        new = page if self._last is None else self._joined(page)
        self._received += len(new.raw_records)
        self._pages += bool(new.raw_records)
        return new

    def _joined(self, page: Page) -> Page:
        identities = map(_identity_of, page.raw_records)
        position = next((place for place, identity in enumerate(identities) if identity == self._last), None)
        if self.tries_overlap and page.raw_records and _starts_alike(page, self._first):
            raise NoOverlapError
        self.tries_overlap = False
        if page.raw_records:
            self._last = _identity_of(page.raw_records[-1])
        if position != 0:
            self._moved = True
            # Nothing is to be shown any more; without overlap each further request leads on.
            self.overlap = 0
        kept = 0 if position is None else position + 1
        if kept == len(page.raw_records) > 1:
            # All of it is known, and yet it is not the end.
            return page
        return replace(page, raw_records=page.raw_records[kept:], offset=page.offset + kept)

    def ends_like(self, page: Page) -> bool:
        """Whether nothing comes in a page behind the last record held."""
        return not page.raw_records or _identity_of(page.raw_records[-1]) == self._last

    def ends_with(self, page: Page) -> bool:
        """Whether a page read without plan is the last: it is empty, or the first without link after linked ones.

        A link that does not lead on counts as none. While less than an announced total has come, only an empty page
        is an end.
        """
        if not page.raw_records:
            return True
        leads_on = page.next_offset is not None and page.next_offset > page.offset
        return self._linked and not leads_on and (self.announced is None or page.end == self.announced)

    def finish(self) -> None:
        """Note that the collection was read to its end."""
        self._finished = True

    def proof(self, distinct: int) -> FetchProof:
        """Whether as many distinct records came as there must be."""
        reason: str | None = None
        if not self._finished:
            reason = "Not every page was read."
        elif self._total_changed:
            reason = "The provider's total changed while its pages were read."
        elif self.announced is not None and distinct != self.announced:
            reason = f"The provider announced {self.announced} records, {distinct} different ones came."
        elif self._moved:
            reason = "Users joined or left while the provider's pages were read."
        elif self.announced is None and not self.overlap and self._pages > 1:
            reason = "The provider announces no total and takes no offset that would show whether users are missing."
        elif self.announced is None and distinct != self._received:
            reason = (
                f"The provider announces no total, and of {self._received} records only {distinct} were different: "
                "others may be missing."
            )
        return FetchProof(whole=reason is None, reason=reason, announced=self.announced, received=distinct)


def _identity_of(raw_record: RawRecord) -> object:
    """What tells a record from others: its sourcedId, else all of it."""
    record = _READER.read(raw_record)
    sourced_id = record.get("sourcedId") if isinstance(record, Mapping) else None
    return sourced_id or bytes(raw_record)


def _starts_alike(page: Page, other: Page) -> bool:
    return _identity_of(page.raw_records[0]) == _identity_of(other.raw_records[0])
