"""A district's night, from its provider's records to stored users."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.district import Settings
from roster_sync.domain.errors import ConfigurationError, DistrictBusyError, OwnOutageError, TransientError
from roster_sync.domain.identifiers import DistrictId, RunId, SourcedId, UserId
from roster_sync.domain.lease import CHUNK_TIME
from roster_sync.domain.run import (
    Counts,
    RunKind,
    RunState,
    approval_run_id,
    edit_run_id,
    preview_run_id,
    revert_run_id,
    upload_run_id,
)
from roster_sync.domain.user import Role, RosterEntry, StoredUser
from roster_sync.use_cases.fetch_roster import fetch_roster
from roster_sync.use_cases.provider import Page, Provider
from tests.support.builders import DISTRICT, a_school, a_user, settings
from tests.support.fakes import InMemoryUsers
from tests.support.nights import FakeProvider, Nights, a_record


def a_counselor(**overrides: object) -> StoredUser:
    return a_user(
        **{
            "user_id": "manual-1",
            "sourced_ids": (),
            "sis_role": None,
            "fingerprint": None,
            "role": Role.COUNSELOR,
            "manual_role": Role.COUNSELOR,
            "email": "Ruth@Example.org",
            "given_name": "Ruth",
            "family_name": "Powers",
            "identifier": None,
            "run_id": "20261101T000000Z-upload-1",
            "fence": 0,
            **overrides,
        }
    )


# Rule 1


def test_rule_1_a_district_without_an_active_product_is_skipped_with_the_reason() -> None:
    nights = Nights(district=settings(products=frozenset()))

    run = nights.run(a_record())

    assert (run.state, run.reason) == (
        RunState.SKIPPED,
        "No product is switched on. Switch on at least one in the OneRoster settings.",
    )


def test_rule_1_a_district_without_a_mapped_school_is_skipped_with_the_reason() -> None:
    nights = Nights(schools=[a_school(oneroster_id=None)])

    run = nights.run(a_record())

    assert (run.state, run.reason) == (
        RunState.SKIPPED,
        "No school has a OneRoster ID. Give at least one school its OneRoster ID.",
    )


def test_rule_1_users_whose_schools_are_all_unmapped_are_counted_and_not_stored() -> None:
    nights = Nights()

    run = nights.run(a_record("S-1"), a_record("S-2", orgs=[{"sourcedId": "org-2"}]))

    assert (run.counts.created, run.counts.skipped) == (1, 1)
    assert [user.sourced_ids for user in nights.users.all(DISTRICT)] == [("S-1",)]


# Rule 2


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("student", Role.STUDENT), ("teacher", Role.SPONSOR), ("administrator", Role.ADMINISTRATOR)],
)
def test_rule_2_oneroster_roles_become_the_system_s(sent: str, stored: Role) -> None:
    nights = Nights()

    nights.run(a_record(role=sent))

    assert (nights.user("S-1").sis_role, nights.user("S-1").role) == (stored, stored)


@pytest.mark.parametrize("role", ["aide", "proctor", "parent", "guardian", "relative"])
def test_rule_2_other_oneroster_roles_are_not_imported(role: str) -> None:
    nights = Nights()

    run = nights.run(a_record(role=role), a_record("S-2"))

    assert (run.state, run.counts.created, run.counts.skipped) == (RunState.COMPLETED, 1, 1)


def test_rule_2_a_role_that_the_district_maps_is_imported() -> None:
    nights = Nights(district=settings(roles={"aide": Role.SPONSOR}))

    nights.run(a_record(role="aide"))

    assert nights.user("S-1").role is Role.SPONSOR


# Rule 3


def test_rule_3_a_counselor_email_comes_from_the_metadata_key() -> None:
    nights = Nights(a_counselor(), district=settings(counselor_metadata_key="counselor"))

    run = nights.run(a_record(metadata={"counselor": "ruth@example.org"}))

    assert nights.user("S-1").counselor_email == "ruth@example.org"
    assert run.state is RunState.COMPLETED


def test_rule_3_a_value_that_is_no_email_address_is_an_issue() -> None:
    nights = Nights(district=settings(counselor_metadata_key="counselor"))

    run = nights.run(a_record(metadata={"counselor": "Mrs Powers"}))

    assert nights.user("S-1").counselor_email is None
    assert nights.issues(run) == [("counselor_email_invalid", "S-1")]


def test_rule_3_the_email_of_no_known_counselor_is_an_issue_and_kept() -> None:
    nights = Nights(district=settings(counselor_metadata_key="counselor"))

    run = nights.run(a_record(metadata={"counselor": "nobody@example.org"}))

    assert nights.user("S-1").counselor_email == "nobody@example.org"
    assert nights.issues(run) == [("counselor_unknown", "S-1")]


def test_rule_3_a_metadata_key_for_roles_can_name_a_counselor() -> None:
    nights = Nights(district=settings(role_metadata_key="staffRole", roles={"counselor": Role.COUNSELOR}))

    nights.run(a_record(role="teacher", metadata={"staffRole": "Counselor"}))

    assert nights.user("S-1").role is Role.COUNSELOR


def test_rule_3_a_counselor_whom_the_provider_sends_the_same_night_is_known() -> None:
    nights = Nights(
        district=settings(
            counselor_metadata_key="counselor", role_metadata_key="staffRole", roles={"counselor": Role.COUNSELOR}
        )
    )

    run = nights.run(
        a_record("S-1", metadata={"counselor": "ruth@example.org"}),
        a_record("T-1", role="teacher", email="Ruth@Example.org", metadata={"staffRole": "counselor"}),
    )

    assert nights.issues(run) == []


# Rule 4


def test_rule_4_a_sync_does_not_touch_a_district_administrator() -> None:
    boss = a_counselor(role=Role.DISTRICT_ADMINISTRATOR, manual_role=Role.DISTRICT_ADMINISTRATOR, school_ids=())
    nights = Nights(boss)

    run = nights.run(a_record(email="ruth@example.org", role="administrator"), a_record("S-2"))

    assert nights.users.get(DISTRICT, UserId("manual-1")) == boss
    assert (run.counts.created, run.counts.skipped) == (1, 1)
    assert nights.issues(run) == [("district_administrator_kept", "S-1")]


def test_rule_4_every_record_of_a_district_administrator_is_counted_and_named() -> None:
    """Of a person with two records only one was."""
    nights = Nights(a_counselor(role=Role.DISTRICT_ADMINISTRATOR, manual_role=Role.DISTRICT_ADMINISTRATOR))
    person = {"email": "ruth@example.org", "givenName": "Ruth", "familyName": "Powers"}

    run = nights.run(a_record("T-1", role="teacher", **person), a_record("T-2", role="administrator", **person))

    assert (run.counts.fetched, run.counts.skipped, run.counts.created) == (2, 2, 0)
    assert nights.issues(run) == [("district_administrator_kept", "T-1"), ("district_administrator_kept", "T-2")]


def test_rule_4_a_district_administrator_with_a_provider_record_is_not_deactivated_when_it_goes() -> None:
    boss = a_user(
        user_id="boss",
        sourced_ids=("A-1",),
        role=Role.DISTRICT_ADMINISTRATOR,
        manual_role=Role.DISTRICT_ADMINISTRATOR,
    )
    nights = Nights(boss, a_user(user_id="other", sourced_ids=("S-1",)))

    run = nights.run(a_record("S-1"))

    assert (run.state, run.counts.deactivated) == (RunState.COMPLETED, 0)
    assert nights.users.get(DISTRICT, UserId("boss")) == boss


# Rule 5


def test_rule_5_a_user_of_several_orgs_belongs_to_all_mapped_ones() -> None:
    nights = Nights(schools=[a_school(), a_school(school_id="high", oneroster_id="org-2")])

    nights.run(a_record(orgs=[{"sourcedId": "org-2"}, {"sourcedId": "org-1"}, {"sourcedId": "district"}]))

    assert nights.user("S-1").school_ids == ("elementary", "high")


def test_rule_5_moving_school_at_the_provider_moves_the_user() -> None:
    nights = Nights(schools=[a_school(), a_school(school_id="high", oneroster_id="org-2")])
    nights.run(a_record())

    run = nights.run(a_record(orgs=[{"sourcedId": "org-2"}]))

    assert nights.user("S-1").school_ids == ("high",)
    assert run.counts.updated == 1


# Rule 6


def test_rule_6_a_product_that_is_switched_on_reaches_unchanged_users() -> None:
    nights = Nights(district=settings(products=frozenset({"serve"})))
    nights.run(a_record())
    nights.configure(settings(products=frozenset({"jobs"})), [a_school()])

    run = nights.run(a_record())

    assert nights.user("S-1").products == {"serve", "jobs"}
    assert run.counts.updated == 1


def test_rule_6_a_product_that_is_switched_off_takes_nothing_away() -> None:
    nights = Nights(district=settings(products=frozenset({"serve", "jobs"})))
    nights.run(a_record())
    nights.configure(settings(products=frozenset({"serve"})), [a_school()])

    run = nights.run(a_record(givenName="New"))

    assert nights.user("S-1").products == {"serve", "jobs"}
    assert run.counts.updated == 1


# Rule 7


@pytest.mark.parametrize("gone", [{"status": "tobedeleted"}, {"enabledUser": "false"}, {"enabledUser": False}, None])
def test_rule_7_who_is_gone_is_deactivated_and_who_reappears_is_reactivated(gone: dict[str, object] | None) -> None:
    nights = Nights()
    nights.run(a_record("S-1"), a_record("S-2"))

    away = nights.run(a_record("S-1"), *([a_record("S-2", **gone)] if gone else []))
    deactivated = nights.user("S-2").active
    back = nights.run(a_record("S-1"), a_record("S-2"))

    assert (away.counts.deactivated, deactivated) == (1, False)
    assert (back.counts.reactivated, nights.user("S-2").active) == (1, True)


# Invariants


def test_an_unchanged_night_sends_no_chunk_and_writes_no_user() -> None:
    nights = Nights()
    nights.run(a_record("S-1"), a_record("S-2"))
    writes = nights.users.writes

    run = nights.run(a_record("S-2"), a_record("S-1"))

    assert run.counts == Counts(fetched=2, unchanged=2)
    assert (run.state, run.chunks_expected, nights.users.writes) == (RunState.COMPLETED, 0, writes)


def test_a_manual_role_survives_the_sync() -> None:
    nights = Nights(a_counselor())

    run = nights.run(a_record(email=" ruth@example.ORG ", role="teacher"))

    assert run.counts.linked == 1
    user = nights.user("S-1")
    assert (user.user_id, user.role, user.sis_role) == ("manual-1", Role.COUNSELOR, Role.SPONSOR)


def test_a_manual_user_is_never_deactivated() -> None:
    nights = Nights(a_counselor())

    run = nights.run(a_record("S-2"))

    assert run.counts.deactivated == 0
    assert nights.users.get(DISTRICT, UserId("manual-1")) == a_counselor()


def test_two_people_with_a_manual_user_s_email_are_not_linked() -> None:
    nights = Nights(a_counselor())

    run = nights.run(
        a_record("S-1", email="ruth@example.org"), a_record("S-2", email="ruth@example.org", givenName="Other")
    )

    assert (run.counts.linked, run.counts.created) == (0, 2)
    assert ("email_ambiguous", "S-1") in nights.issues(run)


def test_somebody_with_the_email_of_two_manual_users_is_linked_to_neither() -> None:
    nights = Nights(a_counselor(), a_counselor(user_id="manual-2"))

    run = nights.run(a_record("S-1", email="ruth@example.org"))

    assert (run.counts.linked, run.counts.created) == (0, 1)
    assert nights.issues(run) == [("email_ambiguous", "S-1")]


class WithoutOrgs(FakeProvider):
    """Shares users only."""

    def pages(self, endpoint: str, filter: str | None = None) -> Iterator[Page]:  # noqa: A002
        if endpoint == "orgs":
            raise ConfigurationError("The consumer key may not read /orgs.")
        return super().pages(endpoint, filter)


def test_a_provider_that_shares_no_orgs_is_synced_all_the_same() -> None:
    nights = Nights()

    run = nights.run(provider=WithoutOrgs([a_record()]))

    assert (run.state, run.counts.created) == (RunState.COMPLETED, 1)


def test_a_wrong_oneroster_id_deactivates_nobody_where_the_provider_shares_no_orgs() -> None:
    """Every user of the school was deactivated, while the school was small beside the district."""
    high = a_school(school_id="high", name="High", oneroster_id="org-2")
    records = [a_record("S-1"), a_record("S-2", orgs=[{"sourcedId": "org-2"}])]
    nights = Nights(schools=[a_school(), high])
    nights.run(provider=WithoutOrgs(records))
    before = nights.user("S-2")
    nights.configure(settings(), [a_school(), replace(high, oneroster_id=SourcedId("typo"))])

    run = nights.run(provider=WithoutOrgs(records))

    assert nights.user("S-2") == before
    assert (run.state, nights.issues(run)) == (RunState.COMPLETED_WITH_ISSUES, [("school_unknown", "typo")])


def test_without_orgs_and_users_of_any_mapped_school_the_run_fails_and_says_what_to_do() -> None:
    nights = Nights(schools=[a_school(oneroster_id="typo")])

    run = nights.run(provider=WithoutOrgs([a_record()]))

    assert run.state is RunState.FAILED
    assert (run.reason or "").startswith("The provider sent no user of a school with any of the OneRoster IDs")


def test_whoever_leaves_a_school_that_others_are_still_of_is_deactivated_without_orgs_too() -> None:
    nights = Nights()
    nights.run(provider=WithoutOrgs([a_record("S-1"), a_record("S-2")]))

    nights.run(provider=WithoutOrgs([a_record("S-1")]))

    assert not nights.user("S-2").active


def test_a_fetch_that_is_not_whole_deactivates_nobody() -> None:
    nights = Nights()
    nights.run(a_record("S-1"), a_record("S-2"), a_record("S-3"))

    run = nights.run(provider=FakeProvider([a_record("S-1"), a_record("S-4")], announced=3))

    assert (run.state, run.counts.deactivated, run.counts.created) == (RunState.COMPLETED_WITH_ISSUES, 0, 1)
    assert nights.issues(run) == [("fetch_not_whole", None)]
    assert nights.user("S-2").active


def test_of_a_fetch_that_started_over_only_what_came_at_last_counts() -> None:
    nights = Nights()
    nights.run(a_record("S-1"), a_record("S-2"), a_record("S-3"))

    left = [a_record("S-1"), a_record("S-9")]
    run = nights.run(provider=FakeProvider([a_record("S-2"), a_record("S-3")], earlier=left))

    assert (run.counts.fetched, run.counts.created, run.counts.deactivated) == (2, 0, 1)
    assert not nights.user("S-1").active


def test_more_leaving_than_the_threshold_blocks_the_run_and_holds_them() -> None:
    nights = Nights()
    everybody = [a_record(f"S-{number:03d}") for number in range(200)]
    nights.run(*everybody)

    run = nights.run(a_record("S-new"), *everybody[21:])

    assert (run.state, run.counts.deactivated, run.counts.created) == (RunState.BLOCKED, 0, 1)
    assert run.reason is not None
    assert "21 of 200 users (10.5 %)" in run.reason
    held = list(nights.held.all(DISTRICT, run.run_id, run.attempt))
    assert run.held == {"deactivation": 21}
    assert [(each.number, each.sourced_id) for each in held] == [
        (number + 1, f"S-{number:03d}") for number in range(21)
    ]
    assert {each.change.user_id for each in held} == {nights.user(each.sourced_id or "").user_id for each in held}
    assert {each.change.kind for each in held} == {ChangeKind.DEACTIVATE}


def test_the_list_of_the_newest_attempt_is_held() -> None:
    nights = Nights()
    everybody = [a_record(f"S-{number:03d}") for number in range(200)]
    nights.run(*everybody)
    run = nights.queued()
    nights.fetch(run, FakeProvider([a_record("S-new"), *everybody[30:]]))

    nights.fetch(run, FakeProvider([a_record("S-new"), *everybody[21:]]))
    nights.apply()

    run = nights.stored(run)
    assert (run.state, run.attempt, run.held) == (RunState.BLOCKED, 2, {"deactivation": 21})
    assert len(list(nights.held.all(DISTRICT, run.run_id, run.attempt))) == 21


def test_a_user_whose_only_sourced_id_is_another_users_by_now_is_held_without_one() -> None:
    """Two users may be left with one sourcedId; found by simulated nights, where it ended a fetch."""
    twins = [a_user(user_id=UserId(f"u-{number}"), sourced_ids=(SourcedId("S-1"),)) for number in (1, 2)]
    nights = Nights(*twins, district=settings(deactivation_minimum=0))

    run = nights.run(a_record("S-1"))

    (held,) = nights.held.all(DISTRICT, run.run_id, run.attempt)
    assert (run.state, held.change.user_id, held.sourced_id) == (RunState.BLOCKED, "u-2", None)


def test_held_users_come_school_by_school_with_all_their_schools() -> None:
    nights = Nights(schools=(a_school(), a_school(school_id="art", name="Art School", oneroster_id="org-2")))
    both = [{"sourcedId": "org-1"}, {"sourcedId": "org-2"}]
    leaving = [a_record(f"S-{number:03d}", orgs=both if number % 2 else both[:1]) for number in range(22)]
    nights.run(*leaving, a_record("T-1"))

    run = nights.run(a_record("T-1"))

    held = list(nights.held.all(DISTRICT, run.run_id, run.attempt))
    assert [each.sourced_id for each in held] == [f"S-{n:03d}" for n in [*range(1, 22, 2), *range(0, 22, 2)]]
    assert {each.school_ids for each in held[:11]} == {("art", "elementary")}
    assert {each.school_ids for each in held[11:]} == {("elementary",)}


def test_a_school_that_is_lost_from_a_large_district_blocks_the_run() -> None:
    nights = Nights(schools=(a_school(), a_school(school_id="high", name="Springfield High", oneroster_id="org-2")))
    of_high = [a_record(f"H-{number:03d}", orgs=[{"sourcedId": "org-2"}]) for number in range(21)]
    others = [a_record(f"S-{number:03d}") for number in range(300)]
    nights.run(*others, *of_high)

    run = nights.run(*others[1:])

    assert (run.state, run.counts.deactivated) == (RunState.BLOCKED, 0)
    assert run.reason is not None
    assert "22 of 321 users (6.9 %)" in run.reason
    assert "in Springfield High 21 of 21." in run.reason


def test_a_share_under_the_threshold_is_deactivated() -> None:
    nights = Nights()
    everybody = [a_record(f"S-{number:03d}") for number in range(200)]
    nights.run(*everybody)

    run = nights.run(*everybody[20:])

    assert (run.state, run.counts.deactivated) == (RunState.COMPLETED, 20)


def test_deactivations_are_sent_last() -> None:
    nights = Nights()
    nights.run(a_record("S-1"), a_record("S-2"))
    run = nights.queued()

    nights.fetch(run, FakeProvider([a_record("S-1", givenName="New"), a_record("S-3")]))

    kinds = [change.kind for chunk in nights.queue.sent for change in chunk.changes]
    assert kinds == [ChangeKind.UPDATE, ChangeKind.CREATE, ChangeKind.DEACTIVATE]


def test_an_empty_roster_fails_the_run_and_changes_nothing() -> None:
    nights = Nights()
    nights.run(a_record("S-1"))

    run = nights.run()

    assert (run.state, run.reason) == (
        RunState.FAILED,
        "The provider sent no users at all. Check in the SIS that it shares users with this system.",
    )
    assert nights.user("S-1").active


def test_a_roster_that_would_leave_nobody_blocks_even_in_a_tiny_district() -> None:
    nights = Nights()
    nights.run(a_record("S-1"))

    run = nights.run(a_record("S-9", role="parent"))

    assert run.state is RunState.BLOCKED
    assert nights.user("S-1").active


@pytest.mark.parametrize("error", [ConfigurationError("The key is wrong. Enter it."), TransientError("It is down.")])
def test_a_provider_that_fails_fails_the_run_with_its_sentence_and_applies_nothing(error: Exception) -> None:
    nights = Nights()
    provider = FakeProvider([a_record(f"S-{number}") for number in range(5)])
    provider.failure = error

    run = nights.run(provider=provider)

    assert (run.state, run.reason) == (RunState.FAILED, str(error))
    assert nights.users.all(DISTRICT) == []
    assert not provider.open


def test_a_failed_run_says_how_often_the_provider_was_asked() -> None:
    nights = Nights()
    provider = FakeProvider([a_record("S-1"), a_record("S-2"), a_record("S-3")])
    provider.failure = TransientError("The provider did not answer.")

    run = nights.run(provider=provider)

    assert (run.state, run.provider_requests) == (RunState.FAILED, provider.requests_made)


def test_the_district_is_held_anew_when_the_chunks_are_sent() -> None:
    """A long fetch left the first chunk but minutes of the lease to come in, behind a whole night of districts."""
    nights = Nights()
    run = nights.queued()
    times = [nights.now, nights.now + timedelta(minutes=14)]
    fetcher = nights.fetcher(FakeProvider([a_record()]), clock=lambda: times[0] if len(times) == 1 else times.pop(0))

    fetch_roster(DISTRICT, run.run_id, fetcher, deadline=nights.now + timedelta(minutes=15))

    with pytest.raises(DistrictBusyError):
        nights.districts.acquire(DISTRICT, RunId("another"), nights.now + timedelta(minutes=33), nights.now)


def test_a_fetch_that_has_lost_the_district_sends_nothing() -> None:
    nights = Nights()
    run = nights.queued()
    provider = FakeProvider([a_record()])
    expired = nights.now + timedelta(hours=1)
    provider.close = lambda: nights.districts.acquire(DISTRICT, RunId("another"), expired, expired)  # type: ignore[method-assign,assignment]  # happens in between

    nights.fetch(run, provider)

    assert not nights.queue.sent


def test_a_failed_run_gives_the_lease_back_at_once() -> None:
    nights = Nights()

    run = nights.run()

    assert run.state is RunState.FAILED
    assert_is_free(nights)


def assert_is_free(nights: Nights) -> None:
    """Another run may begin now; else this raises."""
    nights.districts.acquire(DISTRICT, RunId("20261231T090000Z-nightly"), nights.now, nights.now)


def test_an_unusable_record_is_an_issue_and_its_page_goes_on() -> None:
    nights = Nights()

    run = nights.run("nonsense", {"givenName": "No id"}, a_record("S-2", role="wizard"), a_record("S-3"))

    assert (run.state, run.counts.invalid, run.counts.created) == (RunState.COMPLETED_WITH_ISSUES, 3, 1)
    assert nights.issues(run) == [
        ("record_not_an_object", None),
        ("sourced_id_missing", None),
        ("role_unknown", "S-2"),
    ]


def test_issues_come_schools_first_then_staff_then_students() -> None:
    nights = Nights(schools=[a_school(), a_school(school_id="high", oneroster_id="org-typo")])

    run = nights.run(
        a_record("S-2", email="none"),
        a_record("S-1", email="none"),
        a_record("T-1", role="teacher", email="none"),
        {"givenName": "No id"},
    )

    assert nights.issues(run) == [
        ("school_unknown", "org-typo"),
        ("sourced_id_missing", None),
        ("email_invalid", "T-1"),
        ("email_invalid", "S-1"),
        ("email_invalid", "S-2"),
    ]


@pytest.mark.parametrize("org", [{"sourcedId": 4711}, "4711", {"sourcedId": "4711", "type": "School"}])
def test_a_school_is_found_however_the_provider_writes_its_sourced_id(org: object) -> None:
    nights = Nights(schools=[a_school(oneroster_id="4711")])
    users = [a_record(orgs=[{"sourcedId": 4711}])]

    run = nights.run(provider=FakeProvider(users, orgs=[None, org]))

    assert (run.state, run.counts.created) == (RunState.COMPLETED, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"userIds": [{"type": "t" * 1_000, "identifier": f"{number}{'é' * 900}"} for number in range(100)]},
        {"grades": [f"{number}{'🎓' * 900}" for number in range(100)]},
    ],
)
def test_a_record_too_large_for_an_item_is_an_issue_and_its_page_goes_on(fields: dict[str, object]) -> None:
    """DynamoDB would refuse it at every try, and its chunk of 250 users with it."""
    nights = Nights()

    run = nights.run(a_record("S-1", **fields), a_record("S-2"))

    assert (run.counts.created, run.counts.invalid) == (1, 1)
    assert nights.issues(run) == [("record_too_large", "S-1")]


def test_records_too_many_for_one_person_are_not_united() -> None:
    """A test account that a provider has a thousand times would not fit into an item either."""
    nights = Nights()
    records = [
        a_record(f"S-{number}{'x' * 240}", email="test@example.org", givenName="Test", familyName="Test")
        for number in range(1_000)
    ]

    first, second = nights.run(*records), nights.run(*records)

    assert (first.counts.created, second.counts.unchanged) == (1_000, 1_000)
    assert second.issues_by_code == {"email_shared": 1_000}


def test_somebody_whose_record_became_unusable_is_not_deactivated() -> None:
    nights = Nights()
    nights.run(a_record("S-1"), a_record("S-2"))

    run = nights.run(a_record("S-1"), a_record("S-2", role=None))

    assert run.counts.deactivated == 0
    assert nights.user("S-2").active


def test_an_org_without_a_usable_sourced_id_does_not_stop_the_night() -> None:
    """A list in its place once killed the fetch, three times, and left the run without an end."""
    nights = Nights()

    run = nights.run(provider=FakeProvider([a_record()], orgs=[{"sourcedId": ["org-1"]}, None, {"sourcedId": "org-1"}]))

    assert (run.state, run.counts.created) == (RunState.COMPLETED, 1)


def test_a_oneroster_id_that_the_provider_lacks_is_an_issue_and_its_users_stay() -> None:
    nights = Nights(schools=[a_school(), a_school(school_id="high", oneroster_id="org-2")])
    nights.run(a_record("S-1"), a_record("S-2", orgs=[{"sourcedId": "org-2"}]))
    nights.configure(settings(), [a_school(), a_school(school_id="high", oneroster_id="org-typo")])

    run = nights.run(a_record("S-1"), a_record("S-2", orgs=[{"sourcedId": "org-2"}]))

    assert nights.issues(run) == [("school_unknown", "org-typo")]
    assert nights.user("S-2").active


def test_users_of_a_school_that_is_no_longer_mapped_are_left_as_they_are() -> None:
    nights = Nights(schools=[a_school(), a_school(school_id="high", oneroster_id="org-2")])
    nights.run(a_record("S-1"), a_record("S-2", orgs=[{"sourcedId": "org-2"}]))
    nights.configure(settings(), [a_school()])

    run = nights.run(a_record("S-1"), a_record("S-2", orgs=[{"sourcedId": "org-2"}]))

    assert run.counts.deactivated == 0
    assert nights.user("S-2").active


def test_when_no_oneroster_id_is_known_the_run_fails_and_says_what_to_do() -> None:
    nights = Nights(schools=[a_school(oneroster_id="org-typo")])

    run = nights.run(a_record())

    assert run.state is RunState.FAILED
    assert "Choose them anew" in (run.reason or "")


# Identity


def test_records_of_one_person_become_one_user() -> None:
    nights = Nights()
    ruth = {"email": "ruth@example.org", "givenName": "Ruth", "familyName": "Powers"}

    run = nights.run(
        a_record("T-1", role="teacher", **ruth), a_record("S-2"), a_record("A-1", role="administrator", **ruth)
    )

    assert run.counts.created == 2
    assert nights.user("T-1") == nights.user("A-1")
    assert nights.user("T-1").role is Role.ADMINISTRATOR
    assert nights.user("T-1").sourced_ids == ("A-1", "T-1")


def test_a_second_record_joins_the_user_of_the_first_whose_own_record_is_unchanged() -> None:
    nights = Nights()
    ruth = {"email": "ruth@example.org", "givenName": "Ruth", "familyName": "Powers"}
    first = a_record("T-1", role="teacher", identifier="77", **ruth)
    nights.run(first)
    user_id = nights.user("T-1").user_id

    run = nights.run(first, a_record("A-1", role="administrator", **ruth))

    assert (run.counts.updated, run.counts.created, run.counts.unchanged) == (1, 0, 0)
    user = nights.user("A-1")
    assert (user.user_id, user.sourced_ids, user.identifier) == (user_id, ("A-1", "T-1"), "77")


def test_a_record_of_several_that_goes_leaves_the_person_with_the_rest() -> None:
    nights = Nights()
    ruth = {"email": "ruth@example.org", "givenName": "Ruth", "familyName": "Powers"}
    nights.run(a_record("T-1", role="teacher", **ruth), a_record("A-1", role="administrator", **ruth))

    run = nights.run(a_record("T-1", role="teacher", **ruth))

    assert (run.counts.updated, run.counts.deactivated) == (1, 0)
    assert (nights.user("T-1").sourced_ids, nights.user("T-1").role) == (("T-1",), Role.SPONSOR)


def test_the_same_email_without_any_name_is_no_guess_either() -> None:
    """Siblings with their parents' address, at a provider that shares no names, became one child."""
    nights = Nights()
    nameless = {"email": "family@example.org", "givenName": None, "familyName": ""}

    run = nights.run(a_record("S-1", **nameless), a_record("S-2", **nameless))

    assert run.counts.created == 2
    assert nights.issues(run) == [("email_shared", "S-1"), ("email_shared", "S-2")]


