"""Users that differ from what is stored, kept compressed until the fetch is complete."""

import marshal
import zlib
from array import array
from collections.abc import Iterable
from typing import Any

from roster_sync.domain.user import Role, SisUser

_BLOCK = 256
"""Users compressed together: about 100 bytes a user instead of 1,500."""


class HeldUsers:
    """A list of users that can be appended to and read, cheapest in the order of appending."""

    def __init__(self) -> None:
        """Start empty."""
        self._blocks: list[bytes] = []
        self._open: list[tuple[Any, ...]] = []
        self._unpacked: tuple[int, list[tuple[Any, ...]]] = (-1, [])
        self.sizes = array("l")
        """Of each user in a message, roughly, in bytes."""

    def __len__(self) -> int:
        """How many are held."""
        return len(self.sizes)

    def append(self, user: SisUser) -> int:
        """Keep a user; returns its index."""
        sourced_ids, role, *rest = user
        plain = (sourced_ids, role.value, *rest)
        self.sizes.append(len(marshal.dumps(plain)) + 200)
        self._open.append(plain)
        if len(self._open) == _BLOCK:
            self._blocks.append(zlib.compress(marshal.dumps(self._open), 1))
            self._open = []
        return len(self.sizes) - 1

    def __getitem__(self, index: int) -> SisUser:
        """The user of an index."""
        block, position = divmod(index, _BLOCK)
        if block == len(self._blocks):
            plain = self._open[position]
        else:
            if self._unpacked[0] != block:
                # Only what `append` packed in this process is ever unpacked.
                self._unpacked = (block, marshal.loads(zlib.decompress(self._blocks[block])))  # noqa: S302
            plain = self._unpacked[1][position]
        sourced_ids, role, *rest = plain
        return SisUser(sourced_ids, Role(role), *rest)

    def each(self, indices: Iterable[int]) -> list[SisUser]:
        """The users of several indices."""
        return [self[index] for index in indices]
