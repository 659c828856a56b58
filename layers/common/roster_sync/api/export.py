"""Routes of exporting a district's users, and of its consent that the vendor's staff do so."""

from datetime import datetime
from http import HTTPStatus
from typing import Self

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from pydantic import BaseModel, ConfigDict

from roster_sync.api.answers import answers
from roster_sync.api.author import author
from roster_sync.api.schemas import Cursor, DistrictInPath, Limit, Moment, UserOut, UsersOut
from roster_sync.api.services import Services
from roster_sync.domain.audit import Act
from roster_sync.domain.consent import ExportConsent, consent
from roster_sync.security.access import Account, AccountRole, ForbiddenError, account


class ConsentBody(BaseModel):
    """Until when the vendor's staff may export the district's users: 30 days at most."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    until: Moment


class ConsentOut(BaseModel):
    """The consent that holds; all fields are null while none does."""

    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)

    until: datetime | None
    given_by: str | None
    given_at: datetime | None

    @classmethod
    def of(cls, held: ExportConsent | None) -> Self:
        """The consent, if there is one."""
        if held is None:
            return cls(until=None, given_by=None, given_at=None)
        return cls(until=held.until, given_by=held.given_by, given_at=held.given_at)


def add_export_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes under `/districts/{district_id}/export`."""
    consents = services.export_consents

    def asking() -> Account:
        return account(api.current_event.request_context.authorizer.claims)

    def holding(district_id: DistrictInPath) -> ExportConsent | None:
        given = consents.get(district_id)
        return given if given and given.holds(services.clock()) else None

    def require_administrator() -> Account:
        administrator = asking()
        if administrator.role is not AccountRole.DISTRICT_ADMIN:
            raise ForbiddenError("Only the district's administrator may decide about this. Ask the district.")
        return administrator

    @api.get(
        "/districts/<district_id>/export/users",
        summary="Export users",
        description="All of them, page by page: for the district's administrator, and for the vendor's staff while the "
        "district's consent holds. A page may hold fewer than asked, even none.",
    )
    def export_users(district_id: DistrictInPath, limit: Limit = 200, cursor: Cursor = None) -> UsersOut:
        if asking().role is not AccountRole.DISTRICT_ADMIN and holding(district_id) is None:
            raise ForbiddenError(
                "This district has not consented to an export of its users. Ask its administrator for consent."
            )
        if cursor is None:
            services.audit.append(author(api, services).did(Act.USERS_EXPORTED, district_id))
        page, next_cursor = services.users.page(district_id, cursor=cursor, limit=limit)
        return UsersOut(items=[UserOut.of(user) for user in page], next_cursor=next_cursor)

    @api.get("/districts/<district_id>/export/consent", summary="Read the consent to exports by staff")
    def get_export_consent(district_id: DistrictInPath) -> ConsentOut:
        return ConsentOut.of(holding(district_id))

    @api.put(
        "/districts/<district_id>/export/consent",
        summary="Consent to exports by staff for a time",
        description="By the district's administrator alone.",
    )
    def give_export_consent(district_id: DistrictInPath, body: ConsentBody) -> ConsentOut:
        given = consent(body.until, require_administrator().name, services.clock())
        services.audit.append(author(api, services).did(Act.EXPORT_ALLOWED, district_id))
        consents.put(district_id, given)
        return ConsentOut.of(given)

    @api.delete(
        "/districts/<district_id>/export/consent",
        summary="Withdraw the consent to exports by staff",
        description="By the district's administrator alone.",
        responses=answers(HTTPStatus.NO_CONTENT),
    )
    def withdraw_export_consent(district_id: DistrictInPath) -> Response[str]:
        require_administrator()
        services.audit.append(author(api, services).did(Act.EXPORT_FORBIDDEN, district_id))
        consents.delete(district_id)
        return Response(HTTPStatus.NO_CONTENT.value, body="")
