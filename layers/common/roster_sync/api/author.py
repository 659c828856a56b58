"""Who asks, for the audit log."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from roster_sync.api.services import Services
from roster_sync.domain.audit import Author
from roster_sync.security.access import account


def author(api: APIGatewayRestResolver, services: Services) -> Author:
    """The account of the present request's token, now."""
    asking = account(api.current_event.request_context.authorizer.claims)
    return Author(name=asking.name, at=services.clock(), nonce=services.nonce())
