"""In-memory implementations of our own ports; tests/contracts holds each to the same tests as its adapter."""

from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from msgspec import structs

from roster_sync.domain.audit import Act, AuditEntry, Author, school_altered, school_put
from roster_sync.domain.beginning import KEPT, Beginning
from roster_sync.domain.change import Change, ChangeKind, Chunk, ManualChange, Restoration
from roster_sync.domain.consent import ExportConsent
from roster_sync.domain.dead_letter import DeadLetter, LetterKind
from roster_sync.domain.deletion import Contents, Deletion
from roster_sync.domain.district import School, Settings, require_own_oneroster_id
from roster_sync.domain.errors import ConfigurationError, ConflictError, DistrictBusyError
from roster_sync.domain.held_changes import Decision, HeldChange, HeldKind
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, UserId
from roster_sync.domain.issue import Issue, IssueCode
from roster_sync.domain.lease import Lease
from roster_sync.domain.manual_edit import Kept, ManualEdit
from roster_sync.domain.reading import Reading
from roster_sync.domain.run import COUNT_OF_KIND, Counts, Run, RunState
from roster_sync.domain.search import UserQuery, has_words
from roster_sync.domain.sign_in import SignIn
from roster_sync.domain.usage import NOTHING_USED, Usage
from roster_sync.domain.user import Role, RosterEntry, SisUser, StoredUser, normalised_email
from roster_sync.domain.user_change import Attributes, KeptChanges, UserChange, part_name, stored_time, text_of
from roster_sync.security.access import AccountRole
from roster_sync.use_cases.find_users import passes


class InMemoryAudit:
    """The audit log; `lines` are in the order in which they were written."""

    def __init__(self) -> None:
        self.lines: list[AuditEntry] = []

    def append(self, entry: AuditEntry | None) -> None:
        if entry:
            self.lines.append(entry)

    def page(
        self, district_id: DistrictId, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[AuditEntry], str | None]:
        ours = [line for line in self.lines if line.district_id == district_id]
        newest_first = sorted(ours, key=lambda line: line.entry_id, reverse=True)
        after = [line for line in newest_first if cursor is None or line.entry_id < cursor]
        return after[:limit], after[limit - 1].entry_id if len(after) > limit else None


class InMemoryDistricts:
    """DistrictStore and LeaseStore, with the writes of the settings API and the count of tests."""

    def __init__(self, audit: InMemoryAudit | None = None) -> None:
        self.audit = audit or InMemoryAudit()
        self._settings: dict[DistrictId, Settings] = {}
        self._schools: dict[tuple[DistrictId, SchoolId], School] = {}
        self._leases: dict[DistrictId, Lease] = {}
        self._fences: dict[DistrictId, int] = {}
        self._tests: dict[DistrictId, tuple[int, datetime]] = {}

    def active(self) -> Iterator[Settings]:
        yield from [settings for settings in self._settings.values() if settings.products]

    def settings(self, district_id: DistrictId) -> Settings | None:
        return self._settings.get(district_id)

    def save_settings(self, settings: Settings, expected_version: int, entry: AuditEntry | None = None) -> Settings:
        stored = self._settings.get(settings.district_id)
        if (stored.version if stored else 0) != expected_version:
            raise ConflictError("The settings were changed meanwhile. Load them again.")
        saved = replace(settings, version=expected_version + 1)
        self._settings[settings.district_id] = saved
        self.audit.append(entry)
        return saved

    def save_sign_in(self, district_id: DistrictId, sign_in: SignIn, version: int) -> bool:
        stored = self._settings.get(district_id)
        if stored is None or stored.version != version:
            return False
        self._settings[district_id] = replace(stored, sign_in=sign_in)
        return True

    def save_previewed(self, district_id: DistrictId, now: datetime, version: int) -> bool:
        stored = self._settings.get(district_id)
        if stored is None or stored.version != version:
            return False
        self._settings[district_id] = replace(stored, previewed_at=now)
        return True

    def schools(self, district_id: DistrictId) -> list[School]:
        return [school for key, school in sorted(self._schools.items()) if key[0] == district_id]

    def school(self, district_id: DistrictId, school_id: SchoolId) -> School | None:
        return self._schools.get((district_id, school_id))

    def put_school(self, school: School, by: Author | None = None) -> None:
        require_own_oneroster_id(school, self.schools(school.district_id))
        if by:
            self.audit.append(school_put(by, self.school(school.district_id, school.school_id), school))
        self._schools[school.district_id, school.school_id] = school

    def delete_school(self, district_id: DistrictId, school_id: SchoolId, by: Author | None = None) -> bool:
        gone = self._schools.pop((district_id, school_id), None)
        if gone and by:
            self.audit.append(by.did(Act.SCHOOL_REMOVED, district_id, school_id, school_altered(gone, None)))
        return gone is not None

    def acquire(self, district_id: DistrictId, holder: RunId, now: datetime, expires_at: datetime) -> Lease:
        held = self._leases.get(district_id)
        if held and held.holder != holder and held.expires_at > now:
            raise DistrictBusyError(held.holder)
        fence = self._fences.get(district_id, 0) + 1
        previous = held.holder if held else None
        if held and held.holder == holder:
            previous = held.previous_holder
        self._fences[district_id] = fence
        self._leases[district_id] = Lease(holder, fence, expires_at, previous)
        return self._leases[district_id]

    def renew(self, district_id: DistrictId, holder: RunId, expires_at: datetime) -> bool:
        held = self._leases.get(district_id)
        if held is None or held.holder != holder:
            return False
        self._leases[district_id] = replace(held, expires_at=expires_at)
        return True

    def release(self, district_id: DistrictId, holder: RunId, expires_at: datetime | None = None) -> bool:
        held = self._leases.get(district_id)
        if held is None or held.holder != holder or expires_at not in (None, held.expires_at):
            return False
        del self._leases[district_id]
        return True

    def retake(self, district_id: DistrictId, holder: RunId, fence: int, now: datetime, expires_at: datetime) -> bool:
        held = self._leases.get(district_id)
        if self._fences.get(district_id) != fence or (held and held.expires_at > now):
            return False
        self._leases[district_id] = Lease(holder, fence, expires_at)
        return True

    def held(self, district_id: DistrictId) -> Lease | None:
        return self._leases.get(district_id)

    def count_test(self, district_id: DistrictId, now: datetime, most: int, within: timedelta) -> timedelta | None:
        count, ends = self._tests.get(district_id, (0, now))
        if ends <= now:
            count, ends = 0, now + within
        if count >= most:
            return ends - now
        self._tests[district_id] = (count + 1, ends)
        return None


