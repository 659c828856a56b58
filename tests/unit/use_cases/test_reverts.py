"""A run is taken back: whom nobody has changed since is as before, and the next night brings the provider's state."""

from dataclasses import replace
from datetime import timedelta

import pytest

from roster_sync.domain.change import Chunk
from roster_sync.domain.errors import ConflictError, TransientError
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.lease import CHUNK_TIME
from roster_sync.domain.reading import Fetch
from roster_sync.domain.run import Counts, Run, RunKind, RunState
from roster_sync.domain.upload import read_upload
from roster_sync.domain.user import StoredUser
from roster_sync.use_cases.import_upload import import_upload
from roster_sync.use_cases.keep_changes import keep_chunk
from roster_sync.use_cases.revert_run import revert_run
from roster_sync.use_cases.start_revert import start_revert
from tests.support.builders import DISTRICT, a_run, settings
from tests.support.nights import FakeProvider, Nights, a_record

BEFORE = [a_record(f"S-{number}", email=f"s{number}@example.org", givenName="Before") for number in range(1, 6)]
AFTER = [
    a_record("S-1", email="other@example.org", givenName="After", grades=["03"]),
    *BEFORE[1:3],
    a_record("S-55", email="s5@example.org", givenName="Before", familyName="Family S-5"),
    a_record("S-9", givenName="After"),
]


def owned(users: list[StoredUser]) -> list[StoredUser]:
    """Users without what tells which run wrote them."""
    return [replace(user, fence=0, run_id=None, change_part=None, last_change=None, updated_at=None) for user in users]


@pytest.fixture
def nights() -> Nights:
    """A district with five users, before the night of which the tests are."""
    nights = Nights(district=settings(deactivation_percent=100))
    nights.run(*BEFORE)
    return nights


def upload(nights: Nights, *rows: str) -> Run:
    nights.now += timedelta(hours=1)
    content = "\n".join(["First Name,Last Name,Email,Role,School,Counselor Email", *rows]).encode()
    run_id = RunId(f"{nights.now:%Y%m%dT%H%M%SZ}-upload-1")
    return import_upload(read_upload(content, nights.districts.schools(DISTRICT)), DISTRICT, run_id, nights.importer())


def test_a_night_is_taken_back_attribute_by_attribute(nights: Nights) -> None:
    before = nights.users.all(DISTRICT)
    night = nights.run(*AFTER)

    revert = nights.revert(night)

    created = nights.user("S-9")
    users = [user for user in nights.users.all(DISTRICT) if user != created]
    assert night.counts == Counts(fetched=5, created=1, updated=1, unchanged=2, linked=1, deactivated=1)
    assert owned(users) == owned(before)
    assert not created.active
    assert (revert.state, revert.kind, revert.of_run) == (RunState.COMPLETED, RunKind.REVERT, night.run_id)
    assert revert.counts == Counts(updated=2, reactivated=1, deactivated=1)


def test_a_revert_says_what_it_did_and_what_comes_next(nights: Nights) -> None:
    night = nights.run(*AFTER)

    revert = nights.revert(night)

    assert revert.reason == (
        "4 users are again as they were before the run of 26 November 2026, 09:00 UTC. The next sync brings what the "
        "provider has then. If that is not wanted, correct the SIS first, or switch the products off."
    )


def test_the_next_night_brings_the_providers_state_again(nights: Nights) -> None:
    night = nights.run(*AFTER)
    wanted = owned(nights.users.all(DISTRICT))
    nights.revert(night)

    again = nights.run(*AFTER)

    assert [replace(user, deactivated_at=None) for user in owned(nights.users.all(DISTRICT))] == [
        replace(user, deactivated_at=None) for user in wanted
    ]
    assert again.counts == Counts(fetched=5, reactivated=1, updated=1, unchanged=2, linked=1, deactivated=1)


def test_a_delta_night_after_a_revert_reads_everybody() -> None:
    """Whoever was brought back has an old date at the provider: a delta would never look at that user again."""
    nights = Nights(district=settings(delta_nights=True))
    dated = a_record("S-1", dateLastModified="2026-11-20T00:00:00.000Z")
    nights.run(dated)
    newer = {**dated, "givenName": "After", "dateLastModified": "2026-11-25T00:00:00.000Z"}
    nights.revert(nights.run(newer))

    night = nights.run(newer)

    assert night.reading
    assert (night.reading.fetch, night.reading.fetch_reason) == (
        Fetch.FULL,
        "All users were read: a run was undone since the last sync.",
    )
    assert nights.user("S-1").given_name == "After"


