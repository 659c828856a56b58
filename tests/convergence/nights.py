"""The life of one district, as a seed decides it, and what must hold at the end of each run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import takewhile
from random import Random

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.held_changes import decision_on
from roster_sync.domain.identifiers import SourcedId, UserId
from roster_sync.domain.run import COUNT_OF_KIND, Run, RunKind, RunState, is_upload
from roster_sync.domain.user import StoredUser
from tests.convergence.administrator import SETTINGS, let_nights_pass
from tests.convergence.people import Asked, Expected, People, a_row, expected_users
from tests.convergence.world import Fetched, World, changed_by
from tests.support.builders import DISTRICT

SWEEPS_OF_SIX_HOURS = 24
_COMPLETED = (RunState.COMPLETED, RunState.COMPLETED_WITH_ISSUES)


def live(seed: int, *, nights: int, prepare: Callable[[World], None] = lambda _: None) -> None:
    """Let nights pass, in a district that the seed makes; a last one passes without a fault.

    Raises:
        AssertionError: What must hold did not; with the seed that shows it again.
    """
    random = Random(seed)
    world = World(random, {}, faults=random.choice([0, 1, 3, 10]), check=check, strict=random.random() < 0.3)
    # Of what outlives its lease, only this is promised: it overwrites nothing that came later.
    world.outlives_lease = random.random() < 0.2
    for setting in ("a third may change", "two schools"):
        if random.random() < 0.5:
            SETTINGS[setting](world)
    prepare(world)
    people = People(random, world.records)
    for _ in range(random.randrange(8)):
        people.change()
    try:
        for _ in range(nights - 1):
            night(random, world, people)
        last_night(world)
    except AssertionError as error:
        error.add_note(f"It is shown again by: make test-convergence SEED={seed}")
        raise


def night(random: Random, world: World, people: People) -> None:
    """One night: changes before it and perhaps during it, uploads at any time, not always an end before the next."""
    if random.random() < 0.7:
        world.decide()
        if random.random() < 0.5:
            world.settle()
    for _ in range(random.randrange(4)):
        people.change()
    if random.random() < 0.2:
        random.choice([people.break_emails, people.move_everybody, people.number_anew, people.lose_most])()
    if random.random() < 0.3:
        SETTINGS[random.choice(sorted(SETTINGS))](world)
    world.dispatch()
    if random.random() < 0.1:
        world.dispatch()
    while world.step():
        if world.outlives_lease and random.randrange(50) == 0:
            world.outlive_lease()
        if world.is_fetching() and random.randrange(15) == 0:
            people.change()
        match random.randrange(150):
            case 1 if random.random() < 0.5:
                world.upload([a_row(random) for _ in range(random.randrange(1, 4))])
            case 2:
                world.pass_time(timedelta(minutes=random.randrange(40)))
            case 3 if random.random() < 0.5:
                world.sync_now()
            case 4 if random.random() < 0.2:
                break
            case 5:
                world.sweep()
            case 6 if random.random() < 0.2:
                world.lose_a_message()
            case 7 if random.random() < 0.5:
                world.preview()
            case 8:
                world.decide()
            case 9:
                world.redrive()
            case 10 if random.random() < 0.5:
                world.revert()
            case 11 if random.random() < 0.5:
                SETTINGS[random.choice(sorted(SETTINGS))](world)
    world.pass_time(timedelta(minutes=random.choice([1, 30, 24 * 60])))


def last_night(world: World) -> None:
    """Let all that is left happen without a fault, and one more night, after which everything must be right."""
    world.faults = 0
    world.settle()
    for _ in range(SWEEPS_OF_SIX_HOURS):
        world.pass_time(timedelta(minutes=15))
        world.sweep()
        world.settle()
    runs, _ = world.runs.page(DISTRICT, limit=1_000)
    for run in runs:
        assert run.state.is_terminal, f"{run.run_id} has not ended."
    world.pass_time(timedelta(hours=24))
    let_nights_pass(world)
    world.dispatch()
    world.settle()
    if world.outlives_lease:
        return
    runs, _ = world.runs.page(DISTRICT, limit=1_000)
    nightly = next(run for run in runs if run.run_id.endswith("nightly"))
    assert nightly.state in (*_COMPLETED, RunState.BLOCKED) or not world.records, nightly
    if not world.gave_up:
        told = {(run_id, change.user_id) for run_id, change in world.events.changed}
        written = {(run_id, user_id) for run_id, user_id in world.before if not is_upload(run_id)}
        assert written <= told, f"Nobody was told of {written - told}."


def check(world: World, run: Run) -> None:
    """What must hold when a run has ended."""
    if world.outlives_lease:
        return
    users = world.users.all(DISTRICT)
    if run.kind is RunKind.PREVIEW:
        assert not any(user.run_id == run.run_id for user in users), f"{run.run_id} changed somebody."
        return
    if run.state not in (*_COMPLETED, RunState.BLOCKED) or run.kind is RunKind.UPLOAD:
        return
    others, _ = world.runs.page(DISTRICT, limit=1_000)
    later = [
        other.run_id
        for other in others
        if other.fence > run.fence and other.state in _COMPLETED and other.kind is not RunKind.PREVIEW
    ]
    assert not later, f"{run.run_id} is completed after {later}, which read the users without its changes."
    if run.kind is RunKind.APPROVAL:
        _check_approval(world, run)
        return
    if run.kind is RunKind.REVERT:
        _check_reverted(world, run)
        return
    newer = [user for user in users if user.fence > run.fence]
    fetched, asked = world.fetched[run.run_id, run.attempt], world.asked[run.run_id, run.attempt]
    active = {sourced_id for user in users if user.active for sourced_id in user.sourced_ids}
    for user in users:
        if user.run_id == run.run_id and user.fence == run.fence and user.last_change == ChangeKind.DEACTIVATE:
            stayed = (fetched.at_all_times(asked) & set(user.sourced_ids)) - active
            assert not stayed, f"{run.run_id} deactivated {stayed}, who never left."
    if not newer:
        _check_counts(world, run)
    held = list(world.held.all(DISTRICT, run.run_id, run.attempt))
    if run.attempt == 1:
        _check_limits(world, run, asked, {each.change.user_id for each in held})
    if fetched.whole:
        leaving = {each.change.user_id for each in held if each.change.user is None}
        changing = {each.change.user_id for each in held if each.change.user}
        waiting = {name for each in held if each.change.user for name in each.change.user.sourced_ids}
        waiting |= {name for user in users if user.user_id in changing for name in user.sourced_ids}
        _check_users([user for user in users if user.user_id not in leaving], run, fetched, asked, waiting)


def _check_limits(world: World, run: Run, asked: Asked, held: set[UserId]) -> None:
    """Nobody who is held was written, and of those who were, no more left or changed than the limits allow."""
    mapped = set(asked.schools.values())
    written = [user for user in world.users.all(DISTRICT) if user.run_id == run.run_id]
    assert not held & {user.user_id for user in written}, f"{run.run_id} changed somebody whom it holds."
    before = [world.before.get((run.run_id, user.user_id), user) for user in world.users.all(DISTRICT)]
    active = [user for user in before if user and user.active and user.sourced_ids and mapped & set(user.school_ids)]
    left = [user for user in written if user.last_change == ChangeKind.DEACTIVATE]
    updated = [
        (user, stored)
        for user in written
        if user.last_change == ChangeKind.UPDATE and (stored := world.before[run.run_id, user.user_id])
    ]
    emails = [user for user, stored in updated if stored.email and stored.email != user.email]
    moved = [user for user, stored in updated if (mapped & set(stored.school_ids)) - set(user.school_ids)]
    settings = asked.settings
    for number, percent, minimum in (
        (len(left), settings.deactivation_percent, settings.deactivation_minimum),
        (len(emails), settings.change_percent, settings.change_minimum),
        (len(moved), settings.change_percent, settings.change_minimum),
    ):
        too_many = asked.limits_hold and number > minimum and number * 100 > len(active) * percent
        assert not too_many, f"{run.run_id} changed {number} of {len(active)}; {percent} % and {minimum} may change."
    assert len(left) < len(active) or not left, f"{run.run_id} left nobody."


def _check_approval(world: World, run: Run) -> None:
    assert run.of_run
    blocked = world.runs.get(DISTRICT, run.of_run)
    assert blocked
    (asked,) = world.held.decisions(DISTRICT, run.run_id)
    held = [each for each in world.held.all(DISTRICT, blocked.run_id, blocked.attempt) if asked.selection.takes(each)]
    earlier = takewhile(lambda decision: decision.run_id != run.run_id, world.held.decisions(DISTRICT, blocked.run_id))
    decided_before = list(earlier)
    approved = {each.change.user_id for each in held if decision_on(each, decided_before) is None}
    written = {user.user_id for user in world.users.all(DISTRICT) if user.run_id == run.run_id}
    assert written <= approved, f"{run.run_id} changed {written - approved}, whom nobody had approved."
    assert run.counts.changed + run.counts.superseded == len(approved)
    for other_id in [other.run_id for other in world.runs.page(DISTRICT, limit=1_000)[0]]:
        other = world.runs.get(DISTRICT, other_id)
        has_looked = other and other.kind.is_sync and other.reading and blocked.fence < other.fence < run.fence
        assert not has_looked, f"{run.run_id} is of {blocked.run_id}, but {other_id} has read the provider since."
    if not any(user.fence > run.fence for user in world.users.all(DISTRICT)):
        _check_counts(world, run)


def _check_reverted(world: World, run: Run) -> None:
    """Whom the other run wrote last is as it had found them; whom it created is inactive; nobody else is written."""
    reverted = world.reverted[run.run_id]
    written = {user.user_id for user in world.users.all(DISTRICT) if user.run_id == run.run_id}
    assert written == reverted.keys(), f"{run.run_id} brings back {written}, not {set(reverted)}."
    for user_id, after in reverted.items():
        before, user = world.before[run.of_run or run.run_id, user_id], world.users.get(DISTRICT, user_id)
        assert user
        expected = replace(
            before or replace(after, active=False, deactivated_at=user.deactivated_at),
            fence=user.fence,
            run_id=user.run_id,
            change_part=user.change_part,
            last_change=user.last_change,
            updated_at=user.updated_at,
        )
        assert user == expected, f"{user} after {run.run_id} is not {expected}."
    assert run.counts.changed == len(reverted)
    changed_since = {user_id for run_id, user_id in world.before if run_id == run.of_run} - reverted.keys()
    of_run = world.runs.get(DISTRICT, run.of_run) if run.of_run else None
    # What a run that failed was about to change, and did not, cannot be told from what was changed since.
    missing = run.counts.superseded - len(changed_since)
    whole = of_run is None or of_run.state is not RunState.FAILED
    assert not missing or (missing > 0 and not whole), f"{run.run_id} names not just {changed_since}."


def _check_counts(world: World, run: Run) -> None:
    counted = run.counts.as_dict()
    changed = changed_by(run, world.users)
    for kind, name in COUNT_OF_KIND.items():
        assert counted[name] == changed[kind], f"{run.run_id} counts {counted[name]} {name}, {changed[kind]} are."


def _check_users(users: list[StoredUser], run: Run, fetched: Fetched, asked: Asked, waiting: set[SourcedId]) -> None:
    """Whoever waits for a decision is left out."""
    expected = [person for person in expected_users(fetched.records, asked) if not person.sourced_ids & waiting]
    came = set[str]()
    for person in expected:
        came |= person.sourced_ids
        stored = [user for user in users if person.sourced_ids & set(user.sourced_ids) and user.active]
        assert len(stored) == 1, f"{person.sourced_ids}: {len(stored)} users in {run.run_id}."
        if stored[0].fence <= run.fence:
            assert _sis_attributes(stored[0]) == person, f"{stored[0]} in {run.run_id} is not {person}."
            assert stored[0].role == (stored[0].manual_role or person.sis_role)
            assert stored[0].counselor_email == (person.sis_counselor_email or stored[0].manual_counselor_email)
            assert stored[0].products >= asked.products
    if run.state is not RunState.BLOCKED:
        sent = {record["sourcedId"] for record in fetched.records}
        for user in users:
            in_scope = user.sourced_ids and set(asked.schools.values()) & set(user.school_ids)
            if in_scope and user.active and user.fence <= run.fence:
                stays = not asked.absence_counts and not sent & set(user.sourced_ids)
                assert stays or came & set(user.sourced_ids), f"{user} is active after {run.run_id}, and gone."
    people = run.counts.created + run.counts.updated + run.counts.linked + run.counts.reactivated
    people += run.counts.unchanged + run.counts.superseded
    assert people >= len(expected)


def _sis_attributes(user: StoredUser) -> Expected:
    return Expected(
        sourced_ids=frozenset(user.sourced_ids),
        given_name=user.given_name or "",
        middle_name=user.middle_name,
        family_name=user.family_name or "",
        email=user.email,
        identifier=user.identifier or "",
        username=user.username,
        phone=user.phone,
        sms=user.sms,
        grades=frozenset(user.grades),
        school_ids=frozenset(user.school_ids),
        agents=frozenset(user.agents),
        user_ids=frozenset(user.user_ids),
        sis_counselor_email=user.sis_counselor_email,
        metadata=frozenset((user.metadata or {}).items()),
        sis_role=str(user.sis_role),
    )
