"""Chunks become users: through the handler, over the deployed tables in memory."""

from dataclasses import replace

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from functions.upsert import app
from roster_sync.domain.change import Change, ChangeKind, Chunk
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.lease import LEASE_TIME
from roster_sync.domain.run import Counts, Run, RunState
from roster_sync.messaging import user_changes
from roster_sync.storage import users
from tests.support.builders import DISTRICT, LATER_RUN, NOW, RUN, a_change, a_chunk, a_deactivation, a_sis_user
from tests.support.deployed import Context, Night, event_of, failures, items, sqs_event


def a_creation(number: int) -> Change:
    user = a_sis_user(sourced_ids=(f"S-{number}",), email=f"s{number}@example.org")
    return a_change(user_id=f"u-{number}", user=user)


def an_applying_run(night: Night, *, chunks: int, district_id: DistrictId = DISTRICT, fence: int = 1) -> Run:
    """A run whose fetch has sent chunks; it holds the lease."""
    run = night.queued_run(district_id=district_id)
    night.districts.acquire(district_id, run.run_id, NOW, NOW + LEASE_TIME)
    begun = night.runs.begin_attempt(district_id, run.run_id, fence, NOW)
    assert begun is not None
    night.runs.begin_applying(
        district_id,
        run.run_id,
        attempt=1,
        chunks_expected=chunks,
        counts=Counts(fetched=10, unchanged=1),
        issues_by_code={},
        provider_requests=3,
        outcome=RunState.COMPLETED,
        reason=None,
    )
    return night.run(district_id)


def upserted(*chunks: Chunk | str) -> list[str]:
    """Ids of the messages that come again, which are their places; a chunk or a body each."""
    bodies = [user_changes.to_json(chunk) if isinstance(chunk, Chunk) else chunk for chunk in chunks]
    return failures(app.handler(sqs_event(*bodies), Context()))


def stored_ids() -> set[str]:
    return {item["user_id"] for item in items("UsersTable")}


def test_the_last_chunk_closes_the_run_and_gives_the_lease_back(night: Night) -> None:
    an_applying_run(night, chunks=2)
    first, last = a_chunk([a_creation(1), a_creation(2)]), a_chunk([a_creation(3), a_deactivation("u-1")], number=2)

    upserted(first)
    between, holder = night.run(), night.holder()
    upserted(last)

    assert (between.state, between.chunks_applied, holder) == (RunState.APPLYING, 1, RUN)
    ended = night.run()
    assert (ended.state, ended.chunks_applied, night.holder()) == (RunState.COMPLETED, 2, None)
    assert ended.ended_at is not None


def test_changes_count_on_top_of_what_the_fetch_counted(night: Night) -> None:
    an_applying_run(night, chunks=1)

    upserted(a_chunk([a_creation(1), a_creation(2), a_deactivation("nobody")]))

    assert night.run().counts == Counts(fetched=10, unchanged=1, created=2, superseded=1)
    assert stored_ids() == {"u-1", "u-2"}


@pytest.mark.parametrize("unreadable", ["not json", "{}", '{"version": 99}'])
def test_exactly_the_message_that_failed_comes_again(night: Night, unreadable: str) -> None:
    an_applying_run(night, chunks=3)

    again = upserted(a_chunk([a_creation(1)]), unreadable, a_chunk([a_creation(2)], number=2))

    assert again == ["1"]
    assert stored_ids() == {"u-1", "u-2"}
    assert (night.run().state, night.run().chunks_applied) == (RunState.APPLYING, 2)


def test_a_batch_of_nothing_but_failures_fails_the_function(night: Night) -> None:
    with pytest.raises(BatchProcessingError):
        upserted("not json")


def test_a_second_delivery_writes_nothing_and_counts_once(night: Night) -> None:
    an_applying_run(night, chunks=2)
    chunk = a_chunk([a_creation(1), a_creation(2)])
    upserted(chunk)
    users, run = items("UsersTable"), night.run()

    again = upserted(chunk, chunk)

    assert again == []
    assert items("UsersTable") == users
    assert night.run() == run


