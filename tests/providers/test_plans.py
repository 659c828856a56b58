"""A district that has mapped some of its schools is read as its provider allows it, over HTTP."""

import re
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


LACKING = {
    "404": [Scripted({"imsx_CodeMinor": "unknownobject"}, 404)],
    "501": [Scripted(b"", 501)],
    "403": [Scripted({"imsx_CodeMinor": "forbidden"}, 403)],
}
NOBODY_OF_SEVEN = [Scripted({"users": []}, headers={"X-Total-Count": "7"})]
BY_ROLE = {
    "students": collection([record for record in people() if record["role"] == "student"]),
    "teachers": collection([record for record in people() if record["role"] == "teacher"]),
}


def active(nights: Nights) -> int:
    return len([user for user in nights.users.all(DISTRICT) if user.active])


def issues(nights: Nights, run: Run) -> list[tuple[str, str]]:
    found = nights.runs.issues(DISTRICT, run.run_id, run.attempt)[0]
    return [(issue.code.value, issue.message) for issue in found]


@pytest.mark.parametrize(
    ("users", "why"),
    [
        *((answers, "the provider does not give /users.") for answers in LACKING.values()),
        (NOBODY_OF_SEVEN, "the provider announces 7 users for /users and sends none."),
    ],
    ids=[*LACKING, "nobody of 7"],
)
def test_without_users_students_and_teachers_are_read_and_nobody_is_deactivated(
    nights: Nights, users: list[Scripted], why: str
) -> None:
    """Two administrators are in neither list, and a student has left."""
    left = {**BY_ROLE, "students": collection([r for r in people() if r["role"] == "student"][1:])}

    with a_night(nights, {**routes(), **left, "users": users}) as (run, server):
        assert run.reading is not None
        assert (run.state, run.reading.scope) == (RunState.COMPLETED_WITH_ISSUES, Scope.DISTRICT)
        assert run.reading.scope_reason == (
            f"The whole district was read, from /students and /teachers and nothing else: {why}"
        )
        assert (run.counts.fetched, run.counts.unchanged, run.counts.changed) == (346, 46, 0)
        assert {"students", "teachers"} <= endpoints(server)

    assert active(nights) == 49
    ((code, message),) = issues(nights, run)
    assert code == "fetch_not_whole"
    assert message == (
        "Nobody was deactivated, because the fetch was not provably whole: The provider's lists of students and "
        "teachers were read, in which there are no administrators or others."
    )


@pytest.mark.parametrize("users", [*LACKING.values(), NOBODY_OF_SEVEN], ids=[*LACKING, "nobody of 7"])
def test_a_first_night_without_users_stores_students_and_teachers(users: list[Scripted]) -> None:
    first = Nights(district=settings(page_size=10), schools=[a_school(oneroster_id=MAPPED)])

    with a_night(first, {**routes(), **BY_ROLE, "users": users}) as (run, _):
        assert (run.state, run.counts.created) == (RunState.COMPLETED_WITH_ISSUES, 47)


def test_of_two_lists_by_role_the_one_that_is_offered_is_read(nights: Nights) -> None:
    only_students = {**routes(), "students": BY_ROLE["students"], "users": LACKING["404"]}

    with a_night(nights, only_students) as (run, _):
        assert run.reading is not None
        assert (run.state, run.counts.fetched, run.counts.changed) == (RunState.COMPLETED_WITH_ISSUES, 335, 0)
        assert "read, from /students and nothing else: " in run.reading.scope_reason

    assert active(nights) == 49


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, r"There is no /users of \S+ \(404\)\..* Ask the provider to offer /users to this consumer key\."),
        (501, r"There is no /users of \S+ \(501\)\..* Ask the provider to offer /users to this consumer key\."),
        (403, r"The consumer key may not read /users of \S+ \(403\)\..* Ask the provider to permit it to read .*\."),
    ],
)
def test_without_users_and_without_lists_by_role_the_run_says_what_is_missing(
    nights: Nights, status: int, told: str
) -> None:
    lacking = [Scripted({"imsx_CodeMinor": "unknownobject"}, status)]

    with a_night(nights, {**routes(), **dict.fromkeys(("users", "students", "teachers"), lacking)}) as (run, _):
        assert run.state is RunState.FAILED
        assert re.fullmatch(told, run.reason or "")

    assert active(nights) == 49


def test_announced_users_who_are_in_no_list_fail_the_run(nights: Nights) -> None:
    empty = [Scripted({"users": []}, headers={"X-Total-Count": "0"})]

    with a_night(nights, {**routes(), "users": NOBODY_OF_SEVEN, "students": empty, "teachers": empty}) as (run, _):
        assert (run.state, run.reason) == (
            RunState.FAILED,
            "The provider sent no users at all. Check in the SIS that it shares users with this system.",
        )


def test_a_list_by_role_that_breaks_off_fails_the_run(nights: Nights) -> None:
    broken = {**routes(), **BY_ROLE, "teachers": [Scripted(b"", 500)], "users": LACKING["404"]}

    with a_night(nights, broken) as (run, _):
        assert run.state is RunState.FAILED
        assert "failed to answer for /teachers (500)" in (run.reason or "")


