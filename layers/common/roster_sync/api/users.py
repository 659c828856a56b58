"""Routes of a district's users: reading them, and uploads."""

import base64
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from roster_sync.api.answers import answers
from roster_sync.api.schemas import (
    Cursor,
    DistrictInPath,
    IssueOut,
    IssuesOut,
    Limit,
    RunOut,
    UploadOut,
    UploadUrlOut,
    UserInPath,
    UserOut,
    UsersOut,
)
from roster_sync.api.services import Services
from roster_sync.domain.errors import NotFoundError
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId
from roster_sync.domain.run import upload_run_id
from roster_sync.domain.upload import CONTENT_TYPE, read_upload
from roster_sync.domain.user import Role
from roster_sync.use_cases.import_upload import Importer, create_upload_run, import_upload

MAX_BODY_BYTES = 5_000_000
MAX_ROWS_IN_REQUEST = 2_000
"""More would outlast the 29 seconds that API Gateway waits."""
REPORTED_ISSUES = 1_000
URL_VALID_FOR = timedelta(minutes=15)
LEASE_LASTS = timedelta(seconds=60)


def add_user_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes under `/districts/{district_id}/users`."""
    users, runs = services.users, services.runs
    importer = Importer(
        districts=services.districts,
        leases=services.districts,
        runs=runs,
        users=users,
        log=services.log,
        offered_products=services.offered_products,
        lease_lasts=LEASE_LASTS,
        clock=services.clock,
    )

    def new_run_id() -> RunId:
        return upload_run_id(services.clock(), services.nonce())

    def report(district_id: DistrictId, run_id: RunId) -> UploadOut:
        run = runs.get(district_id, run_id)
        if run is None:
            raise NotFoundError("There is no such run.")
        issues, next_cursor = runs.issues(district_id, run_id, run.attempt, None, REPORTED_ISSUES)
        return UploadOut(
            run_id=run_id,
            run=RunOut.of(run),
            issues=IssuesOut(items=[IssueOut.of(issue) for issue in issues], next_cursor=next_cursor),
        )

    @api.get(
        "/districts/<district_id>/users",
        summary="List users",
        description="Those that pass every filter. A page may hold fewer than asked, even none.",
    )
    def list_users(
        district_id: DistrictInPath,
        school: Annotated[SchoolId | None, Query(min_length=1, max_length=64)] = None,
        role: Role | None = None,
        status: Literal["active", "inactive"] | None = None,
        email: Annotated[str | None, Query(min_length=3, max_length=255)] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> UsersOut:
        page, next_cursor = users.page(
            district_id,
            school_id=school,
            role=role,
            active=None if status is None else status == "active",
            email=email,
            cursor=cursor,
            limit=limit,
        )
        return UsersOut(items=[UserOut.of(user) for user in page], next_cursor=next_cursor)

    @api.get("/districts/<district_id>/users/<user_id>", summary="Read a user")
    def get_user(district_id: DistrictInPath, user_id: UserInPath) -> UserOut:
        user = users.get(district_id, user_id)
        if user is None:
            raise NotFoundError("There is no such user. Look the user up in the list of users.")
        return UserOut.of(user)

    @api.post(
        "/districts/<district_id>/users/upload",
        summary="Upload users as CSV",
        description="Up to 5 MB, in UTF-8. Up to 2,000 rows are stored at once (200); more are stored by a run that "
        "is then queued (202).",
        responses=answers(HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT),
        openapi_extensions={
            "requestBody": {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}, "required": True}
        },
    )
    def upload_users(district_id: DistrictInPath) -> Response[UploadOut]:
        event = api.current_event
        media_type = (event.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        if media_type != CONTENT_TYPE:
            raise ServiceError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the CSV file itself as the body, with Content-Type: text/csv."
            )
        content = _body(event)
        if len(content) > MAX_BODY_BYTES:
            raise ServiceError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "The file is larger than 5 MB. Ask for an upload URL (POST .../users/upload-url) and PUT it there.",
            )
        upload = read_upload(content, services.districts.schools(district_id))
        run_id = new_run_id()
        if upload.row_count > MAX_ROWS_IN_REQUEST:
            # In this order: a file that cannot be kept must not leave a run that waits for it.
            services.uploads.put(district_id, run_id, content)
            create_upload_run(district_id, run_id, importer, services.clock())
            return Response(HTTPStatus.ACCEPTED.value, APPLICATION_JSON, report(district_id, run_id))
        import_upload(upload, district_id, run_id, replace(importer, metered=services.start_metering()))
        return Response(HTTPStatus.OK.value, APPLICATION_JSON, report(district_id, run_id))

    @api.post(
        "/districts/<district_id>/users/upload-url",
        summary="Ask for a URL for a large upload",
        description="PUT the file there, with the headers of the answer; its arrival starts the run.",
        status_code=HTTPStatus.CREATED,
    )
    def create_upload_url(district_id: DistrictInPath) -> UploadUrlOut:
        run_id = new_run_id()
        return UploadUrlOut(
            run_id=run_id,
            url=services.uploads.url(district_id, run_id, URL_VALID_FOR),
            method="PUT",
            headers={"Content-Type": CONTENT_TYPE},
            expires_at=services.clock() + URL_VALID_FOR,
        )


def _body(event: APIGatewayProxyEvent) -> bytes:
    """The body as it was sent; a gateway that took it for text has already replaced what is no UTF-8."""
    if event.body is None:
        return b""
    if event.is_base64_encoded:
        return base64.b64decode(event.body)
    return event.body.encode("utf-8", "surrogatepass")
