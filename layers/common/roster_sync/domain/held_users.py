"""Users that differ from what is stored, kept packed until the fetch is complete."""

import marshal
from typing import Any

from roster_sync.domain.user import Role, SisUser

_BLOCK = 256
"""Users packed together: some 250 bytes a user instead of 1,500."""


class HeldUsers:
    """A list of users that can be appended to and read, cheapest in the order of appending."""

    def __init__(self) -> None:
        """Start empty."""
        self._blocks: list[bytes] = []
        self._open: list[tuple[Any, ...]] = []
        self._unpacked: tuple[int, list[tuple[Any, ...]]] = (-1, [])

    def __len__(self) -> int:
        """How many are held."""
        return len(self._blocks) * _BLOCK + len(self._open)

    def append(self, user: SisUser, digest: bytes | None) -> int:
        """Keep a user and the digest of the one record it was read from; returns its index."""
        sourced_ids, role, *rest = user
        self._open.append((digest, sourced_ids, role.value, *rest))
        index = len(self) - 1
        if len(self._open) == _BLOCK:
            self._blocks.append(marshal.dumps(self._open))
            self._open = []
        return index

    def __getitem__(self, index: int) -> SisUser:
        """The user of an index."""
        _, sourced_ids, role, *rest = self._plain(index)
        return SisUser(sourced_ids, Role(role), *rest)

    def digest(self, index: int) -> bytes | None:
        """The digest of the record that the user of an index was read from."""
        digest: bytes | None = self._plain(index)[0]
        return digest

    def _plain(self, index: int) -> tuple[Any, ...]:
        block, position = divmod(index, _BLOCK)
        if block == len(self._blocks):
            return self._open[position]
        if self._unpacked[0] != block:
            # Only what `append` packed in this process is ever unpacked.
            self._unpacked = (block, marshal.loads(self._blocks[block]))  # noqa: S302
        return self._unpacked[1][position]
