"""Keep what is about to be changed, before anything of it is written.

So there is an image of whatever was written, however often a chunk comes and wherever its function dies: who finds a
user written already finds the image kept already, and what was kept first stays.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import structs

from roster_sync.domain.change import ChangeKind, Chunk, ManualChange
from roster_sync.domain.identifiers import UserId
from roster_sync.domain.manual_edit import ManualEdit
from roster_sync.domain.run import Run
from roster_sync.domain.user_change import Attributes, UserChange, difference, edited, synced, uploaded, written
from roster_sync.use_cases.ports import ChangeLog, UserStore


def keep_chunk(chunk: Chunk, *, users: UserStore, log: ChangeLog, now: datetime) -> Sequence[UserChange]:
    """Keep what a chunk will change, and return what is still to be written of it.

    Users whom it creates are not read: the roster was whole, and nobody else writes.
    """
    since = chunk.unchanged_since
    known = [change.user_id for change in chunk.changes if change.kind is not ChangeKind.CREATE]
    stored = users.snapshots(chunk.district_id, known) if known else {}

    def changes() -> Iterator[UserChange]:
        for change in chunk.changes:
            before = stored.get(change.user_id)
            if change.kind is ChangeKind.CREATE:
                yield UserChange(change.kind, change.user_id)
            elif before and before["fence"] <= (chunk.fence - 1 if since is None else since):
                after = synced(before, change, chunk.products, now)
                yield _differing(change.kind, change.user_id, before, after)

    found = list(changes())
    _keep(found, chunk.number, chunk, log)
    return found


def keep_upload(
    changes: Sequence[ManualChange],
    number: int,
    run: Run,
    products: frozenset[str],
    *,
    users: UserStore,
    log: ChangeLog,
    now: datetime,
) -> Sequence[UserChange]:
    """Keep what a part of an upload, numbered from 1, will change, and return it.

    All users are read: the index of e-mail addresses may miss one of the last second, and what seems to be new is not.
    """
    stored = users.snapshots(run.district_id, [change.user_id for change in changes]) if changes else {}

    def kept() -> Iterator[UserChange]:
        for change in changes:
            before = stored.get(change.user_id)
            if before is None:
                yield UserChange(ChangeKind.CREATE, change.user_id)
            elif before["fence"] < run.fence:
                kind = ChangeKind.UPDATE if change.kind is ChangeKind.CREATE else change.kind
                yield _differing(kind, change.user_id, before, uploaded(before, change, products, now))

    found = list(kept())
    _keep(found, number, run, log)
    return found


def keep_edit(edit: ManualEdit, run: Run, *, users: UserStore, log: ChangeLog) -> Sequence[UserChange]:
    """Keep what a change by hand will change, and return it."""
    before = users.snapshots(run.district_id, [edit.user_id]).get(edit.user_id)
    if not before or before["fence"] >= run.fence:
        return []
    found = [_differing(ChangeKind.UPDATE, edit.user_id, before, edited(before, edit))]
    _keep(found, 1, run, log)
    return found


def _differing(kind: ChangeKind, user_id: UserId, before: Attributes, after: Attributes) -> UserChange:
    """What differs, with the write before."""
    return structs.replace(difference(kind, user_id, before, after), previous=written(before))


def _keep(changes: Sequence[UserChange], number: int, run: Run | Chunk, log: ChangeLog) -> None:
    if changes:
        log.keep(run.district_id, run.run_id, attempt=run.attempt, number=number, fence=run.fence, changes=changes)
