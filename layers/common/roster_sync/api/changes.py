"""Routes of what runs changed, or would change, user by user, and of taking that back."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from roster_sync.api.answers import answers
from roster_sync.api.author import author
from roster_sync.api.existing_run import existing_run
from roster_sync.api.idempotency import Asked, IdempotencyKey, once
from roster_sync.api.schemas import ChangeOut, ChangesOut, Cursor, DistrictInPath, Limit, RunInPath, RunOut, SamplesOut
from roster_sync.api.services import Services
from roster_sync.domain.beginning import Beginning
from roster_sync.domain.change import ChangeKind
from roster_sync.domain.run import Run, revert_run_id
from roster_sync.use_cases.show_changes import page_of_changes, samples_of_changes
from roster_sync.use_cases.start_revert import start_revert


def add_change_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes of changes under `/districts/{district_id}/runs/{run_id}`."""

    @api.get(
        "/districts/<district_id>/runs/<run_id>/changes",
        summary="List what a run changed",
        description="User by user, with before and after; kept for 30 days.",
    )
    def list_changes(
        district_id: DistrictInPath,
        run_id: RunInPath,
        kind: ChangeKind | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> ChangesOut:
        run = existing_run(services.runs, district_id, run_id)
        page, next_cursor = page_of_changes(run, services.log, services.users, kind=kind, cursor=cursor, limit=limit)
        return ChangesOut(items=[ChangeOut.of(change) for change in page], next_cursor=next_cursor)

    @api.post(
        "/districts/<district_id>/runs/<run_id>/revert",
        summary="Undo a run or an upload",
        description="Of the last 30 days, by a run of its own: users whom nobody has changed since are as before.",
        status_code=HTTPStatus.ACCEPTED,
        responses=answers(HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT),
    )
    def revert(district_id: DistrictInPath, run_id: RunInPath, key: IdempotencyKey = None) -> RunOut:
        def start(beginning: Beginning) -> Run:
            return start_revert(
                existing_run(services.runs, district_id, run_id),
                runs=services.runs,
                request_sync=services.request_sync,
                now=beginning.at,
                nonce=beginning.nonce,
                by=author(api, services),
            )

        def started(beginning: Beginning) -> Run | None:
            return services.runs.get(district_id, revert_run_id(beginning.at, beginning.nonce))

        asked = Asked(district_id, key, api.current_event)
        return RunOut.of(once(asked, services, start=start, started=started))

    @api.get(
        "/districts/<district_id>/runs/<run_id>/samples",
        summary="List samples of a run's changes",
        description="Of a preview: what a sync would change.",
    )
    def list_samples(district_id: DistrictInPath, run_id: RunInPath) -> SamplesOut:
        run = existing_run(services.runs, district_id, run_id)
        return SamplesOut(
            items=[ChangeOut.of(change) for change in samples_of_changes(run, services.log, services.users)]
        )
