"""A district that has mapped some of its schools is read as its provider allows it, over HTTP."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from roster_sync.domain.fetch_plan import SchoolLists, Scope
from roster_sync.domain.run import Run, RunState
from roster_sync.oneroster.client import OneRosterClient
from tests.providers.conftest import AT_ONCE
from tests.support.builders import DISTRICT, a_school, settings
from tests.support.nights import Nights, a_record
from tests.support.provider import KEY, SECRET, Scripted, ScriptedProvider, collection

MAPPED, OTHER = "S 1+%", "org-2"
ORGS: list[dict[str, object]] = [{"sourcedId": org, "type": "school"} for org in (MAPPED, OTHER)]
Route = Callable[[Any], Scripted]


def people() -> list[dict[str, Any]]:
    def of(school: str, prefix: str, role: str, count: int) -> list[dict[str, Any]]:
        return [a_record(f"{prefix}-{number:03}", role=role, orgs=[{"sourcedId": school}]) for number in range(count)]

    return [
        *of(MAPPED, "S", "student", 35),
        *of(MAPPED, "T", "teacher", 12),
        *of(MAPPED, "A", "administrator", 2),
        *of(OTHER, "s", "student", 300),
        *of(OTHER, "a", "administrator", 1),
    ]


def honouring(parameters: Any) -> Scripted:
    """/users with a filter by role, as the standard has it."""
    wanted = parameters.get("filter")
    return collection([record for record in people() if not wanted or wanted == f"role='{record['role']}'"])(parameters)


def ignoring(parameters: Any) -> Scripted:
    return collection(people())(parameters)


def giving_nobody(parameters: Any) -> Scripted:
    return collection([] if "filter" in parameters else people())(parameters)


def refusing(parameters: Any) -> Scripted:
    if "filter" in parameters:
        return Scripted({"imsx_CodeMinor": "invalid_filter_field"}, 400)
    return collection(people())(parameters)


def routes(users: Route = honouring) -> dict[str, Any]:
    lists = {
        f"schools/{MAPPED}/{name}": collection([record for record in people() if record["sourcedId"][0] == letter])
        for name, letter in (("students", "S"), ("teachers", "T"))
    }
    return {"orgs": collection(ORGS, wrapper="orgs"), "users": users, **lists}


@contextmanager
def a_night(nights: Nights, played: dict[str, Any]) -> Iterator[tuple[Run, ScriptedProvider]]:
    """One night of the district with a provider on loopback."""
    with ScriptedProvider(played) as server:
        client = OneRosterClient(server.base_url, KEY, SECRET, allow_local=True, page_size=10, retry=AT_ONCE)
        with closing(client):
            run = nights.run(provider=client)  # type: ignore[arg-type]  # any provider does
            yield run, server


@pytest.fixture
def nights() -> Nights:
    """The district after the first night, in which everybody is read."""
    district = Nights(district=settings(page_size=10), schools=[a_school(oneroster_id=MAPPED)])
    with a_night(district, routes()) as (run, _):
        assert (run.state, run.counts.created) == (RunState.COMPLETED, 49)
    return district


def endpoints(server: ScriptedProvider) -> set[str]:
    return {
        f"{seen.endpoint}?{seen.parameters['filter']}" if "filter" in seen.parameters else seen.endpoint
        for seen in server.seen
    }


def test_only_the_mapped_school_and_the_administrators_are_read(nights: Nights) -> None:
    with a_night(nights, routes()) as (run, server):
        assert run.reading is not None
        assert (run.state, run.reading.scope) == (RunState.COMPLETED, Scope.SCHOOLS)
        assert (run.counts.fetched, run.counts.unchanged, run.counts.changed) == (50, 49, 0)
        assert endpoints(server) == {
            "orgs",
            f"schools/{MAPPED}/students",
            f"schools/{MAPPED}/teachers",
            "users?role='administrator'",
        }


@pytest.mark.parametrize("status", [403, 404, 405, 501])
@pytest.mark.parametrize("name", ["students", "teachers"])
def test_without_a_list_of_the_school_the_whole_district_is_read(nights: Nights, name: str, status: int) -> None:
    lacking = {**routes(), f"schools/{MAPPED}/{name}": [Scripted({"imsx_CodeMinor": "unknownobject"}, status)]}

    with a_night(nights, lacking) as (run, _):
        assert run.reading is not None
        assert (run.state, run.reading.scope) == (RunState.COMPLETED, Scope.DISTRICT)
        assert run.reading.scope_reason == (
            f"The whole district was read: the provider does not give /schools/{MAPPED}/{name}."
        )
        assert (run.counts.fetched, run.counts.unchanged, run.counts.changed) == (350, 49, 0)


def test_an_empty_list_of_a_school_that_announces_some_is_replaced_by_the_whole_district(nights: Nights) -> None:
    empty = {**routes(), f"schools/{MAPPED}/students": [Scripted({"users": []}, headers={"X-Total-Count": "35"})]}

    with a_night(nights, empty) as (run, _):
        assert run.reading is not None
        assert (run.state, run.reading.scope, run.counts.changed) == (RunState.COMPLETED, Scope.DISTRICT, 0)


@pytest.mark.parametrize("users", [ignoring, giving_nobody, refusing])
def test_without_a_filter_by_role_the_whole_district_is_read(nights: Nights, users: Route) -> None:
    with a_night(nights, routes(users)) as (run, _):
        assert run.reading is not None
        assert (run.state, run.reading.scope, run.counts.changed) == (RunState.COMPLETED, Scope.DISTRICT, 0)
        assert run.reading.school_lists is SchoolLists.INCOMPLETE
        assert len([user for user in nights.users.all(DISTRICT) if user.active]) == 49
