"""Routes of a district's runs."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.params import Body

from roster_sync.api.answers import answers
from roster_sync.api.author import author
from roster_sync.api.existing_run import existing_run
from roster_sync.api.idempotency import Asked, IdempotencyKey, once
from roster_sync.api.schemas import (
    Cursor,
    DistrictInPath,
    IssueOut,
    IssuesLimit,
    IssuesOut,
    Limit,
    RunBody,
    RunInPath,
    RunOut,
    RunsOut,
)
from roster_sync.api.services import Services
from roster_sync.domain.beginning import Beginning
from roster_sync.domain.run import Run, RunState, manual_run_id, preview_run_id
from roster_sync.use_cases.redrive_run import Redriver, redrive_run
from roster_sync.use_cases.start_run import start_run


def add_run_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes under `/districts/{district_id}/runs`."""
    runs = services.runs

    @api.get("/districts/<district_id>/runs", summary="List runs", description="Newest first.")
    def list_runs(district_id: DistrictInPath, limit: Limit = 50, cursor: Cursor = None) -> RunsOut:
        page, next_cursor = runs.page(district_id, cursor, limit)
        return RunsOut(items=[RunOut.of(run) for run in page], next_cursor=next_cursor)

    @api.post(
        "/districts/<district_id>/runs",
        summary="Sync now, or preview a sync",
        description="A run is queued, or `skipped` with the reason if the district cannot run.",
        status_code=HTTPStatus.ACCEPTED,
        responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT),
    )
    def sync_now(
        district_id: DistrictInPath, body: Annotated[RunBody | None, Body()] = None, key: IdempotencyKey = None
    ) -> RunOut:
        preview = body is not None and body.preview
        id_of = preview_run_id if preview else manual_run_id

        def start(beginning: Beginning) -> Run:
            return start_run(
                district_id,
                districts=services.districts,
                runs=runs,
                request_sync=services.request_sync,
                offered_products=services.offered_products,
                now=beginning.at,
                nonce=beginning.nonce,
                preview=preview,
                by=author(api, services),
            )

        def started(beginning: Beginning) -> Run | None:
            return runs.get(district_id, id_of(beginning.at, beginning.nonce))

        asked = Asked(district_id, key, api.current_event)
        run = once(asked, services, start=start, started=started)
        if services.events and run.state.is_terminal:
            # Skipped at once. Behind `once`, so that a repetition tells what the first could not.
            services.events.run_ended(run)
        return RunOut.of(run)

    @api.get("/districts/<district_id>/runs/<run_id>", summary="Read a run")
    def get_run(district_id: DistrictInPath, run_id: RunInPath) -> RunOut:
        return RunOut.of(existing_run(runs, district_id, run_id))

    @api.post(
        "/districts/<district_id>/runs/<run_id>/redrive",
        summary="Let a failed run go on",
        description="Sends again what was given up after several tries.",
        status_code=HTTPStatus.ACCEPTED,
        responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT),
    )
    def redrive(district_id: DistrictInPath, run_id: RunInPath, key: IdempotencyKey = None) -> RunOut:
        redriver = Redriver(
            letters=services.dead_letters,
            runs=runs,
            leases=services.districts,
            request_sync=services.request_sync,
            send_changes=services.send_changes,
            clock=services.clock,
            by=author(api, services),
        )

        def start(_beginning: Beginning) -> Run:
            return redrive_run(district_id, run_id, redriver)

        def started(_beginning: Beginning) -> Run | None:
            run = runs.get(district_id, run_id)
            return run if run and run.state is not RunState.FAILED else None

        asked = Asked(district_id, key, api.current_event)
        return RunOut.of(once(asked, services, start=start, started=started))

    @api.get(
        "/districts/<district_id>/runs/<run_id>/issues",
        summary="List a run's issues",
        description="In the order in which they are best mended.",
    )
    def list_issues(
        district_id: DistrictInPath, run_id: RunInPath, limit: IssuesLimit = 100, cursor: Cursor = None
    ) -> IssuesOut:
        run = existing_run(runs, district_id, run_id)
        page, next_cursor = runs.issues(district_id, run_id, run.attempt, cursor, limit)
        return IssuesOut(items=[IssueOut.of(issue) for issue in page], next_cursor=next_cursor)
