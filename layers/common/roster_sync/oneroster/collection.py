"""Reads one collection from its first page to its proven end, pages in parallel where their places are known."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.oneroster import paging
from roster_sync.oneroster.errors import NotFoundAtProviderError, RequestRefusedError, UnexpectedAnswerError
from roster_sync.oneroster.paging import NoOverlapError, Page, Progress, Span
from roster_sync.security.egress import Answer


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a provider, and how it is asked.

    Attributes:
        host: Of the base URL.
        path: Below the base URL.
        page: One page, by limit and offset; patiently.
        answer: Its answer, unread; patiently, and by several threads at once.
        answer_at_once: Its answer; asked for once.
        read: The page that an answer to a request for an offset holds.
    """

    host: str
    path: str
    page: Callable[[int, int], Page]
    answer: Callable[[int, int], Answer]
    answer_at_once: Callable[[int, int], Answer]
    read: Callable[[Answer, int], Page]


class Collection:
    """A collection while it is read.

    Attributes:
        takes_overlap: Whether the provider gives pages from any offset, as far as is known.
    """

    def __init__(self, endpoint: Endpoint, *, page_size: int, parallel: int, takes_overlap: bool) -> None:
        self._endpoint = endpoint
        self._page_size = page_size
        self._parallel = parallel
        self._progress: Progress | None = None
        self.takes_overlap = takes_overlap

    def proof(self, distinct: int) -> FetchProof:
        """Whether `pages` gave the whole collection, of which `distinct` different sourcedIds came."""
        return self._progress.proof(distinct) if self._progress else paging.NOTHING_READ

    def pages(self) -> Iterator[Page]:
        """Every page, in order; see `OneRosterClient.pages`."""
        first = self._endpoint.page(self._page_size, 0)
        self._progress = progress = Progress(first, overlap=self.takes_overlap)
        yield first
        try:
            yield from self._rest(first, progress)
        except (NoOverlapError, RequestRefusedError):
            if not progress.tries_overlap:
                raise
            self.takes_overlap = False
            self._progress = progress = Progress(first, overlap=False)
            yield from self._rest(first, progress)
        progress.finish()

    def _rest(self, first: Page, progress: Progress) -> Iterator[Page]:
        total = paging.believable_total(first, self._page_size)
        if total is None:
            return self._until_the_end(first, progress)
        return self._to_total_and_beyond(first, total, progress)

    def _planned(self, spans: Iterator[Span], progress: Progress) -> Iterator[Page]:
        """Pages whose places are known: in parallel, given in order, the gaps of short ones read after them."""
        empty_pages = 0
        under_way: deque[tuple[Span, Future[Answer]]] = deque()
        stopped = threading.Event()

        def fetch(span: Span) -> Answer:
            if stopped.is_set():
                raise CancelledError
            return self._endpoint.answer(span.limit, span.offset)

        workers = ThreadPoolExecutor(self._parallel, thread_name_prefix="oneroster")
        try:
            while empty_pages < paging.MOST_EMPTY_PAGES:
                for span in islice(spans, self._parallel - len(under_way)):
                    under_way.append((span, workers.submit(fetch, span)))
                if not under_way:
                    return
                span, future = under_way.popleft()
                answer = future.result()
                del future
                # Parsed here, not by the workers: bytes read ahead take a fraction of the memory, and parsing holds
                # the interpreter's lock anyway.
                try:
                    page = self._endpoint.read(answer, span.offset)
                except TransientError:
                    page = self._endpoint.page(span.limit, span.offset)
                del answer
                page = progress.add(page)
                empty_pages = 0 if page.raw_records else empty_pages + 1
                yield page
                gap = paging.gap_after(page, span, progress.overlap)
                while gap:
                    page = progress.add(self._endpoint.page(gap.limit, gap.offset))
                    yield page
                    gap = paging.gap_after(page, gap, progress.overlap)
        finally:
            stopped.set()
            workers.shutdown(wait=False, cancel_futures=True)

    def _to_total_and_beyond(self, first: Page, total: int, progress: Progress) -> Iterator[Page]:
        """The planned pages, and what comes behind them: a total may be too low, or only the count of a page."""
        last = first
        for last in self._planned(paging.spans_after(first, total, progress.overlap), progress):
            yield last
        if last.end != total:
            return
        offset = total - progress.overlap
        try:
            # Once only: many answer with an error behind the end.
            behind = self._endpoint.read(self._endpoint.answer_at_once(self._page_size, offset), offset)
        except (ConfigurationError, TransientError):
            return
        at_the_end = len(behind.raw_records) < self._page_size and progress.ends_like(behind)
        if at_the_end or behind.repeats(first) or behind.repeats(last):
            return
        new = progress.add(behind)
        if new.raw_records:
            yield new
            yield from self._until_the_end(new, progress)

    def _until_the_end(self, first: Page, progress: Progress) -> Iterator[Page]:
        """Pages one after another, as long as they bring records."""
        page = new = first
        while not progress.ends_with(new):
            before, offset = page, new.end - progress.overlap
            try:
                page = self._endpoint.page(self._page_size, offset)
            except (NotFoundAtProviderError, RequestRefusedError):
                # Behind the last record some answer with an error where others give an empty page.
                if offset == progress.announced:
                    return
                raise
            repeated = offset == new.end and page.repeats(before)
            if repeated and first.end == offset > self._page_size:
                # It gives everything at once, whatever is asked for.
                return
            if repeated or offset > paging.MOST_RECORDS:
                raise UnexpectedAnswerError(
                    f"{self._endpoint.host} gives the same page of /{self._endpoint.path} again and again. Ask the "
                    "provider to repair the parameter offset."
                )
            new = progress.add(page)
            yield new
