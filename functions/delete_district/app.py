"""Delete a district that the vendor's staff want gone."""

import time
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.environment import DeleteDistrictEnvironment
from roster_sync.messaging.deletion_requests import DeletionRequest
from roster_sync.messaging.events import events_of
from roster_sync.observability import Metric, count, logger, metrics
from roster_sync.storage.accounts import Accounts
from roster_sync.storage.checkpoints import Checkpoints
from roster_sync.storage.deletions import Deletions
from roster_sync.storage.district_contents import DistrictContents
from roster_sync.storage.districts import Districts
from roster_sync.storage.runs import Runs
from roster_sync.storage.uploads import Uploads
from roster_sync.use_cases.delete_district import Deleter, delete_district

TIME_TO_CLOSE = timedelta(seconds=60)
"""Of the function's time, kept for batches under way, for files and schools, and for the end."""


@cache
def deleter() -> Deleter:
    """Connect once per execution environment, not on import."""
    environment = DeleteDistrictEnvironment.from_env()
    districts = Districts(environment.districts_table)
    return Deleter(
        deletions=Deletions(environment.districts_table),
        districts=districts,
        leases=districts,
        runs=Runs(environment.sync_runs_table),
        contents=DistrictContents(
            districts_table=environment.districts_table,
            users_table=environment.users_table,
            sync_runs_table=environment.sync_runs_table,
        ),
        accounts=Accounts(environment.user_pool_id),
        events=events_of(environment.event_bus, values=False),
        forget_files=(
            Checkpoints(environment.checkpoints_bucket).forget_district,
            Uploads(environment.uploads_bucket).forget_district,
        ),
        clock=lambda: datetime.now(UTC),
        pause=time.sleep,
    )


def go_on(body: str, deadline: datetime) -> bool:
    """Go on with the deletion that a message asks for; False if it must come again."""
    request = DeletionRequest.from_json(body)
    with logger.append_context_keys(district_id=request.district_id):
        deletion = delete_district(request.district_id, deleter(), deadline=deadline)
        done = deletion is None or deletion.ended_at is not None
        contents = deletion and deletion.contents
        count(Metric.DISTRICTS_DELETED, int(done))
        logger.info("Went on with a deletion", extra={"done": done, "users": contents and contents.users})
    return done


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Report the messages whose deletion is not done; to wait for that is no failure of the function."""
    deadline = datetime.now(UTC) + timedelta(milliseconds=context.get_remaining_time_in_millis()) - TIME_TO_CLOSE
    unfinished = [record["messageId"] for record in event["Records"] if not go_on(record["body"], deadline)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in unfinished]}
