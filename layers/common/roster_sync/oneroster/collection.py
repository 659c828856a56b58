"""Reads one collection from its first page to its proven end, several pages at once."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.oneroster import paging
from roster_sync.oneroster.errors import NotFoundAtProviderError, RequestRefusedError, UnexpectedAnswerError
from roster_sync.oneroster.pace import SMALLEST_PAGE, Pace
from roster_sync.oneroster.paging import Page, Progress, Span
from roster_sync.security.egress import Answer

MOST_RESTARTS: Final = 2
"""So often a collection is read anew because users joined or left meanwhile."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a provider, and how it is asked.

    Attributes:
        host: Of the base URL.
        path: Below the base URL.
        page: One page, by limit and offset; patiently.
        answer: Its answer, unread; patiently, and by several threads at once.
        answer_at_once: Its answer; asked for once, and by several threads at once.
        read: The page that an answer to a request for a limit and an offset holds.
        begin: Told each time before the first page is asked for.
    """

    host: str
    path: str
    page: Callable[[int, int], Page]
    answer: Callable[[int, int], Answer]
    answer_at_once: Callable[[int, int], Answer]
    read: Callable[[Answer, int, int], Page]
    begin: Callable[[], object] = lambda: None


MOST_FAILED_JOINTS: Final = 2
"""So often the second page may not begin with the last record of the first; then the provider takes only multiples of
the limit for an offset."""


class _DriftedError(Exception):
    """Users joined or left while the collection was read, and there is time to read it anew."""

    def __init__(self, begins_with: object) -> None:
        super().__init__()
        self.begins_with = begins_with


class Collection:
    """A collection while it is read.

    Attributes:
        takes_overlap: Whether the provider gives pages from any offset, as far as is known.
    """

    def __init__(self, endpoint: Endpoint, pace: Pace, *, page_size: int, takes_overlap: bool) -> None:
        self._endpoint = endpoint
        self._pace = pace
        self._page_size = page_size
        self._progress: Progress | None = None
        self._begun_s = 0.0
        self._restarts = 0
        self.takes_overlap = takes_overlap

    def proof(self, distinct: int) -> FetchProof:
        """Whether `pages` gave the whole collection, of which `distinct` different sourcedIds came."""
        return self._progress.proof(distinct) if self._progress else paging.NOTHING_READ

    def pages(self) -> Iterator[Page]:
        """Every page, in order; see `OneRosterClient.pages`."""
        first = self._first()
        yield first
        overlap, begins_with, failed_joints = self.takes_overlap, None, 0
        while True:
            self._progress = progress = Progress(first, self._asked(), overlap=overlap, begins_with=begins_with)
            try:
                yield from self._rest(first, progress)
            except (NotFoundAtProviderError, RequestRefusedError):
                if not progress.tries_overlap:
                    raise
                overlap = self.takes_overlap = False
            except _DriftedError as drift:
                if progress.tries_overlap:
                    failed_joints += 1
                    if failed_joints == MOST_FAILED_JOINTS:
                        overlap = False
                        begins_with = drift.begins_with
                else:
                    self._restarts += 1
                first = replace(self._first(), starts_over=True)
                yield first
            else:
                progress.finish()
                self.takes_overlap = overlap or progress.drifted
                return

    def _first(self) -> Page:
        self._begun_s = time.monotonic()
        self._endpoint.begin()
        try:
            return self._endpoint.page(self._page_size, 0)
        except RequestRefusedError as refusal:
            try:
                return self._endpoint.page(self._page_size, 1)
            except RequestRefusedError:
                raise refusal from None

    def _rest(self, first: Page, progress: Progress) -> Iterator[Page]:
        """What comes behind the first page."""
        step, total = len(first.raw_records), progress.total
        if step == 0:
            return
        if step < self._asked() and (total is None or step < total):
            # It may be the last one, a short one, or all that is ever given at once: the next one tells.
            second = self._second(first, progress)
            step = max(step, len(second.raw_records))
            new = self._added(progress, second)
            if new.raw_records:
                yield new
            elif total is None:
                yield from self._behind_the_end(first, step, progress)
                return
        if step < SMALLEST_PAGE:
            progress.step_without_overlap()
        if total is not None:
            yield from self._to_total(step, progress, total)
            # A total may be too low, or only the count of a page.
            behind = None if progress.end < total else self._behind(first, progress, progress.overlap)
            if not behind:
                return
            yield behind
        yield from self._until_the_end(first, step, progress)

    def _second(self, first: Page, progress: Progress) -> Page:
        limit, offset = self._asked(), progress.end - progress.overlap + progress.origin
        nothing = Page([], offset, None)
        try:
            second = self._endpoint.page(limit, offset)
        except (ConfigurationError, TransientError) as error:
            if progress.total is None and self._is_behind_the_end(error, progress):
                return nothing
            raise
        # Without overlap, all that it has, whatever is asked for.
        return nothing if not progress.overlap and second.repeats(first) else second

    def _to_total(self, step: int, progress: Progress, total: int) -> Iterator[Page]:
        """The pages up to the total, as far as they come."""
        empty_pages = 0
        with closing(self._ahead(step, progress, total)) as ahead:
            for span, came in ahead:
                new = self._added(progress, came)
                yield new
                if came.raw_records:
                    empty_pages = 0
                    end = min(span.end, total + progress.origin)
                    yield from self._filled(progress, end)
                    if progress.overlap and progress.gap_before(end):
                        # It has ended before its total.
                        return
                else:
                    empty_pages += 1
                    if empty_pages == paging.MOST_EMPTY_PAGES:
                        return
        if not empty_pages:
            yield from self._filled(progress, total + progress.origin)

    def _filled(self, progress: Progress, end: int) -> Iterator[Page]:
        """What is still missing of the records before an offset, as far as it comes."""
        while gap := progress.gap_before(end):
            new = self._added(progress, self._endpoint.page(gap.limit, gap.offset))
            if not new.raw_records:
                return
            yield new

    def _behind(self, first: Page, progress: Progress, overlap: int) -> Page | None:
        """What comes behind what seems to be the last record; None if nothing does, as far as the provider tells."""
        offset = progress.end - overlap + progress.origin
        limit = max(len(first.raw_records), SMALLEST_PAGE)
        try:
            # Once only: many answer with an error behind the end.
            page = self._endpoint.read(self._endpoint.answer_at_once(limit, offset), limit, offset)
        except ConfigurationError:
            return None
        except TransientError:
            if overlap == progress.overlap:
                return None
            # It says nothing; the last record, which is there, is given again, with what follows it if anything does.
            page = self._endpoint.page(limit, offset - progress.overlap)
        if overlap and len(first.raw_records) > 1 and page.repeats(first):
            # It takes only multiples of the limit for an offset: this page says nothing of what is behind.
            return self._behind(first, progress, 0)
        if progress.holds(page) or page.repeats(first):
            return None
        progress.total = None
        return self._added(progress, page)

    def _until_the_end(self, first: Page, step: int, progress: Progress) -> Iterator[Page]:
        """Pages as long as they bring records; those behind them are asked for before it is known whether they are."""
        before = first
        with closing(self._ahead(step, progress, None)) as ahead:
            try:
                for span, came in ahead:
                    if not progress.overlap and came.raw_records and came.repeats(before):
                        if len(before.raw_records) != step or step != self._asked():
                            # It gives all that it has, whatever is asked for.
                            return
                        raise self._endless("the same page of")
                    before = came
                    new = self._added(progress, came)
                    if new.raw_records:
                        yield new
                        yield from self._filled(progress, span.end)
                    if progress.gap_before(span.end):
                        break
                else:
                    raise self._endless(f"more than {paging.MOST_RECORDS} records of")
            except (ConfigurationError, TransientError) as error:
                if not self._is_behind_the_end(error, progress):
                    raise
                return
        yield from self._behind_the_end(first, step, progress)

    def _behind_the_end(self, first: Page, step: int, progress: Progress) -> Iterator[Page]:
        """Nothing, unless the page that brought nothing new was only a short one; then the rest."""
        if progress.overlap and (behind := self._behind(first, progress, 0)):
            yield behind
            yield from self._until_the_end(first, step, progress)

    def _endless(self, what: str) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            f"{self._endpoint.host} gives {what} /{self._endpoint.path} again and again. Ask the provider to repair "
            "the parameter offset."
        )

    def _asked(self) -> int:
        return min(self._page_size, self._pace.largest_page)

    def _is_behind_the_end(self, error: ConfigurationError | TransientError, progress: Progress) -> bool:
        """Whether an error may be one of those that some give instead of an empty page."""
        if progress.overlap:
            return False
        return progress.end == progress.announced or isinstance(error, NotFoundAtProviderError | RequestRefusedError)

    def _added(self, progress: Progress, page: Page) -> Page:
        new = progress.add(page)
        if progress.drifted and self._may_start_over(progress):
            raise _DriftedError(progress.next_begins_with(page))
        return new

    def _may_start_over(self, progress: Progress) -> bool:
        if progress.tries_overlap:
            return True
        elapsed_s = time.monotonic() - self._begun_s
        share_left = progress.total / progress.end if progress.total else 2
        return self._restarts < MOST_RESTARTS and self._pace.has_time_for(elapsed_s * share_left)

    def _ahead(self, step: int, progress: Progress, total: int | None) -> Generator[tuple[Span, Page]]:
        """The pages up to a total, else without end, in order; `most` are asked for at once.

        Only where all of them are known to be there, each is asked for until it comes.
        """
        spans = progress.spans(step, lambda: self._pace.largest_page, total)
        ask = self._endpoint.answer_at_once if total is None else self._endpoint.answer
        under_way: deque[tuple[Span, Future[Answer]]] = deque()
        stopped = threading.Event()

        def fetch(span: Span) -> Answer:
            if stopped.is_set():
                raise CancelledError
            return ask(span.limit, span.offset)

        workers = ThreadPoolExecutor(self._pace.most, thread_name_prefix="oneroster")
        try:
            while True:
                for span in islice(spans, self._pace.most - len(under_way)):
                    under_way.append((span, workers.submit(fetch, span)))
                if not under_way:
                    return
                span, future = under_way.popleft()
                page = self._awaited(span, future, again=total is None)
                del future
                if progress.gap_before(span.end):
                    yield span, page
        finally:
            stopped.set()
            workers.shutdown(wait=False, cancel_futures=True)

    def _awaited(self, span: Span, future: Future[Answer], *, again: bool) -> Page:
        try:
            answer = future.result()
        except TransientError:
            if not again:
                raise
            return self._endpoint.page(span.limit, span.offset)
        # Read by the thread that gives the pages, not by the workers: bytes read ahead take a fraction of the memory,
        # and parsing holds the interpreter's lock anyway.
        try:
            return self._endpoint.read(answer, span.limit, span.offset)
        except TransientError:
            return self._endpoint.page(span.limit, span.offset)
