"""The route of a district's audit log."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from roster_sync.api.audit_schemas import AuditEntryOut, AuditOut
from roster_sync.api.schemas import Cursor, DistrictInPath, Limit
from roster_sync.api.services import Services


def add_audit_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the route `/districts/{district_id}/audit`."""

    @api.get(
        "/districts/<district_id>/audit",
        summary="Read the audit log",
        description="Who did what when, newest first: settings, schools, uploads, and what people did about runs. "
        "Lines are kept for 400 days, and nobody can change or remove one.",
    )
    def list_audit(district_id: DistrictInPath, limit: Limit = 50, cursor: Cursor = None) -> AuditOut:
        page, next_cursor = services.audit.page(district_id, cursor, limit)
        return AuditOut(items=[AuditEntryOut.of(entry) for entry in page], next_cursor=next_cursor)
