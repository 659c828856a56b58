"""A loop over `requests`, one page after another, as careful as ten lines can be."""

from collections.abc import Iterator, Sequence
from typing import Any

import requests
from requests_oauthlib import OAuth1

from bench.clients.client import View


class PlainLoop:
    """Advances by what came, until a page is empty."""

    def pages(self, base_url: str, page_size: int) -> Iterator[Sequence[Any]]:
        offset = 0
        with requests.Session() as session:
            session.auth = OAuth1("bench", "secret", signature_method="HMAC-SHA256")
            while True:
                query = {"limit": str(page_size), "offset": str(offset), "sort": "sourcedId", "orderBy": "asc"}
                response = session.get(f"{base_url}/users", params=query, timeout=60)
                response.raise_for_status()
                users = response.json()["users"]
                if not users:
                    return
                yield users
                offset += len(users)

    def view(self, user: Any) -> View:
        return user if isinstance(user, dict) else {"sourcedId": None}

    def doubt(self, distinct: int) -> str | None:  # noqa: ARG002 - it does not ask
        return None
