"""Fetch one district's users from its provider and send what changed to UserChanges."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.domain.district import Settings
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import is_approval, is_revert
from roster_sync.environment import FetchEnvironment
from roster_sync.messaging.events import Events, events_of
from roster_sync.messaging.queue import SyncRequestsQueue, UserChangesQueue
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.metering import METER
from roster_sync.observability import RUN_ENDED, Metric, count, logger, metrics
from roster_sync.oneroster.address import host_of
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.retry import RetryPolicy
from roster_sync.security.secrets import Secrets
from roster_sync.storage.change_log import ChangeLog
from roster_sync.storage.checkpoints import Checkpoints
from roster_sync.storage.districts import Districts
from roster_sync.storage.held import Held
from roster_sync.storage.host_slots import HostSlots
from roster_sync.storage.runs import Runs
from roster_sync.storage.users import Users
from roster_sync.use_cases.apply_approval import apply_approval
from roster_sync.use_cases.fetch_roster import fetch_roster
from roster_sync.use_cases.fetcher import Fetcher
from roster_sync.use_cases.revert_run import revert_run
from roster_sync.use_cases.tell_of_end import tell_of_end

PATIENCE = RetryPolicy(total_s=125)
"""With one page: it is tried again for so long, and its last attempt may take `OneRosterClient`'s 120 s more. So a page
that took too long is asked for once more, in half its size."""

TIME_TO_CLOSE = timedelta(seconds=300)
"""Of the function's time, kept for the page under way, for storing the run and for sending its chunks."""


@cache
def secrets() -> Secrets:
    """Connect once per execution environment, not on import."""
    return Secrets(FetchEnvironment.from_env().secrets_key_id)


def open_provider(settings: Settings, *, allow_local: bool, host_slots: HostSlots | None) -> OneRosterClient:
    """Sign in to a district's provider; its secret is decrypted here and kept by nobody but the client.

    Waits until the host has room for it, if there are slots.
    """
    if settings.base_url is None or settings.consumer_key is None or settings.consumer_secret is None:
        raise ConfigurationError("The OneRoster settings are incomplete. Enter base URL, consumer key and secret.")
    host, district_id = host_of(settings.base_url), settings.district_id
    secret = secrets().decrypt(district_id, settings.consumer_secret)
    wanted = settings.parallel_requests
    return OneRosterClient(
        settings.base_url,
        settings.consumer_key,
        secret,
        allow_local=allow_local,
        sign_in=settings.sign_in,
        token_url=settings.token_url,
        page_size=settings.page_size,
        parallel=host_slots.take(host, district_id, wanted) if host_slots else wanted,
        retry=PATIENCE,
        on_close=partial(host_slots.give_back, host, district_id) if host_slots else None,
    )


def host_slots(environment: FetchEnvironment) -> HostSlots | None:
    """What bounds the requests to one host; None if nothing does."""
    ceiling = environment.host_parallel_requests
    return (
        HostSlots(environment.districts_table, ceiling, clock=partial(datetime.now, UTC), sleep=time.sleep)
        if ceiling
        else None
    )


@cache
def sync_requests() -> SyncRequestsQueue:
    """Connect when a fetch first hands over."""
    return SyncRequestsQueue(FetchEnvironment.from_env().sync_requests_queue_url)


def request_sync(district_id: DistrictId, run_id: RunId) -> None:
    """Send a SyncRequest to this function itself."""
    sync_requests().send([SyncRequest(district_id, run_id)])


@cache
def fetcher() -> Fetcher:
    """Connect once per execution environment."""
    environment = FetchEnvironment.from_env()
    districts = Districts(environment.districts_table)
    return Fetcher(
        districts=districts,
        leases=districts,
        runs=Runs(environment.sync_runs_table),
        users=Users(environment.users_table),
        log=ChangeLog(environment.sync_runs_table),
        held=Held(environment.sync_runs_table),
        queue=UserChangesQueue(environment.user_changes_queue_url),
        open_provider=partial(
            open_provider, allow_local=environment.allow_local_providers, host_slots=host_slots(environment)
        ),
        offered_products=environment.products,
        checkpoints=Checkpoints(environment.checkpoints_bucket),
        request_sync=request_sync,
        clock=lambda: datetime.now(UTC),
        pause=time.sleep,
    )


@cache
def events() -> Events | None:
    """Connect once per execution environment."""
    environment = FetchEnvironment.from_env()
    return events_of(environment.event_bus, values=environment.event_values)


def fetch_record(record: SQSRecord, *, deadline: datetime) -> None:
    """Fetch one district; raising sends the message back to the queue."""
    request = SyncRequest.from_json(record.body)
    with logger.append_context_keys(district_id=request.district_id, run_id=request.run_id):
        metered = replace(fetcher(), metered=METER.since_now())
        if is_approval(request.run_id):
            fetched = apply_approval(request.district_id, request.run_id, metered)
        elif is_revert(request.run_id):
            fetched = revert_run(request.district_id, request.run_id, metered)
        else:
            fetched = fetch_roster(request.district_id, request.run_id, metered, deadline=deadline)
        # `upsert` may have told of it; but whoever died before telling comes again.
        tell_of_end(request.district_id, request.run_id, fetcher().runs, events())
        count(Metric.RECORDS_FETCHED, fetched.records)
        count(Metric.PROVIDER_REQUESTS, fetched.provider_requests)
        count(Metric.CHUNKS_SENT, fetched.chunks)
        count(Metric.FETCHES_HANDED_OVER, int(fetched.handed_over))
        if fetched.ended:
            count(RUN_ENDED[fetched.ended])
        logger.info(
            "Fetched a district",
            extra={
                "records": fetched.records,
                "chunks": fetched.chunks,
                "ended": fetched.ended,
                "handed_over": fetched.handed_over,
                "fetch": fetched.reading and fetched.reading.fetch,
                "fetch_reason": fetched.reading and fetched.reading.fetch_reason,
                "scope": fetched.reading and fetched.reading.scope,
                "scope_reason": fetched.reading and fetched.reading.scope_reason,
            },
        )


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Report exactly the messages that must come again."""
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    deadline = datetime.now(UTC) + remaining - TIME_TO_CLOSE
    return process_partial_response(
        event, partial(fetch_record, deadline=deadline), BatchProcessor(EventType.SQS), context
    )