def test_the_same_email_with_different_names_makes_separate_users_and_issues_every_night() -> None:
    nights = Nights()
    records = [a_record("S-1", email="home@example.org"), a_record("S-2", email="Home@example.org")]
    first = nights.run(*records)

    second = nights.run(*records)

    assert first.counts.created == 2
    assert nights.issues(first) == nights.issues(second) == [("email_shared", "S-1"), ("email_shared", "S-2")]


@pytest.mark.parametrize("recognised", [{"email": "lisa@example.org"}, {"identifier": "1001", "familyName": "Simpson"}])
def test_a_changed_sourced_id_takes_over_the_absent_user(recognised: dict[str, str]) -> None:
    nights = Nights()
    nights.run(a_record("old", **recognised), a_record("S-2"))
    user_id = nights.user("old").user_id

    run = nights.run(a_record("new", **recognised), a_record("S-2"))

    assert (run.counts.linked, run.counts.created, run.counts.deactivated) == (1, 0, 0)
    assert (nights.user("new").user_id, nights.user("new").sourced_ids) == (user_id, ("new",))


@pytest.mark.parametrize("earlier", ["a", "z"])
def test_two_users_who_became_one_stay_one_when_the_lower_record_goes(earlier: str) -> None:
    """The user whom the night of the union had deactivated came back, and the one in use was deactivated."""
    person = {"email": "pat@example.org", "given_name": "Pat", "family_name": "Park", "fence": 0}
    nights = Nights(
        a_user(user_id="u", sourced_ids=("S-1", "S-2"), **person),
        a_user(user_id=earlier, sourced_ids=("S-2",), active=False, **person),
    )

    nights.run(a_record("S-2", email="pat@example.org", givenName="Pat", familyName="Park"), a_record("S-9"))

    users = {user.user_id: user for user in nights.users.all(DISTRICT)}
    assert (users[UserId("u")].active, users[UserId("u")].sourced_ids) == (True, ("S-2",))
    assert not users[UserId(earlier)].active


