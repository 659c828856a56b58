"""The route of the counselors' e-mail addresses that name nobody."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from pydantic import BaseModel, ConfigDict

from roster_sync.api.schemas import Cursor, DistrictInPath
from roster_sync.api.services import Services
from roster_sync.use_cases.unknown_counselors import unknown_counselors


class UnknownCounselorOut(BaseModel):
    """An address that is of no active counselor, and how many active users have it as their counselor's."""

    model_config = ConfigDict(hide_input_in_errors=True)

    counselor_email: str
    users: int


class UnknownCounselorsOut(BaseModel):
    """What a part of the users has; `next_cursor` is null with the last part. An address may come again: add up."""

    items: list[UnknownCounselorOut]
    next_cursor: str | None


def add_user_search_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the route of `/districts/{district_id}/users/unknown-counselors`."""

    @api.get(
        "/districts/<district_id>/users/unknown-counselors",
        summary="List counselors' e-mail addresses that name nobody",
    )
    def list_unknown_counselors(district_id: DistrictInPath, cursor: Cursor = None) -> UnknownCounselorsOut:
        unknown, following = unknown_counselors(
            district_id, users=services.users, search=services.search, cursor=cursor
        )
        items = [UnknownCounselorOut(counselor_email=email, users=count) for email, count in sorted(unknown.items())]
        return UnknownCounselorsOut(items=items, next_cursor=following)
