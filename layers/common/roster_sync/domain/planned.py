"""Changes that a comparison has decided, by where the stored and the held user are; unpacked when they are sent."""

from typing import Final

from msgspec import Struct

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.held_changes import HeldKind

NOBODY: Final = -1


class Planned(Struct, frozen=True, gc=False):
    """A decided change, by the row of the stored user and the index of the held one, `NOBODY` for none."""

    kind: ChangeKind
    row: int
    held: int


class Withheld(Struct, frozen=True, gc=False):
    """A change that waits for an administrator's decision."""

    kind: HeldKind
    planned: Planned