@pytest.mark.parametrize("nights_before", [0, 2])
def test_a_user_of_an_unmapped_school_is_not_taken_over(nights_before: int) -> None:
    """A newcomer with the parents' address took over a sibling at a school that was no longer mapped.

    After some nights only the mapped schools are read, and the sibling is not even asked for.
    """
    nights = Nights(schools=[a_school(), a_school(school_id="high", name="High", oneroster_id="org-2")])
    orgs = [{"sourcedId": "org-1", "type": "school"}, {"sourcedId": "org-2", "type": "school"}]
    sibling = a_record("S-1", email="family@example.org", orgs=[{"sourcedId": "org-2"}])
    records = [sibling, a_record("S-2"), a_record("T-1", role="teacher"), a_record("A-1", role="administrator")]
    nights.run(provider=FakeProvider(records, orgs=orgs))
    before = nights.user("S-1")
    nights.configure(settings(), [a_school()])
    for _ in range(nights_before):
        nights.run(provider=FakeProvider(records, orgs=orgs))
    provider = FakeProvider([*records, a_record("S-3", email="family@example.org")], orgs=orgs)

    run = nights.run(provider=provider)

    assert ("users" in provider.asked) is (nights_before == 0)
    assert nights.user("S-1") == before
    assert (run.counts.created, run.counts.linked) == (1, 0)


