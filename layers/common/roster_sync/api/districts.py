"""Routes for the vendor's staff over all districts."""

from datetime import datetime
from typing import Annotated, Self

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, ConfigDict

from roster_sync.api.schemas import Cursor
from roster_sync.api.services import Services
from roster_sync.domain.health import SYNCS, Health, health_of
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.run import Run, RunKind, RunState
from roster_sync.security.access import account, require_staff

_LOOKED_AT = 20
"""Newest runs of a district; between two nights there may be uploads, previews and approvals."""

_Limit = Annotated[int, Query(ge=1, le=100, description="How many there may be in the answer.")]


class LastSyncOut(BaseModel):
    """The newest sync of a district, by night or asked for."""

    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)

    run_id: str
    kind: RunKind
    state: RunState
    reason: str | None
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, run: Run) -> Self:
        """The run without what it counted."""
        return cls(
            run_id=run.run_id,
            kind=run.kind,
            state=run.state,
            reason=run.reason,
            created_at=run.created_at,
            ended_at=run.ended_at,
        )


class DistrictOut(BaseModel):
    """How a district's sync fares. `last_sync` is null before the first one."""

    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)

    district_id: str
    health: Health
    last_sync: LastSyncOut | None

    @classmethod
    def of(cls, district_id: DistrictId, last: Run | None, now: datetime) -> Self:
        """The district with what became of its newest sync."""
        return cls(
            district_id=district_id,
            health=health_of(last, now),
            last_sync=LastSyncOut.of(last) if last else None,
        )


class DistrictsOut(BaseModel):
    """Districts with a product on, by id; `next_cursor` is null on the last page."""

    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)

    items: list[DistrictOut]
    next_cursor: str | None


def add_district_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the route `/districts`."""

    @api.get(
        "/districts",
        summary="List districts and how their syncs fare",
        description="For the vendor's staff. Those with a product on, by id.",
    )
    def list_districts(limit: _Limit = 50, cursor: Cursor = None) -> DistrictsOut:
        require_staff(account(api.current_event.request_context.authorizer.claims))
        page, next_cursor = services.active_districts(cursor, limit)
        now = services.clock()
        return DistrictsOut(
            items=[DistrictOut.of(each, _last_sync(each), now) for each in page], next_cursor=next_cursor
        )

    def _last_sync(district_id: DistrictId) -> Run | None:
        newest, _ = services.runs.page(district_id, None, _LOOKED_AT)
        return next((run for run in newest if run.kind in SYNCS), None)
