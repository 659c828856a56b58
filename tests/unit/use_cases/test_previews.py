"""A preview reports what a sync would do, and does nothing of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from roster_sync.domain.errors import ConflictError
from roster_sync.domain.held_changes import Selection
from roster_sync.domain.identifiers import RunId
from roster_sync.domain.lease import LEASE_TIME
from roster_sync.domain.reading import Fetch
from roster_sync.domain.run import Run, RunKind, RunState, preview_run_id
from roster_sync.domain.upload import read_upload
from roster_sync.domain.user_change import SAMPLES_OF_A_KIND
from roster_sync.use_cases.decide_held import approve_held
from roster_sync.use_cases.fetch_roster import fetch_roster
from roster_sync.use_cases.import_upload import import_upload
from roster_sync.use_cases.show_changes import ShownChange, samples_of_changes
from tests.support.builders import DISTRICT, a_run, an_author, settings
from tests.support.nights import FakeProvider, Nights, a_record


def queued_preview(nights: Nights) -> Run:
    nights.now += timedelta(hours=1)
    run = a_run(
        run_id=preview_run_id(nights.now, "0001"), kind=RunKind.PREVIEW, state=RunState.QUEUED, created_at=nights.now
    )
    nights.runs.create(run)
    return run


def previewed(nights: Nights, *users: object, provider: FakeProvider | None = None) -> Run:
    run = queued_preview(nights)
    nights.fetch(run, provider or FakeProvider(users))
    return nights.stored(run)


def samples(nights: Nights, run: Run) -> dict[str, list[ShownChange]]:
    found: dict[str, list[ShownChange]] = {}
    for change in samples_of_changes(run, nights.log, nights.users):
        found.setdefault(change.kind.value, []).append(change)
    return found


@pytest.fixture
def nights() -> Nights:
    """A district with five users, one of whom has been away."""
    nights = Nights()
    people = [a_record(f"S-{number}") for number in range(1, 7)]
    nights.run(*people)
    nights.run(*people[:-1])
    return nights


def test_a_preview_changes_nobody_and_sends_nothing(nights: Nights) -> None:
    before = nights.users.all(DISTRICT)
    writes = nights.users.writes

    previewed(nights, a_record("S-1", givenName="Other"), a_record("S-9"))

    assert nights.users.all(DISTRICT) == before
    assert (nights.users.writes, nights.queue.sent) == (writes, [])


def test_a_preview_counts_what_a_sync_then_does(nights: Nights) -> None:
    tonight = [a_record("S-1", givenName="Other"), *(a_record(f"S-{number}") for number in (2, 3, 4, 6, 9))]

    preview = previewed(nights, *tonight, a_record("S-10", role=None))
    night = nights.run(*tonight, a_record("S-10", role=None))

    assert preview.counts == night.counts
    assert (preview.counts.created, preview.counts.updated, preview.counts.reactivated) == (1, 1, 1)
    assert preview.counts.deactivated == 1
    assert (preview.state, preview.issues_by_code) == (RunState.COMPLETED_WITH_ISSUES, night.issues_by_code)
    assert nights.issues(preview) == nights.issues(night)


def test_a_preview_shows_each_kind_of_change_before_and_after(nights: Nights) -> None:
    preview = previewed(
        nights, a_record("S-1", givenName="Other"), *(a_record(f"S-{number}") for number in (2, 3, 4, 6, 9))
    )

    shown = samples(nights, preview)

    assert set(shown) == {"create", "update", "reactivate", "deactivate"}
    (updated,), (left,), (back,), (new,) = (shown[k] for k in ("update", "deactivate", "reactivate", "create"))
    assert (updated.sourced_id, updated.before, updated.after) == (
        "S-1",
        {"given_name": "Given"},
        {"given_name": "Other"},
    )
    assert (left.before, left.after["status"]) == ({"status": "active"}, "inactive")
    assert (back.before["status"], back.after) == ("inactive", {"status": "active"})
    assert (new.before, new.after["sourced_id"], new.after["role"]) == ({}, "S-9", "student")


def test_a_preview_shows_some_changes_of_each_kind() -> None:
    nights = Nights()

    preview = previewed(nights, *(a_record(f"S-{number}") for number in range(50)))

    assert preview.counts.created == 50
    assert len(samples(nights, preview)["create"]) == SAMPLES_OF_A_KIND


def test_a_preview_says_that_a_sync_would_be_blocked(nights: Nights) -> None:
    nights.configure(settings(deactivation_minimum=0), nights.districts.schools(DISTRICT))

    preview = previewed(nights, a_record("S-1"))

    assert preview.state is RunState.COMPLETED_WITH_ISSUES
    assert preview.would_be_blocked
    assert preview.reason
    assert preview.reason.startswith("A sync would be blocked: 4 of 5 users")
    held = nights.held.all(DISTRICT, preview.run_id, preview.attempt)
    assert (preview.held, sum(1 for _ in held)) == ({"deactivation": 4}, 4)


def test_what_a_preview_lists_cannot_be_approved(nights: Nights) -> None:
    nights.configure(settings(deactivation_minimum=0), nights.districts.schools(DISTRICT))
    preview = previewed(nights, a_record("S-1"))

    with pytest.raises(ConflictError, match="A preview changes nobody"):
        approve_held(
            preview,
            Selection(),
            an_author(),
            runs=nights.runs,
            held=nights.held,
            request_sync=lambda *_: None,
            now=nights.now,
            nonce="1",
        )


def test_a_preview_that_finds_nothing_in_the_way_says_so(nights: Nights) -> None:
    preview = previewed(nights, *(a_record(f"S-{number}") for number in range(1, 6)))

    assert (preview.state, preview.would_be_blocked, preview.reason) == (RunState.COMPLETED, False, None)


def test_a_preview_gives_the_district_back(nights: Nights) -> None:
    previewed(nights, a_record("S-1"))

    night = nights.run(*(a_record(f"S-{number}") for number in range(1, 6)))

    assert night.state is RunState.COMPLETED


def test_a_sync_does_not_wait_for_a_preview(nights: Nights) -> None:
    preview = queued_preview(nights)
    lease = nights.districts.acquire(DISTRICT, preview.run_id, nights.now, nights.now + timedelta(days=9))
    nights.runs.begin_attempt(DISTRICT, preview.run_id, lease.fence, nights.now)

    night = nights.run(*(a_record(f"S-{number}") for number in range(1, 6)))

    assert night.state is RunState.COMPLETED
    ended = nights.stored(preview)
    assert (ended.state, ended.reason) == (
        RunState.FAILED,
        "Another sync or upload began meanwhile. Start the preview again when that has ended.",
    )


def test_a_preview_whose_place_was_taken_reports_nothing(nights: Nights) -> None:
    preview = queued_preview(nights)
    provider = FakeProvider([a_record("S-1")])
    fetcher = nights.fetcher(provider)
    taken: list[Run] = []

    def open_provider(_settings: object) -> FakeProvider:
        if not taken:
            taken.append(nights.run(*(a_record(f"S-{number}") for number in range(1, 6))))
        return provider

    fetch_roster(
        DISTRICT,
        preview.run_id,
        replace(fetcher, open_provider=open_provider),
        deadline=nights.now + timedelta(days=9),
    )

    assert taken[0].state is RunState.COMPLETED
    assert nights.stored(preview).state is RunState.FAILED


@pytest.mark.parametrize("other", ["20261125T000000Z-nightly", "20261125T000000Z-preview-9"])
def test_a_preview_waits_for_nobody_and_ends_skipped(nights: Nights, other: str) -> None:
    run_id = RunId(other)
    nights.runs.create(a_run(run_id=run_id, state=RunState.APPLYING))
    nights.districts.acquire(DISTRICT, run_id, nights.now, nights.now + timedelta(days=9))

    preview = previewed(nights, a_record("S-1"))

    assert preview.state is RunState.SKIPPED


def test_an_upload_does_not_wait_for_a_preview(nights: Nights) -> None:
    preview = queued_preview(nights)
    nights.districts.acquire(DISTRICT, preview.run_id, nights.now, nights.now + LEASE_TIME)
    importer = nights.importer()

    content = b"First Name,Last Name,Email,Role,School\nNed,Flanders,ned@example.org,counselor,Springfield Elementary\n"
    upload = read_upload(content, nights.districts.schools(DISTRICT))

    run = import_upload(upload, DISTRICT, RunId("20261130T000000Z-upload-1"), importer)

    assert run.state is RunState.COMPLETED
    assert nights.stored(preview).state is RunState.FAILED


def test_later_runs_learn_nothing_from_a_preview() -> None:
    """What a preview saw was not stored: a delta upon it would miss what it did not bring."""
    nights = Nights(district=settings(delta_nights=True))
    dated = [a_record(f"S-{n}", dateLastModified="2026-11-20T00:00:00.000Z") for n in (1, 2)]
    newer = a_record("S-2", givenName="Other", dateLastModified="2026-11-26T00:00:00.000Z")
    nights.run(*dated)

    preview = previewed(nights, dated[0], newer)
    night = nights.run(dated[0], newer)

    assert preview.reading
    assert (preview.reading.fetch, preview.reading.fetch_reason) == (
        Fetch.FULL,
        "All users were read: an administrator asked for it.",
    )
    assert night.reading
    assert night.reading.fetch is Fetch.DELTA
    assert night.counts.updated == 1
    assert nights.user("S-2").given_name == "Other"


def test_a_preview_that_failed_does_not_keep_the_next_night_from_a_delta() -> None:
    nights = Nights(district=settings(delta_nights=True))
    dated = a_record("S-1", dateLastModified="2026-11-20T00:00:00.000Z")
    nights.run(dated)
    preview = queued_preview(nights)
    nights.fetch(preview, FakeProvider([]))

    night = nights.run(dated)

    assert nights.stored(preview).state is RunState.FAILED
    assert night.reading
    assert night.reading.fetch is Fetch.DELTA


# ---------------------------------------------------------------- A first run that must be a preview


@pytest.fixture
def careful() -> Nights:
    """A district whose first run must be a preview."""
    return Nights(district=settings(first_run_preview=True))


def test_no_sync_runs_before_a_preview_where_one_is_asked_for(careful: Nights) -> None:
    night = careful.run(a_record("S-1"))

    assert (night.state, night.reason) == (
        RunState.SKIPPED,
        "The first sync waits for a preview. Start a preview, and look at what would change.",
    )
    assert careful.users.all(DISTRICT) == []


def test_a_completed_preview_lets_the_syncs_run(careful: Nights) -> None:
    previewed(careful, a_record("S-1"))

    night = careful.run(a_record("S-1"))

    assert (night.state, night.counts.created) == (RunState.COMPLETED, 1)


def test_a_failed_preview_lets_no_sync_run(careful: Nights) -> None:
    previewed(careful, provider=FakeProvider([]))

    assert careful.run(a_record("S-1")).state is RunState.SKIPPED


def test_a_preview_of_settings_that_were_changed_meanwhile_does_not_count(careful: Nights) -> None:
    run = queued_preview(careful)

    def change_settings(_settings: object) -> FakeProvider:
        careful.configure(settings(first_run_preview=True, page_size=7), careful.districts.schools(DISTRICT))
        return FakeProvider([a_record("S-1")])

    fetcher = replace(careful.fetcher(FakeProvider([])), open_provider=change_settings)
    fetch_roster(DISTRICT, run.run_id, fetcher, deadline=careful.now + timedelta(minutes=9))

    assert careful.stored(run).state is RunState.COMPLETED
    assert careful.run(a_record("S-1")).state is RunState.SKIPPED
