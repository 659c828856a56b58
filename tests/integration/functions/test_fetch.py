"""A district is fetched: through the handler, over what is deployed in memory, from providers on loopback."""

import json
import socket
from functools import cache
from io import StringIO
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from functions.fetch import app
from local.sample_provider import SampleProvider
from roster_sync.domain.change import Chunk
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId
from roster_sync.domain.run import Counts, Run, RunKind, RunState
from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.messaging import user_changes
from roster_sync.messaging.sync_requests import SyncRequest
from roster_sync.oneroster.retry import RetryPolicy
from roster_sync.storage.change_log import ChangeLog
from tests.support.builders import (
    DISTRICT,
    LATER_RUN,
    NOW,
    OTHER_DISTRICT,
    RUN,
    a_change,
    a_chunk,
    a_school,
    a_sis_user,
)
from tests.support.deployed import Context, Night, event_of, failures, items, sqs_event
from tests.support.fakes import InMemoryEvents
from tests.support.nights import a_record
from tests.support.provider import KEY, ROOT, SECRET, OAuth2, Scripted, ScriptedProvider, collection

ORGS: list[dict[str, object]] = [{"sourcedId": "org-1", "name": "Springfield Elementary", "type": "school"}]
USERS: list[dict[str, object]] = [a_record("S-1", email="lisa@example.org"), a_record("S-2", givenName="Bartholomew")]
GOOD = {"orgs": collection(ORGS, wrapper="orgs"), "users": collection(USERS)}
WEB_PAGE = Scripted(b"<!doctype html><title>Sign in</title>")
REQUEST = SyncRequest(DISTRICT, RUN).to_json()


