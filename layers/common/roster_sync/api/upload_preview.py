"""The route that judges a manual upload before anything of it is stored."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from pydantic import BaseModel, ConfigDict

from roster_sync.api.answers import answers
from roster_sync.api.schemas import CountsOut, DistrictInPath, IssueOut
from roster_sync.api.services import Services
from roster_sync.api.uploaded_file import MAX_ROWS_IN_REQUEST, REPORTED_ISSUES, file_of
from roster_sync.domain.upload import CONTENT_TYPE, read_upload
from roster_sync.use_cases.preview_upload import preview_upload


class UploadPreviewOut(BaseModel):
    """What is wrong with a file, by line, and what it would change now; nothing of it is stored.

    `counts` is null for more than 2,000 rows, which are judged by themselves and not beside the stored users. `issues`
    are the first 1,000 of `issue_count`.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    rows: int
    usable: int
    counts: CountsOut | None
    issue_count: int
    issues: list[IssueOut]


def add_upload_preview_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the route of `/districts/{district_id}/users/upload-preview`."""

    @api.post(
        "/districts/<district_id>/users/upload-preview",
        summary="Try an upload out",
        description="Reads a file as an upload would, and stores nothing. Up to 5 MB; cut a larger file into parts, "
        "each with its header, and with empty lines in place of those that came before.",
        responses=answers(HTTPStatus.OK),
        openapi_extensions={
            "requestBody": {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}, "required": True}
        },
    )
    def try_upload(district_id: DistrictInPath) -> UploadPreviewOut:
        upload = read_upload(file_of(api.current_event), services.districts.schools(district_id))
        if upload.row_count > MAX_ROWS_IN_REQUEST:
            counts, usable, issues = None, len(upload.rows), upload.issues
        else:
            decided = preview_upload(
                upload,
                district_id,
                districts=services.districts,
                users=services.users,
                offered_products=services.offered_products,
            )
            usable = upload.row_count - decided.counts.invalid
            counts, issues = CountsOut.of(decided.counts), decided.issues
        return UploadPreviewOut(
            rows=upload.row_count,
            usable=usable,
            counts=counts,
            issue_count=len(issues),
            issues=[IssueOut.of(issue) for issue in issues[:REPORTED_ISSUES]],
        )
