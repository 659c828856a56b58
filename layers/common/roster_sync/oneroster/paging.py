"""How a collection is read page by page until it has provably ended.

Pages advance by the number of records received: a provider may give fewer than asked for, on any page.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.record import RawRecord
from roster_sync.oneroster.records import JsonRecordReader

_READER: Final = JsonRecordReader()
MOST_RECORDS: Final = 20_000_000
"""More than any district has; a provider that never ends is stopped here."""
MOST_EMPTY_PAGES: Final = 10
"""So many planned pages in a row without a record, and no more are asked for, whatever total was announced."""
_MOST_DIGITS: Final = 15
# A target and its attributes. No part can be read in two ways: a hostile header must not take long.
_LINK: Final = re.compile(r"<([^<>]*)>([^<]*)")


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


def spans_after(first: Page, total: int) -> Iterator[Span]:
    """What is left after the first page, in steps of what the provider gave for it."""
    step = len(first.raw_records)
    if step:
        for offset in range(first.end, total, step):
            yield Span(offset, min(step, total - offset))


def gap_after(page: Page, span: Span) -> Span | None:
    """The rest of a span of which the provider gave only a part; None if it is complete or nothing more comes."""
    missing = span.offset + span.limit - page.end
    return Span(page.end, missing) if missing > 0 and page.raw_records else None


class Progress:
    """What has come of one collection so far."""

    def __init__(self) -> None:
        self.announced: int | None = None
        self._total_changed = False
        self._received = 0
        self._linked = False
        self._finished = False

    def add(self, page: Page) -> None:
        """Note the next page, in order of offset."""
        if page.total is not None:
            self._total_changed |= self.announced is not None and self.announced != page.total
            self.announced = page.total if self.announced is None else self.announced
        self._received += len(page.raw_records)
        self._linked |= page.next_offset is not None

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
        elif self.announced is None and distinct != self._received:
            reason = (
                f"The provider announces no total, and of {self._received} records only {distinct} were different: "
                "others may be missing."
            )
        return FetchProof(whole=reason is None, reason=reason, announced=self.announced, received=distinct)
