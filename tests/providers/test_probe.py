"""What Test Settings says of a provider, each finding shown by one that behaves so."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from functions.test_connection.app import PROVIDER_ERRORS
from roster_sync.domain.district import School
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.use_cases.probe.questions import FAR_BEYOND
from roster_sync.use_cases.probe.report import EndpointState, ProbeReport, Step, StepName
from roster_sync.use_cases.probe_provider import MOST_REQUESTS, probe_provider
from tests.providers.conftest import AT_ONCE
from tests.support.builders import a_probe_target, a_school
from tests.support.provider import KEY, SECRET, Scripted
from tests.support.roster_server import (
    Asked,
    Behaviour,
    Records,
    RosterServer,
    answer,
    links,
    with_headers,
    wrapper_of,
)

_CONDITION = re.compile(r"(\w+)([=>])'([^']*)'")

USERS = [
    {
        "sourcedId": f"U-{number:03}",
        "role": "teacher" if number % 10 == 9 else "student",
        "dateLastModified": f"2026-01-{number % 28 + 1:02}T00:00:00.000Z",
        "metadata": {"counselor": "edna.krabappel@school.example.org"},
    }
    for number in range(60)
]
ORGS = [
    {"sourcedId": "org-0", "name": "Springfield", "type": "district"},
    {"sourcedId": "org-1", "name": "Springfield Elementary", "type": "school", "identifier": "42"},
]
OTHERS = ["schools/org-1/students", "schools/org-1/teachers", "students", "teachers", "schools"]
OTHERS += ["academicSessions", "classes", "courses", "enrollments"]


def good(asked: Asked) -> Scripted:
    """Everything that is asked for is honoured."""
    parameters, records = asked.parameters, list(asked.records)
    if "filter" in parameters:
        condition = _CONDITION.fullmatch(parameters["filter"])
        assert condition is not None
        name, operator, value = condition.groups()
        records = [
            record
            for record in records
            if (str(record[name]) > value if operator == ">" else str(record[name]) == value)
        ]
    if "sort" in parameters:
        records.sort(key=lambda record: str(record["sourcedId"]), reverse=parameters["orderBy"] == "desc")
    page = records[asked.offset : asked.offset + asked.limit]
    return answer(asked, page, total=len(records), links=links(replace(asked, records=records)))


def without(*names: str, endpoint: str = "users") -> Behaviour:
    """Some parameters are ignored."""

    def behave(asked: Asked) -> Scripted:
        if asked.endpoint != endpoint:
            return good(asked)
        kept = {name: value for name, value in asked.parameters.items() if name not in names}
        return good(replace(asked, parameters=kept))

    return behave


def offset_as(meaning: Callable[[int, int], int]) -> Behaviour:
    """The offset means something else; given offset and limit."""

    def behave(asked: Asked) -> Scripted:
        meant = meaning(asked.offset, asked.limit)
        return good(replace(asked, parameters={**asked.parameters, "offset": str(meant)}))

    return behave


def if_asked(applies: Callable[[Asked], bool], scripted: Scripted) -> Behaviour:
    """One answer to some requests."""
    return lambda asked: scripted if applies(asked) else good(asked)


def with_total(total: int | None) -> Behaviour:
    """Another total, or none, and no links."""
    headers = {} if total is None else {"X-Total-Count": str(total)}
    return lambda asked: replace(good(asked), headers=headers)


def capped(at: int) -> Behaviour:
    """No page has more."""
    return lambda asked: good(replace(asked, parameters={**asked.parameters, "limit": str(min(at, asked.limit))}))


def probed(
    behaviour: Behaviour = good,
    *,
    users: Records = USERS,
    orgs: Records = ORGS,
    others: Mapping[str, Records] = dict.fromkeys(OTHERS, USERS[:7]),
    schools: Sequence[School] = (a_school(),),
    page_size: int = 40,
) -> tuple[ProbeReport, RosterServer]:
    """The report, and the provider with what it was asked."""
    with RosterServer({"orgs": orgs, "users": users, **others}, behaviour) as server:
        client = OneRosterClient(
            server.base_url, KEY, SECRET, allow_local=True, page_size=page_size, parallel=3, retry=AT_ONCE
        )
        with closing(client):
            report = probe_provider(
                a_probe_target(base_url=server.base_url, page_size=page_size, parallel_requests=3),
                schools,
                lambda _: client,
                errors=PROVIDER_ERRORS,
                deadline_s=20,
                monotonic=time.monotonic,
            )
        return report, server


def step(name: StepName, behaviour: Behaviour = good, **arguments: Any) -> Step:
    """What is said of one step."""
    report, _ = probed(behaviour, **arguments)
    return next(found for found in report.steps if found.name is name)


def test_a_provider_that_honours_everything_passes_every_step() -> None:
    report, server = probed()

    assert {found.name: found.ok for found in report.steps} == dict.fromkeys(StepName, True) | {StepName.TLS: None}
    assert (report.ok, report.sorting, report.filters, report.delta) == (True, True, True, True)
    assert {found.state for found in report.endpoints} == {EndpointState.AVAILABLE}
    assert report.requests == len(server.seen) < 25


def test_the_way_to_sign_in_is_told_in_words() -> None:
    assert step(StepName.SIGNATURE).message == "Signed in by OAuth 1.0a with HMAC-SHA256."


def test_nothing_is_asked_for_twice_and_nothing_with_a_limit_of_zero() -> None:
    _, server = probed()

    asked = [(seen.endpoint, tuple(sorted(seen.parameters.items()))) for seen in server.seen]
    assert len(set(asked)) == len(asked)
    assert all(int(seen.parameters["limit"]) > 0 for seen in server.seen)


@pytest.mark.parametrize(
    ("meaning", "ok", "said"),
    [
        (lambda offset, _: max(0, offset - 1), None, "counts the parameter offset from 1"),
        (lambda *_: 0, False, "gives the same page of /users again and again"),
        (lambda offset, limit: offset - offset % limit, None, "rounds the parameter offset to multiples of the limit"),
        (lambda offset, limit: offset * limit, False, "takes the parameter offset for the number of a page"),
        (
            lambda offset, limit: max(0, offset - 1) * limit,
            False,
            "takes the parameter offset for the number of a page",
        ),
        (lambda offset, _: offset * 11, None, "begins with another user"),
    ],
    ids=["from 1", "ignored", "rounded", "pages from 0", "pages from 1", "unstable"],
)
def test_what_an_offset_means_to_the_provider(meaning: Callable[[int, int], int], ok: bool | None, said: str) -> None:
    found = step(StepName.OFFSET, offset_as(meaning))

    assert found.ok is ok
    assert said in found.message
    assert found.remedy is not None


def test_an_offset_that_is_ignored_matters_not_if_all_users_come_at_once() -> None:
    assert step(StepName.OFFSET, without("offset"), page_size=100).ok is None
    assert step(StepName.OFFSET, without("offset", "limit")).ok is None


def test_of_too_few_users_no_offset_can_be_told() -> None:
    assert step(StepName.OFFSET, users=USERS[:5]).message == "Not tried: there are too few users to tell."


def test_an_offset_that_is_refused_is_told_with_the_providers_words() -> None:
    refused = Scripted({"imsx_description": "Steps of limit only"}, 400)

    found = step(StepName.OFFSET, if_asked(lambda asked: asked.offset == 5, refused))

    assert found.ok is None
    assert "Steps of limit only" in found.message


def test_a_cap_is_told_with_its_number() -> None:
    report, server = probed(capped(25))

    [found] = [found for found in report.steps if found.name is StepName.PAGE_SIZE]
    assert (found.ok, report.page_cap) == (True, 25)
    assert "At most 25 users come at once, though 40 were asked for" in found.message
    assert [seen for seen in server.requests_of("users") if seen.parameters["limit"] == "40"][1:] == []


def test_a_cap_above_the_sample_is_found_by_one_page_as_nights_ask_for_it() -> None:
    users = [{**USERS[0], "sourcedId": f"U-{number:04}"} for number in range(700)]

    report, server = probed(capped(250), users=users, page_size=500)

    assert report.page_cap == 250
    assert [seen.parameters["limit"] for seen in server.requests_of("users")].count("500") == 1


def test_a_page_that_comes_whole_has_no_cap() -> None:
    users = [{**USERS[0], "sourcedId": f"U-{number:04}"} for number in range(700)]

    report, _ = probed(users=users, page_size=500)

    assert report.page_cap is None
    assert "Pages of 500 users come whole." in [found.message for found in report.steps]


def test_a_page_that_is_too_large_for_the_provider_is_no_failure_of_the_test() -> None:
    users = [{**USERS[0], "sourcedId": f"U-{number:04}"} for number in range(700)]
    behaviour = if_asked(lambda asked: asked.limit > 300 and asked.endpoint == "users", Scripted(b"", 504))

    report, _ = probed(behaviour, users=users, page_size=500)

    [found] = [found for found in report.steps if found.name is StepName.PAGE_SIZE]
    assert report.ok
    assert (found.ok, "smaller page size" in (found.remedy or "")) == (None, True)


def test_a_limit_that_is_ignored_is_told() -> None:
    found = step(StepName.PAGE_SIZE, without("limit"), users=[*USERS, *({"sourcedId": f"V-{n}"} for n in range(99))])

    assert found.message == "100 users came, though 40 were asked for."


@pytest.mark.parametrize(
    ("total", "ok", "said"),
    [
        (None, None, "does not say how many users there are"),
        (0, None, "announces 0 users, and gave 40"),
        (45, None, "announces 45 users, and gives more behind them"),
        (60, True, "60 users are announced"),
    ],
    ids=["none", "zero", "too low", "right"],
)
def test_a_total_is_compared_with_what_comes(total: int | None, ok: bool | None, said: str) -> None:
    found = step(StepName.TOTAL, with_total(total))

    assert found.ok is ok
    assert said in found.message


def test_of_an_offset_that_is_ignored_the_total_is_not_to_blame() -> None:
    assert step(StepName.TOTAL, offset_as(lambda *_: 0)).ok


def test_links_are_told() -> None:
    assert step(StepName.LINKS).ok
    assert "do not link" in step(StepName.LINKS, with_total(60)).message
    assert "Not needed" in step(StepName.LINKS, users=USERS[:10]).message


@pytest.mark.parametrize("status", [400, 404, 500])
def test_an_error_behind_the_last_user_is_told(status: int) -> None:
    behaviour = if_asked(lambda asked: asked.offset >= 60, Scripted(b"", status))

    found = step(StepName.BEYOND, behaviour)

    assert found.ok is None
    assert "comes an error instead of an empty page" in found.message


def test_without_a_total_it_is_asked_far_behind_the_last_user() -> None:
    report, server = probed(with_total(None))

    assert str(FAR_BEYOND) in {seen.parameters["offset"] for seen in server.requests_of("users")}
    assert "Behind the last user comes an empty page." in [found.message for found in report.steps]


def test_users_far_behind_the_last_one_are_told() -> None:
    behaviour = offset_as(lambda offset, _: 0 if offset >= FAR_BEYOND else offset)

    found = step(StepName.BEYOND, lambda asked: replace(behaviour(asked), headers={}))

    assert found.message == "Behind any number of users more users come."


def test_a_provider_that_refuses_an_offset_of_0_is_asked_from_1() -> None:
    from_one = offset_as(lambda offset, _: offset - 1)

    report, _ = probed(lambda asked: Scripted(b"", 400) if asked.offset == 0 else from_one(asked))

    assert step_of(report, StepName.OFFSET).message == "The provider counts the parameter offset from 1, not from 0."
    assert (report.ok, report.total_users) == (True, 60)
    assert (report.sorting, report.filters, report.delta) == (True, True, True)
    assert {found.state for found in report.endpoints} == {EndpointState.AVAILABLE}


def test_the_last_user_is_not_behind_the_end_where_offsets_count_from_1() -> None:
    found = step(StepName.BEYOND, offset_as(lambda offset, _: max(0, offset - 1)))

    assert found.ok


def refusing(parameter: str) -> Behaviour:
    """400 to every request with the parameter."""
    return if_asked(lambda asked: parameter in asked.parameters, Scripted({"imsx_description": "Unsupported"}, 400))


@pytest.mark.parametrize(
    ("behaviour", "said"), [(without("sort", "orderBy"), "ignores"), (refusing("sort"), "refuses to sort")]
)
def test_sorting_that_is_not_honoured_is_a_note(behaviour: Behaviour, said: str) -> None:
    report, _ = probed(behaviour)

    [found] = [found for found in report.steps if found.name is StepName.SORTING]
    assert (report.ok, report.sorting, found.ok) == (True, False, None)
    assert said in found.message


def nobody(condition: str) -> Behaviour:
    """Nobody comes if the filter begins so."""
    return if_asked(
        lambda asked: asked.parameters.get("filter", "").startswith(condition),
        Scripted({"users": []}, headers={"X-Total-Count": "0"}),
    )


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (without("filter"), "ignores filters"),
        (refusing("filter"), "refuses filters"),
        (nobody("role"), "no user of role teacher came, though there are some"),
    ],
)
def test_filters_that_are_not_honoured_are_a_note(behaviour: Behaviour, said: str) -> None:
    report, _ = probed(behaviour)

    [found] = [found for found in report.steps if found.name is StepName.FILTERS]
    assert (report.ok, report.filters, found.ok) == (True, False, None)
    assert said in found.message


def some_since(condition: str) -> Behaviour:
    """Only half of the users have a date that can be compared."""

    def behave(asked: Asked) -> Scripted:
        if asked.parameters.get("filter", "").startswith(condition):
            return good(replace(asked, records=asked.records[:30]))
        return good(asked)

    return behave


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (without("filter"), "changed in the future"),
        (refusing("filter"), "refuses a filter by dateLastModified"),
        (nobody("dateLastModified"), "no user has changed since 1970"),
        (some_since("dateLastModified"), "30 of 60 users have changed since 1970"),
        (with_total(None), "Without a total nothing proves"),
        (with_total(60), "changed in the future"),
    ],
)
def test_a_delta_is_honoured_only_if_nobody_changed_in_the_future_and_all_once(behaviour: Behaviour, said: str) -> None:
    report, _ = probed(behaviour)

    [found] = [found for found in report.steps if found.name is StepName.DELTA]
    assert (report.ok, report.delta, found.ok) == (True, False, None)
    assert said in found.message


@pytest.mark.parametrize(
    ("scripted", "state"),
    [
        (Scripted(b"", 403), EndpointState.NOT_SUBSCRIBED),
        (Scripted(b"", 404), EndpointState.MISSING),
        (Scripted(b"", 501), EndpointState.MISSING),
        (Scripted({"courses": []}), EndpointState.EMPTY),
        (Scripted(b"", 500), EndpointState.FAILED),
        (Scripted(b"<html>Hello"), EndpointState.FAILED),
    ],
    ids=["403", "404", "501", "empty", "500", "web page"],
)
def test_an_endpoint_that_the_sync_does_without_is_a_note_with_the_fix(
    scripted: Scripted, state: EndpointState
) -> None:
    report, server = probed(if_asked(lambda asked: asked.endpoint == "courses", scripted))

    [courses] = [found for found in report.endpoints if found.endpoint == "/courses"]
    [summary] = [found for found in report.steps if found.name is StepName.ENDPOINTS]
    assert (report.ok, courses.state, summary.ok) == (True, state, None)
    assert courses.remedy is not None
    assert f"{state}: /courses" in summary.message
    assert len(server.requests_of("courses")) == 1


def test_each_endpoint_is_asked_for_once_but_demographics_never() -> None:
    _, server = probed()

    asked = [seen.endpoint for seen in server.seen if seen.endpoint not in ("orgs", "users")]
    assert sorted(asked) == sorted(OTHERS)


@pytest.mark.parametrize("sourced_id", ["..", "../../admin"])
def test_an_id_that_would_lead_elsewhere_is_no_part_of_a_path(sourced_id: str) -> None:
    orgs = [{"sourcedId": sourced_id, "type": "school"}, *ORGS]

    _, server = probed(schools=[a_school(oneroster_id=SourcedId(sourced_id))], orgs=orgs)

    assert sorted({seen.endpoint for seen in server.seen}) == sorted({*OTHERS, "orgs", "users"})


def test_the_endpoints_are_asked_for_also_if_users_cannot_be_read() -> None:
    report, _ = probed(if_asked(lambda asked: asked.endpoint == "users", Scripted(b"", 500)))

    assert not report.ok
    assert {found.state for found in report.endpoints} == {EndpointState.AVAILABLE}
    assert step_of(report, StepName.DELTA).message == "Not tried, because no users could be read."


def step_of(report: ProbeReport, name: StepName) -> Step:
    return next(found for found in report.steps if found.name is name)


STUDENTS = [user for user in USERS if user["role"] == "student"]
TEACHERS = [user for user in USERS if user["role"] == "teacher"]
BY_ROLE: dict[str, Records] = {**dict.fromkeys(OTHERS, USERS[:7]), "students": STUDENTS, "teachers": TEACHERS}
SCHOOLS: dict[str, Records] = {**dict.fromkeys(OTHERS, USERS[:7]), "schools": ORGS[1:]}
LACKING = {
    "404": Scripted({"imsx_CodeMinor": "unknownobject"}, 404),
    "501": Scripted(b"", 501),
    "403": Scripted({"imsx_CodeMinor": "forbidden"}, 403),
    "none of seven": Scripted({}, headers={"X-Total-Count": "7"}),
}


def lacking(scripted: Scripted, *endpoints: str) -> Behaviour:
    """Some endpoints are not to be had."""

    def behave(asked: Asked) -> Scripted:
        if asked.endpoint not in endpoints:
            return good(asked)
        return replace(scripted, content=scripted.content or {wrapper_of(asked.endpoint): []})

    return behave


@pytest.mark.parametrize("scripted", LACKING.values(), ids=list(LACKING))
def test_without_users_students_and_teachers_are_tested_as_the_night_reads_them(scripted: Scripted) -> None:
    report, server = probed(lacking(scripted, "users"), others=BY_ROLE)

    found = step_of(report, StepName.USERS)
    assert (report.ok, found.ok) == (True, None)
    assert found.message.endswith(
        " The sync reads /students and /teachers instead: no administrators or others come, and nobody is deactivated "
        "for being absent. 46 of 60 users were read as a sample."
    )
    assert "/users" in found.message.partition(" The sync reads")[0]
    assert found.remedy == "Ask the provider to let this consumer key read /users."
    assert (report.total_users, report.sampled_users, report.roles) == (60, 46, {"student": 40, "teacher": 6})
    assert report.metadata_keys == {"counselor": 46}
    assert len(server.requests_of("users")) == 1
    assert len(server.seen) < 25


def test_without_users_pages_are_tested_by_the_students() -> None:
    report, server = probed(lacking(LACKING["404"], "users"), others=BY_ROLE)

    said = {found.name: (found.ok, found.message) for found in report.steps}
    assert said[StepName.OFFSET][0]
    assert said[StepName.TOTAL] == (True, "54 students are announced, and no more came.")
    assert said[StepName.PAGE_SIZE] == (True, "Pages of 40 students come whole.")
    assert said[StepName.BEYOND][0]
    assert said[StepName.SORTING] == (True, "Users can be sorted by sourcedId.")
    assert said[StepName.FILTERS][0] is None
    assert said[StepName.DELTA] == (None, "Where /users is lacking, changes alone cannot be asked for.")
    assert (report.filters, report.delta) == (None, False)
    assert {found.state for found in report.endpoints} == {EndpointState.AVAILABLE}
    assert [seen for seen in server.seen if "filter" in seen.parameters] == []


def test_a_page_that_comes_again_and_again_hinders_also_in_the_list_of_students() -> None:
    def behave(asked: Asked) -> Scripted:
        return lacking(LACKING["404"], "users")(asked) if asked.endpoint == "users" else offset_as(lambda *_: 0)(asked)

    found = step(StepName.OFFSET, behave, others=BY_ROLE)

    assert found.ok is False
    assert found.message.endswith("gives the same page of /students again and again.")


def test_of_two_lists_by_role_the_one_that_is_offered_is_tested() -> None:
    report, server = probed(lacking(LACKING["501"], "users", "students"), others=BY_ROLE)

    assert report.ok
    assert "The sync reads /teachers instead: no students, administrators or others come" in (
        step_of(report, StepName.USERS).message
    )
    assert (report.total_users, report.roles) == (6, {"teacher": 6})
    assert len(server.requests_of("students")) == 1
    [students] = [found for found in report.endpoints if found.endpoint == "/students"]
    assert students.state is EndpointState.MISSING


@pytest.mark.parametrize("status", [404, 501, 403])
def test_without_any_list_of_users_the_step_fails_with_what_is_the_matter_with_users(status: int) -> None:
    report, _ = probed(lacking(Scripted({"imsx_description": "Closed"}, status), "users", "students", "teachers"))

    found = step_of(report, StepName.USERS)
    assert (report.ok, found.ok) == (False, False)
    assert re.fullmatch(rf'.* /users of \S+ \({status}\). It says: "Closed".', found.message)


def test_announced_users_who_are_in_no_list_are_none() -> None:
    report, _ = probed(lacking(LACKING["none of seven"], "users", "students", "teachers"))

    found = step_of(report, StepName.USERS)
    assert (found.ok, found.message) == (False, "The provider sent no users at all.")


def test_a_list_by_role_that_breaks_off_fails_the_step() -> None:
    def behave(asked: Asked) -> Scripted:
        return Scripted(b"", 500) if asked.endpoint == "teachers" else lacking(LACKING["404"], "users")(asked)

    found = step(StepName.USERS, behave, others=BY_ROLE)

    assert found.ok is False
    assert "failed to answer for /teachers (500)" in found.message


@pytest.mark.parametrize("scripted", LACKING.values(), ids=list(LACKING))
def test_without_orgs_the_schools_are_tested_as_the_night_reads_them(scripted: Scripted) -> None:
    report, server = probed(lacking(scripted, "orgs"), others=SCHOOLS)

    found = step_of(report, StepName.ORGS)
    assert (report.ok, found.ok) == (True, None)
    assert found.message.endswith(" The sync reads /schools instead. 1 school was read.")
    assert "/orgs" in found.message.partition(" The sync reads")[0]
    assert found.remedy == "Ask the provider to let this consumer key read /orgs."
    assert step_of(report, StepName.SCHOOLS).message == "The OneRoster IDs of all 1 schools exist."
    assert [school.sourced_id for school in report.schools] == ["org-1"]
    assert [count.school_id for count in report.students_of_schools] == ["elementary"]
    # The page, and once behind it.
    assert [len(server.requests_of(name)) for name in ("orgs", "schools")] == [1, 2]


def test_what_schools_holds_is_a_school_without_a_type_too() -> None:
    others = {
        **SCHOOLS,
        "schools": [{"sourcedId": "org-1", "name": "Elementary"}, {"sourcedId": "org-2", "type": "K-8"}],
    }

    report, _ = probed(lacking(LACKING["404"], "orgs"), others=others)

    assert [(school.sourced_id, school.type) for school in report.schools] == [("org-1", "school"), ("org-2", "K-8")]


def test_an_id_that_is_not_among_the_schools_may_be_that_of_an_org_of_another_type() -> None:
    district = a_school(school_id=SchoolId("all"), name="Springfield", oneroster_id=SourcedId("org-0"))

    report, _ = probed(lacking(LACKING["404"], "orgs"), others=SCHOOLS, schools=[a_school(), district])

    found = step_of(report, StepName.SCHOOLS)
    assert (report.ok, found.ok, report.unknown_schools) == (True, None, [])
    assert found.message.startswith("/schools has no OneRoster ID of Springfield: it is that of an org of another type")
    assert found.remedy is not None


@pytest.mark.parametrize(
    "schools",
    [LACKING["404"], LACKING["none of seven"], Scripted({"orgs": []}), Scripted(b"", 500)],
    ids=["404", "none of seven", "empty", "500"],
)
def test_without_orgs_and_schools_the_sync_goes_on_and_the_note_says_what_that_means(schools: Scripted) -> None:
    def behave(asked: Asked) -> Scripted:
        return (
            lacking(schools, "schools")(asked)
            if asked.endpoint == "schools"
            else lacking(LACKING["404"], "orgs")(asked)
        )

    report, server = probed(behave)

    orgs, schools_found = step_of(report, StepName.ORGS), step_of(report, StepName.SCHOOLS)
    assert (report.ok, orgs.ok, schools_found.ok) == (True, None, None)
    assert orgs.message.endswith(
        " Nor is /schools to be had: the sync does without, and takes a OneRoster ID for wrong only if no user is of "
        "that school."
    )
    assert schools_found.message == "Not known, because the provider does not tell which schools it has."
    assert len(server.requests_of("orgs")) == 1


def test_a_wrong_path_fails_both_steps() -> None:
    report, server = probed(lambda _: Scripted(b"<html>Not Found", 404))

    assert [step_of(report, name).ok for name in (StepName.ORGS, StepName.USERS)] == [False, False]
    assert "Check the path of the base URL" in (step_of(report, StepName.ORGS).remedy or "")
    assert len(server.seen) < 20


def test_students_of_configured_schools_are_counted_where_totals_come() -> None:
    high = a_school(school_id=SchoolId("high"), oneroster_id=SourcedId("org-0"))
    others = {**dict.fromkeys(OTHERS, USERS[:7]), "schools/org-0/students": USERS[:3]}

    report, _ = probed(schools=[a_school(), high], others=others)

    assert [(count.school_id, count.students) for count in report.students_of_schools] == [
        ("elementary", 7),
        ("high", 3),
    ]


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(3, "3 minutes ahead of ours"), (-2, "2 minutes behind ours"), (1.2, "1 minute ahead of ours")],
)
def test_a_clock_that_differs_is_a_note_that_says_by_how_much(minutes: float, said: str) -> None:
    def behave(asked: Asked) -> Scripted:
        return with_headers(good(asked), Date=format_datetime(datetime.now(UTC) + timedelta(minutes=minutes)))

    found = step(StepName.CLOCK, behave)

    assert (found.ok, said in found.message) == (None, True)
    assert found.remedy == "Ask the provider to set its server's clock."


def test_a_clock_that_refuses_our_signatures_is_told_with_the_refusal() -> None:
    late = Scripted(b"", 401, {"Date": format_datetime(datetime.now(UTC) - timedelta(minutes=12))})

    report, server = probed(lambda _: late)

    assert "its clock is 12 minutes behind ours" in step_of(report, StepName.SIGNATURE).message
    assert "12 minutes behind ours" in step_of(report, StepName.CLOCK).message
    assert len(server.seen) == 1


def test_a_provider_that_asks_for_a_pause_is_asked_nothing_more() -> None:
    report, server = probed(
        if_asked(lambda asked: asked.endpoint not in ("orgs", "users") or asked.limit < 10, Scripted(b"", 429))
    )

    assert report.ok
    # As many as were under way at once.
    assert len([seen for seen in server.seen if seen.endpoint != "orgs" and int(seen.parameters["limit"]) < 10]) <= 3
    assert "Not tried, because the provider gets too many requests." in {found.message for found in report.steps}


def endless_and_weak() -> Behaviour:
    """New orgs, page after page, each at the second attempt only."""
    attempted: set[int] = set()

    def behave(asked: Asked) -> Scripted:
        if asked.endpoint != "orgs":
            return good(asked)
        if asked.offset not in attempted:
            attempted.add(asked.offset)
            return Scripted(b"", 503)
        numbers = range(asked.offset, asked.offset + asked.limit)
        return answer(asked, [{"sourcedId": f"{n}", "type": "school"} for n in numbers], total=1_000_000)

    return behave


def test_the_number_of_requests_is_bounded_where_schools_students_and_teachers_are_read_instead() -> None:
    attempted: set[tuple[str, int]] = set()

    def behave(asked: Asked) -> Scripted:
        if asked.endpoint in ("orgs", "users"):
            return LACKING["404"]
        if (asked.endpoint, asked.offset) not in attempted:
            attempted.add((asked.endpoint, asked.offset))
            return Scripted(b"", 503)
        ids = [{"sourcedId": f"{number}"} for number in range(asked.offset, asked.offset + asked.limit)]
        return answer(asked, ids, total=None if asked.endpoint != "schools" else 1_000_000)

    report, server = probed(behave, others=dict.fromkeys(OTHERS, USERS[:7]))

    assert report.ok
    assert 30 < len(server.seen) <= MOST_REQUESTS


def test_the_number_of_requests_is_bounded() -> None:
    report, server = probed(endless_and_weak())

    assert len(server.requests_of("orgs")) < 40 < len(server.seen)
    assert len(server.seen) <= MOST_REQUESTS
    assert step_of(report, StepName.ORGS).message.startswith("The first ")


NOTED: dict[str, tuple[Behaviour, dict[str, Any]]] = {
    "no total, no links": (with_total(None), {}),
    "total too low": (with_total(45), {}),
    "no links": (with_total(60), {}),
    "few users": (good, {"users": USERS[:1]}),
    "one page": (good, {"users": USERS[:10]}),
    "offset ignored, one page": (without("offset"), {"page_size": 100}),
    "limit and offset ignored": (without("offset", "limit"), {}),
    "offset from 1": (offset_as(lambda offset, _: max(0, offset - 1)), {}),
    "sort ignored": (without("sort", "orderBy"), {}),
    "sort refused": (refusing("sort"), {}),
    "filter ignored": (without("filter"), {}),
    "filter refused": (refusing("filter"), {}),
    "nobody of a role": (nobody("role"), {}),
    "nobody since a date": (nobody("dateLastModified"), {}),
    "some since a date": (some_since("dateLastModified"), {}),
    "errors behind the end": (if_asked(lambda asked: asked.offset >= 60, Scripted(b"", 500)), {}),
    "no other endpoint": (if_asked(lambda asked: asked.endpoint not in ("orgs", "users"), Scripted(b"", 404)), {}),
    "few requests at a time": (if_asked(lambda asked: 0 < asked.limit < 10, Scripted(b"", 429)), {}),
    "no clock": (lambda asked: with_headers(good(asked), Date=""), {}),
    "endless orgs": (endless_and_weak(), {}),
    "no users": (lacking(LACKING["404"], "users"), {"others": BY_ROLE}),
    "no orgs": (lacking(LACKING["404"], "orgs"), {"others": SCHOOLS}),
    "neither orgs nor schools": (lacking(LACKING["501"], "orgs", "schools"), {}),
}


@pytest.mark.parametrize(("behaviour", "arguments"), NOTED.values(), ids=list(NOTED))
def test_every_note_says_what_to_do(behaviour: Behaviour, arguments: dict[str, Any]) -> None:
    report, _ = probed(behaviour, **arguments)

    notes = [found for found in report.steps if found.ok is None and found.name is not StepName.TLS]
    assert report.ok
    assert notes
    assert [(found.name, found.message) for found in notes if not found.remedy] == []