def test_whoever_was_changed_since_is_left_alone_and_named(nights: Nights) -> None:
    night = nights.run(*AFTER)
    nights.run(a_record("S-1", givenName="Later"), *AFTER[1:])
    later = nights.user("S-1")

    revert = nights.revert(night)

    assert nights.user("S-1") == later
    assert revert.state is RunState.COMPLETED_WITH_ISSUES
    assert revert.counts == Counts(updated=1, reactivated=1, deactivated=1, superseded=1)
    assert nights.issues(revert) == [("changed_since", "S-1")]
    assert "1 were changed since, and were left as they are." in (revert.reason or "")


def test_a_user_of_an_upload_since_keeps_what_was_uploaded(nights: Nights) -> None:
    night = nights.run(*AFTER)
    upload(nights, "Given,S-1,other@example.org,counselor,Springfield Elementary,")

    revert = nights.revert(night)

    assert nights.user("S-1").manual_role == "counselor"
    assert nights.issues(revert) == [("changed_since", "S-1")]


def test_an_upload_is_taken_back(nights: Nights) -> None:
    upload(nights, "Ned,Flanders,ned@example.org,sponsor,Springfield Elementary,")
    before = nights.users.all(DISTRICT)
    run = upload(
        nights,
        "Edward,Flanders,ned@example.org,counselor,Springfield Elementary,head@example.org",
        "Given,S-2,s2@example.org,counselor,Springfield Elementary,",
        "Maude,Flanders,maude@example.org,sponsor,Springfield Elementary,",
    )

    revert = nights.revert(run)

    (created,) = [user for user in nights.users.all(DISTRICT) if user.email == "maude@example.org"]
    assert owned([user for user in nights.users.all(DISTRICT) if user != created]) == owned(before)
    assert not created.active
    assert revert.counts == Counts(updated=2, deactivated=1)


def test_a_manual_user_who_was_linked_is_manual_again(nights: Nights) -> None:
    upload(nights, "Ned,Flanders,ned@example.org,sponsor,Springfield Elementary,head@example.org")
    before = nights.users.all(DISTRICT)
    night = nights.run(*BEFORE, a_record("T-1", role="teacher", email="ned@example.org"))

    nights.revert(night)

    assert night.counts.linked == 1
    assert owned(nights.users.all(DISTRICT)) == owned(before)


def test_a_revert_is_taken_back(nights: Nights) -> None:
    night = nights.run(*AFTER)
    after = nights.users.all(DISTRICT)
    revert = nights.revert(night)

    nights.revert(revert)

    assert [replace(user, deactivated_at=None) for user in owned(nights.users.all(DISTRICT))] == [
        replace(user, deactivated_at=None) for user in owned(after)
    ]


def test_a_run_is_taken_back_once(nights: Nights) -> None:
    night = nights.run(*AFTER)
    nights.revert(night)

    with pytest.raises(ConflictError, match="This run was undone on"):
        nights.queued_revert(night)


def test_a_run_whose_revert_was_skipped_is_taken_back_later(nights: Nights) -> None:
    night = nights.run(*AFTER)
    skipped = nights.queued_revert(night)
    nights.runs.close(DISTRICT, skipped.run_id, RunState.SKIPPED, "Another run has the lease.", nights.now)

    assert nights.revert(night).counts.changed == 4


def test_a_night_of_several_attempts_is_taken_back_to_before_the_first(nights: Nights) -> None:
    before = nights.users.all(DISTRICT)
    run = nights.queued()
    nights.fetch(run, FakeProvider(AFTER))
    (chunk,) = nights.queue.sent
    nights.users.apply(chunk_of(nights, chunk, 2), nights.now)
    nights.queue.sent = []
    nights.fetch(run, FakeProvider([a_record("S-1", email="third@example.org"), *AFTER[1:]]))
    nights.apply()

    nights.revert(nights.stored(run))

    users = [user for user in nights.users.all(DISTRICT) if "S-9" not in user.sourced_ids]
    assert owned(users) == owned(before)


