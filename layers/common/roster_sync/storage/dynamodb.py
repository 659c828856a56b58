"""What the stores share: bounded waiting for DynamoDB, and its errors as ours."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import ClientError
from pynamodb.connection import Connection
from pynamodb.exceptions import PynamoDBException, TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from roster_sync.aws import AWS_ERRORS, is_outage
from roster_sync.domain.errors import ConfigurationError, OwnOutageError, TransientError
from roster_sync.metering import METER

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef, WriteRequestTypeDef

MAX_CONNECTIONS: Final = 32
"""Of one client; more than any store has threads."""

CONNECT_TIMEOUT_S: Final = 2
READ_TIMEOUT_S: Final = 5
MAX_RETRIES: Final = 5
"""By botocore's standard mode: pauses of at most 1, 2, 4, 8 and 16 s, half of that on average."""

BATCH_WRITE_LIMIT: Final = 25
"""Items of one BatchWriteItem, a limit of DynamoDB."""

CONDITION_FAILED: Final = "ConditionalCheckFailedException"

TRANSACTION_CANCELED: Final = "TransactionCanceledException"

_BODY: Final = "roster_sync_body"
_encode: Final = msgspec.json.Encoder().encode

_REASON_OF_CONDITION: Final = "ConditionalCheckFailed"
"""In a transaction's reasons; a single write's error has another name."""

_CONFLICT_PAUSES_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0)
"""At most; half of each on average, 5 s together."""


class Bounds:
    """How long a pynamodb model waits; each model's Meta inherits it."""

    connect_timeout_seconds = CONNECT_TIMEOUT_S
    read_timeout_seconds = READ_TIMEOUT_S
    max_retry_attempts = MAX_RETRIES
    max_pool_connections = MAX_CONNECTIONS


def connection() -> Connection:
    """What pynamodb's transactions go through; they belong to no model, so its bounds must be given anew."""
    return Connection(
        connect_timeout_seconds=CONNECT_TIMEOUT_S,
        read_timeout_seconds=READ_TIMEOUT_S,
        max_retry_attempts=MAX_RETRIES,
        max_pool_connections=MAX_CONNECTIONS,
    )


def low_level_client() -> "DynamoDBClient":
    """DynamoDB without pynamodb, and without botocore's validation of parameters, which costs a quarter of a write."""
    client = boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": MAX_RETRIES + 1},
            max_pool_connections=MAX_CONNECTIONS,
            parameter_validation=False,
            # botocore would put its own together anew for each request, at a fifth of a write's CPU.
            user_agent="oneroster-sync",
        ),
    )
    METER.watch(client)
    return client


