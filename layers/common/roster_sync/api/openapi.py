"""The API's description (OpenAPI 3.1), made from its routes and their types; no function imports this."""

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, Server, Tag
from pydantic import TypeAdapter

from roster_sync.api.problems import CONTENT_TYPE
from roster_sync.use_cases.probe.report import ProbeReport

Json = dict[str, Any]

_VERSION = "1"
"""Of the API, not of the deployment; another one only if clients of this one would break."""
_DESCRIPTION = """\
What a district administrator does in the portal, for programs. An ID token names the one district that it may act on;
the tokens of the vendor's staff may act on any.

Whatever is refused or fails is answered as problem details (RFC 9457), whose `detail` says what is wrong and what to
do. Lists come page by page: ask again with the `next_cursor` of the answer as `cursor` until it is null. Times are
UTC, in ISO 8601. What is unknown or unset is null.
"""
_SCHEME = "IdToken"
_SCHEME_DESCRIPTION = "ID token of the deployment's Cognito user pool. It lasts an hour."

_TAGS = {
    "districts": "All of them, for the vendor's staff.",
    "deletion": "Of a district, for the vendor's staff.",
    "settings": "Of a district: its provider, key and secret, products, limits.",
    "schools": "Of a district, each with its OneRoster ID.",
    "users": "Of a district as they are stored, and uploads of users.",
    "audit": "Who did what to a district, and when.",
    "runs": "Syncs, previews, uploads, approvals and reverts: what they did, found, and wait for.",
    "export": "Of a district's users, and its consent that the vendor's staff export them.",
}
_REFERENCE_TO = "#/components/{kind}/{name}"

_PROBLEMS: Mapping[HTTPStatus, str] = {
    HTTPStatus.UNAUTHORIZED: "No token, or one that has expired.",
    HTTPStatus.FORBIDDEN: "The token may not act on this district.",
    HTTPStatus.NOT_FOUND: "What the path names is not there.",
    HTTPStatus.METHOD_NOT_ALLOWED: "The path takes other methods; `Allow` names them.",
    HTTPStatus.CONFLICT: "What is stored, or goes on, does not allow this now.",
    HTTPStatus.PRECONDITION_FAILED: "`If-Match` names another version than the stored one.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is of another type than the one described.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A parameter or the body cannot be used; `errors` says which and why.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests. `Retry-After` says when to ask again.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something failed on our side.",
    HTTPStatus.BAD_GATEWAY: "Something failed on our side.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Something that is needed did not answer. `Retry-After` says when to ask again.",
    HTTPStatus.GATEWAY_TIMEOUT: "The answer took longer than 29 seconds.",
}
_OF_ANY_ROUTE = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
_OF_A_BODY = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
_WITH_RETRY_AFTER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)

_PROBLEM: Json = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do."},
        "errors": {
            "type": "array",
            "description": "Each value that cannot be used.",
            "items": {
                "type": "object",
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "description": "JSON pointer into the body."},
                    "parameter": {"type": "string", "description": "Name of the parameter."},
                },
                "required": ["detail"],
            },
        },
    },
    "required": ["type", "detail"],
}

_TYPED_ELSEWHERE = {"test_settings": ProbeReport}
"""Answers that the API passes on from another function as they are, by operation."""
_IN_JSON = {"None": "null", "True": "true", "False": "false"}


def described(resolver: APIGatewayRestResolver) -> Json:
    """The description of every route, in plain JSON types and in an order that stays."""
    document: Json = json.loads(
        resolver.get_openapi_json_schema(
            title="OneRoster sync",
            version=_VERSION,
            description=_DESCRIPTION,
            tags=[Tag(name=name, description=text) for name, text in _TAGS.items()],
            servers=[Server(url=".", description="The deployment that serves this description.")],
            security_schemes={_SCHEME: HTTPBearer(bearerFormat="JWT", description=_SCHEME_DESCRIPTION)},
            security=[{_SCHEME: []}],
        )
    )
    schemas: Json = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    for path, method, operation in _operations(document):
        _name(operation, path, method)
        if model := _TYPED_ELSEWHERE.get(operation["operationId"]):
            _type(operation, model, schemas)
        _complete_parameters(operation)
        _complete_answers(operation, schemas, may_conflict=method != "get" and "{district_id}/" in path)
    document["components"]["responses"] = {_name_of(status): _problem(status) for status in _PROBLEMS}
    tidy: Json = _tidy(document)
    tidy["paths"] = dict(sorted(tidy["paths"].items()))
    tidy["components"]["schemas"] = dict(sorted(tidy["components"]["schemas"].items()))
    return tidy


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _name(operation: Json, path: str, method: str) -> None:
    """After the route's function; powertools adds path and method to its name, which clients would have to type."""
    suffix = "".join(character if character.isalnum() else "_" for character in f"{path}_{method}")
    name: str = operation["operationId"].removesuffix(suffix)
    operation["operationId"] = name
    if operation["summary"] == f"{method.upper()} {path}":
        operation["summary"] = name.replace("_", " ").capitalize()
    # /districts/{district_id}/<tag>
    steps = path.split("/")
    operation["tags"] = [steps[3] if len(steps) > 3 else steps[1]]


