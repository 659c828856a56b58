"""Routes of a district's users: reading them, and uploads."""

from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON
from aws_lambda_powertools.event_handler.openapi.params import Query

from roster_sync.api.answers import answers
from roster_sync.api.author import author
from roster_sync.api.existing_run import existing_run
from roster_sync.api.idempotency import Asked, IdempotencyKey, once
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
from roster_sync.api.services import LEASE_LASTS, Services
from roster_sync.api.uploaded_file import MAX_ROWS_IN_REQUEST, REPORTED_ISSUES, file_of
from roster_sync.api.user_edits import USER_ETAG, shown_user
from roster_sync.domain.audit import Act
from roster_sync.domain.beginning import Beginning
from roster_sync.domain.errors import ConfigurationError, NotFoundError
from roster_sync.domain.identifiers import SchoolId
from roster_sync.domain.run import Run, upload_run_id
from roster_sync.domain.search import UserQuery, words_of
from roster_sync.domain.upload import CONTENT_TYPE, read_upload
from roster_sync.domain.user import Role, normalised_email
from roster_sync.use_cases.edit_user import NO_SUCH_USER
from roster_sync.use_cases.find_users import find_users
from roster_sync.use_cases.import_upload import Importer, create_upload_run, import_upload

URL_VALID_FOR = timedelta(minutes=15)
_SEARCH = "Words, each a part of a name, of the e-mail address, the username or an ID; case and accents do not count."


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
        events=services.events,
    )

    def report(run: Run) -> UploadOut:
        issues, next_cursor = runs.issues(run.district_id, run.run_id, run.attempt, None, REPORTED_ISSUES)
        return UploadOut(
            run_id=run.run_id,
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
        search: Annotated[str | None, Query(min_length=2, max_length=255, description=_SEARCH)] = None,
        source: Literal["synced", "manual"] | None = None,
        counselor_email: Annotated[str | None, Query(min_length=3, max_length=255)] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> UsersOut:
        active = None if status is None else status == "active"
        synced = None if source is None else source == "synced"
        words = words_of(search or "")
        if email and (words or counselor_email):
            raise ConfigurationError("Look for an e-mail address, or search, not both. Leave one of them out.")
        if words or counselor_email:
            query = UserQuery(
                words=words,
                school_id=school,
                role=role,
                active=active,
                synced=synced,
                counselor_email=normalised_email(counselor_email) if counselor_email else None,
            )
            page, next_cursor = find_users(
                district_id, search or "", query, users=users, search=services.search, cursor=cursor, limit=limit
            )
        else:
            page, next_cursor = users.page(
                district_id,
                school_id=school,
                role=role,
                active=active,
                email=email,
                synced=synced,
                cursor=cursor,
                limit=limit,
            )
        return UsersOut(items=[UserOut.of(user) for user in page], next_cursor=next_cursor)

    @api.get(
        "/districts/<district_id>/users/<user_id>",
        summary="Read a user",
        responses=answers(HTTPStatus.OK, etag=USER_ETAG),
    )
    def get_user(district_id: DistrictInPath, user_id: UserInPath) -> Response[UserOut]:
        user = users.get(district_id, user_id)
        if user is None:
            raise NotFoundError(NO_SUCH_USER)
        return shown_user(user)

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
    def upload_users(district_id: DistrictInPath, key: IdempotencyKey = None) -> Response[UploadOut]:
        event = api.current_event
        content = file_of(event)

        def start(beginning: Beginning) -> Run:
            upload = read_upload(content, services.districts.schools(district_id))
            run_id = upload_run_id(beginning.at, beginning.nonce)
            if upload.row_count > MAX_ROWS_IN_REQUEST:
                # In this order: a file that cannot be kept must not leave a run that waits for it.
                services.uploads.put(district_id, run_id, content)
                create_upload_run(district_id, run_id, replace(importer, by=author(api, services)), beginning.at)
                return existing_run(runs, district_id, run_id)
            ours = replace(importer, metered=services.start_metering(), by=author(api, services))
            return import_upload(upload, district_id, run_id, ours)

        def started(beginning: Beginning) -> Run | None:
            return runs.get(district_id, upload_run_id(beginning.at, beginning.nonce))

        run = once(Asked(district_id, key, event), services, start=start, started=started)
        status = HTTPStatus.OK if run.state.is_terminal else HTTPStatus.ACCEPTED
        return Response(status.value, APPLICATION_JSON, report(run))

    @api.post(
        "/districts/<district_id>/users/upload-url",
        summary="Ask for a URL for a large upload",
        description="PUT the file there, with the headers of the answer; its arrival starts the run.",
        status_code=HTTPStatus.CREATED,
    )
    def create_upload_url(district_id: DistrictInPath) -> UploadUrlOut:
        run_id = upload_run_id(services.clock(), services.nonce())
        url = services.uploads.url(district_id, run_id, URL_VALID_FOR)
        services.audit.append(author(api, services).did(Act.UPLOAD_URL_GIVEN, district_id, run_id))
        return UploadUrlOut(
            run_id=run_id,
            url=url,
            method="PUT",
            headers={"Content-Type": CONTENT_TYPE},
            expires_at=services.clock() + URL_VALID_FOR,
        )