class InMemoryRuns:
    """RunStore; `issues` and `page` as the settings API reads them."""

    def __init__(self, audit: InMemoryAudit | None = None) -> None:
        self.audit = audit or InMemoryAudit()
        self._runs: dict[tuple[DistrictId, RunId], Run] = {}
        self._counted: set[tuple[DistrictId, RunId, int, int]] = set()
        self._issues: dict[tuple[DistrictId, RunId, int], dict[int, Issue]] = {}

    def create(self, run: Run, entry: AuditEntry | None = None) -> bool:
        is_new = self._runs.setdefault((run.district_id, run.run_id), run) is run
        if is_new:
            self.audit.append(entry)
        return is_new

    def get(self, district_id: DistrictId, run_id: RunId) -> Run | None:
        return self._runs.get((district_id, run_id))

    def unfinished(self, created_before: datetime) -> Iterator[tuple[DistrictId, RunId]]:
        before = f"{created_before:%Y%m%dT%H%M%SZ}"
        runs = [run for run in self._runs.values() if not run.state.is_terminal and run.run_id < before]
        yield from [(run.district_id, run.run_id) for run in runs]

    def resume(self, run: Run, now: datetime) -> bool:
        stored = self._runs.get((run.district_id, run.run_id))
        if stored is None or (stored.state, stored.attempt, stored.resumes) != (run.state, run.attempt, run.resumes):
            return False
        self._runs[run.district_id, run.run_id] = replace(stored, resumes=run.resumes + 1, resumed_at=now)
        return True

    def begin_attempt(self, district_id: DistrictId, run_id: RunId, fence: int, now: datetime) -> Run | None:
        run = self._runs.get((district_id, run_id))
        if run is None or run.state.is_terminal:
            return None
        begun = Run(
            district_id=district_id,
            run_id=run_id,
            kind=run.kind,
            state=RunState.FETCHING,
            created_at=run.created_at,
            started_at=run.started_at or now,
            attempt=run.attempt + 1,
            sent_attempt=run.sent_attempt,
            fence=fence,
            resumes=run.resumes,
            resumed_at=run.resumed_at,
            of_run=run.of_run,
            usage=run.usage,
        )
        self._runs[district_id, run_id] = begun
        return begun

    def begin_applying(
        self,
        district_id: DistrictId,
        run_id: RunId,
        *,
        attempt: int,
        chunks_expected: int,
        counts: Counts,
        issues_by_code: Mapping[str, int],
        provider_requests: int,
        outcome: RunState,
        reason: str | None,
        reading: Reading | None = None,
        held: Mapping[HeldKind, int] = MappingProxyType({}),
        usage: Usage = NOTHING_USED,
    ) -> bool:
        run = self._runs.get((district_id, run_id))
        if run is None or run.attempt != attempt or run.chunks_applied:
            return False
        if run.state not in (RunState.FETCHING, RunState.APPLYING):
            return False
        self._runs[district_id, run_id] = replace(
            run,
            state=RunState.APPLYING,
            sent_attempt=attempt,
            chunks_expected=chunks_expected,
            counts=counts,
            issues_by_code=issues_by_code,
            provider_requests=provider_requests,
            outcome=outcome,
            reason=reason,
            outcome_reason=reason,
            reading=reading,
            held={kind.value: count for kind, count in held.items()},
            usage=run.usage + usage,
        )
        return True

    def count_chunk(self, chunk: Chunk, counts: Counts, usage: Usage = NOTHING_USED) -> bool:
        run = self._runs.get((chunk.district_id, chunk.run_id))
        marker = (chunk.district_id, chunk.run_id, chunk.attempt, chunk.number)
        if run is None or run.attempt != chunk.attempt or marker in self._counted:
            return False
        self._counted.add(marker)
        self._runs[chunk.district_id, chunk.run_id] = replace(
            run, counts=run.counts + counts, chunks_applied=run.chunks_applied + 1, usage=run.usage + usage
        )
        return True

    def close(
        self,
        district_id: DistrictId,
        run_id: RunId,
        state: RunState,
        reason: str | None,
        now: datetime,
        *,
        attempt: int | None = None,
        redrives: int = 0,
        provider_requests: int | None = None,
    ) -> bool:
        run = self._runs.get((district_id, run_id))
        if run is None or run.state.is_terminal:
            return False
        if attempt is not None and (attempt, redrives) != (run.attempt, run.redrives):
            return False
        requests = run.provider_requests if provider_requests is None else provider_requests
        self._runs[district_id, run_id] = replace(
            run, state=state, reason=reason, ended_at=now, provider_requests=requests
        )
        return True

    def add_issues(
        self, district_id: DistrictId, run_id: RunId, attempt: int, issues: Sequence[Issue], first_number: int = 1
    ) -> None:
        numbered = self._issues.setdefault((district_id, run_id, attempt), {})
        numbered.update(enumerate(issues, first_number))

    def issues(
        self, district_id: DistrictId, run_id: RunId, attempt: int, cursor: str | None = None, limit: int = 100
    ) -> tuple[list[Issue], str | None]:
        if cursor is not None and not (cursor.isdecimal() and int(cursor) < 999_999):
            raise ConfigurationError("There is no such cursor. Begin again without one.")
        numbered = sorted(self._issues.get((district_id, run_id, attempt), {}).items())
        after = [(number, issue) for number, issue in numbered if number > int(cursor or 0)]
        more = f"{after[limit - 1][0]:06d}" if len(after) > limit else None
        return [issue for _, issue in after[:limit]], more

    def page(self, district_id: DistrictId, cursor: str | None = None, limit: int = 50) -> tuple[list[Run], str | None]:
        newest_first = sorted(
            (
                run
                for run in self._runs.values()
                if run.district_id == district_id and (not cursor or run.run_id < cursor)
            ),
            key=lambda run: run.run_id,
            reverse=True,
        )
        more = newest_first[limit - 1].run_id if len(newest_first) > limit else None
        return newest_first[:limit], more


