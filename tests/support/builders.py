"""Whole valid objects; a test says only what matters to it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

from msgspec import structs

from roster_sync.domain.audit import Author
from roster_sync.domain.change import Change, ChangeKind, Chunk, ManualChange, ManualProfile
from roster_sync.domain.district import School, Settings
from roster_sync.domain.held_changes import Action, Decision, HeldChange, HeldKind, Selection
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId, UserId
from roster_sync.domain.run import Run, RunKind, RunState
from roster_sync.domain.schedule import Schedule
from roster_sync.domain.user import Role, RosterEntry, SisUser, StoredUser
from roster_sync.use_cases.probe.target import ProbeTarget

DISTRICT = DistrictId("springfield")
OTHER_DISTRICT = DistrictId("shelbyville")
RUN = RunId("20261124T090000Z-nightly")
LATER_RUN = RunId("20261125T090000Z-nightly")
NOW = datetime(2026, 11, 24, 9, 0, 0, tzinfo=UTC)
DEFAULT_SCHEDULE = Schedule(at=time(4), zone="America/New_York")
"""Of which NOW is a night."""


def a_sis_user(**overrides: Any) -> SisUser:
    """A student with every attribute."""
    user = SisUser(
        sourced_ids=(SourcedId("S-1"),),
        sis_role=Role.STUDENT,
        username="lisa.simpson",
        given_name="Lisa",
        middle_name="Marie",
        family_name="Simpson",
        email="Lisa@Example.org",
        identifier="1001",
        phone="+1 555 0100",
        sms="+1 555 0101",
        grades=("02",),
        school_ids=(SchoolId("elementary"),),
        agents=(SourcedId("P-1"), SourcedId("P-2")),
        user_ids=(("LDAP", "lsimpson"),),
        sis_counselor_email="counselor@example.org",
        metadata=(("homeroom", "2B"),),
    )
    return structs.replace(user, **overrides)


def a_bare_sis_user(**overrides: Any) -> SisUser:
    """A student with no optional attribute."""
    user = SisUser(
        sourced_ids=(SourcedId("S-1"),),
        sis_role=Role.STUDENT,
        username=None,
        given_name=None,
        middle_name=None,
        family_name=None,
        email=None,
        identifier=None,
        phone=None,
        sms=None,
        grades=(),
        school_ids=(SchoolId("elementary"),),
        agents=(),
        user_ids=(),
        sis_counselor_email=None,
        metadata=(),
    )
    return structs.replace(user, **overrides)


def a_user(**overrides: Any) -> StoredUser:
    """A student whom a sync has stored."""
    user = StoredUser(
        district_id=DISTRICT,
        user_id=UserId("u-1"),
        active=True,
        role=Role.STUDENT,
        sourced_ids=(SourcedId("S-1"),),
        sis_role=Role.STUDENT,
        given_name="Lisa",
        family_name="Simpson",
        email="Lisa@Example.org",
        identifier="1001",
        grades=("02",),
        school_ids=(SchoolId("elementary"),),
        products=frozenset({"serve"}),
        fingerprint=b"\x01" * 16,
        fence=1,
        run_id=RUN,
        last_change="create",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(user, **overrides)


def a_roster_entry(**overrides: Any) -> RosterEntry:
    """What the roster knows of `a_user()`."""
    user = a_user()
    entry = RosterEntry(
        user_id=user.user_id,
        fingerprint=user.fingerprint,
        sourced_ids=user.sourced_ids,
        active=user.active,
        role=user.role,
        email=user.email,
        given_name=user.given_name,
        family_name=user.family_name,
        identifier=user.identifier,
        school_ids=user.school_ids,
        products=user.products,
        run_id=user.run_id,
        last_change=user.last_change,
    )
    return entry._replace(**overrides)


def a_school(**overrides: Any) -> School:
    """A school with a OneRoster ID."""
    school = School(
        district_id=DISTRICT,
        school_id=SchoolId("elementary"),
        name="Springfield Elementary",
        oneroster_id=SourcedId("org-1"),
    )
    return replace(school, **overrides)


def an_author(**overrides: Any) -> Author:
    """An administrator who asks for something now."""
    return replace(Author(name="admin@example.org", at=NOW, nonce="00000001"), **overrides)


def settings(**overrides: Any) -> Settings:
    """Settings with which a district may run."""
    complete = Settings(
        district_id=DISTRICT,
        base_url="https://sis.example.org",
        consumer_key="key",
        consumer_secret=b"encrypted",
        products=frozenset({"serve"}),
        version=1,
        updated_at=NOW,
    )
    return replace(complete, **overrides)


def a_run(**overrides: Any) -> Run:
    """A nightly run that waits for its fetch."""
    run = Run(district_id=DISTRICT, run_id=RUN, kind=RunKind.NIGHTLY, state=RunState.QUEUED, created_at=NOW)
    return replace(run, **overrides)


def a_change(**overrides: Any) -> Change:
    """A student's creation."""
    change = Change(ChangeKind.CREATE, UserId("u-1"), a_sis_user(), b"\x01" * 16)
    return replace(change, **overrides)


def a_deactivation(user_id: str = "u-1") -> Change:
    """A user's deactivation."""
    return Change(ChangeKind.DEACTIVATE, UserId(user_id), None, None)


def a_chunk(changes: Sequence[Change] | None = None, **overrides: Any) -> Chunk:
    """The first chunk of a run's first attempt, with one creation unless told otherwise."""
    chunk = Chunk(
        district_id=DISTRICT,
        run_id=RUN,
        attempt=1,
        fence=1,
        number=1,
        products=frozenset({"serve"}),
        changes=[a_change()] if changes is None else changes,
    )
    return replace(chunk, **overrides)


def a_manual_profile(**overrides: Any) -> ManualProfile:
    """An active counselor of one school."""
    profile = ManualProfile(
        email="Counselor@Example.org",
        given_name="Ned",
        family_name="Flanders",
        identifier="2001",
        grades=(),
        school_ids=(SchoolId("elementary"),),
        active=True,
    )
    return replace(profile, **overrides)


def a_manual_change(**overrides: Any) -> ManualChange:
    """A counselor's creation by an upload."""
    change = ManualChange(
        kind=ChangeKind.CREATE,
        user_id=UserId("m-1"),
        role=Role.COUNSELOR,
        counselor_email=None,
        profile=a_manual_profile(),
    )
    return replace(change, **overrides)


def a_probe_target(**overrides: Any) -> ProbeTarget:
    """Settings as entered, to be probed."""
    values: dict[str, Any] = {
        "district_id": DISTRICT,
        "base_url": "https://sis.example.org/ims/oneroster/v1p1",
        "consumer_key": "key",
        "consumer_secret": "hunter2",
        "page_size": 1000,
        "parallel_requests": 5,
    }
    return ProbeTarget(**values | overrides)


def a_held_change(number: int = 1, **overrides: Any) -> HeldChange:
    """A deactivation that waits for a decision."""
    held = HeldChange(
        number=number,
        kind=HeldKind.DEACTIVATION,
        change=a_deactivation(f"u-{number}"),
        sourced_id=SourcedId(f"S-{number}"),
        school_ids=(SchoolId("elementary"),),
    )
    return replace(held, **overrides)


def a_decision(**overrides: Any) -> Decision:
    """A discard of everything."""
    decision = Decision(
        action=Action.DISCARD, selection=Selection(), decided_by="admin@example.org", decided_at=NOW, users=1
    )
    return replace(decision, **overrides)
