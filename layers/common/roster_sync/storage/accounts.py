"""The user pool's accounts, of district administrators and of the vendor's staff."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from roster_sync.aws import AWS_ERRORS, is_outage
from roster_sync.domain.errors import OwnOutageError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.security.access import AccountRole

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.type_defs import UserTypeTypeDef

_PAGE: Final = 60
"""Accounts of one ListUsers, its most."""


class Accounts:
    """The accounts of one user pool."""

    def __init__(self, user_pool_id: str) -> None:
        self._pool = user_pool_id
        self._cognito = boto3.client(
            "cognito-idp",
            config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 6}),
        )

    def delete(self, district_id: DistrictId, in_time: Callable[[], bool]) -> bool:
        """Delete the accounts of a district's administrators, as many as are found `in_time`; whether none is left.

        Looks through the whole pool, about a thousand accounts a second: ListUsers has no filter for attributes of our
        own, and as `AttributesToGet` it takes only such that each account has.

        Raises:
            TransientError: The user pool is busy or did not answer.
        """
        with _errors_as_ours():
            names: list[str] = []
            next_page: dict[str, Any] = {}
            # First the pages, then the deletions, which might move what follows.
            while whole := in_time():
                page = self._cognito.list_users(UserPoolId=self._pool, Limit=_PAGE, **next_page)
                names += [user["Username"] for user in page["Users"] if _is_of(district_id, user)]
                if "PaginationToken" not in page:
                    break
                next_page = {"PaginationToken": page["PaginationToken"]}
            for name in names:
                self._delete(name)
        return whole

    def _delete(self, name: str) -> None:
        try:
            self._cognito.admin_delete_user(UserPoolId=self._pool, Username=name)
        except self._cognito.exceptions.UserNotFoundException:
            # A second delivery was quicker.
            return


def _is_of(district_id: DistrictId, user: "UserTypeTypeDef") -> bool:
    """Whether an account belongs to a district; the vendor's own belong to none, whatever they name."""
    attributes = {each["Name"]: each.get("Value") for each in user.get("Attributes", [])}
    return attributes.get("custom:district_id") == district_id and attributes.get("custom:role") != AccountRole.SUPPORT


@contextmanager
def _errors_as_ours() -> Iterator[None]:
    try:
        yield
    except AWS_ERRORS as error:
        if is_outage(error):
            raise OwnOutageError("The user pool is busy or did not answer.") from error
        raise
