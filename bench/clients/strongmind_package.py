"""`strongmind-oneroster-client` 2.0.5: generated models, one page a call, a bearer token that its caller obtained."""

from collections.abc import Iterator, Sequence
from typing import Any

from oneroster_client import ApiClient, Configuration, UsersManagementApi  # type: ignore[import-not-found]

from bench.clients.client import View


class StrongMindPackage:
    """Its `get_users`, in the loop that its caller must write: advance by what came, until a page is empty."""

    def pages(self, base_url: str, page_size: int) -> Iterator[Sequence[Any]]:
        configuration = Configuration()
        configuration.host = base_url
        configuration.access_token = "secret"
        api = UsersManagementApi(ApiClient(configuration))
        offset = 0
        while users := api.get_users(limit=page_size, offset=offset, sort="sourcedId", order_by="asc").users:
            yield users
            offset += len(users)

    def view(self, user: Any) -> View:
        return {
            "sourcedId": user.sourced_id,
            "active": user.status == "active" and user.enabled_user is not False,
            "role": user.role,
            "username": user.username,
            "givenName": user.given_name,
            "middleName": user.middle_name,
            "email": user.email,
            "identifier": user.identifier,
            "grades": user.grades or [],
            "orgs": [org.sourced_id for org in user.orgs],
        }

    def doubt(self, distinct: int) -> str | None:  # noqa: ARG002 - it does not ask
        return None
