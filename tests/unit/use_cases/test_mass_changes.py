"""A night that would change the e-mail addresses or schools of many is blocked, and holds these changes."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.district import Settings
from roster_sync.domain.limits import LIFTED
from roster_sync.domain.run import Run, RunState
from tests.support.approvals import approve
from tests.support.builders import DISTRICT, NOW, a_school, settings
from tests.support.nights import Nights, a_record

SCHOOLS = (a_school(), a_school(school_id="high", name="Springfield High", oneroster_id="org-2"))
EAST, HIGH = [{"sourcedId": "org-1"}], [{"sourcedId": "org-2"}]


@dataclass
class District:
    """A hundred users: eighty of one school and twenty-five of another, five of them of both."""

    district: Settings = field(default_factory=settings)

    def __post_init__(self) -> None:
        self.nights = Nights(district=self.district, schools=SCHOOLS)
        self.records = [
            a_record(
                f"S-{number:03d}",
                email=f"s{number}@example.org",
                orgs=[*(EAST if number < 80 else []), *(HIGH if number >= 75 else [])],
            )
            for number in range(100)
        ]
        self.nights.run(*self.records)

    def night(self, changed: range, **fields: Any) -> Run:
        """A night in which these users have other values; `{}` in a value stands for the user's number."""
        for number in changed:
            told = {name: value.format(number) if isinstance(value, str) else value for name, value in fields.items()}
            self.records[number] = {**self.records[number], **told}
        return self.nights.run(*self.records)

    def held(self, run: Run) -> dict[str, str]:
        """The kinds of what a run holds, by sourcedId."""
        held = self.nights.held.all(DISTRICT, run.run_id, run.attempt)
        return {str(each.sourced_id): each.kind.value for each in held}


def names(*numbers: int) -> set[str]:
    return {f"S-{number:03d}" for number in numbers}


def test_whoever_would_be_joined_with_a_user_whose_change_waits_stays_until_that_is_decided() -> None:
    """A broken export gave two pupils one address and one name: one of them was deactivated, the other held."""
    district = District()
    pupils = {"givenName": "Given", "familyName": "Family"}
    district.records[0] |= pupils
    district.records[1] |= pupils
    district.nights.run(*district.records)

    run = district.night(range(40), email="noreply@example.org")

    active = {name for user in district.nights.users.all(DISTRICT) if user.active for name in user.sourced_ids}
    assert run.state is RunState.BLOCKED
    assert run.counts.deactivated == 0
    assert active == names(*range(100))


def test_other_addresses_for_many_are_held_and_everything_else_is_done() -> None:
    district = District()
    district.records.append(a_record("S-new"))
    district.records[90] = {**district.records[90], "givenName": "New"}

    run = district.night(range(31), email="{}@broken.example.org", givenName="Other")

    assert (run.state, run.held) == (RunState.BLOCKED, {"email": 31})
    assert district.held(run) == dict.fromkeys(names(*range(31)), "email")
    assert (run.counts.created, run.counts.updated, run.counts.unchanged) == (1, 1, 68)
    assert district.nights.user("S-000").given_name == "Given"
    assert district.nights.user("S-090").given_name == "New"
    assert run.reason == (
        "31 of 100 users (31.0 %) would get another e-mail address or none; in Springfield Elementary 31 of 80. None "
        "of them was changed. Check the e-mail addresses in the SIS, then approve or discard the list; the limit is "
        "30 % and 20 users, in the district or in a school."
    )


@pytest.mark.parametrize("count", [20, 24])
def test_within_the_limit_addresses_change(count: int) -> None:
    district = District()

    run = district.night(range(count), email="{}@new.example.org")

    assert (run.state, run.counts.updated, run.held) == (RunState.COMPLETED, count, {})


def test_a_school_that_gets_other_addresses_blocks_the_run() -> None:
    district = District()

    run = district.night(range(79, 100), email="{}@broken.example.org")

    assert (run.state, run.held) == (RunState.BLOCKED, {"email": 21})
    assert "21 of 100 users (21.0 %)" in (run.reason or "")
    assert "in Springfield High 21 of 25." in (run.reason or "")


