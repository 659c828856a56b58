"""Reads collections from a provider's OneRoster 1.1 API."""

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from msgspec import Raw

from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.journal import Journal
from roster_sync.domain.sign_in import SignIn
from roster_sync.oneroster import paging
from roster_sync.oneroster.address import host_of
from roster_sync.oneroster.auth import Consumer, encode_query
from roster_sync.oneroster.collection import Collection, Endpoint
from roster_sync.oneroster.errors import (
    ForbiddenError,
    RequestRefusedError,
    SignInRefusedError,
    TruncatedError,
    clock_skew,
    error_of_answer,
)
from roster_sync.oneroster.journaled import journaled
from roster_sync.oneroster.pace import WALL_CLOCK, Clock, Pace
from roster_sync.oneroster.paging import Page
from roster_sync.oneroster.records import (
    BrokenJsonError,
    JsonRecordReader,
    NoJsonError,
    Value,
    content_of,
    records_of,
)
from roster_sync.oneroster.retry import RetryPolicy, seconds_of_retry_after
from roster_sync.oneroster.sign_in import SigningIn
from roster_sync.security.egress import MAX_BYTES, Answer, Egress

__all__ = ["OneRosterClient", "Page"]

_SORTED: Final = {"sort": "sourcedId", "orderBy": "asc"}
# 203 through a proxy that changed it, 206 from those who call a page a part of the content.
_WITH_RECORDS: Final = frozenset({200, 203, 206})
_DEFAULT_POLICY: Final = RetryPolicy()
_TOKEN_TIMEOUT_S: Final = 30.0