def serialize_plainly(client: "DynamoDBClient", operation: str) -> None:
    """Send an operation's parameters as they are, which are DynamoDB's JSON already, past botocore's serializer."""

    def put_aside(params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        if model.name == operation:
            context[_BODY] = _encode(params)
            # The endpoint may depend on a table's name.
            endpoint = {name: value for name, value in params.items() if name == "TableName"}
            params.clear()
            params.update(endpoint)

    def put_back(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        params["body"] = context[_BODY]

    # Behind the meter, which adds to the parameters.
    client.meta.events.register_last("before-parameter-build.dynamodb", put_aside)
    client.meta.events.register(f"before-call.dynamodb.{operation}", put_back)


def pauses_s() -> Iterator[float]:
    """How long to wait before each further try at what botocore does not retry: conflicts and unprocessed items."""
    for longest in _CONFLICT_PAUSES_S:
        yield random.uniform(0, longest)  # noqa: S311 - spreads tries, guards nothing


@contextmanager
def errors_as_ours() -> Iterator[None]:
    """Turn throttles, outages and timeouts that outlasted the retries into TransientError.

    Anything else that DynamoDB refuses, but a failed condition, is a defect and propagates.
    """
    try:
        yield
    except PynamoDBException as error:
        if is_outage(error.cause):
            raise outage() from error
        raise
    except AWS_ERRORS as error:
        if is_outage(error):
            raise outage() from error
        raise


def condition_failed(error: PynamoDBException) -> bool:
    """Whether a write was refused by its own condition."""
    return error.cause_response_code == CONDITION_FAILED


def updated(item: Model, actions: Sequence[Action], condition: Condition) -> bool:
    """Update an item, which holds all that is stored afterwards; False if the condition did not hold."""
    try:
        item.update(list(actions), condition)
    except UpdateError as error:
        if condition_failed(error):
            return False
        raise
    return True


def transacted(connection: Connection, add: Callable[[TransactWrite], object], pause: Callable[[float], None]) -> bool:
    """Write what `add` adds to a transaction; False if a condition did not hold.

    Raises:
        TransientError: Other transactions were in its way at every try.
    """
    pauses = pauses_s()
    while True:
        try:
            with TransactWrite(connection=connection) as transaction:
                add(transaction)
        except TransactWriteError as error:
            if error.cause_response_code != TRANSACTION_CANCELED:
                raise
            if any(reason and reason.code == _REASON_OF_CONDITION for reason in error.cancellation_reasons):
                return False
            longer = next(pauses, None)
            if longer is None:
                raise outage() from error
            pause(longer)
        else:
            return True


def put_new(
    client: "DynamoDBClient",
    table_name: str,
    item: Mapping[str, Any],
    beside: Sequence[tuple[str, Mapping[str, Any]]] = (),
) -> bool:
    """Put an item of SyncRuns; False if there is one of its key, which stays as it is.

    Items `beside` it, each with its table, are put in the same transaction.
    """
    if beside:
        return _put_all_new(client, [(table_name, item), *beside])
    try:
        client.put_item(TableName=table_name, Item=item, ConditionExpression="attribute_not_exists(run_key)")
    except ClientError as error:
        if error.response["Error"].get("Code") != CONDITION_FAILED:
            raise
        return False
    return True


def _put_all_new(client: "DynamoDBClient", items: Sequence[tuple[str, Mapping[str, Any]]]) -> bool:
    puts: list[TransactWriteItemTypeDef] = [
        {
            "Put": {
                "TableName": table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(#item)",
                "ExpressionAttributeNames": {"#item": "item"},
            }
        }
        for table, item in items
    ]
    try:
        client.transact_write_items(TransactItems=puts)
    except client.exceptions.TransactionCanceledException as error:
        reasons = error.response.get("CancellationReasons", [])
        if any(reason.get("Code") == _REASON_OF_CONDITION for reason in reasons):
            return False
        raise outage() from error
    return True


def batch_written(
    client: "DynamoDBClient", table_name: str, requests: "Sequence[WriteRequestTypeDef]", pause: Callable[[float], None]
) -> None:
    """Write up to BATCH_WRITE_LIMIT requests of one table, and again what DynamoDB did not take.

    Raises:
        TransientError: It did not take all of them at any try.
    """
    pauses = pauses_s()
    while True:
        answer = client.batch_write_item(RequestItems={table_name: requests})
        # The stubs know more types of items in the answer than in the request.
        requests = answer.get("UnprocessedItems", {}).get(table_name, [])  # type: ignore[assignment]
        if not requests:
            return
        longer = next(pauses, None)
        if longer is None:
            raise outage()
        pause(longer)


def queried(client: "DynamoDBClient", **query: Any) -> Iterator[dict[str, Any]]:
    """The items of a query, page after page, each read when it is needed."""
    while True:
        answer = client.query(**query)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def parse_plainly(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """Parse an answer in botocore's stead; bytes stay base64.

    A hook of a client, for `before-parse`.
    """
    if response_dict["status_code"] == 200:
        customized_response_dict.update(msgspec.json.decode(response_dict["body"]))
        response_dict["body"] = b"{}"


def outage() -> TransientError:
    """What to say when retries have not helped."""
    return OwnOutageError("The database is busy or did not answer.")


def unknown_cursor() -> ConfigurationError:
    """What to say of a cursor that no page was returned with."""
    return ConfigurationError("There is no such cursor. Begin again without one.")
