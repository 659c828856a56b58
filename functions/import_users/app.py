"""Apply a file that has arrived in the uploads bucket."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.domain.errors import ConfigurationError, NotFoundError
from roster_sync.domain.run import Run
from roster_sync.environment import ImportUsersEnvironment
from roster_sync.messaging.events import events_of
from roster_sync.metering import METER
from roster_sync.observability import Metric, count, logger, metrics
from roster_sync.storage.change_log import ChangeLog
from roster_sync.storage.deletions import Deletions
from roster_sync.storage.districts import Districts
from roster_sync.storage.runs import Runs
from roster_sync.storage.uploads import Uploads, upload_of
from roster_sync.storage.users import Users
from roster_sync.use_cases.import_upload import Importer, import_file, refuse_file

LEASE_LASTS = timedelta(minutes=16)
"""The function is ended after 15."""
PATIENCE = timedelta(minutes=8)
"""For a sync that is under way; leaves as long for the file itself."""


@cache
def environment() -> ImportUsersEnvironment:
    """Read the variables once per execution environment, not on import."""
    return ImportUsersEnvironment.from_env()


@cache
def uploads() -> Uploads:
    """Connect once per execution environment."""
    return Uploads(environment().uploads_bucket)


@cache
def importer() -> Importer:
    """Connect once per execution environment."""
    districts = Districts(environment().districts_table)
    return Importer(
        districts=districts,
        leases=districts,
        runs=Runs(environment().sync_runs_table),
        users=Users(environment().users_table),
        log=ChangeLog(environment().sync_runs_table),
        offered_products=environment().products,
        lease_lasts=LEASE_LASTS,
        clock=lambda: datetime.now(UTC),
        events=events_of(environment().event_bus, values=environment().event_values),
    )


@cache
def deletions() -> Deletions:
    """Connect once per execution environment."""
    return Deletions(environment().districts_table)


def apply_file(key: str) -> Run | None:
    """Apply the file of a key; None if its district was deleted since it was asked for."""
    district_id, run_id = upload_of(key)
    with logger.append_context_keys(district_id=district_id, run_id=run_id):
        deletion = deletions().get(district_id)
        if deletion and deletion.covers(run_id):
            return None
        try:
            content = uploads().read(district_id, run_id)
        except (ConfigurationError, NotFoundError) as refusal:
            return refuse_file(str(refusal), district_id, run_id, importer())
        metered = replace(importer(), metered=METER.since_now())
        return import_file(content, district_id, run_id, metered, pause=time.sleep, patience=PATIENCE)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Apply the file that the event names; a second delivery changes nothing."""
    run = apply_file(event["detail"]["object"]["key"])
    if run is None:
        count(Metric.USERS_CHANGED, 0)
        logger.info("Left a file of a deleted district alone")
        return
    count(Metric.USERS_CHANGED, run.counts.created + run.counts.updated)
    logger.info("Imported a file", extra={"run_id": run.run_id, "state": run.state, "rows": run.counts.fetched})
