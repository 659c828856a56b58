"""The route by which an administrator changes one user by hand."""

from http import HTTPStatus
from typing import Self

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON
from pydantic import BaseModel, ConfigDict, Field, model_validator

from roster_sync.api.answers import answers
from roster_sync.api.author import author
from roster_sync.api.preconditions import version_of
from roster_sync.api.problems import PreconditionFailedError
from roster_sync.api.schemas import DistrictInPath, IfMatch, UserInPath, UserOut, Value
from roster_sync.api.services import LEASE_LASTS, Services
from roster_sync.domain.errors import ConflictError
from roster_sync.domain.identifiers import UserId
from roster_sync.domain.manual_edit import KEPT, ManualEdit
from roster_sync.domain.run import edit_run_id
from roster_sync.domain.user import Role, StoredUser
from roster_sync.use_cases.edit_user import Editor, edit_user

USER_ETAG = "Version of the user, for `If-Match`."


class UserEditBody(BaseModel):
    """What is to change; what is left out stays, and null clears it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    manual_role: Role | None = Field(None, description="Null: the SIS's role counts again.")
    manual_counselor_email: Value = Field(None, description="Of an active counselor.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("Send manual_role, manual_counselor_email or both")
        return self

    def edit(self, user_id: UserId) -> ManualEdit:
        """The change for the use case."""
        sent = self.model_fields_set
        return ManualEdit(
            user_id=user_id,
            from_sis=False,
            role=self.manual_role if "manual_role" in sent else KEPT,
            counselor_email=self.manual_counselor_email if "manual_counselor_email" in sent else KEPT,
        )


def shown_user(user: StoredUser) -> Response[UserOut]:
    """A user, with the version that a change may name."""
    return Response(HTTPStatus.OK.value, APPLICATION_JSON, UserOut.of(user), {"ETag": f'"{user.fence}"'})


def add_user_edit_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the route that changes `/districts/{district_id}/users/{user_id}`."""

    @api.patch(
        "/districts/<district_id>/users/<user_id>",
        summary="Change a user by hand",
        description="The manual role and the manual counselor; what is left out stays, and null clears it. It is a run "
        "of its own, refused while a sync or upload is under way (409). With `If-Match` only while nobody else has "
        "changed the user since (412).",
        responses=answers(HTTPStatus.OK, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, etag=USER_ETAG),
    )
    def change_user(
        district_id: DistrictInPath, user_id: UserInPath, body: UserEditBody, condition: IfMatch = None
    ) -> Response[UserOut]:
        editor = Editor(
            leases=services.districts,
            runs=services.runs,
            users=services.users,
            log=services.log,
            lease_lasts=LEASE_LASTS,
            clock=services.clock,
            metered=services.start_metering(),
            by=author(api, services),
            events=services.events,
        )
        run_id = edit_run_id(services.clock(), services.nonce())
        seen = version_of(condition, "this user") if condition else None
        try:
            return shown_user(edit_user(body.edit(user_id), district_id, run_id, editor, seen=seen))
        except ConflictError as conflict:
            raise PreconditionFailedError(str(conflict)) from conflict
