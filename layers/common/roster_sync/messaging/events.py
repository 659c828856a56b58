"""Events on EventBridge, for whoever wants to react at once: users that changed, runs that ended, districts deleted.

Each is sent at least once, in no order. They hold ids and names of attributes; values only where a deployment says so.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import boto3
import msgspec
from botocore.config import Config

from roster_sync.aws import AWS_ERRORS, is_outage
from roster_sync.domain.change import Chunk
from roster_sync.domain.deletion import Deletion
from roster_sync.domain.errors import OwnOutageError
from roster_sync.domain.run import Run
from roster_sync.domain.user_change import UserChange
from roster_sync.messaging.batches import all_taken, batches

VERSION: Final = 1
SOURCE: Final = "oneroster-sync"
NO_BUS: Final = "none"
_MOST_ENTRIES: Final = 10
_MOST_BYTES: Final = 200_000
"""Of the entries of one PutEvents, which takes 256 kB with what EventBridge adds."""
_PAUSES_S: Final = (0.1, 0.2, 0.4, 0.8, 1.6)
_UNTOLD: Final = frozenset({"fingerprint", "record_digest"})


class Events:
    """The events of one bus."""

    def __init__(self, bus: str, *, values: bool, pause: Callable[[float], None] = time.sleep) -> None:
        """Connect.

        Args:
            bus: Its name.
            values: Whether to tell what changed attributes were and are, which is personal data.
            pause: Waits for so many seconds.
        """
        self._bus = bus
        self._values = values
        self._pause = pause
        self._client: Any = boto3.client(
            "events",
            config=Config(
                connect_timeout=2,
                read_timeout=5,
                retries={"mode": "standard", "total_max_attempts": 4},
                parameter_validation=False,
            ),
        )

    def users_changed(self, of: Chunk | Run, changes: Sequence[UserChange]) -> None:
        """Tell of each user whom a chunk, or a part of an upload, changes.

        Raises:
            TransientError: Some event was not taken after retries; all may be sent again.
        """
        self._send([("UserChanged", self._user_changed(of, change)) for change in changes])

    def run_ended(self, run: Run) -> None:
        """Tell of a run that has ended, in whatever state.

        Raises:
            TransientError: The event was not taken after retries.
        """
        detail = {
            "version": VERSION,
            "district_id": run.district_id,
            "run_id": run.run_id,
            "kind": run.kind,
            "state": run.state,
            "ended_at": run.ended_at,
            "counts": run.counts.as_dict(),
        }
        self._send([("RunCompleted", msgspec.json.encode(detail).decode())])

    def district_deleted(self, deletion: Deletion) -> None:
        """Tell of a district of which nothing is left but its audit log.

        Raises:
            TransientError: The event was not taken after retries.
        """
        detail = {
            "version": VERSION,
            "district_id": deletion.district_id,
            "asked_at": deletion.asked_at,
            "counts": deletion.there_was.as_dict(),
        }
        self._send([("DistrictDeleted", msgspec.json.encode(detail).decode())])

    def _user_changed(self, of: Chunk | Run, change: UserChange) -> str:
        detail: dict[str, Any] = {
            "version": VERSION,
            "district_id": of.district_id,
            "run_id": of.run_id,
            "user_id": change.user_id,
            "change": change.kind,
            "attributes": sorted({*change.before, *change.after} - _UNTOLD),
        }
        told = msgspec.json.encode(detail).decode()
        if not self._values:
            return told
        detail |= {name: _without_hashes(value) for name, value in (("before", change.before), ("after", change.after))}
        with_values = msgspec.json.encode(detail).decode()
        # Nobody has as much; but a chunk must not fail for ever at somebody who does.
        return with_values if len(with_values.encode()) <= _MOST_BYTES else told

    def _send(self, events: Sequence[tuple[str, str]]) -> None:
        entries: list[Any] = [
            {"EventBusName": self._bus, "Source": SOURCE, "DetailType": kind, "Detail": detail}
            for kind, detail in events
        ]
        for batch in batches(entries, _detail_bytes, most=_MOST_ENTRIES, most_bytes=_MOST_BYTES):
            try:
                taken = all_taken(batch, self._not_taken, _PAUSES_S, self._pause)
            except AWS_ERRORS as error:
                if is_outage(error):
                    raise _outage() from error
                raise
            if not taken:
                raise _outage()

    def _not_taken(self, entries: list[Any]) -> list[Any]:
        """Put a batch of events; what EventBridge did not take of it."""
        results = self._client.put_events(Entries=entries)["Entries"]
        return [entry for entry, result in zip(entries, results, strict=True) if result.get("ErrorCode")]


def events_of(bus: str, *, values: bool) -> Events | None:
    """The events of a bus; None if the deployment names none."""
    return None if bus == NO_BUS else Events(bus, values=values)


def _without_hashes(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name not in _UNTOLD}


def _detail_bytes(entry: Any) -> int:
    return len(entry["Detail"].encode())


def _outage() -> OwnOutageError:
    return OwnOutageError("The event bus is busy or did not answer.")
