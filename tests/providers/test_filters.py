"""A filter reaches the provider to the letter, on every page, under a signature that covers it."""

from contextlib import closing

import pytest

from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.errors import RequestRefusedError
from tests.providers.conftest import AT_ONCE, Case
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, Behaviour, RosterServer, answer, standard

FILTERS = [
    "dateLastModified>'2026-11-23T09:00:00.000Z'",
    "role='administrator'",
    "familyName='O'Brien & Søn' AND givenName~'+%20/(1*)!'",
]


def no_totals(asked: Asked) -> Scripted:
    return answer(asked, asked.page())


def refusing_filters(asked: Asked) -> Scripted:
    if "filter" in asked.parameters:
        return Scripted({"imsx_codeMajor": "failure", "imsx_CodeMinor": "invalid_filter_field"}, 400)
    return standard(asked)


@pytest.mark.parametrize("behaviour", [standard, no_totals])
@pytest.mark.parametrize("wanted", FILTERS)
def test_each_page_is_asked_for_with_the_filter(sign_in: Case, wanted: str, behaviour: Behaviour) -> None:
    with (
        RosterServer({"users": users(25)}, behaviour, sign_in=sign_in.sign_in()) as server,
        closing(OneRosterClient(server.base_url, **sign_in.given(server), allow_local=True, page_size=10)) as client,
    ):
        came = [record for page in client.pages("users", wanted) for record in page.records]

        assert came == users(25)
        assert {seen.parameters.get("filter") for seen in server.requests_of("users")} == {wanted}


def test_a_filter_ends_with_its_collection(sign_in: Case) -> None:
    with (
        RosterServer({"users": users(5), "orgs": users(5)}, sign_in=sign_in.sign_in()) as server,
        closing(OneRosterClient(server.base_url, **sign_in.given(server), allow_local=True)) as client,
    ):
        list(client.pages("users", FILTERS[0]))
        list(client.pages("orgs"))
        client.page("users", limit=2, offset=0)

        assert [seen.parameters.get("filter") for seen in server.seen if seen.parameters.get("limit") == "2"] == [None]
        assert {seen.parameters.get("filter") for seen in server.requests_of("orgs")} == {None}


def test_a_provider_that_takes_no_filter_says_so(sign_in: Case) -> None:
    with (
        RosterServer({"users": users(5)}, refusing_filters, sign_in=sign_in.sign_in()) as server,
        closing(OneRosterClient(server.base_url, **sign_in.given(server), allow_local=True, retry=AT_ONCE)) as client,
    ):
        with pytest.raises(RequestRefusedError):
            list(client.pages("users", FILTERS[0]))

        assert len([record for page in client.pages("users") for record in page.records]) == 5