class OneRosterClient:
    """A provider's collections, read with one consumer's key and secret.

    Endpoints are paths below the base URL, not encoded: "users", "schools/S 1/students". Pages of one collection are
    fetched in parallel; read one collection at a time.

    Attributes:
        requests_made: HTTP requests sent, those tried again included.
        reader: Reads one record of a page.
        clock_ahead_s: How far the provider's clock was ahead of ours at its last answer; None if it did not tell.
    """

    def __init__(
        self,
        base_url: str,
        consumer_key: str,
        consumer_secret: str,
        *,
        allow_local: bool,
        sign_in: SignIn | None = None,
        token_url: str | None = None,
        find_sign_in: bool = False,
        page_size: int = 1000,
        parallel: int = 5,
        request_timeout_s: float = 120,
        retry: RetryPolicy = _DEFAULT_POLICY,
        max_bytes: int = MAX_BYTES,
        on_close: Callable[[], object] | None = None,
        clock: Clock = WALL_CLOCK,
    ) -> None:
        """Send nothing yet.

        Args:
            base_url: In its normal form.
            consumer_key: As the provider gave it.
            consumer_secret: In the clear.
            allow_local: Whether it may be on this machine.
            sign_in: The way that the provider took before; see `SigningIn`.
            token_url: As entered, in its normal form.
            find_sign_in: With the first page, try all ways to sign in, if the known one is refused or none is known.
            page_size: Asked of the provider, which may give less.
            parallel: Requests at once.
            request_timeout_s: For one of them.
            retry: For each page.
            max_bytes: Of an answer.
            on_close: Called once the connections are closed.
            clock: For pauses.

        Raises:
            ConfigurationError: The known way to sign in lacks something.
        """
        self._base_url = base_url
        self._host = host_of(base_url)
        self._egress = Egress(allow_local=allow_local, connections=parallel, max_bytes=max_bytes)
        self._page_size = page_size
        self._request_timeout_s = request_timeout_s
        self._pace = Pace(self._host, retry, parallel, clock)
        self._sorted = True
        self._overlap = True
        self._collection: Collection | None = None
        self._journal: Journal | None = None
        self._on_close = on_close
        self._counting = threading.Lock()
        self._signing_in = SigningIn(
            Consumer(consumer_key, consumer_secret),
            base_url,
            known=sign_in,
            token_url=token_url,
            search=find_sign_in,
            get=self._get,
            post=self._post,
        )
        self.requests_made = 0
        self.reader = JsonRecordReader()
        self.clock_ahead_s: float | None = None

    @property
    def sign_in(self) -> SignIn | None:
        """The way to sign in that the provider took; None before the first page."""
        return self._signing_in.accepted

    def remember(self, journal: Journal) -> None:
        """Let `pages` take what the journal has from it, and note there what it has not."""
        self._journal = journal

    def pages(self, endpoint: str, filter: str | None = None) -> Iterator[Page]:  # noqa: A002  # the standard's name
        """Every page of a collection, in order; at most `parallel` pages are read ahead.

        With a filter (OneRoster 1.1 §3.4.3) only the records that the provider counts as matching: some give all,
        some none. A page that `starts_over` is the first again, because users joined or left meanwhile: what came
        before it is to be forgotten. The last page is given before its end is known: `proof` holds once the iterator is
        exhausted.

        Raises:
            ConfigurationError: See `oneroster.errors`; so for TransientError. The collection is then incomplete.
        """

        def answer(offset: int) -> Callable[[int], Answer]:
            return lambda limit: self._answer(endpoint, limit, offset, filter)

        asked = Endpoint(
            self._host,
            endpoint,
            page=lambda limit, offset: self.page(endpoint, limit=limit, offset=offset, filter=filter),
            answer=lambda limit, offset: self._pace.patiently(answer(offset), limit),
            answer_at_once=lambda limit, offset: self._pace.once(answer(offset), limit),
            read=lambda answer, _, offset: self._parsed(answer, endpoint, offset),
        )
        if self._journal:
            asked = journaled(asked, self._journal, f"{endpoint}?{filter or ''}")
        self._collection = collection = Collection(
            asked,
            self._pace,
            page_size=self._page_size,
            takes_overlap=self._overlap,
        )
        yield from collection.pages()
        self._overlap = collection.takes_overlap

    def page(self, endpoint: str, *, limit: int, offset: int, filter: str | None = None) -> Page:  # noqa: A002
        """One page; see `pages` for the filter.

        Of the first one, sorting is given up if the provider refuses it; and another way to sign in is tried if it
        refuses that, or may mean that.

        Raises:
            ConfigurationError: See `oneroster.errors`; so for TransientError.
        """
        while True:
            try:
                page = self._sorted_page(endpoint, limit, offset, filter)
            except (SignInRefusedError, ForbiddenError, RequestRefusedError) as refusal:
                self._signing_in.try_another(refusal)
            else:
                self._signing_in.accept()
                return page

    def _sorted_page(self, endpoint: str, limit: int, offset: int, condition: str | None) -> Page:
        try:
            return self._page(endpoint, limit, offset, condition)
        except RequestRefusedError as refusal:
            if offset or not self._sorted:
                raise
            self._sorted = False
            try:
                return self._page(endpoint, limit, offset, condition)
            except RequestRefusedError:
                self._sorted = True
                raise refusal from None

    def ask(
        self, endpoint: str, *, limit: int, offset: int = 0, descending: bool = False, condition: str | None = None
    ) -> Page:
        """One page by one request, sent once and in this way only; several threads may ask at a time.

        It waits for the end of a pause that the provider has asked for, but for no other request.

        Args:
            endpoint: Of a collection.
            limit: How many records.
            offset: How many to pass over.
            descending: The last by sourcedId first.
            condition: A filter (OneRoster 1.1 §3.4.3).

        Raises:
            ConfigurationError: See `oneroster.errors`; so for TransientError.
        """
        return self._pace.at_once(
            lambda: self._parsed(
                self._answer(endpoint, limit, offset, condition, descending=descending), endpoint, offset
            )
        )

    def proof(self, distinct: int) -> FetchProof:
        """Whether the last `pages` gave the whole collection, of which `distinct` different sourcedIds came."""
        return self._collection.proof(distinct) if self._collection else paging.NOTHING_READ

    def close(self) -> None:
        """End pauses between attempts and close the connections."""
        self._pace.close()
        self._egress.close()
        if self._on_close:
            self._on_close()

    def _page(self, endpoint: str, limit: int, offset: int, condition: str | None) -> Page:
        return self._pace.patiently(
            lambda asked: self._parsed(self._answer(endpoint, asked, offset, condition), endpoint, offset), limit
        )

    def _answer(
        self, endpoint: str, limit: int, offset: int, condition: str | None, *, descending: bool = False
    ) -> Answer:
        """One successful answer, signed and sent once."""
        parameters: dict[str, str | int] = {"limit": limit, "offset": offset}
        if self._sorted or descending:
            parameters |= _SORTED
        if descending:
            parameters["orderBy"] = "desc"
        if condition is not None:
            parameters["filter"] = condition
        answer = self._signing_in.answer(f"{self._base_url}/{quote(endpoint, safe='/')}?{encode_query(parameters)}")
        skew = clock_skew(answer.headers, datetime.now(UTC))
        self.clock_ahead_s = None if skew is None else skew.total_seconds()
        if answer.status not in _WITH_RECORDS:
            raise self._failure(answer, endpoint)
        return answer

    def _get(self, url: str, headers: Mapping[str, str]) -> Answer:
        self._count()
        return self._egress.get(url, {"Accept": "application/json", **headers}, timeout_s=self._request_timeout_s)

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self._count()
        return self._egress.post(url, headers, body, timeout_s=min(self._request_timeout_s, _TOKEN_TIMEOUT_S))

    def _count(self) -> None:
        with self._counting:
            self.requests_made += 1

    def _failure(self, answer: Answer, endpoint: str) -> ConfigurationError | TransientError:
        now = datetime.now(UTC)
        return error_of_answer(
            answer,
            base_url=self._base_url,
            endpoint=endpoint,
            now=now,
            retry_after_s=seconds_of_retry_after(answer.headers, now),
            by_token=self._signing_in.by_token,
            confidential=self._signing_in.confidential,
        )

    def _parsed(self, answer: Answer, endpoint: str, offset: int) -> Page:
        content = self._content(answer, endpoint)
        return Page(
            raw_records=self._records(content, answer, endpoint),
            offset=offset,
            total=paging.total_of(answer.headers, content if isinstance(content, Mapping) else {}),
            linked=paging.links_on(answer.headers),
        )

    def _records(self, content: Mapping[str, Value] | list[Raw] | None, answer: Answer, endpoint: str) -> list[Raw]:
        records = records_of(content, endpoint)
        if records is None:
            raise self._failure(answer, endpoint)
        return records

    def _content(self, answer: Answer, endpoint: str) -> Mapping[str, Value] | list[Raw] | None:
        try:
            return content_of(answer.body, answer.headers.get("Content-Type", ""))
        except BrokenJsonError as error:
            raise TruncatedError(self._host) from error
        except NoJsonError as error:
            raise self._failure(answer, endpoint) from error
