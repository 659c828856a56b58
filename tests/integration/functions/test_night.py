"""Whole nights through the handlers: dispatch, fetch, upsert, with the messages of the queues between them."""

from datetime import UTC, datetime, timedelta

from functions.fetch import app as fetch
from functions.upsert import app as upsert
from local.sample_provider import SampleProvider
from roster_sync.domain.district import School
from roster_sync.domain.identifiers import RunId
from roster_sync.domain.run import Run, RunState
from roster_sync.domain.usage import ACCOUNTING_OF_A_FETCH
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.use_cases.start_revert import start_revert
from tests.support.builders import DISTRICT, RUN
from tests.support.deployed import Context, Night, items, sqs_event

ONE_CHUNK, SEVERAL_CHUNKS = 60, 290
"""Users of a district whose first night takes so many."""

FIRST, SECOND = "2026-11-24T09:00:00Z", "2026-11-25T09:00:00Z"
AN_HOUR_LATER = datetime(2026, 11, 25, 10, tzinfo=UTC)
TOLD = {"fence", "run_id", "change_part", "last_change", "updated_at"}
SECOND_RUN = RunId("20261125T090000Z-nightly")
IMPORTED = {"student": "student", "teacher": "sponsor", "administrator": "administrator"}


def enter_district(night: Night, provider: SampleProvider) -> None:
    """All of its schools are mapped."""
    night.enter_district_of(provider, counselor_metadata_key="counselorEmail", page_size=100)


def expected(provider: SampleProvider, schools: list[School]) -> dict[str, tuple[str, str, set[str]]]:
    """Role of the record, family name and schools of each active user, by sourcedId."""
    school_ids = {school.oneroster_id: school.school_id for school in schools}
    return {
        user["sourcedId"]: (
            IMPORTED[user["role"]],
            user["familyName"],
            {school_ids[org["sourcedId"]] for org in user["orgs"] if org["sourcedId"] in school_ids},
        )
        for user in provider.users
        if user["role"] in IMPORTED and user["status"] == "active" and user["enabledUser"] == "true"
    }


def assert_equal_to_provider(night: Night, provider: SampleProvider) -> None:
    """Each active user is stored once, with role, name and schools; two records of one person are one user."""
    wanted = expected(provider, night.districts.schools(DISTRICT))
    active = [item for item in items("UsersTable") if item["status"] == "active"]
    stored = {sourced_id: item for item in active for sourced_id in item["sourced_ids"]}
    assert stored.keys() == wanted.keys()
    for sourced_id, (role, family_name, schools) in wanted.items():
        item = stored[sourced_id]
        assert item["family_name"] == family_name
        if len(item["sourced_ids"]) == 1:
            assert (item["role"], set(item["school_ids"])) == (role, schools)
    several = [item for item in active if len(item["sourced_ids"]) > 1]
    assert {frozenset(item["sourced_ids"]) for item in several} == {provider.district.odd["two_records"]}
    assert [item["role"] for item in several] == ["administrator"]


def assert_accounts_are_right(run: Run) -> None:
    """Each record is in one count; the person of two records counts once."""
    assert run.state is RunState.COMPLETED_WITH_ISSUES
    assert run.chunks_applied == run.chunks_expected
    counts = run.counts
    people = counts.created + counts.updated + counts.unchanged + counts.linked + counts.reactivated
    assert people + counts.skipped + counts.invalid == counts.fetched - 1


def test_a_night_stores_what_the_provider_has_however_often_its_chunks_come(night: Night) -> None:
    with SampleProvider(users=SEVERAL_CHUNKS, schools=3) as provider:
        enter_district(night, provider)

        chunks = night.pass_night(FIRST, deliveries=2)

        assert chunks == night.run().chunks_expected > 1
        assert_equal_to_provider(night, provider)
    assert_accounts_are_right(night.run())
    assert night.run().counts.fetched == SEVERAL_CHUNKS
    assert night.run().counts.created == len(items("UsersTable"))
    assert night.holder() is None


def test_an_unchanged_second_night_sends_no_message_and_leaves_the_table_identical(night: Night) -> None:
    with SampleProvider(users=ONE_CHUNK, schools=3) as provider:
        enter_district(night, provider)
        night.pass_night(FIRST)
        before, issues = items("UsersTable"), night.issues(night.run())

        chunks = night.pass_night(SECOND)

    second = night.run(run_id=SECOND_RUN)
    assert chunks == 0
    assert items("UsersTable") == before
    assert (second.counts.unchanged, second.counts.changed) == (len(before), 0)
    assert night.issues(second) == issues
    assert_accounts_are_right(second)
    assert night.holder() is None


