"""Prove that a provider honours filters by dateLastModified, so that a night may read only what changed."""

from typing import Protocol

from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.domain.modified import FAR_FUTURE, FAR_PAST, modified_since
from roster_sync.use_cases.provider import Page


class OnePage(Protocol):
    """Who gives single pages."""

    def page(self, endpoint: str, *, limit: int, offset: int, filter: str | None = None) -> Page:  # noqa: A002
        """One page of a collection; a filter may be honoured or not."""


def honours_date_filter(provider: OnePage) -> bool:
    """Whether of /users a far future holds nobody, and a far past as many as there are without filter.

    No proof without totals, or if some users have no dateLastModified. Three requests for one record each.
    """
    try:
        future = provider.page("users", limit=1, offset=0, filter=modified_since(FAR_FUTURE))
        if future.raw_records or future.total:
            return False
        past = provider.page("users", limit=1, offset=0, filter=modified_since(FAR_PAST))
        everybody = provider.page("users", limit=1, offset=0)
    except (ConfigurationError, TransientError):
        return False
    return bool(past.raw_records) and past.total is not None and past.total == everybody.total