class InMemoryDeadLetters:
    """DeadLetterStore, of the runs of an InMemoryRuns."""

    def __init__(self, runs: InMemoryRuns) -> None:
        self._of = runs
        self._kept: dict[tuple[DistrictId, RunId, int, int], dict[tuple[LetterKind, int], DeadLetter]] = {}

    def keep(self, letter: DeadLetter, run: Run) -> bool:
        stored = self._of.get(run.district_id, run.run_id)
        of_run = self._kept.setdefault(_generation(run), {})
        counted = (run.district_id, run.run_id, run.attempt, letter.number) in self._of._counted
        is_chunk = letter.kind is LetterKind.CHANGES
        if stored is None or not _as_read(stored, run) or (letter.kind, letter.number) in of_run:
            return False
        if is_chunk and counted:
            return False
        of_run[letter.kind, letter.number] = letter
        code = IssueCode.WORK_NOT_DONE.value
        issues = dict(stored.issues_by_code)
        if not run.redrives:
            issues[code] = issues.get(code, 0) + 1
        self._of._runs[run.district_id, run.run_id] = replace(
            stored, chunks_failed=stored.chunks_failed + is_chunk, issues_by_code=issues
        )
        return True

    def of_run(self, run: Run) -> list[DeadLetter]:
        return [letter for _, letter in sorted(self._kept.get(_generation(run), {}).items())]

    def reopen(self, run: Run, state: RunState, entry: AuditEntry | None = None) -> bool:
        stored = self._of.get(run.district_id, run.run_id)
        if stored is None or not _as_read(stored, run):
            return False
        self._of._runs[run.district_id, run.run_id] = replace(
            stored,
            state=state,
            redrives=run.redrives + 1,
            chunks_failed=0,
            ended_at=None,
            reason=run.outcome_reason,
        )
        self._of.audit.append(entry)
        return True