def test_nobody_is_taken_over_in_a_fetch_that_is_not_whole() -> None:
    nights = Nights()
    nights.run(a_record("old", email="lisa@example.org"))

    run = nights.run(provider=FakeProvider([a_record("new", email="lisa@example.org")], announced=2))

    assert (run.counts.linked, run.counts.created) == (0, 1)


def test_a_record_that_leaves_a_person_gets_an_id_of_its_own() -> None:
    """The user's id once came from the leaving record's sourcedId, so its new user overwrote the old one."""
    nights = Nights()
    one = {"email": "one@example.org", "familyName": "Powers"}
    nights.run(a_record("S-3", **one), a_record("S-5", **one))
    user_id = nights.user("S-5").user_id

    nights.run(a_record("S-0", **one), a_record("S-5", **one), a_record("S-3"))

    assert (nights.user("S-0"), nights.user("S-0").user_id) == (nights.user("S-5"), user_id)
    assert nights.user("S-3").sourced_ids == ("S-3",)


def test_a_repeated_record_counts_once() -> None:
    nights = Nights()

    run = nights.run(a_record("S-1"), a_record("S-2"), a_record("S-1", givenName="Later"))

    assert (run.counts.fetched, run.counts.created) == (2, 2)


@pytest.mark.parametrize(("first", "repeat"), [("Lisa", "Lisa"), ("Lisa", "New"), ("New", "Lisa"), ("New", "Newer")])
def test_of_a_stored_user_s_repeated_records_the_first_counts_and_once(first: str, repeat: str) -> None:
    nights = Nights()
    nights.run(a_record("S-1", givenName="Lisa"), a_record("S-2"))

    run = nights.run(a_record("S-1", givenName=first), a_record("S-2"), a_record("S-1", givenName=repeat))

    assert nights.user("S-1").given_name == first
    changed = first != "Lisa"
    assert run.counts == Counts(fetched=2, updated=int(changed), unchanged=2 - changed)


