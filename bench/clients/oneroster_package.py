"""`oneroster` 0.0.17: OAuth 1.0a with HMAC-SHA256, page after page by the links to the next."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from oneroster import ClasslinkConnector  # type: ignore[import-not-found]

from bench.clients.client import View


class OneRosterPackage:
    """Its path to all users, which gives them all at once."""

    def pages(self, base_url: str, page_size: int) -> Iterator[Sequence[Any]]:
        logging.getLogger("classlink").addHandler(logging.NullHandler())
        connector = ClasslinkConnector(f"{base_url}/", client_id="bench", client_secret="secret", page_size=page_size)
        yield connector.get_users(user_filter="users")

    def view(self, user: Any) -> View:
        return user if isinstance(user, dict) else {"sourcedId": None}

    def doubt(self, distinct: int) -> str | None:  # noqa: ARG002 - it does not ask
        return None
