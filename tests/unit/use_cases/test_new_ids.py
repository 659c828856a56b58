"""A provider that numbers its people anew: nobody is wiped out and made a second time, and nobody is joined unseen."""

from collections.abc import Sequence
from typing import Any

from roster_sync.domain.run import Run, RunState
from tests.support.approvals import approve
from tests.support.builders import DISTRICT, settings
from tests.support.nights import FakeProvider, Nights, a_record

COUNT = 60


def records(prefix: str, count: int = COUNT, **fields: Any) -> list[dict[str, Any]]:
    """People who differ from others of their number in the prefix of their sourcedId alone."""
    return [
        a_record(
            f"{prefix}-{number:03d}",
            familyName=f"Family {number}",
            **{name: value.format(number) for name, value in fields.items()},
        )
        for number in range(count)
    ]


def held(nights: Nights, run: Run) -> list[tuple[str, str, str]]:
    """Kind, old and new sourcedId of what a run holds."""
    return [
        (each.kind.value, str(each.sourced_id), str(each.change.user.sourced_ids[0]) if each.change.user else "")
        for each in nights.held.all(DISTRICT, run.run_id, run.attempt)
    ]


def pairs(count: int = COUNT) -> list[tuple[str, str, str]]:
    return [("new_id", f"OLD-{number:03d}", f"NEW-{number:03d}") for number in range(count)]


def user_ids(nights: Nights, sourced_ids: Sequence[str]) -> list[str]:
    return [nights.user(sourced_id).user_id for sourced_id in sourced_ids]


def test_people_numbered_anew_are_held_pair_by_pair_by_address_identifier_or_names() -> None:
    known: list[dict[str, Any]] = [{"email": "p{}@example.org"}, {"identifier": "{}"}, {}]
    for known_by in known:
        nights = Nights()
        nights.run(*records("OLD", **known_by))

        run = nights.run(*records("NEW", **known_by))

        assert (run.state, run.held) == (RunState.BLOCKED, {"new_id": COUNT})
        assert held(nights, run) == pairs()
        assert run.counts.changed == 0
        assert len(nights.users.all(DISTRICT)) == COUNT
        assert run.reason == (
            "60 of 60 users (100.0 %) come with new IDs from the SIS; in Springfield Elementary 60 of 60. None of them "
            "was changed, and none was created a second time. Look through the list of who is who, then approve or "
            "discard it."
        )


def test_an_approval_links_them_and_keeps_every_user() -> None:
    nights = Nights()
    nights.run(*records("OLD"))
    before = user_ids(nights, [f"OLD-{number:03d}" for number in range(COUNT)])
    run = nights.run(*records("NEW"))

    approval = approve(nights, run)
    after = nights.run(*records("NEW"))

    assert (approval.state, approval.counts.linked, approval.counts.changed) == (RunState.COMPLETED, COUNT, COUNT)
    assert user_ids(nights, [f"NEW-{number:03d}" for number in range(COUNT)]) == before
    assert (after.state, after.counts.unchanged, len(nights.users.all(DISTRICT))) == (RunState.COMPLETED, COUNT, COUNT)


def test_who_is_left_over_on_either_side_joins_and_leaves_as_ever() -> None:
    nights = Nights()
    nights.run(*records("OLD"), a_record("S-gone", familyName="Gone"))

    run = nights.run(*records("NEW"), a_record("S-new", familyName="New"))

    assert (run.state, run.held) == (RunState.BLOCKED, {"new_id": COUNT})
    assert (run.counts.created, run.counts.deactivated) == (1, 1)


def test_names_that_several_have_pair_nobody() -> None:
    nights = Nights()
    nights.run(*records("OLD"), a_record("OLD-x", familyName="Family 1"))

    run = nights.run(*records("NEW"), a_record("NEW-x", familyName="Family 2"))

    assert ("new_id", "OLD-003", "NEW-003") in held(nights, run)
    assert {old for _, old, _ in held(nights, run)}.isdisjoint({"OLD-001", "OLD-002", "OLD-x"})
    assert run.held == {"new_id": COUNT - 2}


def test_another_role_is_another_person() -> None:
    nights = Nights()
    nights.run(*records("OLD"))

    run = nights.run(*records("NEW", role="teacher"))

    assert run.held == {"deactivation": COUNT}
    assert run.counts.created == COUNT


def test_few_who_are_numbered_anew_are_linked_at_once_but_not_by_their_names_alone() -> None:
    nights = Nights()
    old = records("OLD", 20, email="p{}@example.org")
    others = records("S", 200, email="s{}@example.org")
    nights.run(*old, *others, a_record("X-1", familyName="Only"))

    run = nights.run(*records("NEW", 20, email="p{}@example.org"), *others, a_record("X-2", familyName="Only"))

    assert (run.state, run.held) == (RunState.COMPLETED, {})
    assert (run.counts.linked, run.counts.created, run.counts.deactivated) == (20, 1, 1)


def test_while_the_limits_are_lifted_all_are_linked_whom_address_or_identifier_tell() -> None:
    nights = Nights()
    nights.run(*records("OLD", email="p{}@example.org"))
    nights.configure(settings(limits_lifted_until=nights.now.replace(year=2030)), nights.districts.schools(DISTRICT))

    run = nights.run(*records("NEW", email="p{}@example.org"))

    assert (run.state, run.counts.linked) == (RunState.COMPLETED, COUNT)


def test_a_first_night_is_no_renumbering() -> None:
    nights = Nights()

    run = nights.run(*records("NEW"))

    assert (run.state, run.counts.created) == (RunState.COMPLETED, COUNT)


def test_whom_an_earlier_attempt_created_is_counted_and_not_created_again() -> None:
    """Found by simulated nights: the provider changed between two attempts of a run."""
    nights = Nights()
    run = nights.queued()
    nights.fetch(run, FakeProvider(records("OLD")))
    (chunk,) = nights.queue.sent
    nights.users.apply(chunk, nights.now)

    nights.fetch(run, FakeProvider(records("NEW")))
    nights.apply()

    run = nights.stored(run)
    assert (run.state, run.attempt, run.held) == (RunState.BLOCKED, 2, {"new_id": COUNT})
    assert (run.counts.created, len(nights.users.all(DISTRICT))) == (COUNT, COUNT)
