"""What a provider makes of a filter by dateLastModified, and what a district's nights make of that, over HTTP."""

from contextlib import closing
from typing import Any

import pytest

from local.sample_provider import SampleProvider
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.reading import Fetch
from roster_sync.domain.run import RunState
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.use_cases.prove_date_filter import honours_date_filter
from tests.providers.conftest import AT_ONCE, Case
from tests.support.builders import DISTRICT, a_school, settings
from tests.support.nights import Nights
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, Behaviour, RosterServer, answer, standard

DATED = [{**user, "dateLastModified": "2026-11-20T08:00:00.000Z"} for user in users(12)]


def honouring(asked: Asked, *, total: bool = True) -> Scripted:
    since = asked.parameters.get("filter", "'").split("'")[1]
    matching = [record for record in asked.records if str(record.get("dateLastModified", "")) > since]
    found = matching if "filter" in asked.parameters else asked.records
    return answer(asked, found[asked.offset : asked.offset + asked.limit], total=len(found) if total else None)


def without_totals(asked: Asked) -> Scripted:
    return honouring(asked, total=False)


def giving_nobody(asked: Asked) -> Scripted:
    return answer(asked, [], total=0) if "filter" in asked.parameters else standard(asked)


def with_the_total_of_all(asked: Asked) -> Scripted:
    return answer(asked, [], total=len(asked.records)) if "filter" in asked.parameters else standard(asked)


def refusing(asked: Asked) -> Scripted:
    refused = Scripted({"imsx_codeMajor": "failure", "imsx_CodeMinor": "invalid_filter_field"}, 400)
    return refused if "filter" in asked.parameters else standard(asked)


def failing(asked: Asked) -> Scripted:
    return Scripted(status=500) if "filter" in asked.parameters else standard(asked)


def proven(behaviour: Behaviour, records: list[dict[str, Any]], sign_in: Case) -> tuple[bool, list[str | None]]:
    with (
        RosterServer({"users": records}, behaviour, sign_in=sign_in.sign_in()) as server,
        closing(OneRosterClient(server.base_url, **sign_in.given(server), allow_local=True, retry=AT_ONCE)) as client,
    ):
        return honours_date_filter(client), [seen.parameters.get("filter") for seen in server.requests_of("users")]


def test_a_filter_is_proven_by_a_far_future_and_a_far_past(sign_in: Case) -> None:
    assert proven(honouring, DATED, sign_in) == (
        True,
        ["dateLastModified>'2100-01-01T00:00:00.000Z'", "dateLastModified>'1970-01-01T00:00:00.000Z'", None],
    )


@pytest.mark.parametrize(
    "behaviour", [standard, giving_nobody, with_the_total_of_all, refusing, failing, without_totals]
)
def test_anything_else_is_no_proof(sign_in: Case, behaviour: Behaviour) -> None:
    assert proven(behaviour, DATED, sign_in)[0] is False


def test_a_user_without_a_date_is_found_by_no_delta_so_there_is_no_proof(sign_in: Case) -> None:
    assert proven(honouring, [*DATED, {"sourcedId": "U-undated"}], sign_in)[0] is False


def test_nights_at_a_provider_that_honours_the_standard_read_what_changed() -> None:
    with SampleProvider(users=300, schools=2) as provider:
        schools = [
            a_school(school_id=SchoolId(f"school-{number}"), oneroster_id=SourcedId(org["sourcedId"]))
            for number, org in enumerate(provider.orgs)
            if org["type"] == "school"
        ]
        nights = Nights(district=settings(delta_nights=True), schools=schools)
        key, secret = provider.consumer_key, provider.consumer_secret

        def night() -> Any:
            client = OneRosterClient(provider.base_url, key, secret, allow_local=True, page_size=50, retry=AT_ONCE)
            with closing(client):
                return nights.run(provider=client)  # type: ignore[arg-type]  # any provider does

        first = night()
        changes = provider.change_overnight(seed=3)
        second = night()
        wanted = {user["sourcedId"]: user["familyName"] for user in provider.users if user["status"] == "active"}

    assert (first.reading.fetch, first.reading.filters_dates) == (Fetch.FULL, True)
    assert second.state in (RunState.COMPLETED, RunState.COMPLETED_WITH_ISSUES)
    assert second.reading.fetch is Fetch.DELTA, second.reading.fetch_reason
    assert second.counts.fetched < first.counts.fetched
    assert second.counts.created >= len(changes.joined) > 0
    for user in nights.users.all(DISTRICT):
        if user.active and user.sourced_ids[0] in wanted:
            assert user.family_name == wanted[user.sourced_ids[0]]
