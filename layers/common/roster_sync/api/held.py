"""Routes of the changes that blocked runs hold: reading, approving and discarding them."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.params import Query

from roster_sync.api.answers import answers
from roster_sync.api.author import author
from roster_sync.api.held_schemas import DecisionOut, HeldOut, SelectionBody
from roster_sync.api.idempotency import Asked, IdempotencyKey, once
from roster_sync.api.schemas import Cursor, DistrictInPath, Limit, RunInPath, RunOut
from roster_sync.api.services import Services
from roster_sync.domain.beginning import Beginning
from roster_sync.domain.errors import NotFoundError
from roster_sync.domain.held_changes import Action, Decision, HeldKind
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId
from roster_sync.domain.run import Run, approval_run_id
from roster_sync.use_cases.decide_held import approve_held, discard_held


def add_held_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes `held`, `approve` and `discard` under `/districts/{district_id}/runs/{run_id}`."""
    runs, held = services.runs, services.held

    def existing(district_id: DistrictId, run_id: RunId) -> Run:
        run = runs.get(district_id, run_id)
        if run is None:
            raise NotFoundError("There is no such run. Runs are kept for 90 days; load the list of runs again.")
        return run

    @api.get("/districts/<district_id>/runs/<run_id>/held", summary="List what a blocked run holds")
    def list_held(
        district_id: DistrictInPath,
        run_id: RunInPath,
        school: Annotated[SchoolId | None, Query(min_length=1, max_length=64)] = None,
        kind: HeldKind | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> HeldOut:
        run = existing(district_id, run_id)
        page, next_cursor = held.page(
            district_id, run_id, run.attempt, school_id=school, kind=kind, cursor=cursor, limit=limit
        )
        users = services.users.by_ids(district_id, [each.change.user_id for each in page])
        return HeldOut.of(run, page, users, held.decisions(district_id, run_id), next_cursor)

    @api.post(
        "/districts/<district_id>/runs/<run_id>/approve",
        summary="Approve held changes",
        description="By a run of its own, which makes just these, until a later sync has read the provider.",
        status_code=HTTPStatus.ACCEPTED,
        responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT),
    )
    def approve(
        district_id: DistrictInPath, run_id: RunInPath, body: SelectionBody, key: IdempotencyKey = None
    ) -> RunOut:
        def start(beginning: Beginning) -> Run:
            return approve_held(
                existing(district_id, run_id),
                body.selection(),
                author(api, services),
                runs=runs,
                held=held,
                request_sync=services.request_sync,
                now=beginning.at,
                nonce=beginning.nonce,
            )

        def started(beginning: Beginning) -> Run | None:
            return runs.get(district_id, approval_run_id(beginning.at, beginning.nonce))

        asked = Asked(district_id, key, api.current_event)
        return RunOut.of(once(asked, services, start=start, started=started))

    @api.post(
        "/districts/<district_id>/runs/<run_id>/discard",
        summary="Discard held changes",
        description="They are not made; the next sync finds them anew.",
        responses=answers(HTTPStatus.OK, HTTPStatus.CONFLICT),
    )
    def discard(
        district_id: DistrictInPath, run_id: RunInPath, body: SelectionBody, key: IdempotencyKey = None
    ) -> DecisionOut:
        def start(beginning: Beginning) -> Decision:
            run = existing(district_id, run_id)
            return discard_held(run, body.selection(), author(api, services), held=held, now=beginning.at)

        def started(beginning: Beginning) -> Decision | None:
            decisions = held.decisions(district_id, run_id)
            made = (each for each in decisions if (each.action, each.decided_at) == (Action.DISCARD, beginning.at))
            return next(made, None)

        asked = Asked(district_id, key, api.current_event)
        return DecisionOut.of(once(asked, services, start=start, started=started))
