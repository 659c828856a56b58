"""Tell what a run changed of whom, or would change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.identifiers import DistrictId, RunId, SourcedId, UserId
from roster_sync.domain.run import COUNT_OF_KIND, Run, RunKind
from roster_sync.domain.user_change import BOOKKEEPING, SAMPLES_OF_A_KIND, Attributes, UserChange
from roster_sync.use_cases.ports import UserStore

_UNSEEN = BOOKKEEPING | {"fingerprint", "record_digest"}


class ChangePages(Protocol):
    """Changes of runs, page by page."""

    def page(
        self,
        district_id: DistrictId,
        run_id: RunId,
        *,
        kind: ChangeKind | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[tuple[int, UserChange]], str | None]:
        """Changes of a run, each with its fence, and the cursor of the next page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChange:
    """One user's change.

    Attributes:
        before: Of the attributes that differ, those that were there.
        after: Of the attributes that differ, those that the run stored; empty for a user whom the run created and who
            was changed since.
        changed_since: Whether a later run or upload has changed the user; of a preview, False.
        given_name: As stored now, as is `family_name`; None for whom a preview would create.
    """

    kind: ChangeKind
    user_id: UserId
    sourced_id: SourcedId | None
    before: Attributes
    after: Attributes
    changed_since: bool
    given_name: str | None
    family_name: str | None


def page_of_changes(
    run: Run, pages: ChangePages, users: UserStore, *, kind: ChangeKind | None, cursor: str | None, limit: int
) -> tuple[list[ShownChange], str | None]:
    """Changes of a run, of one kind if told so, and the cursor of the next page, which may hold fewer than `limit`."""
    changes, following = pages.page(run.district_id, run.run_id, kind=kind, cursor=cursor, limit=limit)
    return list(_shown(run, changes, users)), following


def samples_of_changes(run: Run, pages: ChangePages, users: UserStore) -> list[ShownChange]:
    """Some changes of each kind that the run counts."""
    samples: list[ShownChange] = []
    for kind, name in COUNT_OF_KIND.items():
        if run.counts.as_dict()[name]:
            found, _ = page_of_changes(run, pages, users, kind=kind, cursor=None, limit=SAMPLES_OF_A_KIND)
            samples += found
    return samples


def _shown(run: Run, changes: Sequence[tuple[int, UserChange]], users: UserStore) -> Iterator[ShownChange]:
    stored = users.snapshots(run.district_id, [change.user_id for _, change in changes])
    if run.kind is RunKind.PREVIEW:
        yield from (_as_kept(change, stored.get(change.user_id, {}), changed_since=False) for _, change in changes)
        return
    for fence, change in changes:
        user = stored.get(change.user_id)
        # Kept before it is written: whoever died in between has changed nothing.
        if user is None or user["fence"] < fence:
            continue
        changed_since = user["run_id"] != run.run_id
        if change.kind is ChangeKind.CREATE and not changed_since:
            yield ShownChange(
                kind=change.kind,
                user_id=change.user_id,
                sourced_id=user.get("sourced_id"),
                before={},
                after=seen_of(user),
                changed_since=False,
                given_name=user.get("given_name"),
                family_name=user.get("family_name"),
            )
        else:
            yield _as_kept(change, user, changed_since=changed_since)


def _as_kept(change: UserChange, user: Attributes, *, changed_since: bool) -> ShownChange:
    return ShownChange(
        kind=change.kind,
        user_id=change.user_id,
        sourced_id=change.sourced_id,
        before=seen_of(change.before),
        after=seen_of(change.after),
        changed_since=changed_since,
        given_name=user.get("given_name"),
        family_name=user.get("family_name"),
    )


def seen_of(attributes: Attributes) -> dict[str, Any]:
    """Attributes that people are shown."""
    return {name: value for name, value in attributes.items() if name not in _UNSEEN}
