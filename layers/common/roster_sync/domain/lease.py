"""The right to change a district's users: one run or upload at a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from roster_sync.domain.identifiers import RunId

LEASE_TIME = timedelta(minutes=20)
"""How long a run's lease lasts unless renewed: longer than `fetch` may run; each chunk applied renews it."""

CHUNK_TIME = timedelta(minutes=2)
"""Nobody works on a chunk for longer: the Timeout of `upsert`."""

PAUSE_S = 10.0
"""Between two attempts to take a district's lease."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to change a district's users until `expires_at`.

    Attributes:
        fence: Higher than that of every earlier lease of the district.
        previous_holder: Who held it before and neither released it nor is the new holder; None if nobody. Remains
            known when the holder takes the lease again, which may be because it died before it dealt with it.
    """

    holder: RunId
    fence: int
    expires_at: datetime
    previous_holder: RunId | None = None
