"""Routes of a district's OneRoster settings."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON
from aws_lambda_powertools.event_handler.openapi.params import Body

from roster_sync.api.answers import answers
from roster_sync.api.author import author
from roster_sync.api.preconditions import version_of
from roster_sync.api.problems import PreconditionFailedError
from roster_sync.api.schemas import DistrictInPath, IfMatch, SettingsBody, SettingsOut
from roster_sync.api.services import Services
from roster_sync.domain.audit import Act
from roster_sync.domain.credentials import notices
from roster_sync.domain.district import Settings, why_not_run
from roster_sync.domain.errors import ConflictError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.limits import lifted_notice
from roster_sync.domain.schedule import next_night, schedule_of
from roster_sync.use_cases.change_settings import (
    change_settings,
    remember_sign_in,
    require_secret_for_another_host,
)

_ETAG = "Version of the settings, for `If-Match`."


def add_settings_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes under `/districts/{district_id}/settings`."""
    districts, offered = services.districts, services.offered_products

    def stored(district_id: DistrictId) -> Settings:
        return districts.settings(district_id) or Settings(district_id=district_id)

    def shown(settings: Settings) -> Response[SettingsOut]:
        why = why_not_run(settings, districts.schools(settings.district_id), offered)
        now = services.clock()
        told = [*filter(None, [lifted_notice(settings, now)]), *notices(settings, now.date())]
        schedule = schedule_of(settings, services.default_schedule)
        night = next_night(schedule, settings, now) if why is None else None
        body = SettingsOut.of(settings, schedule, night, offered, why, told)
        return Response(HTTPStatus.OK.value, APPLICATION_JSON, body, {"ETag": f'"{settings.version}"'})

    @api.get(
        "/districts/<district_id>/settings",
        summary="Read the settings",
        description="Without the secret. A district whose settings were never saved answers the defaults.",
        responses=answers(HTTPStatus.OK, etag=_ETAG),
    )
    def get_settings(district_id: DistrictInPath) -> Response[SettingsOut]:
        return shown(stored(district_id))

    @api.put(
        "/districts/<district_id>/settings",
        summary="Save the settings",
        description="All of them: what is left out goes back to its default, except what is said to be kept. "
        "With `If-Match`, or `version` in the body, only while nobody else has saved since.",
        responses=answers(HTTPStatus.OK, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, etag=_ETAG),
    )
    def put_settings(
        district_id: DistrictInPath, body: SettingsBody, condition: IfMatch = None
    ) -> Response[SettingsOut]:
        entered = body.entered()
        if condition:
            entered = replace(entered, version=version_of(condition, "these settings"))
        try:
            saved = change_settings(
                entered,
                district_id,
                store=districts,
                normalise_base_url=services.normalise_base_url,
                normalise_token_url=services.normalise_token_url,
                encrypt=services.encrypt,
                offered_products=offered,
                default_schedule=services.default_schedule,
                now=services.clock(),
                by=author(api, services),
            )
        except ConflictError as conflict:
            if condition:
                raise PreconditionFailedError(str(conflict)) from conflict
            raise
        return shown(saved)

    @api.post(
        "/districts/<district_id>/settings/test",
        summary="Test the settings",
        description="Asks the provider and reports step by step, within 20 seconds: of the saved settings, or of those "
        "in the body, none of which are saved. At most five times in five minutes.",
    )
    def test_settings(
        district_id: DistrictInPath, body: Annotated[SettingsBody | None, Body()] = None
    ) -> dict[str, Any]:
        request: dict[str, Any] = {"district_id": district_id}
        settings = stored(district_id)
        if body is not None and body.model_fields_set:
            unsaved = body.model_dump(mode="json", exclude_unset=True, exclude_none=True, exclude={"version"})
            if body.base_url is not None:
                unsaved["base_url"] = services.normalise_base_url(body.base_url)
            if body.token_url is not None:
                unsaved["token_url"] = services.normalise_token_url(body.token_url)
            require_secret_for_another_host(
                unsaved.get("base_url"), unsaved.get("token_url"), body.consumer_secret, settings
            )
            request["settings"] = unsaved
        report = dict(services.test_connection(request))
        services.audit.append(author(api, services).did(Act.SETTINGS_TESTED, district_id))
        if "settings" not in request:
            remember_sign_in(report.get("sign_in"), settings, districts)
        return report
