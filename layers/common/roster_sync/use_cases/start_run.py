"""Start a district's sync now, because an administrator asks for it."""

from collections.abc import Callable
from datetime import datetime

from roster_sync.domain.audit import Act, Author
from roster_sync.domain.district import why_not_run
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import Run, RunKind, RunState, manual_run_id, preview_run_id
from roster_sync.use_cases.ports import DistrictStore, RunStore
from roster_sync.use_cases.request_run import request_run


def start_run(
    district_id: DistrictId,
    *,
    districts: DistrictStore,
    runs: RunStore,
    request_sync: Callable[[DistrictId, RunId], None],
    offered_products: frozenset[str],
    now: datetime,
    nonce: str,
    preview: bool = False,
    by: Author | None = None,
) -> Run:
    """A new run, or a preview of one: `queued`, or `skipped` with the reason if the district cannot run.

    Raises:
        TransientError: The queue did not take the request; the run has ended `failed`.
    """
    settings, schools = districts.settings(district_id), districts.schools(district_id)
    reason = why_not_run(settings, schools, offered_products, preview=preview)
    run = Run(
        district_id=district_id,
        run_id=preview_run_id(now, nonce) if preview else manual_run_id(now, nonce),
        kind=RunKind.PREVIEW if preview else RunKind.MANUAL,
        state=RunState.SKIPPED if reason else RunState.QUEUED,
        created_at=now,
        ended_at=now if reason else None,
        reason=reason,
    )
    entry = by.did(Act.PREVIEW_STARTED if preview else Act.RUN_STARTED, district_id, run.run_id) if by else None
    if reason:
        runs.create(run, entry)
    else:
        request_run(run, runs=runs, request_sync=request_sync, entry=entry)
    return run
