"""How a collection is read page by page until it has provably ended.

Pages advance by the number of records received: a provider may give fewer than asked for, on any page. Each is asked
for from the last record that came, so that nobody who stays is missed when others join or leave between two pages:
what follows that record in one order is what was behind it. Links are not needed for this, so wrong ones do no harm.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.record import RawRecord
from roster_sync.oneroster.pace import SMALLEST_PAGE
from roster_sync.oneroster.records import JsonRecordReader, Value

_READER: Final = JsonRecordReader()
MOST_RECORDS: Final = 20_000_000
"""More than any district has; a provider that never ends is stopped here."""
MOST_EMPTY_PAGES: Final = 10
"""So many planned pages in a row without a record, and no more are asked for, whatever total was announced."""
NOTHING_READ: Final = FetchProof(whole=False, reason="Not every page was read.", announced=None, received=0)
_TOTAL_HEADERS: Final = ("X-Total-Count", "X-Count")
# Of an answer's object, in lower case and without - and _. A mere "count" is the page's at many.
_TOTAL_KEYS: Final = frozenset({"total", "totalcount", "xtotalcount", "totalrecords", "totalresults"})
_MOST_DIGITS: Final = 15
_NEXT: Final = re.compile(r";\s*rel\s*=\s*[\"']?next\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it came.

    Attributes:
        raw_records: As they came.
        offset: Records before it, by the provider's count.
        total: The provider's count of the whole collection; None if it gives none.
        starts_over: Whether the collection is read anew from here: what came of it before does not count.
        linked: Whether the provider links to a next page; where to is not looked at.
    """

    raw_records: Sequence[RawRecord]
    offset: int
    total: int | None
    starts_over: bool = False
    linked: bool = False

    @property
    def records(self) -> list[object]:
        """The records, read; unchecked."""
        return self.head(len(self.raw_records))

    def head(self, most: int) -> list[object]:
        """The first records, read; unchecked."""
        return [_READER.read(record) for record in self.raw_records[:most]]

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
    """Records that are asked for with one request, by the provider's count."""

    offset: int
    limit: int

    @property
    def end(self) -> int:
        """The offset behind its last record."""
        return self.offset + self.limit


def total_of(headers: Mapping[str, str], content: Mapping[str, Value]) -> int | None:
    """The provider's count of the whole collection, from a header or from the answer's object; None if none is told."""
    told = [headers[name] for name in _TOTAL_HEADERS if name in headers]
    told += [
        bytes(value).decode(errors="replace").strip('"')
        for key, value in content.items()
        if key.lower().translate({ord("-"): None, ord("_"): None}) in _TOTAL_KEYS and not isinstance(value, list)
    ]
    return next((total for total in map(_number, told) if total is not None), None)


def links_on(headers: Mapping[str, str]) -> bool:
    """Whether there is a Link to the next page."""
    return _NEXT.search(headers.get("Link", "")) is not None


def _number(text: str) -> int | None:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else None


def believable_total(first: Page, asked: int) -> int | None:
    """The total by which the other pages can be planned.

    None if there is none, if it is less than what came or more than can be, and if it equals a full first page: some
    providers give the page's count as the total, which must not pass for the end.
    """
    received = len(first.raw_records)
    if first.total is None or not received <= first.total <= MOST_RECORDS:
        return None
    if first.total == received and received >= asked:
        return None
    return first.total


