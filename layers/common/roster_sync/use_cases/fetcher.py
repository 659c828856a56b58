"""What `fetch` works with, and what becomes of a SyncRequest."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.reading import Reading
from roster_sync.domain.run import RunState
from roster_sync.domain.usage import Usage
from roster_sync.use_cases.continuation import CheckpointStore
from roster_sync.use_cases.ports import (
    ChangeLog,
    ChangeQueue,
    DistrictStore,
    HeldStore,
    LeaseStore,
    Metered,
    RunStore,
    UserStore,
)
from roster_sync.use_cases.provider import OpenProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """What a fetch needs of the outside.

    Attributes:
        offered_products: The products of this deployment.
        checkpoints: Where the pages of fetches are kept that take longer than one invocation.
        request_sync: Sends a SyncRequest, to go on.
        clock: Says what time it is.
        pause: Waits for so many seconds.
        metered: What the run has used so far.
    """

    districts: DistrictStore
    leases: LeaseStore
    runs: RunStore
    users: UserStore
    log: ChangeLog
    held: HeldStore
    queue: ChangeQueue
    open_provider: OpenProvider
    offered_products: frozenset[str]
    checkpoints: CheckpointStore
    request_sync: Callable[[DistrictId, RunId], None]
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    metered: Metered = Usage


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a SyncRequest.

    Attributes:
        ended: The run's state, if the fetch ended it; None if its chunks are on their way.
        reading: How the users were read; None if they were not.
        handed_over: Whether another invocation goes on.
    """

    ended: RunState | None
    records: int = 0
    chunks: int = 0
    provider_requests: int = 0
    reading: Reading | None = None
    handed_over: bool = False
