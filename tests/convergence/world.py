"""A district, its provider and its queues, in which anything may happen between any two operations."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, cast

from msgspec import Raw

from roster_sync.domain.change import Chunk, ManualChange
from roster_sync.domain.dead_letter import DeadLetter, LetterKind
from roster_sync.domain.district import School, Settings
from roster_sync.domain.errors import ConflictError, NotFoundError, OwnOutageError, TransientError
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.held_changes import Selection
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId, UserId
from roster_sync.domain.journal import Journal, PageContent, Place
from roster_sync.domain.lease import CHUNK_TIME, LEASE_TIME, Lease
from roster_sync.domain.record import RawRecord
from roster_sync.domain.run import Counts, Run, RunKind, RunState, is_approval, is_revert, upload_run_id
from roster_sync.domain.schedule import Schedule
from roster_sync.domain.silence import Backlog
from roster_sync.domain.user import StoredUser
from roster_sync.messaging import user_changes
from roster_sync.messaging.dead_letters import read
from roster_sync.oneroster.records import JsonRecordReader
from roster_sync.use_cases.apply_approval import apply_approval
from roster_sync.use_cases.apply_chunk import apply_chunk
from roster_sync.use_cases.decide_held import approve_held, discard_held
from roster_sync.use_cases.dispatch_runs import dispatch_runs
from roster_sync.use_cases.fetch_roster import fetch_roster
from roster_sync.use_cases.fetcher import Fetcher
from roster_sync.use_cases.import_upload import Importer, import_file
from roster_sync.use_cases.keep_dead_letter import keep_dead_letter
from roster_sync.use_cases.provider import Page
from roster_sync.use_cases.redrive_run import Redriver, redrive_run
from roster_sync.use_cases.revert_run import revert_run
from roster_sync.use_cases.start_revert import start_revert
from roster_sync.use_cases.start_run import start_run
from roster_sync.use_cases.sweep_runs import Sweeper, sweep_runs
from tests.convergence.invocations import Fault, Invocation, Stepwise
from tests.convergence.people import COUNSELOR_KEY, METADATA_KEYS, ORGS, Asked, Record, stored_sourced_ids
from tests.support.builders import DISTRICT, NOW, a_school, an_author, settings
from tests.support.fakes import (
    InMemoryChangeLog,
    InMemoryCheckpoints,
    InMemoryDeadLetters,
    InMemoryDistricts,
    InMemoryEvents,
    InMemoryHeld,
    InMemoryRuns,
    InMemoryUsers,
)

PRODUCTS = frozenset({"serve", "jobs"})
"""Those that are offered."""
MOST_RECEIVES = 5
"""Of a message, before it is a dead letter: as the template's redrive policies say."""
VISIBLE_AGAIN = timedelta(minutes=3)
FUNCTIONS_END = timedelta(minutes=15)
"""Lambda's limit, and less than a lease lasts; `upsert` ends after CHUNK_TIME."""
_PAGE = 4


@dataclass
class Message:
    """One message of a queue; `body` is what was sent."""

    queue: str
    body: str
    visible_at: datetime
    receives: int = 0


@dataclass
class Fetched:
    """What one attempt of a run has seen of the provider.

    Attributes:
        records: Those at the first page.
        whole: Whether nothing changed from the first page to the last.
    """

    records: Sequence[Record]
    whole: bool = True
    _changed: list[Sequence[Record]] = field(default_factory=list)

    def look(self, records: Sequence[Record]) -> None:
        """These are there at another page."""
        if records != self.records:
            self.whole = False
            self._changed.append(records)

    def at_all_times(self, asked: Asked) -> frozenset[str]:
        """The sourcedIds of users who were there, and to be stored, at each page."""
        looks = [stored_sourced_ids(records, asked) for records in (self.records, *self._changed)]
        return frozenset.intersection(*looks)


