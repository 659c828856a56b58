"""The functions of the night over the deployed tables, queues, variables and key, in memory."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws

from functions.dead_letters import app as dead_letters
from functions.delete_district import app as delete_district
from functions.dispatch import app as dispatch
from functions.fetch import app as fetch
from functions.sweep import app as sweep
from functions.upsert import app as upsert
from local.sample_provider import SampleProvider
from roster_sync.domain.district import School, Settings
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId
from roster_sync.domain.run import Run
from roster_sync.security.secrets import Secrets
from roster_sync.storage.districts import Districts
from roster_sync.storage.runs import Runs
from roster_sync.storage.users import Users
from tests.support.builders import DISTRICT, RUN, a_run, a_school, settings
from tests.support.events import EVENTS
from tests.support.template import create_queues, create_tables, functions, template

Handler = Callable[[dict[str, Any], LambdaContext], Any]


class Context(LambdaContext):
    """What the runtime tells a function of itself."""

    _function_name = "function"
    _memory_limit_in_mb = 1024
    _invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
    _aws_request_id = "request"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 900_000


class Night:
    """A stack's stores, queues and functions."""

    def __init__(self, queues: dict[str, str], key_id: str) -> None:
        self.districts = Districts("DistrictsTable")
        self.runs = Runs("SyncRunsTable")
        self.users = Users("UsersTable")
        self.secrets = Secrets(key_id)
        self._queues = queues
        self._sqs = boto3.client("sqs")

    def enter_district(
        self,
        district_id: DistrictId = DISTRICT,
        *,
        secret: str = "secret",
        schools: Sequence[School] = (a_school(),),
        **overrides: Any,
    ) -> Settings:
        """Save a district's settings and schools, its secret encrypted."""
        for school in schools:
            self.districts.put_school(school)
        encrypted = self.secrets.encrypt(district_id, secret)
        complete = settings(**{"district_id": district_id, "consumer_secret": encrypted, **overrides})
        return self.districts.save_settings(complete, 0)

    def enter_district_of(self, provider: SampleProvider, **overrides: Any) -> Settings:
        """Save a district of which all schools of a provider are mapped."""
        return self.enter_district(
            base_url=provider.base_url,
            consumer_key=provider.consumer_key,
            secret=provider.consumer_secret,
            schools=[
                a_school(school_id=SchoolId(f"school-{org['identifier']}"), oneroster_id=SourcedId(org["sourcedId"]))
                for org in provider.orgs
                if org["type"] == "school"
            ],
            **overrides,
        )

    def queued_run(self, **overrides: Any) -> Run:
        """A run that waits for its fetch."""
        run = a_run(**overrides)
        self.runs.create(run)
        return run

    def run(self, district_id: DistrictId = DISTRICT, run_id: RunId = RUN) -> Run:
        """A run as it stands."""
        run = self.runs.get(district_id, run_id)
        assert run is not None
        return run

    def issues(self, run: Run) -> list[tuple[str, str | None]]:
        """Code and sourcedId of a run's issues."""
        issues, _ = self.runs.issues(run.district_id, run.run_id, run.attempt, limit=1_000)
        return [(issue.code.value, issue.sourced_id) for issue in issues]

    def holder(self, district_id: DistrictId = DISTRICT) -> str | None:
        """The run that holds the district's lease."""
        return next(
            (
                item["holder"]
                for item in items("DistrictsTable")
                if item["district_id"] == district_id and "holder" in item
            ),
            None,
        )

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """Take what is on a queue."""
        taken: list[Any] = []
        while received := self._sqs.receive_message(
            QueueUrl=self._queues[queue], MaxNumberOfMessages=10, WaitTimeSeconds=0, AttributeNames=["All"]
        ).get("Messages"):
            for message in received:
                self._sqs.delete_message(QueueUrl=self._queues[queue], ReceiptHandle=message["ReceiptHandle"])
            taken += received
        return taken

    def pass_on(self, queue: str, handler: Handler, *, deliveries: int = 1) -> int:
        """Deliver what is on a queue in events of two messages, each as often as said; how many messages there were."""
        bodies = [message["Body"] for message in self.messages(queue)]
        again = bodies * deliveries
        for start in range(0, len(again), 2):
            answer = handler(sqs_event(*again[start : start + 2]), Context())
            assert answer == {"batchItemFailures": []}
        return len(bodies)

    def pass_night(self, scheduled_time: str, *, deliveries: int = 1) -> int:
        """Dispatch, fetch and upsert; how many chunks there were."""
        dispatch.handler({"scheduled_time": scheduled_time}, Context())
        self.pass_on("SyncRequestsQueue", fetch.handler)
        return self.pass_on("UserChangesQueue", upsert.handler, deliveries=deliveries)


