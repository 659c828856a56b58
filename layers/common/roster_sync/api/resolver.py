"""The API as a whole: who may ask, the routes, and every error as problem details."""

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestUnsupportedContentType, RequestValidationError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.api.audit import add_audit_routes
from roster_sync.api.changes import add_change_routes
from roster_sync.api.deletion import add_deletion_routes, refuse_changes
from roster_sync.api.districts import add_district_routes
from roster_sync.api.export import add_export_routes
from roster_sync.api.held import add_held_routes
from roster_sync.api.problems import PreconditionFailedError, problem, validation_problem
from roster_sync.api.runs import add_run_routes
from roster_sync.api.schools import add_school_routes
from roster_sync.api.services import Services
from roster_sync.api.settings import add_settings_routes
from roster_sync.api.upload_preview import add_upload_preview_routes
from roster_sync.api.user_edits import add_user_edit_routes
from roster_sync.api.user_history import add_user_history_routes
from roster_sync.api.user_search import add_user_search_routes
from roster_sync.api.users import add_user_routes
from roster_sync.domain.errors import (
    ConfigurationError,
    ConflictError,
    DistrictBusyError,
    NotFoundError,
    TooManyTestsError,
    TransientError,
)
from roster_sync.domain.identifiers import DistrictId
from roster_sync.observability import logger
from roster_sync.security.access import ForbiddenError, NotSignedInError, account, require_access

_STATUS_OF_ERROR: Mapping[type[Exception], HTTPStatus] = {
    ConfigurationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ConflictError: HTTPStatus.CONFLICT,
    DistrictBusyError: HTTPStatus.CONFLICT,
    NotFoundError: HTTPStatus.NOT_FOUND,
    PreconditionFailedError: HTTPStatus.PRECONDITION_FAILED,
    NotSignedInError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
}

RETRY_AFTER_S = 30
MAX_JSON_CHARACTERS = 300_000
"""More than the longest settings take, each character escaped; bounds the list of what is wrong in a body."""

_FORMS = ("application/x-www-form-urlencoded", "multipart/")
_DISTRICT_IN_PATH = re.compile(r"/districts/([^/]+)")


