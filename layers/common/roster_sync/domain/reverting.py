"""What a run changed of each user over all its attempts, and what takes that back."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import json

from roster_sync.domain.change import Change, ChangeKind, Restoration
from roster_sync.domain.identifiers import RunId, UserId
from roster_sync.domain.user_change import ACTIVE, INACTIVE, Attributes, KeptChanges, UserChange, stored_time

_encode = json.Encoder().encode
_decode = json.Decoder(UserChange).decode


class Reverting:
    """The users whom a run changed, as it found them.

    Held packed, some 300 bytes a user, because a run may have changed a million.
    """

    def __init__(self, run_id: RunId, kept: Iterable[KeptChanges]) -> None:
        """Take in what a run kept, in any order; what its first attempt found of a user counts."""
        self._run_id = run_id
        self._packed: dict[UserId, bytes] = {}
        self._attempts: dict[UserId, int] = {}
        self._fences: dict[UserId, int] = {}
        for chunk in kept:
            for change in chunk.changes:
                self._add(change, chunk.attempt, chunk.fence)

    @property
    def user_ids(self) -> list[UserId]:
        """Whom the run changed, or was about to."""
        return list(self._packed)

    def was_written(self, user_id: UserId, stored: Attributes) -> bool:
        """Whether a user as stored was written by the run or after it; it may have died between keeping and writing."""
        return bool(stored["fence"] >= self._fences[user_id])

    def size(self, user_id: UserId) -> int:
        """Of what takes a user's change back, roughly, in bytes."""
        return len(self._packed[user_id])

    def restoring(self, user_id: UserId, now: datetime) -> Change:
        """The change that takes a user's back. Nobody is deleted: whom the run created goes inactive."""
        change = _decode(self._packed[user_id])
        before, gone = change.before, tuple(sorted(change.after.keys() - change.before.keys()))
        if change.kind is ChangeKind.CREATE:
            before = {"status": INACTIVE, "deactivated_at": stored_time(now)}
            kind, gone = ChangeKind.DEACTIVATE, ()
        elif before.get("status") == change.after.get("status"):
            kind = ChangeKind.UPDATE
        else:
            kind = ChangeKind.REACTIVATE if before["status"] == ACTIVE else ChangeKind.DEACTIVATE
        return Change(kind, user_id, None, None, restoration=Restoration(self._run_id, before, gone))

    def _add(self, change: UserChange, attempt: int, fence: int) -> None:
        user_id = change.user_id
        packed = self._packed.get(user_id)
        if packed is None:
            self._packed[user_id] = _encode(change)
            self._attempts[user_id], self._fences[user_id] = attempt, fence
            return
        other = _decode(packed)
        first, second = (other, change) if self._attempts[user_id] < attempt else (change, other)
        self._packed[user_id] = _encode(_one_after_the_other(first, second))
        self._attempts[user_id] = min(self._attempts[user_id], attempt)
        self._fences[user_id] = min(self._fences[user_id], fence)


def _one_after_the_other(first: UserChange, second: UserChange) -> UserChange:
    """Two changes of a user as one: of each attribute what was there before the first, and after the last."""
    if first.kind is ChangeKind.CREATE:
        return first
    touched = {*first.before, *first.after}
    before = {name: value for name, value in second.before.items() if name not in touched} | first.before
    changed = {*second.before, *second.after}
    after = {name: value for name, value in first.after.items() if name not in changed} | second.after
    return UserChange(first.kind, first.user_id, first.sourced_id, before, after)