def test_a_second_night_follows_who_joined_left_moved_and_was_renamed(night: Night) -> None:
    with SampleProvider(users=ONE_CHUNK, schools=3) as provider:
        enter_district(night, provider)
        night.pass_night(FIRST)
        changes = provider.change_overnight()

        night.pass_night(SECOND, deliveries=2)

        assert_equal_to_provider(night, provider)
    counts = night.run(run_id=SECOND_RUN).counts
    assert (counts.created, counts.deactivated) == (len(changes.joined), len(changes.left))
    assert counts.updated == len(changes.moved) + len(changes.renamed)


def test_a_fetch_that_comes_again_in_the_middle_of_the_night_changes_nothing_in_the_end(night: Night) -> None:
    """SQS delivers at least once: the second attempt's chunks, and the first's that come late, make one night."""
    with SampleProvider(users=SEVERAL_CHUNKS, schools=3) as provider:
        enter_district(night, provider)
        night.queued_run()
        request = SyncRequest(DISTRICT, RUN).to_json()
        fetch.handler(sqs_event(request), Context())
        first_attempt = [message["Body"] for message in night.messages("UserChangesQueue")]
        upsert.handler(sqs_event(first_attempt[0]), Context())

        fetch.handler(sqs_event(request), Context())
        upsert.handler(sqs_event(*first_attempt[1:]), Context())
        night.pass_on("UserChangesQueue", upsert.handler)

        assert_equal_to_provider(night, provider)
    assert night.run().attempt == 2
    assert night.run().counts.created == len(items("UsersTable"))
    assert_accounts_are_right(night.run())


def test_a_chunk_of_last_night_that_comes_late_does_not_undo_tonight(night: Night) -> None:
    with SampleProvider(users=ONE_CHUNK, schools=3) as provider:
        enter_district(night, provider)
        night.queued_run()
        fetch.handler(sqs_event(SyncRequest(DISTRICT, RUN).to_json()), Context())
        late = [message["Body"] for message in night.messages("UserChangesQueue")]
        night.runs.close(
            DISTRICT, RUN, RunState.FAILED, "It was redriven.", night.run().created_at + timedelta(hours=1)
        )
        night.districts.release(DISTRICT, RUN)
        provider.change_overnight()
        night.pass_night(SECOND)
        before = items("UsersTable")

        upsert.handler(sqs_event(*late), Context())

        assert items("UsersTable") == before
        assert_equal_to_provider(night, provider)


def test_a_nights_cost_grows_with_its_changes(night: Night) -> None:
    with SampleProvider(users=ONE_CHUNK, schools=2) as provider:
        enter_district(night, provider)
        night.pass_night(FIRST)
        night.pass_night(SECOND)

    first, second = night.run().usage, night.run(run_id=SECOND_RUN).usage
    assert first.write_units > second.write_units
    assert first.queue_requests > second.queue_requests == ACCOUNTING_OF_A_FETCH.queue_requests
    assert second.read_units > ACCOUNTING_OF_A_FETCH.read_units


def test_a_night_is_taken_back_through_the_queues(night: Night) -> None:
    with SampleProvider(users=ONE_CHUNK, schools=2) as provider:
        enter_district(night, provider)
        night.pass_night(FIRST)
        before = {item["user_id"]: item for item in items("UsersTable")}
        provider.change_overnight()
        night.pass_night(SECOND)
    revert = start_revert(
        night.run(run_id=SECOND_RUN), runs=night.runs, request_sync=lambda *_: None, now=AN_HOUR_LATER, nonce="1"
    )

    assert (
        fetch.handler(sqs_event(SyncRequest(DISTRICT, revert.run_id).to_json()), Context())["batchItemFailures"] == []
    )
    night.pass_on("UserChangesQueue", upsert.handler, deliveries=2)

    run = night.run(run_id=revert.run_id)
    assert run.state is RunState.COMPLETED
    assert run.counts.changed == sum(item["run_id"] == revert.run_id for item in items("UsersTable"))
    for item in items("UsersTable"):
        if found := before.get(item["user_id"]):
            assert {name: item[name] for name in item if name not in TOLD} == {
                name: found[name] for name in found if name not in TOLD
            }
        else:
            assert item["status"] == "inactive"
