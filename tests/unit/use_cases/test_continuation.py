"""A fetch that takes longer than one invocation, or dies in the middle, goes on where it was."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from roster_sync.domain.errors import OwnOutageError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.lease import CHUNK_TIME
from roster_sync.domain.run import Run, RunState
from roster_sync.use_cases.continuation import MOST_READING
from roster_sync.use_cases.fetch_roster import fetch_roster
from roster_sync.use_cases.fetcher import Fetched, Fetcher
from tests.support.builders import DISTRICT
from tests.support.fakes import InMemoryCheckpoints
from tests.support.nights import FakeProvider, Nights, a_record

USERS = [a_record(f"S-{number}") for number in range(6)]
PAGES = 3
ORGS_PAGES = 1
AT_ONCE = timedelta(0)


class Killed(BaseException):
    """The function's process has died."""


def fetch(
    nights: Nights,
    run: Run,
    provider: FakeProvider | None = None,
    *,
    time: timedelta = AT_ONCE,
    clock: Callable[[], datetime] | None = None,
    **others: object,
) -> Fetched:
    """One invocation; with no time at all it hands over after each page."""

    def tick() -> datetime:
        nights.now += timedelta(microseconds=1)
        return nights.now

    fetcher: Fetcher = replace(nights.fetcher(provider or FakeProvider(USERS), clock or tick), **others)  # type: ignore[arg-type]  # a test's own
    return fetch_roster(run.district_id, run.run_id, fetcher, deadline=nights.now + time)


def to_the_end(nights: Nights, run: Run) -> list[FakeProvider]:
    """Invocation after invocation; the provider as each has seen it."""
    nights.asked_again.append(run.run_id)
    seen = []
    while nights.asked_again:
        nights.asked_again.pop()
        seen.append(FakeProvider(USERS))
        fetch(nights, run, seen[-1])
    return seen


def test_a_fetch_whose_time_is_over_asks_for_another_invocation_and_keeps_the_lease() -> None:
    nights = Nights()
    run = nights.queued()

    fetched = fetch(nights, run)

    lease = nights.districts.held(DISTRICT)
    assert (fetched.handed_over, fetched.ended, nights.asked_again) == (True, None, [run.run_id])
    assert (nights.stored(run).state, nights.queue.sent) == (RunState.FETCHING, [])
    assert lease
    assert lease.holder == run.run_id
    assert len(nights.checkpoints.parts) == 1


def test_no_page_is_read_twice_and_none_is_forgotten() -> None:
    nights, whole = Nights(), Nights()
    run, at_once = nights.queued(), whole.queued()
    fetch(whole, at_once, time=timedelta(minutes=5))
    whole.apply()

    seen = to_the_end(nights, run)
    nights.apply()

    handed_over, in_one = nights.stored(run), whole.stored(at_once)
    assert len(seen) == PAGES + 1
    assert [provider.requests_made for provider in seen] == [ORGS_PAGES + 1, 1, 1, 0]
    assert (handed_over.state, handed_over.counts) == (RunState.COMPLETED, in_one.counts)
    assert handed_over.provider_requests == in_one.provider_requests == ORGS_PAGES + PAGES
    assert handed_over.reading == in_one.reading
    assert [user.sourced_ids for user in nights.users.all(DISTRICT)] == [
        user.sourced_ids for user in whole.users.all(DISTRICT)
    ]


def test_absence_is_proven_over_a_hand_over_as_without() -> None:
    nights = Nights()
    nights.run(*USERS, *[a_record(f"L-{number}") for number in range(2)])
    run = nights.queued()

    to_the_end(nights, run)
    nights.apply()

    assert nights.stored(run).counts.deactivated == 2


def test_nothing_is_kept_of_a_fetch_that_is_over() -> None:
    nights = Nights()

    to_the_end(nights, nights.queued())

    assert nights.checkpoints.parts == {}


def test_a_fetch_within_its_time_keeps_nothing_at_all() -> None:
    nights = Nights()
    nights.checkpoints.save = None  # type: ignore[assignment, method-assign]  # nobody may call it
    run = nights.queued()

    fetch(nights, run, time=timedelta(minutes=5))

    assert nights.stored(run).state is RunState.APPLYING


def test_what_came_is_kept_every_minute_so_that_a_kill_costs_no_more() -> None:
    nights = Nights()
    run = nights.queued()
    provider = FakeProvider(USERS)
    saved = InMemoryCheckpoints.save

    class Dies(InMemoryCheckpoints):
        def save(self, district_id: DistrictId, run_id: RunId, name: str, content: bytes) -> None:
            saved(self, district_id, run_id, name, content)
            if len(self.parts) == 2:
                raise Killed

    nights.checkpoints = Dies()

    def slow() -> datetime:
        nights.now += timedelta(seconds=61)
        return nights.now

    with pytest.raises(Killed):
        fetch(nights, run, provider, time=timedelta(hours=1), clock=slow)
    nights.checkpoints.__class__ = InMemoryCheckpoints  # type: ignore[assignment]  # it dies no more
    again = FakeProvider(USERS)
    fetch(nights, run, again, time=timedelta(hours=1))
    nights.apply()

    assert (provider.requests_made, again.requests_made) == (ORGS_PAGES + 2, PAGES - 2)
    assert (nights.stored(run).state, nights.stored(run).counts.created) == (RunState.COMPLETED, len(USERS))