class Progress:
    """What has come of one collection so far.

    Attributes:
        announced: The first total that the provider gave; none if that was 0 beside records.
        total: The same, if pages can be planned by it.
        overlap: Records already held that each further page begins with: 1, or 0 if the provider cannot do that, or a
            page did not.
        tries_overlap: Whether no page has yet shown that the provider can.
        origin: The offset of the first record: 1 if the provider counts from there.
        end: Records so far, repeats included.
        drifted: Whether users joined or left meanwhile, as far as reading anew may help.
    """

    def __init__(self, first: Page, asked: int, *, overlap: bool, begins_with: object = None) -> None:
        """Begin with the first page, for which `asked` records were asked for.

        Args:
            first: At offset 0, or at 1 if the provider counts from there.
            asked: Its limit.
            overlap: Whether the further pages are to begin with a record already held.
            begins_with: Without overlap, what the second page must begin with; whatever it likes if None.
        """
        received = len(first.raw_records)
        self.announced = first.total if first.total or not received else None
        self.total = believable_total(first, asked)
        self.overlap = int(overlap and received > 0 and asked >= SMALLEST_PAGE)
        self.tries_overlap = bool(self.overlap)
        self.origin = first.offset
        self.end = received
        self.drifted = False
        self._first = first
        self._asked = asked
        self._joins = self.tries_overlap
        self._blind = bool(received) and not overlap
        self._begins_with = begins_with
        self._last = identity_of(first.raw_records[-1]) if received else None
        self._received = received
        self._total_changed = False
        self._moved = False
        self._pages = 1
        self._finished = False

    def add(self, page: Page) -> Page:
        """Note the next page, in order of offset; what is left of it without the records already held."""
        page = replace(page, offset=page.offset - self.origin)
        # Behind the last record some announce 0.
        if page.total:
            self.announced = self.announced or page.total
            self._total_changed |= self.announced != page.total
            self.drifted |= self._total_changed and self.total is not None
        new = self._joined(page) if self._joins else page
        if self._begins_with is not None and new.raw_records:
            self._moved |= self._begins_with != identity_of(new.raw_records[0])
            self._begins_with = None
        if new.raw_records:
            self._last = identity_of(new.raw_records[-1])
            self._received += len(new.raw_records)
            self._pages += 1
            self.end = new.end
        return new

    def _joined(self, page: Page) -> Page:
        if not page.raw_records:
            # With a total it is a page that was lost, or the total is too high.
            self._moved = True
            self.drifted |= self.total is None
            return page
        if self.tries_overlap and len(page.raw_records) > self._asked and page.repeats(self._first):
            # It gives everything at once, whatever is asked for.
            return replace(page, raw_records=[])
        identities = map(identity_of, page.raw_records)
        position = next((place for place, identity in enumerate(identities) if identity == self._last), None)
        if self.tries_overlap and position == 1 and self._repeats_two(page):
            self.origin += 1
            page = replace(page, offset=page.offset - 1)
        elif position != self.end - 1 - page.offset:
            self._moved = True
            self.overlap = 0
            # A later page that ends with the last record held is the last one given again: nobody is left out.
            self.drifted |= self.tries_overlap or position != len(page.raw_records) - 1
        kept = 0 if position is None else position + 1
        if self.overlap:
            self.tries_overlap = False
        return replace(page, raw_records=page.raw_records[kept:], offset=page.offset + kept)

    def _repeats_two(self, page: Page) -> bool:
        """Whether a page begins one record early, as it does where offsets count from 1."""
        several = len(self._first.raw_records) > SMALLEST_PAGE
        return several and identity_of(page.raw_records[0]) == identity_of(self._first.raw_records[-2])

    def next_begins_with(self, joint: Page) -> object:
        """What the second page must begin with without overlap, after a joint that failed; None if that is not known.

        A provider that takes the next multiple of the limit for an offset gives the same page for both.
        """
        begins_with = identity_of(joint.raw_records[0]) if joint.raw_records else None
        return None if begins_with == identity_of(self._first.raw_records[0]) else begins_with

    def holds(self, page: Page) -> bool:
        """Whether nothing comes in a page behind the last record held."""
        return not page.raw_records or identity_of(page.raw_records[-1]) == self._last

    def spans(self, step: int, largest: Callable[[], int], total: int | None) -> Iterator[Span]:
        """Where the next pages are asked for, the last one beyond the total; without end if none is given.

        Args:
            step: Records that the provider gives a page.
            largest: The most to ask for, of each page anew.
            total: Where to end.
        """
        # As they are now: a provider found to count from 1 is so with the second page, which begins one early.
        index, overlap, origin = self.end - self.overlap, self.overlap, self.origin
        while index < (MOST_RECORDS if total is None else total) - overlap:
            limit = min(step, largest())
            yield Span(index + origin, limit)
            index += limit - overlap

    def gap_before(self, end: int) -> Span | None:
        """What is still missing of the records before an offset; None if nothing is."""
        missing = end - self.origin - self.end
        return Span(self.end - self.overlap + self.origin, missing + self.overlap) if missing > 0 else None

    def step_without_overlap(self) -> None:
        """Ask for records already held no more: pages of one record would not lead on."""
        self.overlap = 0
        self._joins = False

    def finish(self) -> None:
        """Note that the collection was read to its end."""
        self._finished = True

    def proof(self, distinct: int) -> FetchProof:
        """Whether as many distinct records came as there must be."""
        return FetchProof(
            whole=(reason := self._doubt(distinct)) is None, reason=reason, announced=self.announced, received=distinct
        )

    def _doubt(self, distinct: int) -> str | None:
        if not self._finished:
            return NOTHING_READ.reason
        if self._total_changed:
            return "The provider's total changed while its pages were read."
        if self.announced is not None and distinct != self.announced:
            return f"The provider announced {self.announced} records, {distinct} different ones came."
        if self._moved:
            return "Users joined or left while the provider's pages were read, or it gives them in no fixed order."
        if self.announced is not None and self.total is not None:
            return None
        if (self._blind and len(self._first.raw_records) <= self._asked) or (self._pages > 1 and not self.overlap):
            return (
                "The provider announces no total to rely on, and takes no offset that would show whether users are "
                "missing."
            )
        if distinct != self._received:
            return (
                f"The provider announces no total to rely on, and of {self._received} records only {distinct} were "
                "different: others may be missing."
            )
        return None


def identity_of(raw_record: RawRecord) -> object:
    """What tells a record from others: its sourcedId, else all of it."""
    if known := _READER.sourced_id(raw_record):
        return known
    record = _READER.read(raw_record)
    sourced_id = record.get("sourcedId") if isinstance(record, Mapping) else None
    return sourced_id or bytes(raw_record)