class Api:
    """Answers API Gateway's events."""

    def __init__(self, services: Services) -> None:
        self._resolver = resolver_of(services)

    def answer(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer a request, but only after its token's district was compared with the path's."""
        try:
            district_id = _check_access(event)
        except (NotSignedInError, ForbiddenError) as refusal:
            return _finished(event, _as_gateway_answer(problem(_STATUS_OF_ERROR[type(refusal)], str(refusal))))
        if APIGatewayProxyEvent(event).headers.get("content-type", "").strip().lower().startswith(_FORMS):
            # Powertools would read it, or fail at it.
            what = "Send no form, but JSON, with Content-Type: application/json, or a file as text/csv."
            return _finished(event, _as_gateway_answer(problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, what)))
        with logger.append_context_keys(district_id=district_id):
            return _finished(event, self._resolver.resolve(event, context))


def _finished(event: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    answer["multiValueHeaders"]["Cache-Control"] = ["no-store"]
    logger.info(
        "Answered",
        extra={"method": event["httpMethod"], "resource": event.get("resource"), "status": answer["statusCode"]},
    )
    return answer


def _check_access(event: Mapping[str, Any]) -> DistrictId | None:
    """Let the token's account act on its own district only, and return the district; None if the path names none.

    Raises:
        NotSignedInError: No token.
        ForbiddenError: The path names a district that is not the account's.
    """
    asking = account((event["requestContext"].get("authorizer") or {}).get("claims"))
    # The very text that the routes are matched against.
    named = _DISTRICT_IN_PATH.match(event["path"])
    if named is None:
        return None
    district_id = DistrictId(named[1])
    require_access(asking, district_id)
    return district_id


def _as_gateway_answer(response: Response[str]) -> dict[str, Any]:
    return {
        "statusCode": response.status_code,
        "body": response.body,
        "isBase64Encoded": False,
        "multiValueHeaders": {"Content-Type": [response.content_type]},
    }


def _read_json(text: str) -> Any:
    """A body; whatever cannot be read (text, depth, half a character) raises the one error that powertools answers."""
    if len(text) > MAX_JSON_CHARACTERS:
        raise ServiceError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is longer than 300 kB. Send only the fields of this request."
        )
    try:
        body = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise json.JSONDecodeError(str(error), "", 0) from error
    if isinstance(body, list):
        # Powertools would take the first of them for the body.
        raise RequestValidationError([{"type": "model_type", "loc": ("body",), "msg": "Not an object"}])
    return body


def resolver_of(services: Services) -> APIGatewayRestResolver:
    """Every route, with every error as problem details; who may ask is not checked."""
    resolver = APIGatewayRestResolver(
        enable_validation=True,
        response_validation_error_http_code=HTTPStatus.INTERNAL_SERVER_ERROR,
        json_body_deserializer=_read_json,
    )
    resolver.use([refuse_changes(services)])
    for add_routes in (
        add_district_routes,
        add_deletion_routes,
        add_export_routes,
        add_settings_routes,
        add_school_routes,
        # Before the route of a user, who might have this id.
        add_user_search_routes,
        add_user_routes,
        add_upload_preview_routes,
        add_user_edit_routes,
        add_user_history_routes,
        add_run_routes,
        add_change_routes,
        add_held_routes,
        add_audit_routes,
    ):
        add_routes(resolver, services)

    def no_such_route(_error: ServiceError) -> Response[str]:
        method, path = resolver.current_event.http_method, resolver.current_event.path
        allowed = _methods_of(resolver, path)
        if not allowed or method in allowed:
            return problem(HTTPStatus.NOT_FOUND, "There is no such path. Check it against the API's description.")
        return problem(
            HTTPStatus.METHOD_NOT_ALLOWED,
            f"This path does not take {method}. Use {' or '.join(allowed)}.",
            headers={"Allow": ", ".join(allowed)},
        )

    resolver.not_found(no_such_route)
    for error, answer in _ANSWERS.items():
        resolver.exception_handler(error)(answer)
    return resolver


def _answer_ours(error: Exception) -> Response[str]:
    return problem(_STATUS_OF_ERROR[type(error)], str(error))


def _answer_transient(error: Exception) -> Response[str]:
    logger.warning("Could not answer", extra={"reason": str(error)})
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"{error} Try again in half a minute.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _answer_too_many(error: TooManyTestsError) -> Response[str]:
    headers = {"Retry-After": str(error.retry_after_s)}
    return problem(HTTPStatus.TOO_MANY_REQUESTS, str(error), headers=headers)


def _answer_invalid(error: RequestValidationError) -> Response[str]:
    return validation_problem(error.errors())


def _answer_unsupported(_error: Exception) -> Response[str]:
    return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body as JSON, with Content-Type: application/json.")


def _answer_http(error: ServiceError) -> Response[str]:
    return problem(HTTPStatus(error.status_code), str(error.msg))


def _answer_defect(_error: Exception) -> Response[str]:
    logger.exception("Request failed")
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something failed on our side. Try again later.")


_ANSWERS: Mapping[type[Exception], Callable[..., Response[str]]] = {
    **dict.fromkeys(_STATUS_OF_ERROR, _answer_ours),
    TransientError: _answer_transient,
    TooManyTestsError: _answer_too_many,
    RequestValidationError: _answer_invalid,
    RequestUnsupportedContentType: _answer_unsupported,
    ServiceError: _answer_http,
    Exception: _answer_defect,
}


def _methods_of(resolver: APIGatewayRestResolver, path: str) -> list[str]:
    """The methods that a path takes; none if no route has it."""
    described = resolver.get_openapi_schema(title="Settings API", version="1").paths or {}
    for template, item in described.items():
        if re.fullmatch(re.sub(r"[<{]\w+[>}]", "[^/]+", template) + "/*", path):
            return sorted(
                method.upper()
                for method in ("get", "put", "post", "patch", "delete")
                if getattr(item, method) is not None
            )
    return []