def _generation(run: Run) -> tuple[DistrictId, RunId, int, int]:
    return run.district_id, run.run_id, run.attempt, run.redrives


def _as_read(stored: Run, run: Run) -> bool:
    return (stored.state, stored.attempt, stored.redrives) == (run.state, run.attempt, run.redrives)


class InMemoryHeld:
    """HeldStore."""

    def __init__(self, audit: InMemoryAudit | None = None) -> None:
        self.audit = audit or InMemoryAudit()
        self._changes: dict[tuple[DistrictId, RunId, int], dict[int, HeldChange]] = {}
        self._decisions: dict[tuple[DistrictId, RunId], dict[int, Decision]] = {}

    def add(self, district_id: DistrictId, run_id: RunId, attempt: int, changes: Iterable[HeldChange]) -> None:
        numbered = self._changes.setdefault((district_id, run_id, attempt), {})
        numbered.update((change.number, change) for change in changes)

    def page(
        self,
        district_id: DistrictId,
        run_id: RunId,
        attempt: int,
        *,
        school_id: SchoolId | None = None,
        kind: HeldKind | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[HeldChange], str | None]:
        if cursor is not None and not (cursor.isdecimal() and int(cursor) < 9_999_999):
            raise ConfigurationError("There is no such cursor. Begin again without one.")
        found = [
            change
            for change in self.all(district_id, run_id, attempt)
            if change.number > int(cursor or 0)
            and (school_id is None or school_id in change.school_ids)
            and kind in (None, change.kind)
        ]
        return found[:limit], str(found[limit].number - 1) if len(found) > limit else None

    def all(self, district_id: DistrictId, run_id: RunId, attempt: int) -> Iterator[HeldChange]:
        for _, change in sorted(self._changes.get((district_id, run_id, attempt), {}).items()):
            yield change

    def decisions(self, district_id: DistrictId, run_id: RunId) -> list[Decision]:
        return [decision for _, decision in sorted(self._decisions.get((district_id, run_id), {}).items())]

    def decide(
        self, district_id: DistrictId, run_id: RunId, decision: Decision, number: int, entry: AuditEntry | None = None
    ) -> bool:
        is_new = self._decisions.setdefault((district_id, run_id), {}).setdefault(number, decision) is decision
        if is_new:
            self.audit.append(entry)
        return is_new


class InMemoryDeletions:
    """DeletionStore, of the districts of an InMemoryDistricts."""

    def __init__(self, districts: InMemoryDistricts) -> None:
        self._of = districts
        self._newest: dict[DistrictId, Deletion] = {}

    def get(self, district_id: DistrictId) -> Deletion | None:
        return self._newest.get(district_id)

    def begin(self, deletion: Deletion, entry: AuditEntry) -> bool:
        before = self.get(deletion.district_id)
        if before and before.ended_at is None:
            return False
        self._newest[deletion.district_id] = deletion
        self._of._settings.pop(deletion.district_id, None)
        self._of.audit.append(entry)
        return True

    def count(self, deletion: Deletion, contents: Contents) -> None:
        stored = self.get(deletion.district_id)
        if stored and stored.deletion_id == deletion.deletion_id and stored.contents is None:
            self._newest[deletion.district_id] = replace(stored, contents=contents)

    def end(self, deletion: Deletion, now: datetime) -> bool:
        stored = self.get(deletion.district_id)
        if stored is None or stored.deletion_id != deletion.deletion_id or stored.ended_at:
            return False
        self._newest[deletion.district_id] = replace(stored, ended_at=now)
        self._of._leases.pop(deletion.district_id, None)
        self._of._fences.pop(deletion.district_id, None)
        self._of.audit.append(deletion.ended(now))
        return True


class InMemoryExportConsents:
    """ApiExportConsents."""

    def __init__(self) -> None:
        self._given: dict[DistrictId, ExportConsent] = {}

    def get(self, district_id: DistrictId) -> ExportConsent | None:
        return self._given.get(district_id)

    def put(self, district_id: DistrictId, consent: ExportConsent) -> None:
        self._given[district_id] = consent

    def delete(self, district_id: DistrictId) -> None:
        self._given.pop(district_id, None)


class InMemoryBeginnings:
    """ApiBeginnings."""

    def __init__(self) -> None:
        self._kept: dict[tuple[DistrictId, str], tuple[Beginning, datetime]] = {}

    def keep(self, district_id: DistrictId, key: str, beginning: Beginning) -> Beginning:
        before, until = self._kept.get((district_id, key), (beginning, beginning.at))
        if until > beginning.at:
            return before
        self.replace(district_id, key, beginning)
        return beginning

    def replace(self, district_id: DistrictId, key: str, beginning: Beginning) -> None:
        self._kept[district_id, key] = beginning, beginning.at + KEPT

    def forget(self, district_id: DistrictId, key: str, now: datetime) -> None:
        self._kept.pop((district_id, key), None)


