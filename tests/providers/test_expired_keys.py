"""A key that a provider took on earlier nights and now refuses, over HTTP."""

from contextlib import closing

from roster_sync.domain.run import Run, RunState
from roster_sync.oneroster.client import OneRosterClient
from tests.providers.conftest import AT_ONCE
from tests.support.nights import Nights, a_record
from tests.support.provider import KEY, SECRET, Scripted, ScriptedProvider, collection

REFUSAL = Scripted({"imsx_codeMajor": "failure", "imsx_CodeMinor": "unauthorised"}, 401)


def a_night(nights: Nights, answers: dict[str, object]) -> Run:
    with ScriptedProvider(answers) as server:  # type: ignore[arg-type]  # lists and routes
        client = OneRosterClient(server.base_url, KEY, SECRET, allow_local=True, retry=AT_ONCE)
        with closing(client):
            return nights.run(provider=client)  # type: ignore[arg-type]  # any provider does


def test_a_401_after_a_good_night_says_until_when_the_key_worked() -> None:
    nights = Nights()
    orgs = collection([{"sourcedId": "org-1", "type": "school"}], wrapper="orgs")
    good = a_night(nights, {"orgs": orgs, "users": collection([a_record("S-1"), a_record("S-2")])})

    refused = a_night(nights, {"orgs": [REFUSAL], "users": [REFUSAL]})

    assert (good.state, refused.state) == (RunState.COMPLETED, RunState.FAILED)
    assert refused.reason is not None
    assert refused.reason.startswith(
        "The consumer key worked until 25 November 2026 and is now refused; it may have expired: ask the provider for "
    )
    assert "(401)" in refused.reason
