"""Providers that send one person several times, or under new sourcedIds, over whole nights of a district."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from roster_sync.domain.run import Run, RunState
from roster_sync.domain.user import Role
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.use_cases.fetch_roster import fetch_roster
from tests.providers.conftest import AT_ONCE, STANDARD
from tests.support.builders import DISTRICT, a_school
from tests.support.nights import FakeProvider, Nights, a_record
from tests.support.roster_server import RosterServer


def run(
    nights: Nights, users: Sequence[dict[str, Any]], orgs: Sequence[dict[str, Any]] = ({"sourcedId": "org-1"},)
) -> Run:
    """One night, its provider read over HTTP."""
    queued = nights.queued()
    with (
        RosterServer({"users": users, "orgs": orgs}) as server,
        closing(OneRosterClient(server.base_url, **STANDARD.client, allow_local=True, retry=AT_ONCE)) as client,
    ):
        fetcher = replace(nights.fetcher(FakeProvider([])), open_provider=lambda _settings: client)
        fetch_roster(DISTRICT, queued.run_id, fetcher, deadline=nights.now + timedelta(minutes=9))
    nights.apply()
    return nights.stored(queued)


def seymour(sourced_id: str, **fields: Any) -> dict[str, Any]:
    named = {"givenName": "Seymour", "familyName": "Skinner", "email": "Skinner@example.org"}
    return a_record(sourced_id, **named, **fields)


def test_one_record_for_each_role_is_one_person_with_the_highest_role() -> None:
    nights = Nights()

    ended = run(
        nights, [seymour("T91", role="teacher"), seymour("X91", role="aide"), seymour("A91", role="administrator")]
    )

    user = nights.user("T91")
    assert (user.sourced_ids, user.role) == (("A91", "T91"), Role.ADMINISTRATOR)
    assert (ended.counts.created, ended.counts.skipped) == (1, 1)


def test_an_address_that_people_of_different_names_share_joins_nobody() -> None:
    nights = Nights()

    ended = run(
        nights,
        [
            a_record("S-1", givenName="Bart", email="family@example.org"),
            a_record("S-2", givenName="Lisa", email="Family@example.org"),
            a_record("P-1", givenName="Homer", email="family@example.org", role="parent"),
        ],
    )

    assert (ended.counts.created, ended.counts.skipped) == (2, 1)
    assert nights.issues(ended) == [("email_shared", "S-1"), ("email_shared", "S-2")]


@pytest.mark.parametrize(
    "known_by", [{"email": "bart@example.org"}, {"identifier": "1001"}], ids=["e-mail", "identifier"]
)
def test_people_under_new_sourced_ids_stay_who_they_were(known_by: dict[str, str]) -> None:
    nights = Nights()
    run(nights, [a_record("S-1", familyName="Simpson", **known_by)])
    before = nights.user("S-1")

    ended = run(nights, [a_record("merged-77", familyName="Simpson", **known_by)])

    assert nights.user("merged-77").user_id == before.user_id
    assert (ended.counts.linked, ended.counts.created, ended.counts.deactivated) == (1, 0, 0)


@pytest.mark.parametrize("org_type", ["school", "School", "departments", None])
def test_a_school_is_found_by_its_sourced_id_whatever_its_type(org_type: str | None) -> None:
    nights = Nights()

    ended = run(nights, [a_record()], [{"sourcedId": "org-1", "type": org_type}])

    assert (ended.state, ended.counts.created) == (RunState.COMPLETED, 1)


def test_a_provider_that_shares_nobody_fails_the_run_and_nobody_is_deactivated() -> None:
    nights = Nights()
    run(nights, [a_record()])

    ended = run(nights, [])

    assert ended.state is RunState.FAILED
    assert "Check in the SIS that it shares users" in (ended.reason or "")
    assert nights.user("S-1").active


def test_a_school_whose_sourced_id_is_a_number_is_found() -> None:
    nights = Nights(schools=[a_school(oneroster_id="4711")])

    ended = run(nights, [a_record(orgs=[{"sourcedId": 4711}])], [{"sourcedId": 4711, "type": "school"}])

    assert (ended.state, ended.counts.created) == (RunState.COMPLETED, 1)
