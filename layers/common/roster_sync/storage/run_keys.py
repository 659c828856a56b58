"""Keys of the SyncRuns table, and when its items are forgotten."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zlib import crc32

from roster_sync.domain.identifiers import DistrictId, RunId

SHARDS: Final = 16
"""Of the index of unfinished runs; one partition takes 1,000 writes a second."""

ID_TIME: Final = "%Y%m%dT%H%M%SZ"
"""How each run's id begins."""

_KEPT: Final = timedelta(days=90)


def part_key(district_id: DistrictId, run_id: RunId) -> str:
    """The partition of what belongs to a run."""
    return f"{district_id}#{run_id}"


def chunk_marker(attempt: int, number: int) -> str:
    """The item that says of a chunk that it was counted."""
    return f"chunk#{attempt:04d}#{number:06d}"


def expires_at(run_id: RunId, kept: timedelta = _KEPT) -> int:
    """When what belongs to a run is forgotten, in seconds since 1970; its id begins with its time."""
    began = datetime.strptime(run_id.partition("-")[0], ID_TIME).replace(tzinfo=UTC)
    return int((began + kept).timestamp())


def shard_of(district_id: DistrictId) -> str:
    """Where the index of unfinished runs has a district's."""
    return shard_name(crc32(district_id.encode()) % SHARDS)


def shard_name(shard: int) -> str:
    """The key of a shard, from 0."""
    return f"{shard:02d}"