def test_a_kill_before_the_message_is_sent_goes_on_from_the_checkpoint_when_the_first_message_returns() -> None:
    nights = Nights()
    run = nights.queued()

    def die(_: DistrictId, __: RunId) -> None:
        raise Killed

    with pytest.raises(Killed):
        fetch(nights, run, request_sync=die)
    again = FakeProvider(USERS)
    fetch(nights, run, again, time=timedelta(minutes=5))

    assert again.requests_made == PAGES - 1
    assert nights.stored(run).state is RunState.APPLYING


def test_an_attempt_that_a_newer_one_has_replaced_asks_for_none() -> None:
    nights = Nights()
    run = nights.queued()

    class Overtaken(InMemoryCheckpoints):
        def save(self, district_id: DistrictId, run_id: RunId, name: str, content: bytes) -> None:
            super().save(district_id, run_id, name, content)
            nights.runs.begin_attempt(district_id, run_id, 9, nights.now)

    nights.checkpoints = Overtaken()

    fetched = fetch(nights, run)

    assert (fetched.handed_over, nights.asked_again) == (False, [])


def test_a_run_that_was_ended_meanwhile_asks_for_none() -> None:
    nights = Nights()
    run = nights.queued()

    class Ended(InMemoryCheckpoints):
        def save(self, district_id: DistrictId, run_id: RunId, name: str, content: bytes) -> None:
            nights.runs.close(district_id, run_id, RunState.FAILED, "A later sync took over.", nights.now)

    nights.checkpoints = Ended()

    assert not fetch(nights, run).handed_over
    assert nights.asked_again == []


def test_pages_of_other_settings_are_read_anew() -> None:
    nights = Nights()
    run = nights.queued()
    fetch(nights, run)
    settings = nights.districts.settings(DISTRICT)
    assert settings
    nights.configure(settings, nights.districts.schools(DISTRICT))

    again = FakeProvider(USERS)
    fetch(nights, run, again, time=timedelta(minutes=5))

    assert again.requests_made == ORGS_PAGES + PAGES


def test_a_run_whose_chunks_may_have_been_sent_is_read_anew() -> None:
    nights = Nights()
    run = nights.queued()
    fetch(nights, run)
    nights.checkpoints.forget = lambda *_: None  # type: ignore[method-assign]  # S3 did not answer
    fetch(nights, run, time=timedelta(minutes=5))

    again = FakeProvider(USERS)
    fetch(nights, run, again, time=timedelta(minutes=5) + CHUNK_TIME)

    assert again.requests_made == ORGS_PAGES + PAGES


def test_pages_of_long_ago_are_read_anew() -> None:
    nights = Nights()
    run = nights.queued()
    fetch(nights, run)
    nights.now += MOST_READING + timedelta(minutes=1)

    again = FakeProvider(USERS)
    fetch(nights, run, again, time=timedelta(minutes=5))

    assert again.requests_made == ORGS_PAGES + PAGES


def test_a_provider_that_takes_hours_fails_the_run_with_a_sentence() -> None:
    nights = Nights()
    run = nights.queued()
    fetch(nights, run)
    nights.now += MOST_READING - timedelta(minutes=5, seconds=30)

    def slow() -> datetime:
        nights.now += timedelta(minutes=1)
        return nights.now

    fetch(nights, run, clock=slow, time=timedelta(hours=1))

    assert nights.stored(run).state is RunState.FAILED
    assert "so slowly" in (nights.stored(run).reason or "")
    assert nights.checkpoints.parts == {}
    assert nights.districts.held(DISTRICT) is None


def test_what_cannot_be_kept_is_no_reason_to_go_on_without() -> None:
    nights = Nights()
    run = nights.queued()

    class Down(InMemoryCheckpoints):
        def save(self, district_id: DistrictId, run_id: RunId, name: str, content: bytes) -> None:
            raise OwnOutageError("The store of checkpoints is busy or did not answer.")

    nights.checkpoints = Down()

    with pytest.raises(OwnOutageError):
        fetch(nights, run)
    assert nights.asked_again == []


def test_what_cannot_be_deleted_does_no_harm() -> None:
    nights = Nights()
    run = nights.queued()
    fetch(nights, run)

    class Down(InMemoryCheckpoints):
        def forget(self, district_id: DistrictId, run_id: RunId) -> None:
            raise OwnOutageError("The store of checkpoints is busy or did not answer.")

    nights.checkpoints.__class__ = Down
    fetch(nights, run, time=timedelta(minutes=5))

    assert nights.stored(run).state is RunState.APPLYING
