"""Nights of a district that has mapped one of its provider's schools."""

from collections.abc import Sequence
from typing import Any

import pytest

from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.domain.fetch_plan import SchoolLists, Scope
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.run import Run, RunState
from tests.support.builders import DISTRICT, a_school, settings
from tests.support.nights import FakeProvider, Nights, a_record

ORGS = [{"sourcedId": "org-1", "type": "school"}, {"sourcedId": "org-2", "type": " School "}]
THERE = [{"sourcedId": "org-2"}]
EVERYBODY: list[dict[str, Any]] = [
    a_record("S-1"),
    a_record("S-2"),
    a_record("S-3"),
    a_record("T-1", role="teacher"),
    a_record("A-1", role="administrator"),
    a_record("S-9", orgs=THERE),
    a_record("T-9", role="teacher", orgs=[*THERE, {"sourcedId": "org-1"}]),
    a_record("A-9", role="administrator", orgs=THERE),
]
BY_SCHOOL = ["orgs", "schools/org-1/students", "schools/org-1/teachers", "users?role='administrator'"]


def provider(users: Sequence[dict[str, Any]] = EVERYBODY, **lists: Sequence[object] | Exception) -> FakeProvider:
    """A provider of two schools; `students`, `teachers` and `administrators` replace what its lists hold."""
    names = {
        "students": "schools/org-1/students",
        "teachers": "schools/org-1/teachers",
        "administrators": "users?role='administrator'",
    }
    return FakeProvider(users, orgs=ORGS, lists={names[name]: records for name, records in lists.items()})


def after_a_night() -> Nights:
    """The district when its first night is over, which reads everybody."""
    nights = Nights(district=settings(deactivation_percent=100))
    first = nights.run(provider=provider())
    assert shown(first) == (RunState.COMPLETED, Scope.DISTRICT, SchoolLists.UNTRIED)
    return nights


def shown(run: Run) -> tuple[RunState, Scope, SchoolLists]:
    assert run.reading is not None
    return run.state, run.reading.scope, run.reading.school_lists


def active(nights: Nights) -> set[str]:
    return {user.sourced_ids[0] for user in nights.users.all(DISTRICT) if user.active}


def without(*sourced_ids: str) -> list[dict[str, Any]]:
    return [record for record in EVERYBODY if record["sourcedId"] not in sourced_ids]


def test_the_second_night_reads_the_mapped_school_alone_and_changes_nothing() -> None:
    nights = after_a_night()
    second = provider()

    run = nights.run(provider=second)

    assert second.asked == BY_SCHOOL
    assert shown(run) == (RunState.COMPLETED, Scope.SCHOOLS, SchoolLists.COMPLETE)
    assert (run.counts.fetched, run.counts.unchanged, run.counts.changed) == (7, 6, 0)


def test_who_leaves_a_school_whose_lists_are_complete_is_deactivated() -> None:
    nights = after_a_night()
    nights.run(provider=provider())
    third = provider(without("S-1"))

    run = nights.run(provider=third)

    assert third.asked == BY_SCHOOL
    assert (run.state, run.counts.deactivated) == (RunState.COMPLETED, 1)
    assert active(nights) == {"S-2", "S-3", "T-1", "T-9", "A-1"}


def test_who_is_missing_from_untried_lists_is_looked_for_in_the_whole_district() -> None:
    nights = after_a_night()
    second = provider(without("S-1"))

    run = nights.run(provider=second)

    assert second.asked == [*BY_SCHOOL, "users"]
    assert shown(run) == (RunState.COMPLETED, Scope.DISTRICT, SchoolLists.COMPLETE)
    assert (run.counts.fetched, run.counts.deactivated) == (7, 1)


def test_lists_that_lack_somebody_deactivate_nobody_and_are_not_read_again() -> None:
    """Some providers list only students with a current class, or teachers with a section."""
    nights = after_a_night()

    run = nights.run(provider=provider(students=[a_record("S-1"), a_record("S-2")]))
    next_night = provider(students=[a_record("S-1"), a_record("S-2")])
    following = nights.run(provider=next_night)

    assert shown(run) == (RunState.COMPLETED, Scope.DISTRICT, SchoolLists.INCOMPLETE)
    assert shown(following) == (RunState.COMPLETED, Scope.DISTRICT, SchoolLists.INCOMPLETE)
    assert next_night.asked == ["orgs", "users"]
    assert active(nights) == {"S-1", "S-2", "S-3", "T-1", "T-9", "A-1"}