class InMemoryUsers:
    """UserStore, with `get` as the settings API reads; `writes` counts what was stored."""

    def __init__(self, *users: StoredUser) -> None:
        self._users = {(user.district_id, user.user_id): user for user in users}
        self.writes = 0

    def get(self, district_id: DistrictId, user_id: UserId) -> StoredUser | None:
        return self._users.get((district_id, user_id))

    def all(self, district_id: DistrictId) -> list[StoredUser]:
        """Every user of a district, by user_id."""
        return [user for key, user in sorted(self._users.items()) if key[0] == district_id]

    def roster(self, district_id: DistrictId) -> Iterator[Sequence[RosterEntry]]:
        for user in self.all(district_id):
            yield [
                RosterEntry(
                    user_id=user.user_id,
                    fingerprint=user.fingerprint,
                    sourced_ids=user.sourced_ids,
                    active=user.active,
                    role=user.role,
                    email=user.email,
                    given_name=user.given_name,
                    family_name=user.family_name,
                    identifier=user.identifier,
                    school_ids=user.school_ids,
                    products=user.products,
                    run_id=user.run_id,
                    last_change=user.last_change,
                    record_digest=user.record_digest,
                    sis_counselor_email=user.sis_counselor_email,
                )
            ]

    def snapshots(self, district_id: DistrictId, user_ids: Collection[UserId]) -> dict[UserId, Attributes]:
        users = (self.get(district_id, user_id) for user_id in user_ids)
        return {user.user_id: _attributes(user) for user in users if user}

    def sis_users(self, district_id: DistrictId, user_ids: Collection[UserId]) -> dict[UserId, SisUser]:
        users = (self.get(district_id, user_id) for user_id in user_ids)
        return {user.user_id: _sis_user(user) for user in users if user and user.sis_role}

    def by_ids(self, district_id: DistrictId, user_ids: Collection[UserId]) -> dict[UserId, StoredUser]:
        users = (self.get(district_id, user_id) for user_id in user_ids)
        return {user.user_id: user for user in users if user}

    def by_emails(self, district_id: DistrictId, emails: Collection[str]) -> dict[str, list[StoredUser]]:
        wanted = {normalised_email(email) for email in emails}
        found: dict[str, list[StoredUser]] = {}
        for user in self.all(district_id):
            if user.email and normalised_email(user.email) in wanted:
                found.setdefault(normalised_email(user.email), []).append(user)
        return found

    def apply(self, chunk: Chunk, now: datetime) -> Counts:
        counts = Counts()
        for change in chunk.changes:
            stored = self.get(chunk.district_id, change.user_id)
            newest = chunk.fence - 1 if chunk.unchanged_since is None else chunk.unchanged_since
            if stored and stored.fence > newest:
                applied = stored.fence == chunk.fence
            elif (
                not (stored and stored.run_id in (change.restoration.of_run, chunk.run_id))
                if change.restoration
                else change.kind is ChangeKind.DEACTIVATE and not (stored and stored.sourced_ids)
            ):
                applied = False
            else:
                self._store(_synced(stored, chunk, change, now))
                applied = True
            counts += _count(change.kind, applied=applied)
        return counts

    def apply_manual(
        self,
        district_id: DistrictId,
        changes: Sequence[ManualChange],
        *,
        run_id: RunId,
        fence: int,
        products: frozenset[str],
        now: datetime,
        part: str | None = None,
    ) -> Counts:
        counts = Counts()
        for change in changes:
            stored = self.get(district_id, change.user_id)
            if stored and stored.fence >= fence:
                applied = stored.fence == fence
            elif (change.profile is None) != bool(stored and stored.sourced_ids):
                applied = False
            else:
                user = _uploaded(stored, district_id, change, now)
                self._store(
                    replace(
                        user,
                        products=user.products | products,
                        fence=fence,
                        run_id=run_id,
                        change_part=part,
                        last_change=change.kind.value,
                        updated_at=now,
                    )
                )
                applied = True
            counts += _count(change.kind, applied=applied)
        return counts

    def apply_edit(
        self,
        district_id: DistrictId,
        edit: ManualEdit,
        *,
        run_id: RunId,
        fence: int,
        now: datetime,
        part: str | None = None,
    ) -> Counts:
        stored = self.get(district_id, edit.user_id)
        if stored is None or stored.fence > fence:
            return Counts(superseded=1)
        if stored.fence < fence:
            if edit.from_sis != bool(stored.sourced_ids):
                return Counts(superseded=1)
            user = replace(_edited(stored, edit), fence=fence, run_id=run_id, updated_at=now)
            self._store(replace(user, change_part=part, last_change=ChangeKind.UPDATE.value))
        return Counts(updated=1)

    def put(self, *users: StoredUser) -> None:
        """Store users as they are."""
        self._users.update({(user.district_id, user.user_id): user for user in users})

    def _store(self, user: StoredUser) -> None:
        self._users[user.district_id, user.user_id] = user
        self.writes += 1