# Redelivery and crashes


def test_a_new_attempt_waits_until_no_chunk_of_an_earlier_one_can_be_in_work() -> None:
    """What such a chunk writes after the roster was read would be missing in the comparison."""
    nights = Nights()
    run = nights.queued()

    nights.fetch(run, FakeProvider([a_record()]))
    waited_at_first = list(nights.pauses)
    nights.fetch(run, FakeProvider([a_record()]))

    assert (waited_at_first, nights.pauses) == ([], [CHUNK_TIME.total_seconds()])


def test_what_an_earlier_attempt_created_counts_though_it_is_gone_and_stays() -> None:
    nights = Nights()
    run = nights.queued()
    nights.fetch(run, FakeProvider([a_record("S-1"), a_record("S-2")]))
    (chunk,) = nights.queue.sent
    nights.users.apply(chunk, nights.now)
    nights.queue.sent.clear()

    nights.fetch(run, FakeProvider([a_record("S-2")], announced=2))
    nights.apply()

    assert nights.user("S-1").active
    assert (nights.stored(run).counts.created, nights.stored(run).counts.unchanged) == (2, 0)


def test_a_run_that_ended_but_died_before_it_gave_the_lease_back_makes_nobody_wait() -> None:
    nights = Nights()
    died = nights.queued()
    nights.districts.acquire(DISTRICT, died.run_id, nights.now, nights.now + timedelta(days=2))
    nights.runs.close(DISTRICT, died.run_id, RunState.COMPLETED, None, nights.now)

    assert nights.run(a_record()).state is RunState.COMPLETED


