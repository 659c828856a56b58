"""Rosters in files: what a first night would store is what the second one finds."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from roster_sync.domain.change import Change, Chunk
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.user import RosterEntry
from tests.support.fakes import InMemoryUsers

_BATCH = 1000


class RosterWriter:
    """ChangeQueue that writes what the roster would hold of each chunk to a file, and drops the chunk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, chunks: Iterable[Chunk]) -> None:
        """Write the users of all chunks."""
        with self._path.open("wb") as file:
            for chunk in chunks:
                for change in chunk.changes:
                    file.write(msgspec.json.encode(_stored(change, chunk)) + b"\n")


class RosterReader(InMemoryUsers):
    """UserStore whose roster comes from a file, as it comes from a database: batch by batch."""

    def __init__(self, path: Path | None) -> None:
        """Read what a RosterWriter wrote; None: nobody is stored."""
        super().__init__()
        self._path = path

    def roster(self, district_id: DistrictId) -> Iterator[Sequence[RosterEntry]]:  # noqa: ARG002 - one district a file
        """Every user of the file."""
        if self._path is None:
            return
        with self._path.open("rb") as file:
            while lines := list(islice(file, _BATCH)):
                yield [_entry(msgspec.json.decode(line)) for line in lines]


def _stored(change: Change, chunk: Chunk) -> dict[str, Any]:
    assert change.user  # noqa: S101 - a first night deactivates nobody
    assert change.fingerprint  # noqa: S101
    user = change.user
    return {
        "user_id": change.user_id,
        "fingerprint": change.fingerprint.hex(),
        "record_digest": change.record_digest.hex() if change.record_digest else None,
        "sourced_ids": user.sourced_ids,
        "active": True,
        "role": user.sis_role.value,
        "email": user.email,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "identifier": user.identifier,
        "school_ids": user.school_ids,
        "products": sorted(chunk.products),
        "run_id": chunk.run_id,
        "last_change": change.kind.value,
        "sis_counselor_email": user.sis_counselor_email,
    }


def _entry(stored: dict[str, Any]) -> RosterEntry:
    digest = stored["record_digest"]
    as_of_the_database = {
        "fingerprint": bytes.fromhex(stored["fingerprint"]),
        "record_digest": bytes.fromhex(digest) if digest else None,
        "sourced_ids": tuple(stored["sourced_ids"]),
        "school_ids": tuple(stored["school_ids"]),
        "products": frozenset(stored["products"]),
    }
    return RosterEntry(**{**stored, **as_of_the_database})
