"""A client of the settings API: what a district administrator does in the portal, done by a program."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import requests

from local.errors import CannotSyncError, LocalStackError
from local.stack import Stack

TIMEOUT_S = 60


class RefusedError(CannotSyncError):
    """The API refused what was asked; the text is its sentence."""


class DistrictApi:
    """The settings API of a local stack, as an administrator of one district."""

    def __init__(self, stack: Stack, district_id: str) -> None:
        self.district_id = district_id
        self._stack = stack
        self._url = f"{stack.api_url}/districts/{district_id}"
        self._session = requests.Session()
        # A proxy of the developer's shell would be asked for an address of this machine.
        self._session.trust_env = False
        self._sign_in()

    def get(self, path: str, **parameters: str) -> Any:
        return self._call("GET", path, params=parameters)

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("PUT", path, json=body)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._call("POST", path, json=body)

    def upload(self, csv: str) -> Any:
        """Send a CSV file of users; its report."""
        return self._call("POST", "users/upload", data=csv.encode(), headers={"Content-Type": "text/csv"})

    def items(self, path: str) -> Iterator[Any]:
        """Every item of a list, page after page."""
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, **cursor)
            yield from page["items"]
            if not page["next_cursor"]:
                return
            cursor = {"cursor": page["next_cursor"]}

    def _sign_in(self) -> None:
        token = self._stack.sign_in(district_id=self.district_id, role="district_admin")
        self._session.headers["Authorization"] = f"Bearer {token}"

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._send(method, path, arguments)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            # A token lasts an hour, which two nights with a pause between may outlast.
            self._sign_in()
            answer = self._send(method, path, arguments)
        if answer.ok:
            return answer.json() if answer.content else None
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._failed(f"The settings API answered {answer.status_code} to {method} {path}.")
        raise RefusedError(answer.json()["detail"])

    def _send(self, method: str, path: str, arguments: Mapping[str, Any]) -> requests.Response:
        try:
            return self._session.request(method, f"{self._url}/{path}", timeout=TIMEOUT_S, **arguments)
        except requests.RequestException as error:
            raise self._failed(f"The settings API did not answer {method} {path}.") from error

    def _failed(self, what: str) -> LocalStackError:
        return LocalStackError.from_log(what, self._stack.state / "ministack.log")
