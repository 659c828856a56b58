"""Reads template.yaml, so that tests have the tables, queues and variables that are deployed."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.moto_dynamodb import teach_moto

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

ROOT = Path(__file__).parents[2]

# As CloudFormation has no types here: whatever YAML holds.
Node = Any


class _TemplateLoader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions as their long ones."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Node]:
    value: Node
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_TemplateLoader.add_multi_constructor("!", _long_form)


@cache
def template() -> dict[str, Node]:
    """The whole template, functions of CloudFormation in their long form."""
    loaded: dict[str, Node] = yaml.load((ROOT / "template.yaml").read_text(), _TemplateLoader)  # noqa: S506 a SafeLoader
    return loaded


def resources(type_: str) -> dict[str, dict[str, Node]]:
    """The resources of one type by logical id."""
    return {name: body for name, body in template()["Resources"].items() if body["Type"] == type_}


def properties(logical_id: str) -> dict[str, Node]:
    """The properties of one resource."""
    found: dict[str, Node] = template()["Resources"][logical_id]["Properties"]
    return found


def functions() -> dict[str, dict[str, Node]]:
    """The properties of each function by the name of its folder (`dispatch`)."""
    return {
        Path(body["Properties"]["CodeUri"]).name: body["Properties"]
        for body in resources("AWS::Serverless::Function").values()
    }


def variables(function: str) -> set[str]:
    """Names of the environment variables that a function gets, those of all functions included."""
    own = functions()[function]["Environment"]["Variables"]
    common = template()["Globals"]["Function"]["Environment"]["Variables"]
    return {*own, *common}


def statements(function: str) -> list[dict[str, Node]]:
    """The policy statements of a function."""
    return [statement for policy in functions()[function]["Policies"] for statement in policy["Statement"]]


def as_list(value: Node) -> list[Node]:
    """IAM's and CloudFormation's 'one or several' as several."""
    return value if isinstance(value, list) else [value]


def walk(node: Node) -> Iterator[Node]:
    """Every node of a part of the template, itself included."""
    yield node
    children = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    for child in children:
        yield from walk(child)


def create_tables(dynamodb: "DynamoDBClient", suffix: str = "") -> dict[str, str]:
    """Create the three tables as deployed, and return their names, logical id and suffix, by logical id."""
    teach_moto()
    names = {}
    for logical_id, body in resources("AWS::DynamoDB::Table").items():
        table, name = body["Properties"], f"{logical_id}{suffix}"
        indexes = {k: table[k] for k in ("GlobalSecondaryIndexes",) if k in table}
        dynamodb.create_table(
            TableName=name,
            BillingMode=table["BillingMode"],
            AttributeDefinitions=table["AttributeDefinitions"],
            KeySchema=table["KeySchema"],
            **indexes,
        )
        if "TimeToLiveSpecification" in table:
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=table["TimeToLiveSpecification"])
        names[logical_id] = name
    return names


def create_queues(sqs: "SQSClient", suffix: str = "") -> dict[str, str]:
    """Create the queues as deployed, redrive included, and return their URLs by logical id; names end in the suffix."""
    described = resources("AWS::SQS::Queue")
    urls: dict[str, str] = {}
    arns: dict[str, str] = {}
    for name in sorted(described, key=lambda name: "RedrivePolicy" in described[name]["Properties"]):
        attributes = {}
        for key, value in described[name]["Properties"].items():
            if key == "RedrivePolicy":
                target = arns[value["deadLetterTargetArn"]["Fn::GetAtt"][0]]
                attributes[key] = json.dumps({**value, "deadLetterTargetArn": target})
            else:
                attributes[key] = str(value).lower()
        urls[name] = sqs.create_queue(QueueName=f"{name}{suffix}", Attributes=attributes)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=urls[name], AttributeNames=["QueueArn"])
        arns[name] = found["Attributes"]["QueueArn"]
    return urls