class InMemoryUserSearch:
    """UserSearch over users in memory; `looked_at` of them at a time."""

    def __init__(self, users: InMemoryUsers, looked_at: int = 1_000) -> None:
        self._users = users
        self._looked_at = looked_at

    def page(
        self, district_id: DistrictId, query: UserQuery, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[UserId], str | None]:
        behind = [user for user in self._users.all(district_id) if user.user_id > (cursor or "")]
        part = behind[: self._looked_at]
        end = part[-1].user_id if len(behind) > len(part) else None
        found = [user.user_id for user in part if passes(user, query) and has_words(query.words, _searched(user))]
        return found[:limit], found[limit - 1] if len(found) > limit else end

    def counselors(self, district_id: DistrictId, cursor: str | None = None) -> tuple[Mapping[str, int], str | None]:
        behind = [user for user in self._users.all(district_id) if user.user_id > (cursor or "")]
        part = behind[: self._looked_at]
        named = Counter(normalised_email(user.counselor_email) for user in part if user.active and user.counselor_email)
        return named, part[-1].user_id if len(behind) > len(part) else None


def _searched(user: StoredUser) -> Iterator[str | None]:
    yield from (user.given_name, user.middle_name, user.family_name, user.email, user.username, user.identifier)
    yield from (user.user_id, *user.sourced_ids)