def test_an_attempt_that_fails_leaves_the_run_to_the_newer_one() -> None:
    nights = Nights()
    run = nights.queued()
    provider = FakeProvider([a_record()])
    older = nights.fetcher(provider)

    def begin_anew(_: Settings) -> Provider:
        nights.fetch(run, provider)
        raise ConfigurationError("The consumer key is wrong.")

    fetch_roster(DISTRICT, run.run_id, replace(older, open_provider=begin_anew), deadline=nights.now)
    nights.apply()

    assert nights.stored(run).state is RunState.COMPLETED


def test_a_second_delivery_of_every_chunk_changes_neither_users_nor_counts() -> None:
    nights = Nights()
    run = nights.queued()
    nights.fetch(run, FakeProvider([a_record(f"S-{number}") for number in range(600)]))
    chunks = list(nights.queue.sent)

    nights.apply(deliveries=2)

    assert len(chunks) == 3
    assert nights.stored(run).counts == Counts(fetched=600, created=600)
    assert nights.users.writes == 600


def test_a_chunk_that_was_counted_before_its_run_was_closed_closes_it_when_it_comes_again() -> None:
    """A kill between counting the last chunk and closing the run once left the run applying for ever."""
    nights = Nights()
    run = nights.queued()
    nights.fetch(run, FakeProvider([a_record()]))
    (chunk,) = nights.queue.sent
    counts = nights.users.apply(chunk, nights.now)
    nights.runs.count_chunk(chunk, counts)

    nights.apply_chunk(chunk)

    assert nights.stored(run).state is RunState.COMPLETED
    assert nights.stored(run).counts.created == 1