@dataclass
class World:
    """All there is. Whoever changes `faults`, `records` or `now` decides what the functions meet.

    Attributes:
        faults: Of a hundred operations, how many go wrong.
        fetched: What each attempt of each run has seen.
        asked: What the district had asked for when each attempt of each run began.
        check: Told of each run that ends.
        gave_up: Whether a message is lost, or became a dead letter.
        before: Each user whom a run has written, as the run found them first.
        reverted: Of each run that takes another back, the users of that one as they were at its beginning.
        outlives_lease: Whether functions go on for longer than they may, as in no Lambda.
        strict: Whether any deactivation blocks a run.
        hand_overs: The share of fetches that hand over after each page.
        forgets_readings: Whether a fetch that goes on takes what came before for what is there now.
        readings: What was seen of each reading of the provider, by whatever attempts; its number is in its pages.
    """

    random: Random
    records: dict[str, Record]
    faults: int
    check: "Callable[[World, Run], None]"
    districts: InMemoryDistricts = field(default_factory=InMemoryDistricts)
    runs: InMemoryRuns = field(default_factory=InMemoryRuns)
    letters: InMemoryDeadLetters = field(init=False)
    checkpoints: InMemoryCheckpoints = field(default_factory=InMemoryCheckpoints)
    users: InMemoryUsers = field(default_factory=InMemoryUsers)
    log: InMemoryChangeLog = field(default_factory=InMemoryChangeLog)
    held: InMemoryHeld = field(default_factory=InMemoryHeld)
    now: datetime = NOW
    fetched: dict[tuple[RunId, int], Fetched] = field(default_factory=dict)
    asked: dict[tuple[RunId, int], Asked] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    under_way: list[Invocation] = field(default_factory=list)
    proves: Callable[[bool], bool] = staticmethod(lambda whole: whole)  # noqa: RUF009 - a function, not shared state
    started: int = 0
    outlives_lease: bool = False
    strict: bool = False
    hand_overs: float = 0.3
    forgets_readings: bool = False
    readings: list[Fetched] = field(default_factory=list)
    gave_up: bool = False
    events: InMemoryEvents = field(default_factory=InMemoryEvents)
    before: dict[tuple[RunId, UserId], StoredUser | None] = field(default_factory=dict)
    reverted: dict[RunId, dict[UserId, StoredUser]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Enter the district."""
        self.letters = InMemoryDeadLetters(self.runs)
        limits = (
            {"deactivation_percent": 1, "deactivation_minimum": 0} if self.strict else {"deactivation_percent": 100}
        )
        wanted = {"counselor_metadata_key": COUNSELOR_KEY, "metadata_keys": METADATA_KEYS}
        self.districts.save_settings(settings(products=frozenset({"serve"}), **limits, **wanted), 0)
        self.districts.put_school(a_school())
        self.map_second_school(mapped=False)

    # What may happen

    def dispatch(self) -> None:
        """The schedule's time has come."""
        scheduled_time = self.now

        def work(invocation: Invocation) -> None:
            dispatch_runs(
                scheduled_time,
                districts=cast("Any", Stepwise(invocation, self.districts)),
                runs=cast("Any", Stepwise(invocation, self.runs)),
                request_syncs=lambda requests: self._request(invocation, requests),
                offered_products=PRODUCTS,
                default_schedule=Schedule(at=scheduled_time.time(), zone="UTC"),
                now=scheduled_time,
            )

        self._invoke("dispatch", work)

    def change_settings(self, **changes: Any) -> None:
        """An administrator saves other settings."""
        stored = self.districts.settings(DISTRICT)
        assert stored
        self.districts.save_settings(replace(stored, **changes), stored.version)

    def map_second_school(self, *, mapped: bool) -> None:
        """An administrator enters the second school's OneRoster ID, or takes it out."""
        oneroster_id = SourcedId(ORGS[1]) if mapped else None
        self.districts.put_school(a_school(school_id=SchoolId("high"), name="High", oneroster_id=oneroster_id))

    def outlive_lease(self) -> None:
        """A function stands still until its lease has expired and another run has begun."""
        if self.under_way:
            self.random.choice(self.under_way).waits_until = self.now + timedelta(hours=2)
            self.pass_time(LEASE_TIME)
            self.sync_now()

    def preview(self) -> None:
        """An administrator asks what a sync would do."""
        self.sync_now(preview=True)

    def revert(self) -> None:
        """An administrator takes back a run."""
        runs, _ = self.runs.page(DISTRICT, limit=10)
        reverted = self.random.choice(runs) if runs else None
        if reverted is None:
            return
        self.started += 1
        now, nonce = self.now, f"{self.started}"

        def work(invocation: Invocation) -> None:
            with suppress(ConflictError):
                start_revert(
                    reverted,
                    runs=self._runs(invocation),
                    request_sync=lambda district_id, run_id: self._request(invocation, [(district_id, run_id)]),
                    now=now,
                    nonce=nonce,
                )

        self._invoke("revert", work)

    def sync_now(self, *, preview: bool = False) -> None:
        """An administrator asks for a sync."""
        self.started += 1
        now, nonce = self.now, f"{self.started}"

        def work(invocation: Invocation) -> None:
            start_run(
                DISTRICT,
                districts=cast("Any", Stepwise(invocation, self.districts)),
                runs=self._runs(invocation),
                request_sync=lambda district_id, run_id: self._request(invocation, [(district_id, run_id)]),
                offered_products=PRODUCTS,
                now=now,
                nonce=nonce,
                preview=preview,
            )

        self._invoke("sync now", work)

    def sweep(self) -> None:
        """The schedule's time has come to look for runs that died."""

        def work(invocation: Invocation) -> None:
            sweep_runs(
                Sweeper(
                    leases=cast("Any", Stepwise(invocation, self.districts)),
                    runs=self._runs(invocation),
                    backlog=lambda: invocation.operation(self._backlog),
                    request_sync=lambda district_id, run_id: self._request(invocation, [(district_id, run_id)]),
                    clock=self._clock,
                )
            )

        self._invoke("sweep", work)

    def redrive(self) -> None:
        """Staff sends the dead letters of a run again, which may lack nothing, or no longer."""
        runs, _ = self.runs.page(DISTRICT, limit=5)
        if not runs:
            return
        run_id = self.random.choice(runs).run_id

        def send(invocation: Invocation, bodies: Sequence[str]) -> None:
            for body in bodies:
                invocation.operation(partial(self._send, "user-changes", body))

        def work(invocation: Invocation) -> None:
            redriver = Redriver(
                letters=cast("Any", Stepwise(invocation, self.letters)),
                runs=self._runs(invocation),
                leases=cast("Any", Stepwise(invocation, self.districts)),
                request_sync=lambda district_id, run_id: self._request(invocation, [(district_id, run_id)]),
                send_changes=lambda _, bodies: send(invocation, bodies),
                clock=self._clock,
            )
            with suppress(ConflictError):
                redrive_run(DISTRICT, run_id, redriver)

        self._invoke("redrive", work)

    def lose_a_message(self) -> None:
        """A message is gone, as if it had expired."""
        if self.messages:
            self.gave_up = True
            self.messages.remove(self.random.choice(self.messages))

    def decide(self) -> None:
        """An administrator approves, or discards, some or all of what a blocked run holds; not always the newest."""
        blocked = [run for run in self.runs.page(DISTRICT, limit=5)[0] if run.held and run.state.is_terminal]
        if not blocked:
            return
        self.started += 1
        now, nonce, run = self.now, f"{self.started}", self.random.choice(blocked)
        user_ids = [held.change.user_id for held in self.held.all(DISTRICT, run.run_id, run.attempt)]
        some = frozenset(self.random.sample(user_ids, self.random.randrange(1, len(user_ids) + 1)))
        selection = Selection(user_ids=self.random.choice([None, some]))
        discards = self.random.random() < 0.2

        def work(invocation: Invocation) -> None:
            held = cast("Any", Stepwise(invocation, self.held))
            with suppress(ConflictError, NotFoundError):
                if discards:
                    discard_held(run, selection, an_author(), held=held, now=now)
                    return
                approve_held(
                    run,
                    selection,
                    an_author(),
                    runs=self._runs(invocation),
                    held=held,
                    request_sync=lambda district_id, run_id: self._request(invocation, [(district_id, run_id)]),
                    now=now,
                    nonce=nonce,
                )

        self._invoke("decide", work)

    def upload(self, rows: Sequence[Mapping[str, str]]) -> None:
        """A file arrives in the bucket."""
        self.started += 1
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        run_id = upload_run_id(self.now, f"{self.started}")
        self.messages.append(Message("uploads", json.dumps([run_id, text.getvalue()]), self.now))

    def settle(self) -> None:
        """Let everything happen, in any order, until nothing is left to happen."""
        while self.step():
            pass

    def step(self) -> bool:
        """Let one thing happen; whether there was any."""
        ready = [each for each in self.under_way if each.waits_until is None or each.waits_until <= self.now]
        visible = [message for message in self.messages if message.visible_at <= self.now]
        choices = len(ready) * 4 + len(visible)
        if choices:
            choice = self.random.randrange(choices)
            if choice < len(ready) * 4:
                self._go_on(ready[choice // 4])
            else:
                self._deliver(visible[choice - len(ready) * 4])
            return True
        later = [message.visible_at for message in self.messages]
        later += [each.waits_until for each in self.under_way if each.waits_until]
        if later:
            self.pass_time(min(later) - self.now)
        return bool(later)

    def is_fetching(self) -> bool:
        """Whether a fetch is under way."""
        return any(invocation.name == "sync-requests" for invocation in self.under_way)

    def assert_nobody_works_on(self, run_id: RunId) -> None:
        """A run that is given up must be dead."""
        if not self.outlives_lease:
            at_work = [each.name for each in self.under_way if each.works_on == run_id and not each.ended]
            # A fetch that has sent its chunks only looks whether they were applied.
            run = self.runs.get(DISTRICT, run_id)
            if run and run.sent_attempt == run.attempt:
                at_work = [name for name in at_work if name != "sync-requests"]
            assert not at_work, f"{run_id} was ended while {at_work} worked on it."

    def pass_time(self, time: timedelta) -> None:
        """Functions that have run for too long are ended."""
        self.now += time
        for invocation in list(self.under_way):
            if not self.outlives_lease and self.now - invocation.began >= invocation.limit:
                invocation.kill()
                self.under_way.remove(invocation)

    def end(self) -> None:
        """Nothing happens any more, and no thread is left that waits for it."""
        for invocation in self.under_way:
            with suppress(Exception):
                invocation.kill()
        self.under_way.clear()

    # Queues and functions

    def _go_on(self, invocation: Invocation) -> None:
        fault = self.random.choice(list(Fault)) if self.random.randrange(100) < self.faults else None
        invocation.waits_until = None
        invocation.go_on(fault)
        if invocation.ended:
            self.under_way.remove(invocation)

    def _invoke(self, name: str, work: Callable[[Invocation], object]) -> Invocation:
        limit = CHUNK_TIME if name == "user-changes" else FUNCTIONS_END
        invocation = Invocation(name, work, began=self.now, limit=limit)
        self.under_way.append(invocation)
        return invocation

    def _deliver(self, message: Message) -> None:
        """Call the queue's function; the message goes when it has succeeded, and may come twice all the same."""
        if message.receives == MOST_RECEIVES and message.queue != "dead-letters":
            self.messages.remove(message)
            self.gave_up = True
            self._send("dead-letters", json.dumps([message.queue, message.body]))
            return
        message.receives += 1
        message.visible_at = self.now + FUNCTIONS_END + VISIBLE_AGAIN
        if self.random.randrange(100) < self.faults:
            self.messages.append(replace(message, visible_at=self.now))
        consume = {
            "sync-requests": self._fetch,
            "user-changes": self._apply,
            "uploads": self._import,
            "dead-letters": self._keep,
        }[message.queue]

        def work(invocation: Invocation) -> None:
            try:
                consume(invocation, message.body)
            except BaseException:
                message.visible_at = self.now + VISIBLE_AGAIN
                raise
            if message in self.messages:
                self.messages.remove(message)

        self._invoke(message.queue, work)

    def _backlog(self) -> Backlog:
        waiting = Counter(message.queue for message in self.messages)
        return Backlog(waiting["sync-requests"], waiting["user-changes"])

    def _send(self, queue: str, body: str) -> None:
        self.messages.append(Message(queue, body, self.now))

    def _request(self, invocation: Invocation, requests: Sequence[tuple[DistrictId, RunId]]) -> None:
        for _, run_id in requests:
            invocation.operation(partial(self._send, "sync-requests", run_id))

    def _fetch(self, invocation: Invocation, body: str) -> None:
        run_id = RunId(body)
        districts = _Districts(invocation, self)
        fetcher = Fetcher(
            districts=cast("Any", districts),
            leases=cast("Any", districts),
            runs=self._runs(invocation),
            users=cast("Any", Stepwise(invocation, self.users)),
            log=cast("Any", Stepwise(invocation, self.log)),
            held=cast("Any", Stepwise(invocation, self.held)),
            queue=_Queue(invocation, self),
            open_provider=lambda settings: _Provider(invocation, self, run_id, districts.asked(settings)),
            offered_products=PRODUCTS,
            checkpoints=cast("Any", Stepwise(invocation, self.checkpoints)),
            request_sync=lambda district_id, run_id: self._request(invocation, [(district_id, run_id)]),
            clock=self._clock,
            pause=lambda seconds: self._pause(invocation, seconds),
        )
        if is_approval(run_id):
            apply_approval(DISTRICT, run_id, fetcher)
        elif is_revert(run_id):
            revert_run(DISTRICT, run_id, fetcher)
        else:
            # Some hand over after each page.
            time = timedelta(0) if self.random.random() < self.hand_overs else timedelta(hours=1)
            fetch_roster(DISTRICT, run_id, fetcher, deadline=self.now + time)

    def _apply(self, invocation: Invocation, body: str) -> None:
        apply_chunk(
            user_changes.from_json(body),
            users=cast("Any", _Users(invocation, self)),
            log=cast("Any", Stepwise(invocation, self.log)),
            runs=self._runs(invocation),
            leases=cast("Any", _Leases(invocation, self.districts)),
            clock=self._clock,
            events=cast("Any", Stepwise(invocation, self.events)),
        )

    def _keep(self, invocation: Invocation, body: str) -> None:
        queue, message = json.loads(body)
        if queue == "user-changes":
            letter = read(message, _no_file)
        elif queue == "uploads":
            run_id = RunId(json.loads(message)[0])
            letter = DeadLetter(kind=LetterKind.UPLOAD, district_id=DISTRICT, run_id=run_id, body=message)
        else:
            letter = DeadLetter(kind=LetterKind.SYNC_REQUEST, district_id=DISTRICT, run_id=RunId(message), body=message)
        keep_dead_letter(
            letter,
            letters=cast("Any", Stepwise(invocation, self.letters)),
            runs=self._runs(invocation),
            leases=cast("Any", Stepwise(invocation, self.districts)),
            clock=self._clock,
        )

    def _import(self, invocation: Invocation, body: str) -> None:
        run_id, text = json.loads(body)
        importer = Importer(
            districts=cast("Any", Stepwise(invocation, self.districts)),
            leases=cast("Any", Stepwise(invocation, self.districts)),
            runs=self._runs(invocation),
            users=cast("Any", _Users(invocation, self)),
            log=cast("Any", Stepwise(invocation, self.log)),
            offered_products=PRODUCTS,
            lease_lasts=timedelta(minutes=16),
            clock=self._clock,
        )

        import_file(
            text.encode(),
            DISTRICT,
            RunId(run_id),
            importer,
            pause=lambda seconds: self._pause(invocation, seconds),
            patience=timedelta(minutes=8),
        )

    def _clock(self) -> datetime:
        """No two looks at the clock show the same time."""
        self.now += timedelta(microseconds=1)
        return self.now

    def _pause(self, invocation: Invocation, seconds: float) -> None:
        invocation.waits_until = self.now + timedelta(seconds=seconds)
        invocation.operation(lambda: None)

    def _runs(self, invocation: Invocation) -> Any:
        return _Runs(invocation, self)


def _no_file(_: str) -> tuple[DistrictId, RunId]:
    raise AssertionError


class _Runs(Stepwise):
    """Runs whose ends are checked when they come."""

    def __init__(self, invocation: Invocation, world: World) -> None:
        super().__init__(invocation, world.runs)
        self._world = world

    def begin_attempt(self, district_id: DistrictId, run_id: RunId, fence: int, now: datetime) -> Run | None:
        begun: Run | None = self._invocation.operation(lambda: self._begin(district_id, run_id, fence, now))
        if begun:
            # A newer attempt may have begun before this one reads the provider.
            self._invocation.attempt = begun.attempt
            self._invocation.works_on = run_id
        return begun

    def _begin(self, district_id: DistrictId, run_id: RunId, fence: int, now: datetime) -> Run | None:
        begun = self._world.runs.begin_attempt(district_id, run_id, fence, now)
        if begun and begun.kind is RunKind.REVERT:
            users = {user.user_id: user for user in self._world.users.all(district_id) if user.run_id == begun.of_run}
            self._world.reverted.setdefault(run_id, users)
        return begun

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
        def close() -> bool:
            closed = self._world.runs.close(
                district_id,
                run_id,
                state,
                reason,
                now,
                attempt=attempt,
                redrives=redrives,
                provider_requests=provider_requests,
            )
            run = self._world.runs.get(district_id, run_id)
            if closed and self._invocation.name in ("sweep", "dead-letters") and state is RunState.FAILED:
                self._world.assert_nobody_works_on(run_id)
            if closed and run:
                self._world.check(self._world, run)
            return closed

        return self._invocation.operation(close)


class _Districts(Stepwise):
    """Districts, and what was read of one: the schools, and when the lease was taken."""

    def __init__(self, invocation: Invocation, world: World) -> None:
        super().__init__(invocation, world.districts)
        self._world = world
        self._schools: Sequence[School] = ()
        self._leased_at = world.now

    def asked(self, settings: Settings) -> Asked:
        return Asked.of(settings, self._schools, self._leased_at, PRODUCTS)

    def schools(self, district_id: DistrictId) -> list[School]:
        schools: list[School] = self._invocation.operation(lambda: self._world.districts.schools(district_id))
        self._schools = schools
        return schools

    def acquire(self, district_id: DistrictId, holder: RunId, now: datetime, expires_at: datetime) -> Lease:
        def acquire() -> Lease:
            lease = self._world.districts.acquire(district_id, holder, now, expires_at)
            self._leased_at = self._world.now
            return lease

        return self._invocation.operation(acquire)


class _Leases(Stepwise):
    """The lease, and who works under it."""

    def __init__(self, invocation: Invocation, districts: InMemoryDistricts) -> None:
        super().__init__(invocation, districts)
        self._districts = districts

    def renew(self, district_id: DistrictId, holder: RunId, expires_at: datetime) -> bool:
        def renew() -> bool:
            renewed = self._districts.renew(district_id, holder, expires_at)
            if renewed:
                self._invocation.works_on = holder
            return renewed

        return self._invocation.operation(renew)


class _Users(Stepwise):
    """Users who are written one by one."""

    def __init__(self, invocation: Invocation, world: World) -> None:
        super().__init__(invocation, world.users)
        self._world = world

    def apply(self, chunk: Chunk, now: datetime) -> Counts:
        counts = Counts()
        for change in chunk.changes:
            one = replace(chunk, changes=[change])
            apply = partial(self._world.users.apply, one, now)
            counts += self._invocation.operation(partial(self._write, chunk.run_id, change.user_id, apply))
        return counts

    def apply_manual(
        self, district_id: DistrictId, changes: Sequence[ManualChange], *, run_id: RunId, **named: Any
    ) -> Counts:
        counts = Counts()
        for change in changes:
            apply = partial(self._world.users.apply_manual, district_id, [change], run_id=run_id, **named)
            counts += self._invocation.operation(partial(self._write, run_id, change.user_id, apply))
        return counts

    def _write(self, run_id: RunId, user_id: UserId, apply: Callable[[], Counts]) -> Counts:
        before = self._world.users.get(DISTRICT, user_id)
        counts = apply()
        after = self._world.users.get(DISTRICT, user_id)
        assert not before or (after and after.fence >= before.fence), f"{run_id} overwrites what came later."
        if after is not before:
            self._world.before.setdefault((run_id, user_id), before)
        return counts


class _Queue:
    """UserChanges; each chunk is sent by itself."""

    def __init__(self, invocation: Invocation, world: World) -> None:
        self._invocation = invocation
        self._world = world

    def send(self, chunks: Iterable[Chunk]) -> None:
        for chunk in chunks:
            body = user_changes.to_json(chunk)
            self._invocation.operation(partial(self._world._send, "user-changes", body))


@dataclass(frozen=True)
class _Page:
    records: Sequence[object]
    starts_over: bool = False
    total: None = None

    @property
    def raw_records(self) -> Sequence[RawRecord]:
        return [json.dumps(record).encode() for record in self.records]


class _Provider:
    """A provider whose records may change between two pages: it is read again, once, else no fetch is whole."""

    def __init__(self, invocation: Invocation, world: World, run_id: RunId, asked: Asked) -> None:
        self._invocation = invocation
        self._world = world
        self._attempt = (run_id, invocation.attempt)
        world.asked[self._attempt] = asked
        self._journal = Journal(NOW)
        self.reader = JsonRecordReader()
        self.requests_made = 0

    def remember(self, journal: Journal) -> None:
        self._journal = journal

    def page(self, endpoint: str, *, limit: int, offset: int, filter: str | None = None) -> Page:  # noqa: A002
        return _Page(self._now()[offset : offset + limit])

    def pages(self, endpoint: str, filter: str | None = None) -> Iterator[Page]:  # noqa: A002
        if endpoint == "orgs":
            yield _Page([{"sourcedId": org} for org in ORGS])
            return
        yield from self._read(1)
        if not self._world.fetched[self._attempt].whole and self._world.random.random() < 0.5:
            yield from self._read(2)

    def _read(self, reading: int) -> Iterator[Page]:
        world, readings = self._world, self._world.readings
        offset, number = 0, len(readings)
        while True:
            place = Place("users", reading, offset, _PAGE)
            page: list[Record]
            if recalled := self._journal.recall(place):
                number, page = json.loads(bytes(recalled.records[0]))
                if world.forgets_readings:
                    readings[number] = Fetched(self._now())
                fetched = world.fetched[self._attempt] = readings[number]
            else:
                if not offset:
                    number = len(readings)
                    readings.append(Fetched(self._now()))
                fetched = world.fetched[self._attempt] = readings[number]
                page = self._asked(offset)
                self.requests_made += 1
                fetched.look(self._now())
                self._journal.note(place, PageContent([Raw(json.dumps([number, page]).encode())]))
            yield _Page(page, starts_over=reading > 1 and not offset)
            if not page:
                return
            offset += len(page)

    def proof(self, distinct: int) -> FetchProof:
        whole = self._world.proves(self._world.fetched[self._attempt].whole)
        return FetchProof(whole, None if whole else "Users joined or left.", None, distinct)

    def close(self) -> None:
        pass

    def _asked(self, offset: int) -> list[Record]:
        try:
            return self._invocation.operation(partial(self._page, offset))
        except OwnOutageError as outage:
            # It is the provider's.
            raise TransientError(str(outage)) from outage

    def _page(self, offset: int) -> list[Record]:
        return self._now()[offset : offset + _PAGE]

    def _now(self) -> list[Record]:
        return [record for _, record in sorted(self._world.records.items())]


def changed_by(run: Run, users: InMemoryUsers) -> Counter[str]:
    """How many users were last written by this run, by kind of change."""
    return Counter(user.last_change or "" for user in users.all(run.district_id) if user.run_id == run.run_id)