def items(table: str) -> list[dict[str, Any]]:
    """Every item of a table, in an order of its own."""
    found: list[dict[str, Any]] = []
    for page in boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table):
        found += [{name: _plain(value) for name, value in item.items()} for item in page["Items"]]
    return sorted(found, key=lambda item: json.dumps(item, sort_keys=True, default=str))


def _plain(value: Any) -> Any:
    ((kind, content),) = value.items()
    return sorted(content) if kind in ("SS", "NS") else content


def event_of(function: str) -> dict[str, Any]:
    """The event under events/."""
    event: dict[str, Any] = copy.deepcopy(_event(function))
    return event


@cache
def _event(function: str) -> Any:
    return json.loads((EVENTS / f"{function}.json").read_text())


def sqs_event(*bodies: str) -> dict[str, Any]:
    """What SQS sends for messages with these bodies; their ids are their places, from 0."""
    (record,) = _event("fetch")["Records"]
    return {"Records": [{**record, "messageId": str(place), "body": body} for place, body in enumerate(bodies)]}


def failures(answer: Any) -> list[str]:
    """Ids of the messages that come again."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def clear_caches() -> None:
    for factory in (
        dispatch.environment,
        dispatch.districts,
        dispatch.runs,
        dispatch.sync_requests,
        fetch.secrets,
        fetch.fetcher,
        fetch.events,
        fetch.sync_requests,
        upsert.applier,
        dead_letters.stores,
        delete_district.deleter,
        sweep.sync_requests,
        sweep.sweeper,
    ):
        factory.cache_clear()


@contextmanager
def a_night(monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """The stack, with local providers allowed; gone afterwards."""
    with mock_aws():
        tables = create_tables(boto3.client("dynamodb"))
        queues = create_queues(boto3.client("sqs"))
        key_id = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
        pool_id = boto3.client("cognito-idp").create_user_pool(PoolName="accounts")["UserPool"]["Id"]
        for bucket in ("checkpoints", "uploads"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        products = template()["Parameters"]["Products"]["Default"]
        deployed = {
            **tables,
            **queues,
            "SecretsKey": key_id,
            "UserPool": pool_id,
            "Products": products,
            **{name: template()["Parameters"][name]["Default"] for name in ("DefaultSyncTime", "DefaultTimezone")},
            "CheckpointsBucket": "checkpoints",
            "UploadsBucket": "uploads",
            "HostParallelRequests": "2",
            "EventBus": "none",
            "EventValues": "false",
            "AllowLocalProviders": "true",
        }
        # Nothing that a fetch waits for happens in a test by itself.
        monkeypatch.setattr(fetch, "time", SimpleNamespace(sleep=lambda _: None))
        for function in ("dispatch", "fetch", "upsert", "sweep", "dead_letters", "delete_district"):
            for name, value in functions()[function]["Environment"]["Variables"].items():
                monkeypatch.setenv(name, _resolved(value, deployed))
        clear_caches()
        yield Night(queues, key_id)
        clear_caches()


def _resolved(value: Any, deployed: dict[str, str]) -> str:
    if isinstance(value, str):
        return value
    reference = value["Fn::Join"][1] if "Fn::Join" in value else value
    return deployed[reference["Ref"]]
