"""An endpoint whose pages are taken from a journal where it has them, and noted there where not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, cast

from msgspec import Raw

from roster_sync.domain.journal import Journal, PageContent, Place
from roster_sync.oneroster.collection import Endpoint
from roster_sync.oneroster.paging import Page
from roster_sync.security.egress import Answer

_IN_THE_JOURNAL: Final = Answer(200, {}, b"")
"""In place of an answer that nobody needs to ask for."""


def journaled(endpoint: Endpoint, journal: Journal, collection: str) -> Endpoint:
    """The endpoint, for one run through `collection`: an endpoint with its filter."""
    pages = _Pages(endpoint, journal, collection)
    return replace(
        endpoint,
        begin=pages.begin,
        page=pages.page,
        answer=lambda limit, offset: pages.answer(limit, offset) or endpoint.answer(limit, offset),
        answer_at_once=lambda limit, offset: pages.answer(limit, offset) or endpoint.answer_at_once(limit, offset),
        read=pages.read,
    )


class _Pages:
    def __init__(self, endpoint: Endpoint, journal: Journal, collection: str) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._collection = collection
        self._reading = 0

    def begin(self) -> None:
        """Read from the first page: what came before is no answer to what is asked for now."""
        self._reading += 1

    def page(self, limit: int, offset: int) -> Page:
        return self._recalled(limit, offset) or self._noted(self._endpoint.page(limit, offset), limit, offset)

    def answer(self, limit: int, offset: int) -> Answer | None:
        return _IN_THE_JOURNAL if self._journal.has(self._place(limit, offset)) else None

    def read(self, answer: Answer, limit: int, offset: int) -> Page:
        return self._recalled(limit, offset) or self._noted(self._endpoint.read(answer, limit, offset), limit, offset)

    def _place(self, limit: int, offset: int) -> Place:
        return Place(self._collection, self._reading, offset, limit)

    def _recalled(self, limit: int, offset: int) -> Page | None:
        content = self._journal.recall(self._place(limit, offset))
        return Page(content.records, offset, content.total, linked=content.linked) if content else None

    def _noted(self, page: Page, limit: int, offset: int) -> Page:
        # The client's records are all raw JSON.
        records = cast("Sequence[Raw]", page.raw_records)
        content = PageContent(records, page.total, page.linked)
        self._journal.note(self._place(limit, offset), content)
        return page
