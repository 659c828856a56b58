"""A client of a deployed stack's API, with a token of the vendor's staff or of a district."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import requests

TIMEOUT_S: Final = 60
TRIES: Final = 4
_TRY_AGAIN: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_LONGEST_PAUSE_S: Final = 60
_PAUSE_S: Final = 5


class RefusedError(Exception):
    """The API did not do what was asked; the text is a sentence for whoever asked."""


class Api:
    """The API below a base URL. A request that may succeed later is tried again, and starts nothing twice."""

    def __init__(self, url: str, token: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._url = url.rstrip("/")
        self._pause = pause
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: str) -> Any:
        """What is answered to a GET."""
        return self._call("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What is answered to a POST, which starts one thing however often it is sent."""
        return self._call("POST", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})

    def delete(self, path: str, **query: str) -> Any:
        """What is answered to a DELETE, which may be sent again."""
        return self._call("DELETE", path, params=query)

    def items(self, path: str, **query: str) -> Iterator[Any]:
        """Every item of a list, page after page."""
        while True:
            page = self.get(path, **query)
            yield from page["items"]
            if not page["next_cursor"]:
                return
            query["cursor"] = page["next_cursor"]

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        for remaining in reversed(range(TRIES)):
            try:
                answer = self._session.request(method, f"{self._url}/{path}", timeout=TIMEOUT_S, **arguments)
            except requests.RequestException as error:
                if remaining:
                    self._pause(_PAUSE_S)
                    continue
                raise RefusedError("The API cannot be reached. Check the address and your connection.") from error
            if answer.ok:
                return answer.json() if answer.content else None
            pause_s = _pause_s(answer)
            if not remaining or answer.status_code not in _TRY_AGAIN or pause_s > _LONGEST_PAUSE_S:
                raise RefusedError(_sentence(answer))
            self._pause(pause_s)
        raise AssertionError


def _pause_s(answer: requests.Response) -> int:
    told = answer.headers.get("Retry-After", "")
    return int(told) if told.isdecimal() else _PAUSE_S


def _sentence(answer: requests.Response) -> str:
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        return "The token is missing or has expired. Get a new one and put it into ROSTER_SYNC_TOKEN."
    try:
        detail: str = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"The API answered {answer.status_code}."
    return detail
