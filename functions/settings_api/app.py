"""Answer API Gateway: settings, schools, users, uploads and runs of one district."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.api.resolver import Api
from roster_sync.api.services import Services
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.schedule import Schedule
from roster_sync.environment import SettingsApiEnvironment
from roster_sync.messaging.connection_test import ConnectionTest
from roster_sync.messaging.deletion_requests import DeletionRequest
from roster_sync.messaging.events import events_of
from roster_sync.messaging.queue import DeletionsQueue, SyncRequestsQueue, UserChangesQueue
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.metering import METER
from roster_sync.observability import logger
from roster_sync.oneroster.address import normalise_base_url, normalise_token_url
from roster_sync.security.secrets import Secrets
from roster_sync.storage.active_districts import ActiveDistricts
from roster_sync.storage.audit import AuditLog
from roster_sync.storage.beginnings import Beginnings
from roster_sync.storage.change_log import ChangeLog
from roster_sync.storage.dead_letters import DeadLetters
from roster_sync.storage.deletions import Deletions
from roster_sync.storage.districts import Districts
from roster_sync.storage.export_consents import ExportConsents
from roster_sync.storage.held import Held
from roster_sync.storage.runs import Runs
from roster_sync.storage.uploads import Uploads
from roster_sync.storage.user_search import UserSearch
from roster_sync.storage.users import Users


@cache
def environment() -> SettingsApiEnvironment:
    """Read the variables once per execution environment, not on import."""
    return SettingsApiEnvironment.from_env()


@cache
def sync_requests() -> SyncRequestsQueue:
    """Connect when a sync is first asked for."""
    return SyncRequestsQueue(environment().sync_requests_queue_url)


@cache
def consumer_secrets() -> Secrets:
    """Connect when a secret is first saved."""
    return Secrets(environment().secrets_key_id)


def request_sync(district_id: DistrictId, run_id: RunId) -> None:
    """Send a SyncRequest."""
    sync_requests().send([SyncRequest(district_id, run_id)])


def request_deletion(district_id: DistrictId) -> None:
    """Send a DeletionRequest; rarely asked for."""
    DeletionsQueue(environment().deletions_queue_url).send(DeletionRequest(district_id))


def send_changes(district_id: DistrictId, bodies: Sequence[str]) -> None:
    """Send chunks again; rarely asked for."""
    UserChangesQueue(environment().user_changes_queue_url).send_again(district_id, bodies)


def encrypt(district_id: DistrictId, text: str) -> bytes:
    """Encrypt a consumer secret for its district."""
    return consumer_secrets().encrypt(district_id, text)


@cache
def api() -> Api:
    """Connect once per execution environment."""
    return Api(
        Services(
            districts=Districts(environment().districts_table),
            runs=Runs(environment().sync_runs_table),
            dead_letters=DeadLetters(environment().sync_runs_table),
            held=Held(environment().sync_runs_table),
            users=Users(environment().users_table),
            search=UserSearch(environment().users_table),
            log=ChangeLog(environment().sync_runs_table),
            beginnings=Beginnings(environment().sync_runs_table),
            export_consents=ExportConsents(environment().districts_table),
            active_districts=ActiveDistricts(environment().districts_table).page,
            uploads=Uploads(environment().uploads_bucket),
            audit=AuditLog(environment().districts_table),
            deletions=Deletions(environment().districts_table),
            request_deletion=request_deletion,
            request_sync=request_sync,
            send_changes=send_changes,
            encrypt=encrypt,
            test_connection=ConnectionTest(environment().test_connection_function).run,
            normalise_base_url=lambda text: normalise_base_url(text, environment().allow_local_providers),
            normalise_token_url=lambda text: normalise_token_url(text, environment().allow_local_providers),
            offered_products=environment().products,
            default_schedule=Schedule(at=environment().default_sync_time, zone=environment().default_timezone),
            clock=lambda: datetime.now(UTC),
            start_metering=METER.since_now,
            nonce=lambda: secrets.token_hex(4),
            events=events_of(environment().event_bus, values=environment().event_values),
        )
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return api().answer(event, context)
