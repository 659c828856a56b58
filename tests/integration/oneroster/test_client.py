"""The client against a real HTTP server that checks signatures and misbehaves as providers do."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roster_sync.domain.errors import ConfigurationError, RosterSyncError, TransientError
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.errors import (
    ForbiddenError,
    NotFoundAtProviderError,
    NotJsonError,
    ProviderBrokenError,
    RequestRefusedError,
    SignInRefusedError,
    ThrottledError,
    TruncatedError,
    UnexpectedAnswerError,
)
from roster_sync.oneroster.retry import RetryPolicy
from tests.support.provider import KEY, SECRET, Scripted, ScriptedProvider, collection, users

AT_ONCE = RetryPolicy(attempts=3, total_s=20, shortest_s=0.001, longest_s=0.01)
HTML = Scripted(b"<!DOCTYPE html><title>Sign in</title>", headers={"Content-Type": "text/html"})


@contextmanager
def a_client(provider: ScriptedProvider, **settings: Any) -> Iterator[OneRosterClient]:
    arguments: dict[str, Any] = {
        "consumer_key": KEY,
        "consumer_secret": SECRET,
        "allow_local": True,
        "page_size": 10,
        "retry": AT_ONCE,
    }
    with closing(OneRosterClient(provider.base_url, **arguments | settings)) as client:
        yield client


def read(client: OneRosterClient, endpoint: str = "users") -> list[Any]:
    records: list[Any] = []
    for page in client.pages(endpoint):
        if page.starts_over:
            records.clear()
        records += page.records
    return records


def failure(*answers: Scripted, endpoint: str = "users", **settings: Any) -> RosterSyncError:
    """The error of reading users from a provider that answers so."""
    with ScriptedProvider({endpoint: list(answers)}) as provider, a_client(provider, **settings) as client:
        with pytest.raises(RosterSyncError) as caught:
            read(client, endpoint)
        return caught.value


class TestPaging:
    def test_a_whole_roster_comes_in_order_and_is_proven(self) -> None:
        with ScriptedProvider({"users": collection(users(95))}) as provider, a_client(provider) as client:
            records = read(client)

            assert records == users(95)
            assert client.proof(95).whole
            assert client.requests_made == len(provider.seen) == 12

    def test_sorting_is_asked_for(self) -> None:
        with ScriptedProvider({"users": collection(users(25))}) as provider, a_client(provider) as client:
            read(client)

            assert {(seen.parameters["sort"], seen.parameters["orderBy"]) for seen in provider.seen} == {
                ("sourcedId", "asc")
            }

    @pytest.mark.parametrize("status", [400, 422])
    def test_sorting_is_given_up_once_if_refused(self, status: int) -> None:
        whole = collection(users(25))

        def answer(parameters: Mapping[str, str]) -> Scripted:
            return (
                Scripted({"imsx_CodeMinor": "invalid_sort_field"}, status)
                if "sort" in parameters
                else whole(parameters)
            )

        with ScriptedProvider({"users": answer}) as provider, a_client(provider) as client:
            assert read(client) == users(25)
            assert [("sort" in seen.parameters) for seen in provider.seen] == [True, False, False, False, False]

    @settings(max_examples=40, deadline=None)
    @given(
        count=st.integers(0, 60),
        page_size=st.integers(1, 25),
        cap=st.none() | st.integers(1, 25),
        total=st.booleans(),
        links=st.booleans(),
        short_page_at=st.none() | st.integers(0, 30),
    )
    def test_nothing_is_missed_however_the_provider_pages(
        self, count: int, page_size: int, cap: int | None, total: bool, links: bool, short_page_at: int | None
    ) -> None:
        route = collection(users(count), cap=cap, total=total, links=links, short_page_at=short_page_at)
        with ScriptedProvider({"users": route}) as provider, a_client(provider, page_size=page_size) as client:
            records = read(client)

            assert records == users(count)
            # Pages of one record cannot overlap: without a total nothing shows that none is missing.
            one_by_one = min(page_size, cap or page_size) == 1 < count
            assert client.proof(count).whole == (total or not one_by_one)

    def test_a_capped_page_size_is_taken_as_the_step(self) -> None:
        """Adding the limit that was asked for lost nine tenths of a roster in other clients, without an error."""
        route = collection(users(100), cap=10)
        with ScriptedProvider({"users": route}) as provider, a_client(provider, page_size=100) as client:
            assert read(client) == users(100)
            assert [seen.parameters["limit"] for seen in provider.seen] == ["100"] * 2 + ["10"] * 10

    def test_the_rest_of_a_short_page_in_the_middle_is_fetched(self) -> None:
        route = collection(users(50), short_page_at=18)
        with ScriptedProvider({"users": route}) as provider, a_client(provider) as client:
            assert read(client) == users(50)
            assert client.proof(50).whole
            assert ("19", "9") in [(seen.parameters["offset"], seen.parameters["limit"]) for seen in provider.seen]

    def test_a_page_lost_in_the_middle_leaves_the_fetch_unproven(self) -> None:
        whole = collection(users(50))

        def answer(parameters: Mapping[str, str]) -> Scripted:
            lost = Scripted({"users": []}, headers={"X-Total-Count": "50"})
            return lost if parameters["offset"] == "18" else whole(parameters)

        with ScriptedProvider({"users": answer}) as provider, a_client(provider) as client:
            records = read(client)

            assert len(records) == 42
            assert not client.proof(42).whole

    def test_a_total_far_beyond_the_records_is_not_pursued(self) -> None:
        """A provider that announces millions must not be asked for millions of empty pages."""

        def answer(parameters: Mapping[str, str]) -> Scripted:
            page = users(25)[int(parameters["offset"]) :][:10]
            return Scripted({"users": page}, headers={"X-Total-Count": "10000000"})

        with ScriptedProvider({"users": answer}) as provider, a_client(provider) as client:
            assert read(client) == users(25)
            assert client.requests_made < 25
            assert not client.proof(25).whole

    def test_a_page_s_count_given_as_total_does_not_pass_for_the_end(self) -> None:
        whole = collection(users(25), total=False)

        def answer(parameters: Mapping[str, str]) -> Scripted:
            page = whole(parameters)
            assert isinstance(page.content, dict)
            return Scripted(page.content, headers={"X-Total-Count": str(len(page.content["users"]))})

        with ScriptedProvider({"users": answer}) as provider, a_client(provider) as client:
            assert read(client) == users(25)
            assert not client.proof(25).whole

    def test_an_error_behind_the_announced_end_is_the_end(self) -> None:
        whole = collection(users(10))

        def answer(parameters: Mapping[str, str]) -> Scripted:
            return whole(parameters) if int(parameters["offset"]) < 10 else Scripted({}, 400)

        with ScriptedProvider({"users": answer}) as provider, a_client(provider) as client:
            assert read(client) == users(10)
            assert client.proof(10).whole

    def test_a_provider_that_gives_everything_at_once_is_believed(self) -> None:
        with ScriptedProvider({"users": [Scripted({"users": users(33)})]}) as provider, a_client(provider) as client:
            assert read(client) == users(33)
            assert client.proof(33).whole

    def test_a_provider_that_ignores_the_offset_is_found_out(self) -> None:
        error = failure(Scripted({"users": users(10)}))

        assert isinstance(error, UnexpectedAnswerError)
        assert "same page" in str(error)

    def test_a_fetch_left_early_is_unproven_and_asks_for_no_more(self) -> None:
        with ScriptedProvider({"users": collection(users(1000))}) as provider, a_client(provider) as client:
            pages = client.pages("users")
            next(pages)
            next(pages)

            pages.close()  # type: ignore[attr-defined]  # pages() is a generator

            assert not client.proof(20).whole
            assert client.requests_made < 20

    def test_at_most_parallel_pages_are_read_ahead(self) -> None:
        with ScriptedProvider({"users": collection(users(1000))}) as provider, a_client(provider, parallel=3) as client:
            pages = client.pages("users")
            for _ in range(4):
                next(pages)

            assert client.requests_made <= 4 + 3
            assert len(list(pages)) == 107

    def test_requests_in_parallel_are_as_many_as_allowed(self) -> None:
        """Four pages are answered only once four requests are there."""
        whole, all_there = collection(users(50)), threading.Event()
        waiting: list[str] = []

        def answer(parameters: Mapping[str, str]) -> Scripted:
            page = whole(parameters)
            if parameters["offset"] == "0":
                return page
            waiting.append(parameters["offset"])
            if len(waiting) == 4:
                all_there.set()
            return Scripted(page.content, headers=page.headers, gate=all_there)

        with ScriptedProvider({"users": answer}) as provider, a_client(provider, parallel=4) as client:
            assert read(client) == users(50)
            assert all_there.is_set()

    def test_the_error_of_a_page_comes_in_its_order(self) -> None:
        whole = collection(users(50))

        def answer(parameters: Mapping[str, str]) -> Scripted:
            return Scripted({}, 403) if parameters["offset"] == "27" else whole(parameters)

        with ScriptedProvider({"users": answer}) as provider, a_client(provider) as client:
            pages = client.pages("users")

            assert [next(pages).offset for _ in range(3)] == [0, 10, 19]
            with pytest.raises(ForbiddenError):
                next(pages)
            assert not client.proof(30).whole

    def test_a_school_s_id_may_hold_any_characters(self) -> None:
        endpoint = "schools/S 1?&#'(ü)*!+%2F/students"
        with ScriptedProvider({endpoint: collection(users(3))}) as provider, a_client(provider) as client:
            assert read(client, endpoint) == users(3)


class TestContent:
    @pytest.mark.parametrize(
        ("endpoint", "content"),
        [
            ("users", {"users": users(2)}),
            ("schools/1/students", {"users": users(2)}),
            ("schools/1/students", {"students": users(2)}),
            ("schools", {"orgs": users(2)}),
            ("users", {"data": users(2), "count": 2}),
            ("users", {"data": users(2), "warnings": []}),
            ("users", users(2)),
            ("users", b"\xef\xbb\xbf" + json.dumps({"users": users(2)}).encode()),
            ("users", b"\n " + json.dumps({"users": users(2)}).encode() + b"\n"),
        ],
    )
    def test_records_are_found_in_any_known_wrapper(self, endpoint: str, content: object) -> None:
        with (
            ScriptedProvider({endpoint: [Scripted(content, headers={"X-Total-Count": "2"})]}) as provider,
            a_client(provider) as client,
        ):
            assert read(client, endpoint) == users(2)

    def test_a_list_of_null_is_empty(self) -> None:
        with ScriptedProvider({"users": [Scripted({"users": None})]}) as provider, a_client(provider) as client:
            assert read(client) == []

    @pytest.mark.parametrize(
        ("content", "name"),
        [
            ('{"users": [{"name": "Zoë"}]}'.encode("latin-1"), "Zoë"),
            (b'{"users": [{"name": "Zo\\ud83d"}]}', "Zo?"),
            (b'{"users": [{"name": "Zo\ta\n"}]}', "Zo\ta\n"),
            (b'{"users": [{"name": NaN}]}', None),
            (b'{"users": [{"name": 1e999}]}', None),
        ],
    )
    def test_what_is_not_quite_json_is_read_all_the_same(self, content: bytes, name: str | None) -> None:
        script = Scripted(content, headers={"X-Total-Count": "1"})
        with ScriptedProvider({"users": [script]}) as provider, a_client(provider) as client:
            assert read(client) == [{"name": name}]

    def test_a_compressed_page_is_read(self) -> None:
        script = Scripted({"users": users(5)}, headers={"X-Total-Count": "5"}, gzipped=True)
        with ScriptedProvider({"users": [script]}) as provider, a_client(provider) as client:
            assert read(client) == users(5)

    @pytest.mark.parametrize(
        "content", [{}, {"users": "none"}, {"a": [], "b": []}, {"errors": []}, 5, None, "users", {"imsx_severity": []}]
    )
    def test_a_missing_wrapper_is_an_error_and_never_an_empty_roster(self, content: object) -> None:
        error = failure(Scripted(json.dumps(content).encode()))

        assert isinstance(error, UnexpectedAnswerError)

    def test_a_failure_told_with_status_200_is_a_failure(self) -> None:
        error = failure(Scripted({"imsx_codeMajor": "failure", "imsx_description": "Unknown tenant"}))

        assert isinstance(error, UnexpectedAnswerError)
        assert "Unknown tenant" in str(error)

    @pytest.mark.parametrize("content", [HTML, Scripted(b""), Scripted(b"OK")])
    def test_a_web_page_instead_of_json_is_said_to_be_one(self, content: Scripted) -> None:
        error = failure(content)

        assert isinstance(error, NotJsonError)
        assert "Check the base URL" in str(error)


class TestErrors:
    @pytest.mark.parametrize("wrong", [{"consumer_key": "another"}, {"consumer_secret": "another"}])
    def test_a_wrong_key_or_secret_is_told_and_sent_once_by_each_method(self, wrong: dict[str, str]) -> None:
        with ScriptedProvider({"users": collection(users(5))}) as provider, a_client(provider, **wrong) as client:
            with pytest.raises(SignInRefusedError) as caught:
                read(client)

            assert "Enter the consumer key and the consumer secret again" in str(caught.value)
            assert "Bad signature" in str(caught.value)
            assert "another" not in str(caught.value)
            assert len(provider.seen) == 2

    @pytest.mark.parametrize(
        ("status", "kind", "acts"),
        [
            (400, RequestRefusedError, ConfigurationError),
            (403, ForbiddenError, ConfigurationError),
            (404, NotFoundAtProviderError, ConfigurationError),
            (418, UnexpectedAnswerError, ConfigurationError),
            (429, ThrottledError, TransientError),
            (500, ProviderBrokenError, TransientError),
            (503, ProviderBrokenError, TransientError),
        ],
    )
    def test_each_status_says_who_acts(
        self, status: int, kind: type[RosterSyncError], acts: type[RosterSyncError]
    ) -> None:
        error = failure(Scripted(b"<html>", status))

        assert type(error) is kind
        assert isinstance(error, acts)

    @pytest.mark.parametrize(
        "content",
        [
            {"imsx_description": "Not licensed", "imsx_CodeMinor": "forbidden"},
            {"statusInfoSet": [{"imsx_description": "Not licensed", "imsx_CodeMinor": "forbidden"}]},
            {
                "statusInfoSet": {
                    "imsx_description": "Not \n licensed",
                    "imsx_CodeMinor": {"imsx_codeMinorField": [{"imsx_codeMinorFieldValue": "forbidden"}]},
                }
            },
        ],
    )
    def test_the_provider_s_own_words_are_told(self, content: object) -> None:
        assert 'It says: "Not licensed, forbidden".' in str(failure(Scripted(content, 403)))

    def test_the_provider_s_words_are_shortened(self) -> None:
        assert len(str(failure(Scripted({"imsx_description": "x" * 10_000}, 403)))) < 500

    @pytest.mark.parametrize("body", [b"[" * 100_000, b'{"n":' + b"9" * 5000 + b"}"])
    def test_words_that_cannot_be_read_are_left_out(self, body: bytes) -> None:
        assert isinstance(failure(Scripted(body, 403)), ForbiddenError)

    def test_errors_name_no_query(self) -> None:
        assert "sourcedId" not in str(failure(Scripted({}, 404)))

    def test_a_failing_provider_is_tried_again_with_a_fresh_signature(self) -> None:
        route = [Scripted(b"", 503), Scripted(b"", 429, {"Retry-After": "0"}), Scripted({"users": []})]
        with ScriptedProvider({"users": route}) as provider, a_client(provider) as client:
            assert read(client) == []
            assert client.requests_made == 3
            assert len({seen.nonce for seen in provider.seen}) == 3

    @pytest.mark.parametrize(
        "broken",
        [
            Scripted({"users": users(9)}, cut=True),
            Scripted(json.dumps({"users": users(9)}).encode()[:-5]),
            Scripted(
                gzip.compress(json.dumps({"users": users(9)}).encode())[:-20], headers={"Content-Encoding": "gzip"}
            ),
        ],
    )
    def test_a_truncated_page_is_fetched_again(self, broken: Scripted) -> None:
        route = [broken, Scripted({"users": users(3)}, headers={"X-Total-Count": "3"})]
        with ScriptedProvider({"users": route}) as provider, a_client(provider) as client:
            assert read(client) == users(3)

    def test_a_truncated_page_in_the_middle_is_fetched_again(self) -> None:
        whole, broken = collection(users(50)), [Scripted(b'{"users": [')]

        def answer(parameters: Mapping[str, str]) -> Scripted:
            return broken.pop() if broken and parameters["offset"] == "18" else whole(parameters)

        with ScriptedProvider({"users": answer}) as provider, a_client(provider) as client:
            assert read(client) == users(50)

    def test_a_page_nested_without_end_fails_the_fetch(self) -> None:
        assert isinstance(failure(Scripted(b'{"users": ' + b"[" * 100_000)), TruncatedError)

    def test_a_page_that_stays_truncated_fails_the_fetch(self) -> None:
        assert isinstance(failure(Scripted({"users": users(9)}, cut=True)), TruncatedError)

    def test_closing_ends_a_pause_between_attempts(self) -> None:
        policy = RetryPolicy(attempts=2, total_s=300, shortest_s=60, longest_s=60)
        with ScriptedProvider({"users": [Scripted(b"", 503)]}) as provider, a_client(provider, retry=policy) as client:
            reader = threading.Thread(target=_quietly, args=(lambda: read(client),))
            reader.start()
            while not provider.seen:
                reader.join(0.01)

            client.close()

            reader.join(10)
            assert not reader.is_alive()


def _quietly(action: Callable[[], object]) -> None:
    with pytest.raises(CancelledError):
        action()