def test_without_users_an_administrator_who_teaches_stays_one() -> None:
    """Of the two records of the person only the teacher's comes."""
    teaches, leads = (
        a_record(name, role=role, email="lee@example.org", familyName="Lee", orgs=[{"sourcedId": MAPPED}])
        for name, role in (("T-lee", "teacher"), ("A-lee", "administrator"))
    )
    district = Nights(district=settings(page_size=10), schools=[a_school(oneroster_id=MAPPED)])
    everybody = collection([*people(), teaches, leads])
    with a_night(district, {**routes(), "users": everybody}):
        before = district.user("T-lee")

    changed = collection([{**teaches, "phone": "555-0100"}])
    with a_night(district, {**routes(), **BY_ROLE, "teachers": changed, "users": LACKING["404"]}) as (run, _):
        assert run.counts.changed == 0

    assert district.user("T-lee") == before
    assert (before.role, before.sourced_ids) == ("administrator", ("A-lee", "T-lee"))


@pytest.mark.parametrize("orgs", [LACKING["404"], LACKING["501"], LACKING["403"]], ids=["404", "501", "403"])
def test_without_orgs_the_schools_are_read(nights: Nights, orgs: list[Scripted]) -> None:
    schools = collection(ORGS, wrapper="orgs")

    with a_night(nights, {**routes(), "orgs": orgs, "schools": schools}) as (run, server):
        assert run.reading is not None
        assert (run.state, run.reading.scope, run.counts.changed) == (RunState.COMPLETED, Scope.SCHOOLS, 0)
        assert {"orgs", "schools"} <= endpoints(server)


def test_an_empty_list_of_orgs_that_announces_some_is_replaced_by_the_schools(nights: Nights) -> None:
    empty = [Scripted({"orgs": []}, headers={"X-Total-Count": "2"})]

    with a_night(nights, {**routes(), "orgs": empty, "schools": collection(ORGS, wrapper="orgs")}) as (run, _):
        assert run.reading is not None
        assert (run.state, run.reading.scope) == (RunState.COMPLETED, Scope.SCHOOLS)


@pytest.mark.parametrize("orgs", [LACKING["404"], LACKING["501"]], ids=["404", "501"])
def test_a_mapped_org_that_is_no_school_is_no_unknown_one_where_only_schools_are_told(
    nights: Nights, orgs: list[Scripted]
) -> None:
    others = collection([org for org in ORGS if org["sourcedId"] != MAPPED], wrapper="orgs")

    with a_night(nights, {**routes(), "orgs": orgs, "schools": others}) as (run, _):
        assert run.reading is not None
        assert (run.state, run.reading.scope) == (RunState.COMPLETED, Scope.DISTRICT)
        assert (run.counts.fetched, run.counts.unchanged, run.counts.changed) == (350, 49, 0)

    assert issues(nights, run) == []


def test_a_mapped_org_that_is_neither_among_schools_nor_users_is_left_alone() -> None:
    """It may be of another type, or gone: nobody tells."""
    mapped = [a_school(oneroster_id=MAPPED), a_school(school_id="other", name="Other", oneroster_id=OTHER)]
    district = Nights(district=settings(page_size=10, deactivation_percent=100), schools=mapped)
    with a_night(district, routes()) as (run, _):
        assert run.counts.created == 350
    here = collection([record for record in people() if record["orgs"][0]["sourcedId"] == MAPPED])
    schools = collection(ORGS[:1], wrapper="orgs")

    with a_night(district, {**routes(), "orgs": LACKING["404"], "schools": schools, "users": here}) as (run, _):
        assert (run.state, run.counts.deactivated) == (RunState.COMPLETED_WITH_ISSUES, 0)

    ((code, message),) = issues(district, run)
    assert code == "school_unknown"
    assert message == (
        f'The provider sent nobody of a school with the OneRoster ID "{OTHER}", and does not tell whether it has one; '
        "the school's users were left as they are."
    )


@pytest.mark.parametrize("schools", [LACKING["404"], [Scripted(b"", 500)]], ids=["404", "500"])
def test_without_orgs_and_schools_the_whole_district_is_read(nights: Nights, schools: list[Scripted]) -> None:
    with a_night(nights, {**routes(), "orgs": LACKING["404"], "schools": schools}) as (run, _):
        assert run.reading is not None
        assert (run.state, run.reading.scope, run.counts.changed) == (RunState.COMPLETED, Scope.DISTRICT, 0)
        assert run.reading.scope_reason == (
            "The whole district was read: the provider does not tell which schools it has."
        )


def test_without_orgs_schools_and_users_there_is_one_sentence(nights: Nights) -> None:
    with a_night(nights, dict.fromkeys(("orgs", "schools", "users", "students", "teachers"), LACKING["404"])) as (
        run,
        _,
    ):
        assert run.state is RunState.FAILED
        assert re.fullmatch(r"There is no /users of \S+ \(404\)\. It says: .*\. Ask .*\.", run.reason or "")