def test_lost_addresses_are_held_and_first_ones_are_stored() -> None:
    district = District()

    lost = district.night(range(40), email=None)
    approve(district.nights, lost)
    first = district.night(range(40), email="{}@example.org")

    assert (lost.held, first.held) == ({"email": 40}, {})
    assert (first.state, first.counts.updated) == (RunState.COMPLETED, 40)


def test_another_spelling_is_no_other_address() -> None:
    district = District()

    run = district.night(range(100), email="S{}@EXAMPLE.org")

    assert (run.state, run.counts.updated, run.held) == (RunState.COMPLETED, 100, {})


def test_moves_of_many_are_held() -> None:
    district = District()

    run = district.night(range(31), orgs=HIGH)

    assert (run.state, run.held, run.counts.updated) == (RunState.BLOCKED, {"school": 31}, 0)
    assert "31 of 100 users (31.0 %) would leave one of their schools." in (run.reason or "")
    first = next(district.nights.held.all(DISTRICT, run.run_id, run.attempt))
    assert first.school_ids == ("elementary", "high")


def test_a_school_that_hands_over_its_leavers_blocks_nothing() -> None:
    district = District()

    run = district.night(range(80, 100), orgs=EAST)

    assert (run.state, run.counts.updated) == (RunState.COMPLETED, 20)


def test_a_school_that_is_added_or_mapped_no_more_moves_nobody() -> None:
    district = District()

    added = district.night(range(60), orgs=[*EAST, *HIGH])
    district.nights.configure(settings(), SCHOOLS[:1])
    unmapped = district.nights.run(*district.records)

    assert (added.held, unmapped.held) == ({}, {})
    assert added.counts.updated == 60


def test_who_changes_both_is_held_once() -> None:
    district = District()

    run = district.night(range(35), email="{}@broken.example.org", orgs=HIGH)

    assert run.held == {"email": 35}
    assert (run.reason or "").count("approve or discard") == 2


def test_what_is_held_changes_once_it_is_approved() -> None:
    district = District()
    run = district.night(range(31), email="{}@new.example.org", givenName="Other")

    approval = approve(district.nights, run)
    after = district.nights.run(*district.records)

    assert (approval.state, approval.counts.updated) == (RunState.COMPLETED, 31)
    user = district.nights.user("S-007")
    assert (user.email, user.given_name, user.last_change) == ("7@new.example.org", "Other", ChangeKind.UPDATE)
    assert (after.state, after.counts.unchanged, after.held) == (RunState.COMPLETED, 100, {})


def test_the_next_night_holds_it_again_until_the_export_is_mended() -> None:
    district = District()
    district.night(range(31), email="{}@broken.example.org")

    again = district.nights.run(*district.records)
    mended = district.night(range(31), email="s{}@example.org")

    assert (again.state, again.held) == (RunState.BLOCKED, {"email": 31})
    assert (mended.state, mended.counts.unchanged) == (RunState.COMPLETED, 100)


def test_leaving_and_changing_are_held_side_by_side() -> None:
    district = District()
    del district.records[75:]

    run = district.night(range(31), email="{}@broken.example.org")

    assert run.held == {"deactivation": 25, "email": 31}
    assert (run.reason or "").startswith("25 of 100 users (25.0 %) are no longer sent by the provider")
    assert "31 of 100 users (31.0 %) would get another e-mail address" in (run.reason or "")


def test_while_the_limits_are_lifted_any_number_changes_and_leaves() -> None:
    nights_begin = NOW + timedelta(days=2)
    district = District(settings(limits_lifted_until=nights_begin + timedelta(minutes=1)))
    del district.records[60:]

    lifted = district.night(range(50), email="{}@new.example.org", orgs=HIGH)
    del district.records[30:]
    after = district.nights.run(*district.records)

    assert (lifted.state, lifted.counts.updated, lifted.counts.deactivated) == (RunState.COMPLETED, 50, 40)
    assert lifted.reason == LIFTED
    assert (after.state, after.held) == (RunState.BLOCKED, {"deactivation": 30})


def test_even_while_the_limits_are_lifted_not_everybody_leaves() -> None:
    district = District(settings(limits_lifted_until=NOW + timedelta(days=9)))

    run = district.nights.run(a_record("guardian", role="guardian"))

    assert (run.state, run.held) == (RunState.BLOCKED, {"deactivation": 100})
