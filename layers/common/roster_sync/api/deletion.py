"""Routes by which the vendor's staff delete a district, and what holds for all others meanwhile."""

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Final, Self

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, ConfigDict

from roster_sync.api.answers import answers
from roster_sync.api.author import author
from roster_sync.api.schemas import DistrictInPath
from roster_sync.api.services import Services
from roster_sync.domain.audit import Act
from roster_sync.domain.deletion import Deletion, new_deletion
from roster_sync.domain.errors import ConfigurationError, ConflictError, NotFoundError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.security.access import account, require_staff

_OF_A_DISTRICT: Final = re.compile(r"/districts/([^/]+)(/.*)?")
_Confirm = Annotated[str, Query(max_length=64, description="The district's id once more.")]


class DeletionState(StrEnum):
    """Where a deletion stands."""

    UNDER_WAY = "under_way"
    DONE = "done"


class DeletionOut(BaseModel):
    """A deletion of a district; what there was of it is null until it is counted."""

    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)

    district_id: str
    state: DeletionState
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
    users: int | None
    schools: int | None
    runs: int | None

    @classmethod
    def of(cls, deletion: Deletion) -> Self:
        """The deletion as it stands."""
        contents = deletion.contents
        return cls(
            district_id=deletion.district_id,
            state=DeletionState.DONE if deletion.ended_at else DeletionState.UNDER_WAY,
            asked_by=deletion.asked_by,
            asked_at=deletion.asked_at,
            ended_at=deletion.ended_at,
            users=contents.users if contents else None,
            schools=contents.schools if contents else None,
            runs=contents.runs if contents else None,
        )


def refuse_changes(services: Services) -> Callable[..., Response[Any]]:
    """A middleware that lets nobody change a district that is being deleted."""

    def refuse(api: APIGatewayRestResolver, proceed: Callable[..., Response[Any]]) -> Response[Any]:
        method, named = api.current_event.http_method, _OF_A_DISTRICT.fullmatch(api.current_event.path)
        # To ask for the deletion itself is no change.
        if method != "GET" and named and named[2]:
            deletion = services.deletions.get(DistrictId(named[1]))
            if deletion and deletion.ended_at is None:
                raise ConflictError("This district is being deleted. Nothing of it can be changed any more.")
        return proceed(api)

    return refuse


def add_deletion_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes `/districts/{district_id}` and `/districts/{district_id}/deletion`."""
    deletions = services.deletions

    def require_ours() -> None:
        asking = account(api.current_event.request_context.authorizer.claims)
        require_staff(asking, "Only the vendor's staff may delete a district. Ask them.")

    def stored(district_id: DistrictId) -> Deletion:
        deletion = deletions.get(district_id)
        if deletion is None:
            raise NotFoundError("No deletion of this district was asked for.")
        return deletion

    def is_there(district_id: DistrictId) -> bool:
        return bool(
            services.districts.settings(district_id)
            or services.districts.schools(district_id)
            or services.runs.page(district_id, None, 1)[0]
        )

    @api.delete(
        "/districts/<district_id>",
        summary="Delete a district and everything of it",
        description="For the vendor's staff. Settings, schools, users, runs, files and the accounts of its "
        "administrators go for good; the audit log stays. It takes minutes: the answer is the deletion under way, also "
        "to a second request.",
        status_code=HTTPStatus.ACCEPTED,
        responses=answers(HTTPStatus.ACCEPTED),
    )
    def delete_district(district_id: DistrictInPath, confirm: _Confirm) -> DeletionOut:
        require_ours()
        if confirm != district_id:
            raise ConfigurationError("`confirm` is not the district's id. Send the id of the district to be deleted.")
        under_way = deletions.get(district_id)
        if under_way is None or under_way.ended_at:
            if not is_there(district_id):
                raise NotFoundError("There is no such district. Check its id.")
            by = author(api, services)
            deletions.begin(new_deletion(district_id, by), by.did(Act.DELETION_STARTED, district_id))
        # Again, too: its first request may have been lost, or given up.
        services.request_deletion(district_id)
        return DeletionOut.of(stored(district_id))

    @api.get(
        "/districts/<district_id>/deletion",
        summary="Read how far a district's deletion is",
        description="For the vendor's staff. The newest one, for 400 days after its end.",
    )
    def get_deletion(district_id: DistrictInPath) -> DeletionOut:
        require_ours()
        return DeletionOut.of(stored(district_id))