def test_a_chunk_that_comes_after_its_run_has_ended_is_dropped(night: Night) -> None:
    an_applying_run(night, chunks=1)
    upserted(a_chunk([a_creation(1)]))
    users, run = items("UsersTable"), night.run()

    again = upserted(a_chunk([a_creation(9)], number=2))

    assert again == []
    assert (items("UsersTable"), night.run()) == (users, run)


def test_a_chunk_of_an_older_attempt_is_dropped(night: Night) -> None:
    an_applying_run(night, chunks=1)
    night.runs.begin_attempt(DISTRICT, RUN, 2, NOW)

    again = upserted(a_chunk([a_creation(1)]))

    assert again == []
    assert stored_ids() == set()
    assert night.run().counts == Counts()


def test_a_change_that_a_newer_run_has_overtaken_is_dropped_and_counted(night: Night) -> None:
    an_applying_run(night, chunks=1)
    newer = a_change(user=a_sis_user(given_name="Newer"))
    night.users.apply(a_chunk([newer], run_id=LATER_RUN, fence=2), NOW)
    before = items("UsersTable")

    upserted(a_chunk([a_change(user=a_sis_user(given_name="Older"))]))

    assert items("UsersTable") == before
    assert night.run().counts == Counts(fetched=10, unchanged=1, superseded=1)


def test_chunks_of_several_districts_meet_in_a_batch_and_nowhere_else(night: Night) -> None:
    other = DistrictId("shelbyville")
    an_applying_run(night, chunks=1)
    an_applying_run(night, chunks=1, district_id=other)

    upserted(a_chunk([a_creation(1)]), a_chunk([a_creation(1)], district_id=other))

    assert [night.run(district).counts.created for district in (DISTRICT, other)] == [1, 1]
    assert len(items("UsersTable")) == 2


def test_the_event_under_events_is_applied(night: Night) -> None:
    northfield = DistrictId("northfield")
    an_applying_run(night, chunks=1, district_id=northfield, fence=12)

    answer = app.handler(event_of("upsert"), Context())

    run = night.run(northfield)
    assert answer == {"batchItemFailures": []}
    assert (run.state, run.counts) == (
        RunState.COMPLETED,
        Counts(fetched=10, unchanged=1, created=1, updated=1, superseded=1),
    )
    names = {item["family_name"] for item in items("UsersTable")}
    assert names == {"Álvarez", "Berg"}


class LittleTime(Context):
    """The first chunk of a batch took long: its writes were throttled."""

    remaining_ms = 120_000

    @classmethod
    def get_remaining_time_in_millis(cls) -> int:
        now, cls.remaining_ms = cls.remaining_ms, cls.remaining_ms - 60_000
        return now


def test_a_chunk_for_which_slow_writes_left_no_time_comes_again_and_the_one_before_does_not(night: Night) -> None:
    an_applying_run(night, chunks=2)
    chunks = [a_chunk([a_creation(1)]), a_chunk([a_creation(2)], number=2)]

    again = failures(app.handler(sqs_event(*map(user_changes.to_json, chunks)), LittleTime()))

    assert again == ["1"]
    assert (stored_ids(), night.run().chunks_applied) == ({"u-1"}, 1)


def test_a_chunk_whose_writes_take_too_long_comes_again(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    an_applying_run(night, chunks=2)
    upserted(a_chunk([a_creation(1)]))
    updates = [replace(a_creation(number), kind=ChangeKind.UPDATE) for number in range(2, 60)]
    slow = a_chunk(updates, number=2)
    with monkeypatch.context() as throttled:
        throttled.setattr(users, "_WRITES_S", 0.0)

        with pytest.raises(BatchProcessingError):
            upserted(slow)

    assert night.run().chunks_applied == 1
    assert upserted(slow) == []
    assert (len(stored_ids()), night.run().counts.created, night.run().counts.updated) == (59, 1, 58)