def test_a_fetch_that_comes_again_after_part_was_applied_counts_each_change_once() -> None:
    nights = Nights()
    run = nights.queued()
    provider = [a_record(f"S-{number}") for number in range(600)]
    nights.fetch(run, FakeProvider(provider))
    first, second, third = nights.queue.sent
    nights.apply_chunk(first)

    nights.queue.sent = []
    nights.fetch(run, FakeProvider(provider))
    nights.queue.sent += [second, third]
    nights.apply()

    assert nights.stored(run).state is RunState.COMPLETED
    assert nights.stored(run).counts == Counts(fetched=600, created=600)


def test_somebody_created_before_the_fetch_came_again_and_changed_since_counts_as_created() -> None:
    nights = Nights()
    run = nights.queued()
    nights.fetch(run, FakeProvider([a_record(givenName="Old")]))
    (chunk,) = nights.queue.sent
    nights.users.apply(chunk, nights.now)
    nights.queue.sent = []

    nights.fetch(run, FakeProvider([a_record(givenName="New")]))
    nights.apply()

    assert nights.user("S-1").given_name == "New"
    assert nights.stored(run).counts == Counts(fetched=1, created=1)


@pytest.mark.parametrize(
    ("again", "counts"),
    [
        ([a_record("S-1")], Counts(fetched=1, unchanged=1, deactivated=1)),
        ([a_record("S-1"), a_record("S-2")], Counts(fetched=2, unchanged=1, reactivated=1)),
    ],
)
def test_a_deactivation_before_the_fetch_came_again_counts_only_while_the_user_is_away(
    again: list[dict[str, object]], counts: Counts
) -> None:
    nights = Nights()
    nights.run(a_record("S-1"), a_record("S-2"))
    run = nights.queued()
    nights.fetch(run, FakeProvider([a_record("S-1")]))
    (chunk,) = nights.queue.sent
    nights.users.apply(chunk, nights.now)
    nights.queue.sent = []

    nights.fetch(run, FakeProvider(again))
    nights.apply()

    assert nights.stored(run).counts == counts
    assert nights.user("S-2").active is (len(again) == 2)


def test_a_chunk_of_an_older_run_does_not_overwrite_a_newer_one() -> None:
    nights = Nights()
    old = nights.queued()
    nights.fetch(old, FakeProvider([a_record(givenName="Old")]))
    (late,) = nights.queue.sent
    nights.queue.sent = []
    nights.runs.close(DISTRICT, old.run_id, RunState.FAILED, None, nights.now)
    nights.districts.release(DISTRICT, old.run_id)
    nights.run(a_record(givenName="New"))

    counts = nights.users.apply(late, nights.now)

    assert nights.user("S-1").given_name == "New"
    assert counts.superseded == 1


def test_a_second_run_ends_skipped_while_the_first_is_under_way() -> None:
    nights = Nights()
    first = nights.queued()
    nights.fetch(first, FakeProvider([a_record()]))
    second = replace(first, run_id=RunId("20261126T090000Z-5ec0d"))
    nights.runs.create(second)

    nights.fetch(second, FakeProvider([a_record()]))

    assert nights.stored(second).state is RunState.SKIPPED
    assert first.run_id in (nights.stored(second).reason or "")


@pytest.mark.parametrize("run_id_of", [upload_run_id, edit_run_id, approval_run_id, revert_run_id])
def test_a_night_waits_for_what_asks_no_provider_and_does_not_take_long(
    run_id_of: Callable[[datetime, str], RunId],
) -> None:
    """One that met it was skipped, and the district waited a day for a matter of seconds."""
    nights = Nights()
    run = nights.queued()
    nights.districts.acquire(DISTRICT, run_id_of(nights.now, "1"), nights.now, nights.now + timedelta(minutes=2))

    nights.fetch(run, FakeProvider([a_record()]))
    nights.apply()

    assert nights.stored(run).state is RunState.COMPLETED


@pytest.mark.parametrize("run_id_of", [upload_run_id, edit_run_id, approval_run_id, revert_run_id])
def test_a_night_comes_again_for_what_takes_longer(run_id_of: Callable[[datetime, str], RunId]) -> None:
    """An import of more than three minutes cost the district its night."""
    nights = Nights()
    run = nights.queued()
    nights.districts.acquire(DISTRICT, run_id_of(nights.now, "1"), nights.now, nights.now + timedelta(minutes=15))

    with pytest.raises(TransientError, match="under way"):
        nights.fetch(run, FakeProvider([a_record()]))

    assert nights.stored(run) == run
    nights.now += timedelta(minutes=15)
    nights.fetch(run, FakeProvider([a_record()]))
    nights.apply()
    assert nights.stored(run).state is RunState.COMPLETED


