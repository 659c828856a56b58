"""Teaches moto's DynamoDB what functions need of it: PartiQL, and several threads at once.

Of an INSERT it knows neither parameters nor who is there already: held against the local stack by the contracts of
users, which pass over both. And of two requests that put the first items of a partition at once it may lose one's.
"""

import re
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.dynamodb.exceptions import ConditionalCheckFailed
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.responses import DynamoHandler, DynamoResult

_INSERT = re.compile(r'INSERT INTO "(?P<table>[^"]+)" VALUE \{(?P<names>[^}]+)\}')
_PARAMETER = re.compile(r"'(?P<name>[^']+)': \?")
_ANSWER = DynamoHandler.call_action
_ANSWERING = Lock()


def teach_moto() -> None:
    """Have every mocked DynamoDB of this process insert as the real one does, and answer one request at a time."""
    DynamoHandler.batch_execute_statement = _insert_each  # type: ignore[method-assign, assignment]
    DynamoHandler.call_action = _answer_alone  # type: ignore[method-assign]


def _answer_alone(handler: DynamoHandler) -> TYPE_RESPONSE:
    with _ANSWERING:
        answer: TYPE_RESPONSE = _ANSWER(handler)
        return answer


def _insert_each(handler: DynamoHandler) -> DynamoResult:
    statements: Sequence[Mapping[str, Any]] = handler.body["Statements"]
    answers = [_insert(handler.dynamodb_backend, each["Statement"], each["Parameters"]) for each in statements]
    consumed = [{"CapacityUnits": float(len(answers))}] if "ReturnConsumedCapacity" in handler.body else []
    return DynamoResult({"Responses": answers, "ConsumedCapacity": consumed})


def _insert(backend: DynamoDBBackend, statement: str, parameters: Sequence[Any]) -> dict[str, Any]:
    parsed = _INSERT.fullmatch(statement)
    assert parsed, statement
    names = _PARAMETER.findall(parsed["names"])
    table = backend.get_table(parsed["table"])
    try:
        backend.put_item(
            table.name,
            dict(zip(names, parameters, strict=True)),
            condition_expression=f"attribute_not_exists({table.hash_key_attr})",
        )
    except ConditionalCheckFailed:
        return {"Error": {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}}
    return {"TableName": table.name}