def _type(operation: Json, model: type[object], schemas: Json) -> None:
    template = _REFERENCE_TO.format(kind="schemas", name="{model}")
    schema = TypeAdapter(model).json_schema(ref_template=template, mode="serialization")
    typed = {**schema.pop("$defs", {}), model.__name__: schema}
    for each in typed.values():
        _read_docstring(each)
    schemas.update(typed)
    operation["responses"]["200"]["content"]["application/json"]["schema"] = _reference("schemas", model.__name__)


def _read_docstring(schema: Json) -> None:
    """Give each field of a dataclass what its docstring says of it; an answer has every field."""
    text, _, attributes = schema.get("description", "").partition("\n\nAttributes:\n")
    if text:
        schema["description"] = text
    fields: Json = schema.get("properties", {})
    for names, meaning in re.findall(r"^    ([\w, ]+): (.+(?:\n {8}.+)*)", attributes, re.MULTILINE):
        for name in names.split(", "):
            in_json = re.sub(r"\b(None|True|False)\b", lambda word: _IN_JSON[word[0]], meaning)
            fields[name]["description"] = re.sub(r"\s+", " ", in_json)
    for field in fields.values():
        field.pop("default", None)
    if fields:
        schema["required"] = list(fields)


def _complete_parameters(operation: Json) -> None:
    for parameter in operation.get("parameters", ()):
        schema: Json = parameter["schema"]
        schema.pop("description", None)
        # A parameter that has no value is left out.
        alternatives = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
        if len(alternatives) == 1:
            parameter["schema"] = alternatives[0]
        if parameter["in"] == "header":
            parameter["name"] = parameter["name"].title()


def _complete_answers(operation: Json, schemas: Json, *, may_conflict: bool) -> None:
    """`may_conflict` with the deletion of the district."""
    described = operation["responses"]
    problems = {HTTPStatus(int(status)) for status in described if int(status) >= HTTPStatus.BAD_REQUEST}
    problems.update(_OF_ANY_ROUTE, _OF_A_BODY if "requestBody" in operation else ())
    if may_conflict:
        problems.add(HTTPStatus.CONFLICT)
    successes = {status: answer for status, answer in described.items() if int(status) < HTTPStatus.BAD_REQUEST}
    for status, answer in successes.items():
        if int(status) == HTTPStatus.NO_CONTENT:
            answer.pop("content", None)
        answer["description"] = _summary_of(answer, schemas) or HTTPStatus(int(status)).phrase
    operation["responses"] = {
        **successes,
        **{str(status.value): _reference("responses", _name_of(status)) for status in sorted(problems)},
    }


def _summary_of(answer: Json, schemas: Json) -> str | None:
    """The first sentence of what is said of the answer's type."""
    content = answer.get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    text: str = schemas.get(name, {}).get("description", "")
    return text.partition("\n")[0] or None


def _problem(status: HTTPStatus) -> Json:
    answer: Json = {
        "description": _PROBLEMS[status],
        "content": {CONTENT_TYPE: {"schema": _reference("schemas", "Problem")}},
    }
    if status in _WITH_RETRY_AFTER:
        answer["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
        }
    return answer


def _name_of(status: HTTPStatus) -> str:
    """Not its phrase, which differs between versions of Python."""
    return f"Problem{status.value}"


def _reference(kind: str, name: str) -> Json:
    return {"$ref": _REFERENCE_TO.format(kind=kind, name=name)}


def _tidy(node: Any) -> Any:
    """Without the titles that repeat a field's name, and whole numbers as such."""
    if isinstance(node, dict):
        return {
            name: _tidy(value)
            for name, value in node.items()
            if not (name == "title" and isinstance(value, str) and node.keys() & {"type", "anyOf", "$ref"})
        }
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    return int(node) if isinstance(node, float) and node.is_integer() else node