def test_a_preview_for_which_somebody_waits_is_skipped_all_the_same() -> None:
    nights = Nights()
    preview = replace(nights.queued(), run_id=preview_run_id(nights.now, "1"), kind=RunKind.PREVIEW)
    nights.runs.create(preview)
    nights.districts.acquire(DISTRICT, upload_run_id(nights.now, "1"), nights.now, nights.now + timedelta(minutes=15))

    nights.fetch(preview, FakeProvider([a_record()]))

    assert nights.stored(preview).state is RunState.SKIPPED


def test_a_run_that_died_without_a_word_is_ended_by_the_next() -> None:
    nights = Nights()
    dead = nights.queued()
    nights.fetch(dead, FakeProvider([a_record()]))
    nights.queue.sent = []

    nights.run(a_record())

    dead = nights.stored(dead)
    assert (dead.state, dead.reason) == (RunState.FAILED, "It stopped without a word; a later sync took over.")


def test_a_run_whose_request_was_lost_is_ended_by_the_next() -> None:
    """A SyncRequest that became a dead letter before its fetch once left the run queued for ever."""
    nights = Nights()
    lost = nights.queued()

    nights.run(a_record())

    lost = nights.stored(lost)
    assert (lost.state, lost.ended_at, lost.reason) == (
        RunState.FAILED,
        nights.now,
        "It had not begun; a later sync took over.",
    )


def test_an_upload_that_waits_is_not_ended_by_a_sync() -> None:
    nights = Nights()
    upload = replace(nights.queued(), run_id=RunId("20261124T100000Z-upload-1"), kind=RunKind.UPLOAD)
    nights.runs.create(upload)

    nights.run(a_record())

    assert nights.stored(upload).state is RunState.QUEUED


def test_an_ended_run_is_not_fetched_again() -> None:
    nights = Nights()
    run = nights.run(a_record())
    provider = FakeProvider([a_record("S-2")])

    nights.fetch(run, provider)

    assert nights.stored(run) == run
    assert provider.requests_made == 0
    assert nights.queue.sent == []
    assert_is_free(nights)


def test_a_run_that_ended_during_its_fetch_sends_nothing() -> None:
    nights = Nights()
    run = nights.queued()

    class Closing(FakeProvider):
        def close(self) -> None:
            nights.runs.close(DISTRICT, run.run_id, RunState.FAILED, "It was ended.", nights.now)

    nights.fetch(run, Closing([a_record()]))

    assert nights.queue.sent == []
    assert nights.stored(run).reason == "It was ended."


# Records known to the letter


def test_a_record_that_differs_only_in_what_is_not_stored_changes_nothing() -> None:
    nights = Nights()
    nights.run(a_record(dateLastModified="2026-11-01T00:00:00Z"))

    run = nights.run(a_record(dateLastModified="2026-11-02T00:00:00Z", password="new"))

    assert run.counts == Counts(fetched=1, unchanged=1)


def test_an_equal_record_is_read_anew_when_the_settings_changed() -> None:
    nights = Nights()
    record = a_record(metadata={"homeroom": "2B"})
    nights.run(record)
    nights.configure(settings(metadata_keys=("homeroom",)), [a_school()])

    run = nights.run(record)

    assert run.counts.updated == 1
    assert nights.user("S-1").metadata == {"homeroom": "2B"}


def test_an_equal_record_of_a_deactivated_user_reactivates() -> None:
    nights = Nights()
    nights.run(a_record("S-1"), a_record("S-2"))
    nights.run(a_record("S-1"))

    run = nights.run(a_record("S-1"), a_record("S-2"))

    assert run.counts.reactivated == 1


def test_an_equal_record_still_tells_of_its_unknown_counselor() -> None:
    nights = Nights(district=settings(counselor_metadata_key="counselor"))
    record = a_record(metadata={"counselor": "nobody@example.org"})
    first = nights.run(record)

    second = nights.run(record)

    assert nights.issues(first) == nights.issues(second) == [("counselor_unknown", "S-1")]


def test_a_record_with_an_issue_is_named_every_night() -> None:
    nights = Nights()
    record = a_record(email="no address")
    first = nights.run(record)

    second = nights.run(record)

    assert second.counts == Counts(fetched=1, unchanged=1)
    assert nights.issues(first) == nights.issues(second) == [("email_invalid", "S-1")]


def test_a_run_that_comes_again_after_its_settings_were_emptied_gives_its_lease_back() -> None:
    nights = Nights()
    run = nights.queued()
    nights.districts.acquire(DISTRICT, run.run_id, nights.now, nights.now + timedelta(minutes=20))
    nights.configure(settings(products=frozenset()), [a_school()])

    nights.fetch(run, FakeProvider([]))

    nights.districts.acquire(DISTRICT, RunId("another"), nights.now, nights.now + timedelta(minutes=20))
    assert nights.stored(run).state is RunState.SKIPPED


def test_a_person_of_whose_records_one_became_unusable_stays_one_user() -> None:
    """The unusable record once claimed the user, so the other record became a second user beside it."""
    nights = Nights()
    ruth = {"email": "ruth@example.org", "givenName": "Ruth", "familyName": "Powers"}
    nights.run(a_record("A-1", role="administrator", **ruth), a_record("T-1", role="teacher", **ruth))

    run = nights.run(a_record("A-1", **{**ruth, "role": None}), a_record("T-1", role="teacher", **ruth))

    assert (run.counts.created, run.counts.updated, run.counts.deactivated) == (0, 1, 0)
    assert [user.sourced_ids for user in nights.users.all(DISTRICT)] == [("T-1",)]


def test_an_outage_of_our_own_ends_no_run_for_its_message_comes_again() -> None:
    """A throttled table ended the run `failed`, as if the provider had not answered."""

    class Throttled(InMemoryUsers):
        def roster(self, district_id: DistrictId) -> Iterator[Sequence[RosterEntry]]:
            raise OwnOutageError("The database is busy or did not answer.")

    nights = Nights()
    run = nights.queued()
    users, nights.users = nights.users, Throttled()

    with pytest.raises(OwnOutageError):
        nights.fetch(run, FakeProvider([a_record()]))
    nights.users = users
    nights.fetch(run, FakeProvider([a_record()]))
    nights.apply()

    assert (nights.stored(run).state, nights.stored(run).attempt) == (RunState.COMPLETED, 2)
