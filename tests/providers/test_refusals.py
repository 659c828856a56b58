"""Providers, and what stands in front of them, that answer with anything but data: told in a sentence, once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from roster_sync.domain.errors import RosterSyncError, TransientError
from roster_sync.oneroster.errors import (
    ClockSkewError,
    FirewallError,
    ForbiddenError,
    NotFoundAtProviderError,
    NotJsonError,
    ProviderBrokenError,
    RedirectedError,
    RequestRefusedError,
    SignInRefusedError,
    ThrottledError,
    UnexpectedAnswerError,
)
from tests.providers.conftest import fetching
from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, standard

MOVED = "https://new.example.org/db/ims/oneroster/v1p1/users?limit=10"
SLOW_CLOCK = {"Date": "Mon, 24 Nov 2025 09:00:00 GMT"}
LOGIN = b'<!doctype html><html><title>Springfield SIS</title><input type="password"></html>'
CHALLENGE = b"<!doctype html><html><title>Just a moment...</title></html>"
NOT_LICENSED = {"imsx_codeMajor": "failure", "imsx_CodeMinor": "forbidden", "imsx_description": "Not licensed"}


@dataclass
class Always:
    """The same answer to every request."""

    scripted: Scripted
    asked: list[Asked] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Scripted:
        self.asked.append(asked)
        return self.scripted


REFUSALS: list[tuple[str, Scripted, type[RosterSyncError], Sequence[str]]] = [
    ("400", Scripted({}, 400), RequestRefusedError, ["(400)", "Ask the provider what it supports"]),
    ("401 with words", Scripted({"imsx_description": "Bad nonce"}, 401), SignInRefusedError, ['"Bad nonce"']),
    ("401 without a body", Scripted(b"", 401), SignInRefusedError, ["consumer key and the consumer secret again"]),
    (
        "401, clock behind",
        Scripted(b"", 401, SLOW_CLOCK),
        ClockSkewError,
        ["hours behind ours", "set its server"],
    ),
    (
        "401, OAuth's problem",
        Scripted(b"", 401, {"WWW-Authenticate": 'OAuth realm="r", oauth_problem="consumer_key_unknown"'}),
        SignInRefusedError,
        ['"consumer_key_unknown"', "consumer key and the consumer secret again"],
    ),
    (
        "401, the signature's time",
        Scripted(b"oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1-2", 401),
        ClockSkewError,
        ["does not take the time of the signature", '"timestamp_refused"', "set its server's clock"],
    ),
    ("403", Scripted({}, 403), ForbiddenError, ["Ask the provider to permit"]),
    ("403 nested", Scripted({"imsx_StatusInfo": NOT_LICENSED}, 403), ForbiddenError, ['"Not licensed, forbidden"']),
    (
        "403 of 1.2",
        Scripted(
            {
                "imsx_codeMajor": "failure",
                "imsx_severity": "error",
                "imsx_description": "Not licensed",
                "imsx_CodeMinor": {
                    "imsx_codeMinorField": [
                        {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": "forbidden"}
                    ]
                },
            },
            403,
        ),
        ForbiddenError,
        ['"Not licensed, forbidden"'],
    ),
    ("204", Scripted(b"", 204), NotFoundAtProviderError, ["has nothing at /users (204)", "Ask the provider to share"]),
    ("404 of a web server", Scripted(b"<html>Not Found", 404), NotFoundAtProviderError, ["path of the base URL"]),
    ("404 of the API", Scripted({"imsx_CodeMinor": "unknownobject"}, 404), NotFoundAtProviderError, ["offer /users"]),
    ("501", Scripted(b"", 501), NotFoundAtProviderError, ["(501)"]),
    ("a failure with 200", Scripted(NOT_LICENSED), ForbiddenError, ['"Not licensed, forbidden"', "(200)"]),
    ("moved", Scripted(b"", 301, {"Location": MOVED}), RedirectedError, ["Enter https://new.example.org/db/ims/one"]),
    ("signed out", Scripted(b"", 302, {"Location": "/login?next=x"}), RedirectedError, ["/login.", "sign-in page"]),
    (
        "sign-in page",
        Scripted(LOGIN),
        NotJsonError,
        ['a sign-in page, titled "Springfield SIS"', "not of the web site"],
    ),
    ("Cloudflare", Scripted(CHALLENGE, 403), FirewallError, ["(Cloudflare)", "Ask the provider to let"]),
    ("a proxy", Scripted(b"<html>", 407), FirewallError, ["asks for a sign-in of its own (407)", "Ask the provider"]),
    ("brotli", Scripted(b"\x8b", headers={"Content-Encoding": "br"}), NotJsonError, ["compressed as br"]),
    ("nothing", Scripted(b""), NotJsonError, ["nothing at all"]),
    ("no list", Scripted({"count": 5}), UnexpectedAnswerError, ["gives no list for /users"]),
]
FAILURES: list[tuple[str, Scripted, type[RosterSyncError], Sequence[str]]] = [
    ("429", Scripted(b"", 429), ThrottledError, ["too many requests", "fewer parallel requests"]),
    ("500", Scripted({"imsx_description": "Oops"}, 500), ProviderBrokenError, ["(500)", '"Oops"', "tell the provider"]),
    ("busy with 200", Scripted({"imsx_CodeMinor": "server_busy"}), ThrottledError, ["server_busy"]),
]


OF_SIGNATURES = [case for case in REFUSALS if issubclass(case[2], SignInRefusedError)]
OF_REQUESTS = [case for case in REFUSALS if case not in OF_SIGNATURES]


@pytest.mark.parametrize(
    ("answer", "kind", "says"), [case[1:] for case in OF_REQUESTS], ids=[case[0] for case in OF_REQUESTS]
)
def test_a_refusal_is_told_and_never_repeated(
    fetch: Fetch, answer: Scripted, kind: type[RosterSyncError], says: Sequence[str]
) -> None:
    assert_refusal(fetch, answer, kind, says)


@pytest.mark.parametrize(
    ("answer", "kind", "says"), [case[1:] for case in OF_SIGNATURES], ids=[case[0] for case in OF_SIGNATURES]
)
def test_a_refused_signature_is_told_and_never_repeated(
    answer: Scripted, kind: type[RosterSyncError], says: Sequence[str]
) -> None:
    assert_refusal(fetching, answer, kind, says)


def assert_refusal(fetch: Fetch, answer: Scripted, kind: type[RosterSyncError], says: Sequence[str]) -> None:
    provider = Always(answer)

    with pytest.raises(kind) as caught:
        fetch(users(25), provider)

    assert type(caught.value) is kind
    assert [part for part in says if part not in str(caught.value)] == []
    # Sorting is given up once where a request is refused as such.
    assert len(provider.asked) == (3 if kind is RequestRefusedError else 1)


@pytest.mark.parametrize(
    ("answer", "kind", "says"), [case[1:] for case in FAILURES], ids=[case[0] for case in FAILURES]
)
def test_a_failure_that_may_pass_is_tried_again_and_then_told(
    fetch: Fetch, answer: Scripted, kind: type[RosterSyncError], says: Sequence[str]
) -> None:
    provider = Always(answer)

    with pytest.raises(kind) as caught:
        fetch(users(25), provider)

    assert isinstance(caught.value, TransientError)
    assert [part for part in says if part not in str(caught.value)] == []
    assert len(provider.asked) == 3


def test_a_later_page_that_is_refused_with_status_200_for_a_moment_is_tried_again(fetch: Fetch) -> None:
    busy = [Scripted({"imsx_CodeMinor": "server_busy"})]

    fetched = fetch(users(25), lambda asked: busy.pop() if busy and asked.offset == 10 else standard(asked))

    assert fetched.records == users(25)
