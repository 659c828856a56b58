"""Serve the district portal's page and files."""

from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.api.portal import Portal, PortalSettings
from roster_sync.environment import PortalEnvironment


@cache
def portal() -> Portal:
    """Read the files once per execution environment, not on import."""
    environment = PortalEnvironment.from_env()
    return Portal(
        Path(__file__).parent / "static",
        PortalSettings(
            environment.sign_in_url,
            environment.uploads_url,
        ),
    )


def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer one request; it is public, as the files hold no data, and there is nothing to log."""
    return portal().answer(event)