def chunk_of(nights: Nights, chunk: Chunk, changes: int) -> Chunk:
    """Deliver a chunk whose function dies after some changes; those that it had written."""
    keep_chunk(chunk, users=nights.users, log=nights.log, now=nights.now)
    return replace(chunk, changes=chunk.changes[:changes])


def test_who_was_kept_and_never_written_is_no_issue(nights: Nights) -> None:
    """The first attempt died between keeping and writing, and the provider has changed back since."""
    run = nights.queued()
    nights.fetch(run, FakeProvider(AFTER))
    (chunk,) = nights.queue.sent
    chunk_of(nights, chunk, 0)
    nights.queue.sent = []
    nights.fetch(run, FakeProvider([*BEFORE[:4], a_record("S-5", givenName="Only", email="s5@example.org")]))
    nights.apply()

    revert = nights.revert(nights.stored(run))

    assert revert.state is RunState.COMPLETED
    assert revert.counts == Counts(updated=1)


def test_a_revert_that_comes_again_counts_each_change_once(nights: Nights) -> None:
    before = nights.users.all(DISTRICT)
    night = nights.run(*AFTER)
    run = nights.queued_revert(night)
    revert_run(DISTRICT, run.run_id, nights.fetcher(FakeProvider([])))
    (chunk,) = nights.queue.sent
    nights.users.apply(chunk_of(nights, chunk, 2), nights.now)
    nights.queue.sent = []

    revert_run(DISTRICT, run.run_id, nights.fetcher(FakeProvider([])))
    nights.apply(deliveries=2)

    assert nights.stored(run).counts == Counts(updated=2, reactivated=1, deactivated=1)
    assert nights.pauses[-1] == CHUNK_TIME.total_seconds()
    users = [user for user in nights.users.all(DISTRICT) if "S-9" not in user.sourced_ids]
    assert owned(users) == owned(before)


def test_a_revert_meets_another_run_and_is_skipped(nights: Nights) -> None:
    run = nights.queued_revert(nights.run(*AFTER))
    other = a_run(run_id=RunId("20261201T000000Z-1"), state=RunState.APPLYING)
    nights.runs.create(other)
    nights.districts.acquire(DISTRICT, other.run_id, nights.now, nights.now + timedelta(days=9))

    revert_run(DISTRICT, run.run_id, nights.fetcher(FakeProvider([])))

    assert nights.stored(run).state is RunState.SKIPPED


def test_an_unchanged_night_keeps_nothing(nights: Nights) -> None:
    night = nights.run(*BEFORE)

    assert list(nights.log.all(DISTRICT, night.run_id)) == []


# ---------------------------------------------------------------- Who may ask for it


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (a_run(state=RunState.APPLYING, counts=Counts(created=1)), "has not ended yet"),
        (a_run(state=RunState.COMPLETED), "changed nobody"),
        (a_run(state=RunState.COMPLETED, kind=RunKind.PREVIEW, counts=Counts(created=1)), "changed nobody"),
    ],
)
def test_a_run_without_changes_is_not_taken_back(nights: Nights, run: Run, why: str) -> None:
    with pytest.raises(ConflictError, match=why):
        nights.queued_revert(run)


def test_a_run_of_more_than_30_days_ago_is_not_taken_back(nights: Nights) -> None:
    night = nights.run(*AFTER)
    nights.now += timedelta(days=30)

    with pytest.raises(ConflictError, match="30 days"):
        nights.queued_revert(night)


def test_a_failed_run_may_have_changed_somebody(nights: Nights) -> None:
    run = nights.queued_revert(a_run(state=RunState.FAILED))

    assert run.state is RunState.QUEUED


def test_a_revert_that_could_not_be_asked_for_ends_failed(nights: Nights) -> None:
    def out_of_order(_district_id: DistrictId, _run_id: RunId) -> None:
        raise TransientError("The queue did not answer.")

    night = nights.run(*AFTER)
    with pytest.raises(TransientError):
        start_revert(night, runs=nights.runs, request_sync=out_of_order, now=nights.now, nonce="1")

    (newest,), _ = nights.runs.page(DISTRICT, limit=1)
    assert (newest.state, newest.reason) == (RunState.FAILED, "The queue did not answer.")