def test_somebody_new_whom_only_the_whole_district_has_shows_that_lists_are_incomplete() -> None:
    nights = after_a_night()
    users = [*without("S-1"), a_record("S-new")]

    run = nights.run(provider=provider(users, students=[a_record("S-2"), a_record("S-3")]))

    assert shown(run) == (RunState.COMPLETED, Scope.DISTRICT, SchoolLists.INCOMPLETE)
    assert "S-new" in active(nights)


@pytest.mark.parametrize("name", ["students", "teachers", "administrators"])
@pytest.mark.parametrize(
    "lacking", [ConfigurationError("There is no such endpoint (404). Ask for it."), []], ids=["refused", "empty"]
)
def test_a_list_that_is_refused_or_empty_is_replaced_by_the_whole_district(
    name: str, lacking: Sequence[object] | Exception
) -> None:
    nights = after_a_night()
    lists = {name: lacking}
    second = provider(EVERYBODY, **lists)

    run = nights.run(provider=second)

    assert second.asked[-1] == "users"
    assert shown(run) == (RunState.COMPLETED, Scope.DISTRICT, SchoolLists.INCOMPLETE)
    assert (run.counts.fetched, run.counts.unchanged, run.counts.changed) == (8, 6, 0)


def test_a_filter_by_role_that_is_ignored_is_replaced_by_the_whole_district() -> None:
    nights = after_a_night()

    run = nights.run(provider=provider(administrators=EVERYBODY))

    assert shown(run) == (RunState.COMPLETED, Scope.DISTRICT, SchoolLists.INCOMPLETE)
    assert run.reading is not None
    assert "users of other roles for /users with role='administrator'" in run.reading.scope_reason


def test_who_left_while_a_list_was_read_anew_is_forgotten() -> None:
    nights = after_a_night()
    nights.run(provider=provider())
    left = [record for record in EVERYBODY if record["sourcedId"] == "A-1"]

    run = nights.run(provider=FakeProvider(without("A-1"), orgs=ORGS, earlier=left))

    assert shown(run) == (RunState.COMPLETED, Scope.SCHOOLS, SchoolLists.COMPLETE)
    assert (run.counts.deactivated, "A-1" in active(nights)) == (1, False)


def test_an_outage_of_one_list_fails_the_run() -> None:
    nights = after_a_night()

    run = nights.run(provider=provider(teachers=TransientError("It is down. Try later.")))

    assert (run.state, run.reason) == (RunState.FAILED, "It is down. Try later.")


def test_one_list_that_is_not_whole_deactivates_nobody() -> None:
    class Drifting(FakeProvider):
        """One that cannot vouch for its list of teachers."""

        def proof(self, distinct: int) -> FetchProof:
            if self.asked[-1] == "schools/org-1/teachers":
                return FetchProof(False, "The total changed.", 3, distinct)
            return super().proof(distinct)

    nights = after_a_night()
    nights.run(provider=provider())

    run = nights.run(provider=Drifting(without("S-1"), orgs=ORGS))

    assert (run.state, run.counts.deactivated) == (RunState.COMPLETED_WITH_ISSUES, 0)
    (issue,) = nights.runs.issues(DISTRICT, run.run_id, run.attempt)[0]
    assert issue.message.endswith("not provably whole: /schools/org-1/teachers: The total changed.")
    assert "S-1" in active(nights)


def test_saved_settings_or_another_choice_of_schools_begin_with_the_whole_district() -> None:
    nights = after_a_night()
    nights.run(provider=provider())
    nights.configure(settings(deactivation_percent=50), [a_school()])

    after_saving = nights.run(provider=provider())
    nights.districts.put_school(a_school(school_id="high", oneroster_id="org-2"))
    with_another_school = nights.run(
        provider=FakeProvider(EVERYBODY, orgs=[*ORGS, {"sourcedId": "3", "type": "school"}])
    )

    assert shown(after_saving) == (RunState.COMPLETED, Scope.DISTRICT, SchoolLists.UNTRIED)
    assert shown(with_another_school) == (RunState.COMPLETED, Scope.DISTRICT, SchoolLists.UNTRIED)