class NoTimeLeft(Context):
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 1_000


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One attempt a page: a test does not wait for a host to come back."""
    monkeypatch.setattr(app, "PATIENCE", RetryPolicy(attempts=1))


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def fetched(*bodies: str) -> list[str]:
    """Ids of the messages that come again, which are their places."""
    return failures(app.handler(sqs_event(*bodies or (REQUEST,)), Context()))


def sent(night: Night) -> list[Chunk]:
    """The chunks on the queue, by number."""
    chunks = [user_changes.from_json(message["Body"]) for message in night.messages("UserChangesQueue")]
    return sorted(chunks, key=lambda chunk: chunk.number)


def store_users(night: Night) -> None:
    """Two users of an earlier night, one of whom no provider here knows."""
    changes = [a_change(user_id=f"u-{n}", user=a_sis_user(sourced_ids=(f"S-{n}",))) for n in (1, 9)]
    night.users.apply(a_chunk(changes, fence=0), NOW)


def run_against(night: Night, base_url: str, *, secret: str = SECRET, **settings: Any) -> Run:
    """The run of a night with this provider, in a district that has users."""
    store_users(night)
    night.enter_district(base_url=base_url, consumer_key=KEY, secret=secret, **settings)
    night.queued_run()
    before = items("UsersTable")

    again = fetched()

    assert again == []
    assert items("UsersTable") == before
    return night.run()


def test_a_whole_night_s_chunks_are_on_the_queue_in_the_district_s_group(night: Night) -> None:
    with SampleProvider(users=400, schools=3) as provider:
        schools = [
            a_school(school_id=SchoolId(f"school-{number}"), oneroster_id=SourcedId(org["sourcedId"]))
            for number, org in enumerate(provider.orgs)
            if org["type"] == "school"
        ]
        night.enter_district(
            base_url=provider.base_url,
            consumer_key=provider.consumer_key,
            secret=provider.consumer_secret,
            schools=schools,
            page_size=100,
        )
        night.queued_run()

        again = fetched()

        imported = {
            user["sourcedId"]
            for user in provider.users
            if user["role"] in {"student", "teacher", "administrator"}
            and user["status"] == "active"
            and user["enabledUser"] == "true"
        }
    messages = night.messages("UserChangesQueue")
    chunks = sorted((user_changes.from_json(message["Body"]) for message in messages), key=lambda chunk: chunk.number)
    run = night.run()
    assert again == []
    assert (run.state, run.attempt, run.counts.fetched) == (RunState.APPLYING, 1, 400)
    assert [chunk.number for chunk in chunks] == list(range(1, run.chunks_expected + 1))
    assert run.chunks_expected > 1
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {DISTRICT}
    assert {(chunk.run_id, chunk.attempt, chunk.fence) for chunk in chunks} == {(RUN, 1, run.fence)}
    users = [change.user for chunk in chunks for change in chunk.changes if change.user]
    assert sorted(sourced_id for user in users for sourced_id in user.sourced_ids) == sorted(imported)
    assert night.holder() == RUN


def test_a_fetch_gives_its_host_s_slots_back(night: Night) -> None:
    with ScriptedProvider(GOOD) as provider:
        run_against(night, provider.base_url)

        slots = [item for item in items("DistrictsTable") if item["district_id"].startswith("host#")]
        assert {item["district_id"] for item in slots} == {f"host#127.0.0.1:{provider.port}"}
    assert [item["item"] for item in slots] == ["slot#000", "slot#001"]
    assert not any("holder" in item for item in slots)


def test_a_wrong_secret_ends_the_run_with_its_sentence(night: Night) -> None:
    with ScriptedProvider(GOOD) as provider:
        run = run_against(night, provider.base_url, secret="another")

    assert_ended(night, run, "refused the sign-in (401)", "Enter the consumer key and the consumer secret again")


def test_a_night_signs_in_by_the_way_that_a_test_has_found(night: Night) -> None:
    tokens = OAuth2(path="/odd/token", client="body")
    with ScriptedProvider(GOOD, sign_in=tokens) as provider:
        found = SignIn(SignInMethod.OAUTH2_BODY, f"{provider.base_url.removesuffix(ROOT)}/odd/token")
        night.enter_district(base_url=provider.base_url, consumer_key=KEY, secret=SECRET, sign_in=found)
        night.queued_run()

        again = fetched()

        run = night.run()

    assert (again, run.reason, run.counts.fetched) == ([], None, len(USERS))
    assert (tokens.asked, tokens.refused, len(tokens.tokens)) == (1, 0, 1)


def test_a_night_whose_way_to_sign_in_is_refused_tries_no_other(night: Night) -> None:
    tokens = OAuth2(client="basic")
    with ScriptedProvider(GOOD, sign_in=tokens) as provider:
        token_url = f"{provider.base_url.removesuffix(ROOT)}/token"
        run = run_against(
            night, provider.base_url, token_url=token_url, sign_in=SignIn(SignInMethod.OAUTH2_BODY, token_url)
        )

    assert_ended(night, run, "gives no token for this consumer key", "Enter both again")
    assert (tokens.asked, [seen.endpoint for seen in provider.seen]) == (1, ["/token"])


def test_a_web_page_instead_of_json_ends_the_run_with_its_sentence(night: Night) -> None:
    with ScriptedProvider({**GOOD, "users": [WEB_PAGE]}) as provider:
        run = run_against(night, provider.base_url)

    assert_ended(night, run, "web page", "Check the base URL")


def test_an_unreachable_host_ends_the_run_with_its_sentence(night: Night, closed_port: int, impatient: None) -> None:
    run = run_against(night, f"http://127.0.0.1:{closed_port}")

    assert_ended(night, run, "cannot be reached", "Check the host in the base URL")


def test_a_server_without_tls_ends_the_run_with_its_sentence(night: Night, impatient: None) -> None:
    with ScriptedProvider(GOOD) as provider:
        run = run_against(night, provider.base_url.replace("http://", "https://"))

    assert_ended(night, run, "TLS", "Check")


def test_a_provider_that_fails_on_a_later_page_ends_the_run_with_its_sentence(night: Night, impatient: None) -> None:
    pages = [Scripted({"users": USERS}, headers={"X-Total-Count": "4"}), Scripted(status=500)]
    with ScriptedProvider({**GOOD, "users": pages}) as provider:
        run = run_against(night, provider.base_url)

    assert_ended(night, run, "failed to answer for /users (500)", "Try again later")


def test_an_empty_roster_ends_the_run_with_its_sentence(night: Night) -> None:
    with ScriptedProvider({**GOOD, "users": collection([])}) as provider:
        run = run_against(night, provider.base_url)

    assert_ended(night, run, "The provider sent no users at all.", "Check in the SIS")


def test_a_school_id_that_the_provider_does_not_know_ends_the_run_with_its_sentence(night: Night) -> None:
    with ScriptedProvider({**GOOD, "orgs": collection([{"sourcedId": "org-2"}], wrapper="orgs")}) as provider:
        run = run_against(night, provider.base_url)

    assert_ended(night, run, "The provider has no school with any of the OneRoster IDs", "Choose them anew")


def test_a_secret_that_cannot_be_read_ends_the_run_with_its_sentence(night: Night) -> None:
    """As of a district that was copied: a secret is encrypted for one district only."""
    with ScriptedProvider(GOOD) as provider:
        copied = night.secrets.encrypt(OTHER_DISTRICT, SECRET)
        night.enter_district(base_url=provider.base_url, consumer_key=KEY, consumer_secret=copied)
        night.queued_run()

        fetched()

        assert provider.seen == []
    assert_ended(night, night.run(), "secret", "Enter")


def assert_ended(night: Night, run: Run, what: str, remedy: str) -> None:
    """It failed for a reason in plain words, sent nothing and holds nothing."""
    assert run.state is RunState.FAILED
    assert run.reason is not None
    assert what in run.reason
    assert remedy in run.reason
    assert SECRET not in run.reason
    assert sent(night) == []
    assert night.holder() is None


def test_one_wrong_school_id_of_several_is_an_issue_and_the_others_are_synced(night: Night) -> None:
    with ScriptedProvider(GOOD) as provider:
        typo = a_school(school_id=SchoolId("high"), oneroster_id=SourcedId("org-typo"))
        night.enter_district(base_url=provider.base_url, consumer_key=KEY, secret=SECRET, schools=[a_school(), typo])
        night.queued_run()

        fetched()

    assert night.issues(night.run()) == [("school_unknown", "org-typo")]
    assert [len(chunk.changes) for chunk in sent(night)] == [2]


def test_a_function_without_time_hands_over_page_after_page_until_all_is_read_once(night: Night) -> None:
    with SampleProvider(users=400, schools=3) as provider:
        night.enter_district_of(provider, page_size=100)
        night.queued_run()
        messages, invocations = [REQUEST], 0
        while messages:
            assert app.handler(sqs_event(*messages), NoTimeLeft()) == {"batchItemFailures": []}
            invocations += 1
            messages = [message["Body"] for message in night.messages("SyncRequestsQueue")]

    run = night.run()
    assert invocations == run.attempt > 4
    assert (run.state, run.counts.fetched) == (RunState.APPLYING, 400)
    assert "fetch_not_whole" not in run.issues_by_code
    assert {chunk.attempt for chunk in sent(night)} == {run.attempt}
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="checkpoints")


def test_a_run_that_has_ended_is_not_fetched_again(night: Night) -> None:
    with ScriptedProvider(GOOD) as provider:
        night.enter_district(base_url=provider.base_url, consumer_key=KEY, secret=SECRET)
        run = night.queued_run(state=RunState.FAILED, reason="It failed.")

        again = fetched()

        assert provider.seen == []
    assert again == []
    assert night.run() == run
    assert night.holder() is None


def test_a_request_that_comes_again_starts_a_new_attempt_with_a_higher_fence(night: Night) -> None:
    with ScriptedProvider(GOOD) as provider:
        night.enter_district(base_url=provider.base_url, consumer_key=KEY, secret=SECRET)
        night.queued_run()

        fetched(REQUEST, REQUEST)

    first, second = sorted(sent(night), key=lambda chunk: chunk.attempt)
    assert (first.attempt, second.attempt, night.run().attempt) == (1, 2, 2)
    assert first.fence < second.fence
    assert night.run().counts == Counts(fetched=2)


@pytest.mark.parametrize("unreadable", ["not json", "{}", '{"version": 99, "district_id": "d", "run_id": "r"}'])
def test_a_message_that_cannot_be_read_comes_again_and_its_neighbour_does_not(night: Night, unreadable: str) -> None:
    with ScriptedProvider(GOOD) as provider:
        night.enter_district(base_url=provider.base_url, consumer_key=KEY, secret=SECRET)
        night.queued_run()

        again = fetched(unreadable, REQUEST)

    assert again == ["0"]
    assert night.run().state is RunState.APPLYING


def test_a_batch_of_nothing_but_failures_fails_the_function(night: Night) -> None:
    with pytest.raises(BatchProcessingError):
        fetched("not json")


def test_the_event_under_events_names_a_district_without_settings(night: Night) -> None:
    northfield = DistrictId("northfield")
    night.queued_run(district_id=northfield)

    answer = app.handler(event_of("fetch"), Context())

    run = night.run(northfield)
    assert answer == {"batchItemFailures": []}
    assert (run.state, run.reason) == (
        RunState.SKIPPED,
        "The OneRoster settings are empty. Enter base URL, consumer key and consumer secret.",
    )


def test_while_another_run_holds_the_district_a_run_is_skipped_and_names_it(night: Night) -> None:
    with ScriptedProvider(GOOD) as provider:
        night.enter_district(base_url=provider.base_url, consumer_key=KEY, secret=SECRET)
        night.queued_run()
        night.queued_run(run_id=LATER_RUN)

        fetched(REQUEST, SyncRequest(DISTRICT, LATER_RUN).to_json())

    later = night.run(run_id=LATER_RUN)
    assert later.state is RunState.SKIPPED
    assert RUN in (later.reason or "")
    assert night.holder() == RUN


@pytest.mark.parametrize("secret", [SECRET, "an0ther s3cret"])
def test_no_log_line_holds_a_secret_or_personal_data(
    night: Night, log: StringIO, capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    with ScriptedProvider(GOOD) as provider:
        run_against(night, provider.base_url, secret=secret)

    logged = log.getvalue() + "".join(capsys.readouterr())
    lines: list[dict[str, object]] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["message"], line["district_id"]) for line in lines if "district_id" in line] == [
        ("Fetched a district", DISTRICT)
    ]
    for private in (SECRET, secret, KEY, "lisa@example.org", "Bartholomew", "S-1", str(provider.port)):
        assert private not in logged


def test_metrics_count_what_was_fetched(night: Night, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedProvider(GOOD) as provider:
        night.enter_district(base_url=provider.base_url, consumer_key=KEY, secret=SECRET)
        night.queued_run()

        fetched()

    (line,) = [line for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    metrics = json.loads(line)
    assert (metrics["RecordsFetched"], metrics["ChunksSent"], metrics["ProviderRequests"]) == ([2], [1], [4])


def test_a_preview_keeps_its_samples_and_changes_nobody(night: Night) -> None:
    store_users(night)
    preview = RunId("20261124T090000Z-preview-00000001")
    night.queued_run(run_id=preview, kind=RunKind.PREVIEW)
    with ScriptedProvider(GOOD) as provider:
        night.enter_district(base_url=provider.base_url, consumer_key=KEY, secret=SECRET, first_run_preview=True)
        before = items("UsersTable")

        assert fetched(SyncRequest(DISTRICT, preview).to_json()) == []

    run = night.run(run_id=preview)
    changes, _ = ChangeLog("SyncRunsTable").page(DISTRICT, preview)
    assert (run.state, run.would_be_blocked) == (RunState.COMPLETED, False)
    assert sorted(change.kind for _, change in changes) == ["create", "deactivate", "update"]
    assert (items("UsersTable"), night.messages("UserChangesQueue")) == (before, [])
    stored = night.districts.settings(DISTRICT)
    assert stored
    assert stored.previewed_at


def test_a_run_that_the_fetch_ends_is_told_of(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    events = InMemoryEvents()
    monkeypatch.setattr(app, "events", cache(lambda: events))
    night.queued_run()

    fetched()
    fetched()

    assert [(run.run_id, run.state) for run in events.ended] == [(RUN, RunState.SKIPPED)] * 2
