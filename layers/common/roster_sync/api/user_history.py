"""The route of one user's last changes."""

from datetime import datetime
from typing import Any, Self

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from pydantic import BaseModel, ConfigDict

from roster_sync.api.schemas import DistrictInPath, UserInPath
from roster_sync.api.services import Services
from roster_sync.domain.change import ChangeKind
from roster_sync.domain.errors import NotFoundError
from roster_sync.use_cases.edit_user import NO_SUCH_USER
from roster_sync.use_cases.user_history import PastChange, history_of


class PastChangeOut(BaseModel):
    """One change of the user: the attributes that differ, before and after; what was or is not there is left out."""

    model_config = ConfigDict(hide_input_in_errors=True)

    run_id: str
    kind: ChangeKind
    at: datetime
    before: dict[str, Any]
    after: dict[str, Any]

    @classmethod
    def of(cls, change: PastChange) -> Self:
        """The change."""
        return cls(
            run_id=change.run_id,
            kind=change.kind,
            at=datetime.strptime(change.at, "%Y-%m-%dT%H:%M:%S.%f%z"),
            before=dict(change.before),
            after=dict(change.after),
        )


class UserHistoryOut(BaseModel):
    """The last changes of a user, newest first: 30 at most, none that is older than 30 days."""

    items: list[PastChangeOut]


def add_user_history_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the route of `/districts/{district_id}/users/{user_id}/changes`."""

    @api.get("/districts/<district_id>/users/<user_id>/changes", summary="List the last changes of a user")
    def list_changes_of_user(district_id: DistrictInPath, user_id: UserInPath) -> UserHistoryOut:
        if not services.users.by_ids(district_id, [user_id]):
            raise NotFoundError(NO_SUCH_USER)
        found = history_of(district_id, user_id, users=services.users, log=services.log)
        return UserHistoryOut(items=[PastChangeOut.of(change) for change in found])