class InMemoryChangeLog:
    """ChangeLog, with pages as the settings API reads them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[DistrictId, RunId], dict[tuple[int, int], KeptChanges]] = {}

    def keep(
        self,
        district_id: DistrictId,
        run_id: RunId,
        *,
        attempt: int,
        number: int,
        fence: int,
        changes: Sequence[UserChange],
    ) -> None:
        kept = KeptChanges(attempt, number, fence, list(changes))
        self._kept.setdefault((district_id, run_id), {}).setdefault((attempt, number), kept)

    def kept(self, chunk: Chunk) -> Sequence[UserChange]:
        kept = self._kept.get((chunk.district_id, chunk.run_id), {}).get((chunk.attempt, chunk.number))
        return kept.changes if kept else []

    def part(self, district_id: DistrictId, run_id: RunId, part: str) -> Sequence[UserChange]:
        attempt, number = map(int, part.split("."))
        kept = self._kept.get((district_id, run_id), {}).get((attempt, number))
        return kept.changes if kept else []

    def all(self, district_id: DistrictId, run_id: RunId) -> Iterator[KeptChanges]:
        yield from list(self._kept.get((district_id, run_id), {}).values())

    def page(
        self,
        district_id: DistrictId,
        run_id: RunId,
        *,
        kind: ChangeKind | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[tuple[int, UserChange]], str | None]:
        if cursor is not None and not cursor.isdecimal():
            raise ConfigurationError("There is no such cursor. Begin again without one.")
        found = [
            (kept.fence, change)
            for kept in self.all(district_id, run_id)
            for change in kept.changes
            if kind in (None, change.kind)
        ]
        start = int(cursor or 0)
        return found[start : start + limit], str(start + limit) if len(found) > start + limit else None


class InMemoryContents:
    """ContentsStore over the other stores; one item goes at a time, and `before_each` of them."""

    def __init__(
        self,
        *,
        districts: InMemoryDistricts,
        users: InMemoryUsers,
        runs: InMemoryRuns,
        of_districts: Sequence[dict[DistrictId, Any]] = (),
        of_runs: Sequence[dict[Any, Any]] = (),
        beginnings: InMemoryBeginnings | None = None,
        before_each: Callable[[], None] = lambda: None,
    ) -> None:
        """Delete also what is kept by district, and what is kept by keys that begin with district and run."""
        self._districts, self._users, self._runs = districts, users, runs
        self._of_districts: list[dict[DistrictId, Any]] = [districts._settings, districts._tests, *of_districts]
        self._of_runs = [runs._issues, *of_runs]
        self._beginnings = (beginnings or InMemoryBeginnings())._kept
        self._before_each = before_each

    def count_users(self, district_id: DistrictId) -> int:
        return len(self._users.all(district_id))

    def delete_users(self, district_id: DistrictId, in_time: Callable[[], bool]) -> bool:
        return self._emptied(self._users._users, (district_id,), in_time)

    def delete_runs(self, district_id: DistrictId, in_time: Callable[[], bool]) -> bool:
        for _, run_id in [key for key in self._runs._runs if key[0] == district_id]:
            if not all(self._emptied(store, (district_id, run_id), in_time) for store in self._of_runs):
                return False
            self._emptied(self._runs._runs, (district_id, run_id), lambda: True)
        self._runs._counted = {marker for marker in self._runs._counted if marker[0] != district_id}
        return self._emptied(self._beginnings, (district_id,), in_time)

    def delete_settings_and_schools(self, district_id: DistrictId) -> None:
        self._emptied(self._districts._schools, (district_id,), lambda: True)
        for store in self._of_districts:
            self._before_each()
            store.pop(district_id, None)

    def _emptied(self, store: dict[Any, Any], begins: tuple[str, ...], in_time: Callable[[], bool]) -> bool:
        for key in [key for key in store if key[: len(begins)] == begins]:
            if not in_time():
                return False
            self._before_each()
            del store[key]
        return True


class InMemoryEvents:
    """EventSink and DeletionSink; `changed` holds run and change of each event, `ended` the runs."""

    def __init__(self) -> None:
        self.changed: list[tuple[RunId, UserChange]] = []
        self.ended: list[Run] = []
        self.deleted: list[Deletion] = []

    def users_changed(self, of: Chunk | Run, changes: Sequence[UserChange]) -> None:
        self.changed += [(of.run_id, change) for change in changes]

    def run_ended(self, run: Run) -> None:
        self.ended.append(run)

    def district_deleted(self, deletion: Deletion) -> None:
        self.deleted.append(deletion)


class InMemoryAccounts:
    """AccountStore; `accounts` holds district and role by name."""

    def __init__(self) -> None:
        self.accounts: dict[str, tuple[DistrictId | None, AccountRole | None]] = {}

    def delete(self, district_id: DistrictId, in_time: Callable[[], bool]) -> bool:
        if not in_time():
            return False
        for name, (named, role) in [*self.accounts.items()]:
            if named == district_id and role is not AccountRole.SUPPORT:
                del self.accounts[name]
        return True


class InMemoryChangeQueue:
    """ChangeQueue; `sent` holds the chunks in order."""

    def __init__(self) -> None:
        self.sent: list[Chunk] = []

    def send(self, chunks: Iterable[Chunk]) -> None:
        self.sent.extend(chunks)


class InMemoryCheckpoints:
    """CheckpointStore; `parts` holds what is kept."""

    def __init__(self) -> None:
        self.parts: dict[tuple[DistrictId, RunId, str], bytes] = {}

    def save(self, district_id: DistrictId, run_id: RunId, name: str, content: bytes) -> None:
        self.parts[district_id, run_id, name] = content

    def load(self, district_id: DistrictId, run_id: RunId, prefix: str) -> list[bytes]:
        return [
            content
            for key, content in sorted(self.parts.items())
            if key[:2] == (district_id, run_id) and key[2].startswith(prefix)
        ]

    def forget_district(self, district_id: DistrictId) -> None:
        for key in [key for key in self.parts if key[0] == district_id]:
            del self.parts[key]

    def forget(self, district_id: DistrictId, run_id: RunId) -> None:
        for key in [key for key in self.parts if key[:2] == (district_id, run_id)]:
            del self.parts[key]


def _count(kind: ChangeKind, *, applied: bool) -> Counts:
    return Counts(**{COUNT_OF_KIND[kind] if applied else "superseded": 1})


def _sis_user(user: StoredUser) -> SisUser:
    assert user.sis_role
    return SisUser(
        sourced_ids=user.sourced_ids,
        sis_role=user.sis_role,
        username=user.username,
        given_name=user.given_name,
        middle_name=user.middle_name,
        family_name=user.family_name,
        email=user.email,
        identifier=user.identifier,
        phone=user.phone,
        sms=user.sms,
        grades=user.grades,
        school_ids=user.school_ids,
        agents=user.agents,
        user_ids=user.user_ids,
        sis_counselor_email=user.sis_counselor_email,
        metadata=tuple(sorted((user.metadata or {}).items())),
    )


def _attributes(user: StoredUser) -> dict[str, Any]:
    """A user as DynamoDB has it."""
    values = asdict(user)
    pairs = {"user_ids": [{"type": type_, "identifier": identifier} for type_, identifier in user.user_ids]}
    lists = ("sourced_ids", "grades", "school_ids", "agents", "products")
    attributes = {
        **values,
        **pairs,
        **{name: sorted(values[name]) for name in lists},
        "metadata": dict(user.metadata or {}),
        "status": "active" if user.active else "inactive",
        "sourced_id": user.sourced_ids[0] if user.sourced_ids else None,
        "fingerprint": text_of(user.fingerprint),
        "record_digest": text_of(user.record_digest),
        **{
            name: stored_time(values[name]) if values[name] else None
            for name in ("created_at", "updated_at", "deactivated_at")
        },
    }
    for name in ("district_id", "user_id", "active"):
        del attributes[name]
    # Stored as NULL by a sync, and by nobody else.
    stays = {"fence", "counselor_email"} if user.sis_role else {"fence"}
    return {name: value for name, value in attributes.items() if value or name in stays}


def _restored(stored: StoredUser, restoration: Restoration) -> StoredUser:
    attributes = {**_attributes(stored), **dict.fromkeys(restoration.gone), **restoration.before}

    def moment(text: str | None) -> datetime | None:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z") if text else None

    def text(name: str) -> Any:
        return attributes.get(name)

    def listed(name: str) -> Any:
        return tuple(attributes.get(name) or ())

    return replace(
        stored,
        active=attributes["status"] == "active",
        role=Role(attributes["role"]),
        sis_role=Role(attributes["sis_role"]) if attributes.get("sis_role") else None,
        manual_role=Role(attributes["manual_role"]) if attributes.get("manual_role") else None,
        sourced_ids=listed("sourced_ids"),
        grades=listed("grades"),
        school_ids=listed("school_ids"),
        agents=listed("agents"),
        username=text("username"),
        given_name=text("given_name"),
        middle_name=text("middle_name"),
        family_name=text("family_name"),
        email=text("email"),
        identifier=text("identifier"),
        phone=text("phone"),
        sms=text("sms"),
        counselor_email=text("counselor_email"),
        sis_counselor_email=text("sis_counselor_email"),
        manual_counselor_email=text("manual_counselor_email"),
        user_ids=tuple((pair["type"], pair["identifier"]) for pair in attributes.get("user_ids") or ()),
        metadata=attributes.get("metadata") or None,
        products=frozenset(listed("products")),
        fingerprint=b64decode(attributes["fingerprint"]) if attributes.get("fingerprint") else None,
        record_digest=b64decode(attributes["record_digest"]) if attributes.get("record_digest") else None,
        deactivated_at=moment(attributes.get("deactivated_at")),
    )


def _synced(stored: StoredUser | None, chunk: Chunk, change: Change, now: datetime) -> StoredUser:
    if change.restoration:
        assert stored
        user = _restored(stored, change.restoration)
    elif change.user is None:
        assert stored
        user = replace(stored, active=False, deactivated_at=stored.deactivated_at or now)
    else:
        sis = change.user
        manual_role = stored.manual_role if stored else None
        manual_counselor_email = stored.manual_counselor_email if stored else None
        user = StoredUser(
            **{**structs.asdict(sis), "metadata": dict(sis.metadata) or None},
            district_id=chunk.district_id,
            user_id=change.user_id,
            active=True,
            role=manual_role or sis.sis_role,
            manual_role=manual_role,
            counselor_email=sis.sis_counselor_email or manual_counselor_email,
            manual_counselor_email=manual_counselor_email,
            products=(stored.products if stored else frozenset()) | chunk.products,
            fingerprint=change.fingerprint,
            record_digest=change.record_digest,
            created_at=(stored.created_at if stored else None) or now,
        )
    return replace(
        user,
        fence=chunk.fence,
        run_id=chunk.run_id,
        change_part=part_name(chunk.attempt, chunk.number),
        last_change=change.kind.value,
        updated_at=now,
    )


def _edited(stored: StoredUser, edit: ManualEdit) -> StoredUser:
    user = stored
    if edit.role is not Kept.KEPT:
        role = edit.role or user.sis_role
        assert role
        user = replace(user, manual_role=edit.role, role=role)
    if edit.counselor_email is not Kept.KEPT:
        counselor_email = user.sis_counselor_email or edit.counselor_email
        user = replace(user, manual_counselor_email=edit.counselor_email, counselor_email=counselor_email)
    return user


def _uploaded(stored: StoredUser | None, district_id: DistrictId, change: ManualChange, now: datetime) -> StoredUser:
    user = stored or StoredUser(
        district_id=district_id, user_id=change.user_id, active=True, role=change.role, created_at=now
    )
    manual_counselor_email = change.counselor_email or user.manual_counselor_email
    user = replace(
        user,
        role=change.role,
        manual_role=change.role,
        manual_counselor_email=manual_counselor_email,
        counselor_email=user.sis_counselor_email or manual_counselor_email,
    )
    if change.profile is None:
        return user
    profile = change.profile
    return replace(
        user,
        active=profile.active,
        deactivated_at=None if profile.active else user.deactivated_at or now,
        email=profile.email,
        given_name=profile.given_name,
        family_name=profile.family_name,
        identifier=profile.identifier,
        grades=profile.grades,
        school_ids=profile.school_ids,
    )
