"""Reads collections from a provider's OneRoster 1.1 API."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from typing import Final, TypeVar
from urllib.parse import quote

from msgspec import Raw

from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.oneroster import paging
from roster_sync.oneroster.address import host_of
from roster_sync.oneroster.auth import Signer, encode_query
from roster_sync.oneroster.errors import (
    ClockSkewError,
    GatewayError,
    NotFoundAtProviderError,
    RequestRefusedError,
    SignatureRefusedError,
    TruncatedError,
    UnexpectedAnswerError,
    error_of_answer,
)
from roster_sync.oneroster.paging import NoOverlapError, Page, Progress, Span
from roster_sync.oneroster.records import (
    BrokenJsonError,
    JsonRecordReader,
    NoJsonError,
    Value,
    content_of,
    kind_of,
    records_in,
)
from roster_sync.oneroster.retry import RetryPolicy, seconds_of_retry_after, with_retries
from roster_sync.security.egress import Answer, Egress, TimedOutError

__all__ = ["OneRosterClient", "Page"]

_T = TypeVar("_T")

_SORTED: Final = {"sort": "sourcedId", "orderBy": "asc"}
_DEFAULT_POLICY: Final = RetryPolicy()
# Wrappers other than the endpoint's own name.
_WRAPPERS: Final = {"students": "users", "teachers": "users", "schools": "orgs"}
# Lists that tell of failures, not records.
_NO_WRAPPERS: Final = frozenset({"errors", "warnings", "statusInfoSet"})


class OneRosterClient:
    """A provider's collections, read with one consumer's key and secret.

    Endpoints are paths below the base URL, not encoded: "users", "schools/S 1/students". Pages of one collection are
    fetched in parallel; read one collection at a time.

    Attributes:
        requests_made: HTTP requests sent, those tried again included.
        reader: Reads one record of a page.
    """

    def __init__(
        self,
        base_url: str,
        consumer_key: str,
        consumer_secret: str,
        *,
        allow_local: bool,
        page_size: int = 1000,
        parallel: int = 5,
        request_timeout_s: float = 120,
        retry: RetryPolicy = _DEFAULT_POLICY,
    ) -> None:
        self._base_url = base_url
        self._host = host_of(base_url)
        self._signer = Signer(consumer_key, consumer_secret)
        self._egress = Egress(allow_local=allow_local, connections=parallel)
        self._page_size = page_size
        self._parallel = parallel
        self._request_timeout_s = request_timeout_s
        self._retry = retry
        self._sorted = True
        self._method_known = False
        self._overlap = True
        self._progress: Progress | None = None
        self._counting = threading.Lock()
        self._closing = threading.Event()
        self.requests_made = 0
        self.reader = JsonRecordReader()

    def pages(self, endpoint: str) -> Iterator[Page]:
        """Every page of a collection, in order; at most `parallel` pages are read ahead.

        The last page is given before its end is known: `proof` holds once the iterator is exhausted.

        Raises:
            ConfigurationError: See `oneroster.errors`; so for TransientError. The collection is then incomplete.
        """
        first = self.page(endpoint, limit=self._page_size, offset=0)
        self._progress = progress = Progress(first, overlap=self._overlap)
        yield first
        try:
            yield from self._rest(endpoint, first, progress)
        except (NoOverlapError, RequestRefusedError):
            if not progress.tries_overlap:
                raise
            self._overlap = False
            self._progress = progress = Progress(first, overlap=False)
            yield from self._rest(endpoint, first, progress)
        progress.finish()

    def _rest(self, endpoint: str, first: Page, progress: Progress) -> Iterator[Page]:
        total = paging.believable_total(first, self._page_size)
        if total is None:
            return self._until_the_end(endpoint, first, progress)
        return self._to_total_and_beyond(endpoint, first, total, progress)

    def page(self, endpoint: str, *, limit: int, offset: int) -> Page:
        """One page.

        Of the first one, sorting is given up if the provider refuses it; and if it refuses the signature, the other
        method is tried, once.

        Raises:
            ConfigurationError: See `oneroster.errors`; so for TransientError.
        """
        if self._method_known:
            return self._sorted_page(endpoint, limit, offset)
        try:
            page = self._sorted_page(endpoint, limit, offset)
        except ClockSkewError:
            raise
        except SignatureRefusedError as refusal:
            self._method_known = True
            self._signer.change_method()
            try:
                return self._sorted_page(endpoint, limit, offset)
            except SignatureRefusedError:
                self._signer.change_method()
                raise refusal from None
        self._method_known = True
        return page

    def _sorted_page(self, endpoint: str, limit: int, offset: int) -> Page:
        try:
            return self._page(endpoint, limit, offset)
        except RequestRefusedError as refusal:
            if offset or not self._sorted:
                raise
            self._sorted = False
            try:
                return self._page(endpoint, limit, offset)
            except RequestRefusedError:
                self._sorted = True
                raise refusal from None

    def proof(self, distinct: int) -> FetchProof:
        """Whether the last `pages` gave the whole collection, of which `distinct` different sourcedIds came."""
        return self._progress.proof(distinct) if self._progress else paging.NOTHING_READ

    def close(self) -> None:
        """End pauses between attempts and close the connections."""
        self._closing.set()
        self._egress.close()

    def _page(self, endpoint: str, limit: int, offset: int) -> Page:
        attempt = self._halving(endpoint, limit, offset)
        return self._patiently(lambda: self._parsed(attempt(), endpoint, offset))

    def _halving(self, endpoint: str, limit: int, offset: int) -> Callable[[], Answer]:
        """Attempts at one page: each asks for half of what was too much for the provider the time before."""
        asked = limit

        def attempt() -> Answer:
            nonlocal asked
            try:
                return self._answer(endpoint, asked, offset)
            except (GatewayError, TimedOutError):
                asked = max(asked // 2, paging.SMALLEST_PAGE)
                raise

        return attempt

    def _patiently(self, attempt: Callable[[], _T]) -> _T:
        return with_retries(attempt, self._retry, monotonic=time.monotonic, sleep=self._pause, uniform=random.uniform)

    def _pause(self, seconds: float) -> None:
        if self._closing.wait(seconds):
            raise CancelledError

    def _planned(self, endpoint: str, spans: Iterator[Span], progress: Progress) -> Iterator[Page]:
        """Pages whose places are known: in parallel, given in order, the gaps of short ones read after them."""
        empty_pages = 0
        under_way: deque[tuple[Span, Future[Answer]]] = deque()
        stopped = threading.Event()

        def fetch(span: Span) -> Answer:
            if stopped.is_set():
                raise CancelledError
            return self._patiently(self._halving(endpoint, span.limit, span.offset))

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
                    page = self._parsed(answer, endpoint, span.offset)
                except TransientError:
                    page = self.page(endpoint, limit=span.limit, offset=span.offset)
                del answer
                page = progress.add(page)
                empty_pages = 0 if page.raw_records else empty_pages + 1
                yield page
                gap = paging.gap_after(page, span, progress.overlap)
                while gap:
                    page = progress.add(self.page(endpoint, limit=gap.limit, offset=gap.offset))
                    yield page
                    gap = paging.gap_after(page, gap, progress.overlap)
        finally:
            stopped.set()
            workers.shutdown(wait=False, cancel_futures=True)

    def _to_total_and_beyond(self, endpoint: str, first: Page, total: int, progress: Progress) -> Iterator[Page]:
        """The planned pages, and what comes behind them: a total may be too low, or only the count of a page."""
        last = first
        for last in self._planned(endpoint, paging.spans_after(first, total, progress.overlap), progress):
            yield last
        if last.end != total:
            return
        offset = total - progress.overlap
        try:
            # Once only: many answer with an error behind the end.
            behind = self._parsed(self._answer(endpoint, self._page_size, offset), endpoint, offset)
        except (ConfigurationError, TransientError):
            return
        at_the_end = len(behind.raw_records) < self._page_size and progress.ends_like(behind)
        if at_the_end or behind.repeats(first) or behind.repeats(last):
            return
        new = progress.add(behind)
        if new.raw_records:
            yield new
            yield from self._until_the_end(endpoint, new, progress)

    def _until_the_end(self, endpoint: str, first: Page, progress: Progress) -> Iterator[Page]:
        """Pages one after another, as long as they bring records."""
        page = new = first
        while not progress.ends_with(new):
            before, offset = page, new.end - progress.overlap
            try:
                page = self.page(endpoint, limit=self._page_size, offset=offset)
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
                    f"{self._host} gives the same page of /{endpoint} again and again. Ask the provider to repair the "
                    "parameter offset."
                )
            new = progress.add(page)
            yield new

    def _answer(self, endpoint: str, limit: int, offset: int) -> Answer:
        """One successful answer, signed and sent once."""
        parameters: dict[str, str | int] = {"limit": limit, "offset": offset}
        if self._sorted:
            parameters |= _SORTED
        url = f"{self._base_url}/{quote(endpoint, safe='/')}?{encode_query(parameters)}"
        with self._counting:
            self.requests_made += 1
        request = self._signer.signed(url)
        answer = self._egress.get(request.url or url, request.headers, timeout_s=self._request_timeout_s)
        if answer.status != 200:
            raise self._failure(answer, endpoint)
        return answer

    def _failure(self, answer: Answer, endpoint: str) -> ConfigurationError | TransientError:
        now = datetime.now(UTC)
        return error_of_answer(
            answer,
            base_url=self._base_url,
            endpoint=endpoint,
            now=now,
            retry_after_s=seconds_of_retry_after(answer.headers.get("Retry-After"), now),
        )

    def _parsed(self, answer: Answer, endpoint: str, offset: int) -> Page:
        return Page(
            raw_records=self._records(answer, endpoint),
            offset=offset,
            total=paging.total_of(answer.headers),
            next_offset=paging.next_offset_of(answer.headers),
        )

    def _records(self, answer: Answer, endpoint: str) -> list[Raw]:
        """The list in an answer, under the name it should have or as the only one; a list of null is empty."""
        content = self._content(answer, endpoint)
        if isinstance(content, list):
            return content
        if content is not None:
            name = endpoint.rpartition("/")[2]
            for wrapper in (_WRAPPERS.get(name, name), name):
                if wrapper in content:
                    value = content[wrapper]
                    match kind_of(value):
                        case "[":
                            return records_in(value)
                        case "n":
                            return []
                        case "{" if isinstance(value, Raw):
                            return [value]
            lists = [value for key, value in content.items() if kind_of(value) == "[" and not _tells_of_failure(key)]
            if len(lists) == 1:
                return records_in(lists[0])
        raise self._failure(answer, endpoint)

    def _content(self, answer: Answer, endpoint: str) -> Mapping[str, Value] | list[Raw] | None:
        try:
            return content_of(answer.body)
        except BrokenJsonError as error:
            raise TruncatedError(self._host) from error
        except NoJsonError as error:
            raise self._failure(answer, endpoint) from error


def _tells_of_failure(key: str) -> bool:
    return key in _NO_WRAPPERS or key.startswith("imsx_")
