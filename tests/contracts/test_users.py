"""What holds for the users of all districts, wherever they are kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from msgspec import structs

from roster_sync.domain.change import Change, ChangeKind, Chunk, ManualChange
from roster_sync.domain.identifiers import SchoolId, UserId
from roster_sync.domain.run import Counts
from roster_sync.domain.user import Role, RosterEntry, StoredUser
from roster_sync.storage.users import Users
from tests.support.builders import (
    DISTRICT,
    LATER_RUN,
    NOW,
    OTHER_DISTRICT,
    RUN,
    a_bare_sis_user,
    a_change,
    a_chunk,
    a_deactivation,
    a_manual_change,
    a_manual_profile,
    a_sis_user,
)
from tests.support.fakes import InMemoryUsers

LATER = NOW + timedelta(days=1)
FINGERPRINT = b"\x01" * 16
RECORD_DIGEST = b"\x02" * 16
SERVE = frozenset({"serve"})


def stored(users: InMemoryUsers | Users, user_id: str = "u-1") -> StoredUser:
    user = users.get(DISTRICT, UserId(user_id))
    assert user is not None
    return user


def a_later_chunk(*changes: Change) -> Chunk:
    return a_chunk(changes, run_id=LATER_RUN, fence=2)


def upload(
    users: InMemoryUsers | Users,
    *changes: ManualChange,
    fence: int = 1,
    products: frozenset[str] = SERVE,
) -> Counts:
    return users.apply_manual(DISTRICT, changes, run_id=RUN, fence=fence, products=products, now=NOW)


def roster(users: InMemoryUsers | Users) -> list[RosterEntry]:
    return sorted(entry for batch in users.roster(DISTRICT) for entry in batch)


# ---------------------------------------------------------------- What a sync stores


def test_a_created_user_is_kept_whole(users: InMemoryUsers | Users) -> None:
    counts = users.apply(a_chunk([a_change(record_digest=RECORD_DIGEST)]), NOW)

    assert counts == Counts(created=1)
    assert stored(users) == StoredUser(
        district_id=DISTRICT,
        user_id=UserId("u-1"),
        active=True,
        role=Role.STUDENT,
        counselor_email="counselor@example.org",
        products=SERVE,
        fingerprint=FINGERPRINT,
        record_digest=RECORD_DIGEST,
        fence=1,
        run_id=RUN,
        change_part="1.1",
        last_change="create",
        created_at=NOW,
        updated_at=NOW,
        **{**structs.asdict(a_sis_user()), "metadata": {"homeroom": "2B"}},
    )


def test_absent_values_are_absent(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk([a_change(user=a_bare_sis_user())], products=frozenset()), NOW)

    assert stored(users) == StoredUser(
        district_id=DISTRICT,
        user_id=UserId("u-1"),
        active=True,
        role=Role.STUDENT,
        sourced_ids=a_bare_sis_user().sourced_ids,
        sis_role=Role.STUDENT,
        school_ids=a_bare_sis_user().school_ids,
        fingerprint=FINGERPRINT,
        fence=1,
        run_id=RUN,
        change_part="1.1",
        last_change="create",
        created_at=NOW,
        updated_at=NOW,
    )


def test_values_that_the_provider_no_longer_sends_are_gone(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk([a_change(record_digest=RECORD_DIGEST)]), NOW)

    counts = users.apply(a_later_chunk(a_change(kind=ChangeKind.UPDATE, user=a_bare_sis_user())), LATER)

    assert counts == Counts(updated=1)
    user = stored(users)
    assert (user.email, user.grades, user.metadata, user.counselor_email, user.user_ids) == (None, (), None, None, ())
    assert user.record_digest is None
    assert (user.created_at, user.updated_at, user.run_id) == (NOW, LATER, LATER_RUN)


def test_each_kind_of_change_has_its_count(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk([a_change(user_id=f"u-{number}") for number in range(4)]), NOW)

    counts = users.apply(
        a_later_chunk(
            a_change(user_id="u-0", kind=ChangeKind.UPDATE),
            a_change(user_id="u-1", kind=ChangeKind.LINK),
            a_change(user_id="u-2", kind=ChangeKind.REACTIVATE),
            a_deactivation("u-3"),
            a_change(user_id="u-4"),
        ),
        LATER,
    )

    assert counts == Counts(updated=1, linked=1, reactivated=1, deactivated=1, created=1)


def test_products_are_only_ever_added(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk(products=SERVE), NOW)

    users.apply(replace(a_later_chunk(a_change()), products=frozenset({"jobs"})), LATER)

    assert stored(users).products == {"serve", "jobs"}


def test_a_deactivation_leaves_everything_else(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk(), NOW)
    before = stored(users)

    users.apply(a_later_chunk(a_deactivation()), LATER)

    assert stored(users) == replace(
        before,
        active=False,
        deactivated_at=LATER,
        updated_at=LATER,
        fence=2,
        run_id=LATER_RUN,
        last_change="deactivate",
    )


def test_a_reactivated_user_was_never_gone(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk(), NOW)
    users.apply(a_later_chunk(a_deactivation()), LATER)

    users.apply(a_chunk([a_change(kind=ChangeKind.REACTIVATE)], fence=3), LATER)

    user = stored(users)
    assert (user.active, user.deactivated_at, user.created_at) == (True, None, NOW)


def test_a_user_who_is_not_stored_is_not_deactivated(users: InMemoryUsers | Users) -> None:
    counts = users.apply(a_chunk([a_deactivation()]), NOW)

    assert counts == Counts(superseded=1)
    assert users.get(DISTRICT, UserId("u-1")) is None


def test_a_sync_never_deactivates_a_manual_user(users: InMemoryUsers | Users) -> None:
    upload(users, a_manual_change())

    counts = users.apply(a_later_chunk(a_deactivation("m-1")), LATER)

    assert counts == Counts(superseded=1)
    assert stored(users, "m-1").active


# ---------------------------------------------------------------- Redelivered, reordered and overtaken chunks


def test_a_redelivered_chunk_counts_the_same_and_writes_nothing(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk([a_change(), a_change(user_id="u-2")]), NOW)
    chunk = a_later_chunk(
        a_deactivation("u-1"), a_change(user_id="u-2", kind=ChangeKind.UPDATE), a_change(user_id="u-3")
    )
    first = users.apply(chunk, LATER)
    after_first = [stored(users, user_id) for user_id in ("u-1", "u-2", "u-3")]

    second = users.apply(chunk, LATER + timedelta(hours=1))

    assert second == first
    assert [stored(users, user_id) for user_id in ("u-1", "u-2", "u-3")] == after_first


def test_a_chunk_cut_off_halfway_counts_whole_when_it_comes_again(users: InMemoryUsers | Users) -> None:
    changes = [a_change(), a_change(user_id="u-2")]
    users.apply(a_chunk(changes[:1]), NOW)

    counts = users.apply(a_chunk(changes), NOW)

    assert counts == Counts(created=2)


def test_an_overtaken_change_is_dropped_and_counted(users: InMemoryUsers | Users) -> None:
    users.apply(a_later_chunk(a_change(kind=ChangeKind.UPDATE)), LATER)
    newer = stored(users)

    counts = users.apply(a_chunk([a_change(), a_change(user_id="u-2")]), NOW)

    assert counts == Counts(created=1, superseded=1)
    assert stored(users) == newer


def test_whoever_was_written_since_is_left_alone(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk([a_change(user_id="u-1"), a_change(user_id="u-2")], fence=3), NOW)
    users.apply(a_chunk([a_change(user_id="u-2", kind=ChangeKind.UPDATE)], fence=4), NOW)
    approved = a_chunk([a_deactivation("u-1"), a_deactivation("u-2")], fence=5, unchanged_since=3, run_id=LATER_RUN)

    first = users.apply(approved, LATER)
    again = users.apply(approved, LATER)

    assert first == again == Counts(deactivated=1, superseded=1)
    assert (stored(users, "u-1").active, stored(users, "u-2").active) == (False, True)


def test_users_are_found_by_their_ids(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk([a_change(user_id=f"u-{number}") for number in range(3)]), NOW)

    found = users.by_ids(DISTRICT, [UserId("u-0"), UserId("u-2"), UserId("u-9")])

    assert found == {UserId(user_id): stored(users, user_id) for user_id in ("u-0", "u-2")}
    assert users.by_ids(DISTRICT, []) == {}
    assert users.by_ids(OTHER_DISTRICT, [UserId("u-0")]) == {}


def test_districts_never_meet(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk(), NOW)
    before = stored(users)

    users.apply(a_chunk([a_change(user=a_bare_sis_user())], district_id=OTHER_DISTRICT, fence=9), LATER)

    assert stored(users) == before
    assert len(roster(users)) == 1
    assert list(users.by_emails(OTHER_DISTRICT, ["lisa@example.org"])) == []


# ---------------------------------------------------------------- Manual uploads


def test_an_uploaded_user_is_kept_whole(users: InMemoryUsers | Users) -> None:
    profile = a_manual_profile(grades=("02",))

    counts = upload(users, a_manual_change(profile=profile, role=Role.STUDENT, counselor_email="ned@example.org"))

    assert counts == Counts(created=1)
    assert stored(users, "m-1") == StoredUser(
        district_id=DISTRICT,
        user_id=UserId("m-1"),
        active=True,
        role=Role.STUDENT,
        manual_role=Role.STUDENT,
        email=profile.email,
        given_name=profile.given_name,
        family_name=profile.family_name,
        identifier=profile.identifier,
        grades=profile.grades,
        school_ids=profile.school_ids,
        counselor_email="ned@example.org",
        manual_counselor_email="ned@example.org",
        products=SERVE,
        fence=1,
        run_id=RUN,
        last_change="create",
        created_at=NOW,
        updated_at=NOW,
    )


def test_a_bare_uploaded_user_lacks_what_the_row_lacks(users: InMemoryUsers | Users) -> None:
    upload(users, a_manual_change())
    bare = a_manual_profile(given_name=None, family_name=None, identifier=None, school_ids=())

    upload(users, a_manual_change(kind=ChangeKind.UPDATE, profile=bare), fence=2, products=frozenset())

    user = stored(users, "m-1")
    assert (user.given_name, user.family_name, user.identifier, user.school_ids) == (None, None, None, ())
    assert user.products == SERVE


def test_an_upload_deactivates_and_reactivates_a_manual_user(users: InMemoryUsers | Users) -> None:
    upload(users, a_manual_change())
    gone = a_manual_change(kind=ChangeKind.DEACTIVATE, profile=a_manual_profile(active=False))

    counts = upload(users, gone, fence=2)
    inactive = stored(users, "m-1")
    upload(users, a_manual_change(kind=ChangeKind.REACTIVATE), fence=3)
    active = stored(users, "m-1")

    assert counts == Counts(deactivated=1)
    assert (inactive.active, inactive.deactivated_at) == (False, NOW)
    assert (active.active, active.deactivated_at) == (True, None)


def test_an_upload_writes_only_manual_attributes_of_a_user_with_a_provider_record(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk(), NOW)
    before = stored(users)

    counts = upload(
        users,
        ManualChange(
            kind=ChangeKind.UPDATE,
            user_id=UserId("u-1"),
            role=Role.COUNSELOR,
            counselor_email="ned@example.org",
            profile=None,
        ),
        fence=2,
    )

    assert counts == Counts(updated=1)
    assert stored(users) == replace(
        before,
        role=Role.COUNSELOR,
        manual_role=Role.COUNSELOR,
        manual_counselor_email="ned@example.org",
        fence=2,
        change_part=None,
        last_change="update",
    )


def test_an_upload_never_writes_sis_attributes_of_a_user_who_got_a_provider_record(
    users: InMemoryUsers | Users,
) -> None:
    users.apply(a_chunk(), NOW)
    before = stored(users)

    counts = upload(users, a_manual_change(user_id=UserId("u-1")), fence=2)

    assert counts == Counts(superseded=1)
    assert stored(users) == before


def test_an_upload_makes_no_user_without_a_profile(users: InMemoryUsers | Users) -> None:
    counts = upload(users, a_manual_change(profile=None))

    assert counts == Counts(superseded=1)
    assert users.get(DISTRICT, UserId("m-1")) is None


def test_an_upload_applied_again_counts_the_same_and_writes_nothing(users: InMemoryUsers | Users) -> None:
    first = upload(users, a_manual_change())

    second = users.apply_manual(DISTRICT, [a_manual_change()], run_id=RUN, fence=1, products=SERVE, now=LATER)

    assert second == first
    assert stored(users, "m-1").updated_at == NOW


def test_a_manual_role_survives_the_sync(users: InMemoryUsers | Users) -> None:
    upload(users, a_manual_change(role=Role.COUNSELOR))

    users.apply(a_later_chunk(a_change(kind=ChangeKind.LINK, user_id="m-1")), LATER)

    user = stored(users, "m-1")
    assert (user.role, user.manual_role, user.sis_role) == (Role.COUNSELOR, Role.COUNSELOR, Role.STUDENT)
    assert (user.sourced_ids, user.created_at) == (("S-1",), NOW)


def test_a_user_names_the_part_of_the_run_that_wrote_last(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk(attempt=2, number=7), NOW)
    by_sync = stored(users).change_part
    change = a_manual_change(user_id=UserId("u-1"), profile=None)

    users.apply_manual(DISTRICT, [change], run_id=RUN, fence=2, products=SERVE, now=NOW, part="1.3")

    assert (by_sync, stored(users).change_part) == ("2.7", "1.3")


def test_the_sis_names_the_counselor_before_an_upload_does(users: InMemoryUsers | Users) -> None:
    upload(users, a_manual_change(counselor_email="manual@example.org"))

    users.apply(a_later_chunk(a_change(kind=ChangeKind.LINK, user_id="m-1")), LATER)

    user = stored(users, "m-1")
    assert (user.counselor_email, user.manual_counselor_email) == ("counselor@example.org", "manual@example.org")


def test_an_uploaded_counselor_counts_where_the_sis_names_none(users: InMemoryUsers | Users) -> None:
    upload(users, a_manual_change(counselor_email="manual@example.org"))
    users.apply(a_later_chunk(a_change(kind=ChangeKind.LINK, user_id="m-1")), LATER)

    users.apply(a_chunk([a_change(user_id="m-1", user=a_bare_sis_user())], fence=3), LATER)

    assert stored(users, "m-1").counselor_email == "manual@example.org"


def test_a_counselor_uploaded_later_counts_where_the_sis_names_none(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk([a_change(user=a_bare_sis_user())]), NOW)

    upload(
        users,
        a_manual_change(user_id=UserId("u-1"), counselor_email="manual@example.org", profile=None),
        fence=2,
    )

    assert stored(users).counselor_email == "manual@example.org"


def test_an_upload_without_a_counselor_leaves_the_stored_one(users: InMemoryUsers | Users) -> None:
    upload(users, a_manual_change(counselor_email="manual@example.org"))

    upload(users, a_manual_change(kind=ChangeKind.UPDATE, counselor_email=None), fence=2)

    assert stored(users, "m-1").counselor_email == "manual@example.org"


# ---------------------------------------------------------------- Reading


def test_an_empty_district_has_an_empty_roster(users: InMemoryUsers | Users) -> None:
    assert roster(users) == []


def test_the_roster_says_what_the_diff_needs(users: InMemoryUsers | Users) -> None:
    change = a_change(user=a_sis_user(sourced_ids=("S-1", "S-2")), record_digest=RECORD_DIGEST)
    users.apply(a_chunk([change]), NOW)
    users.apply(a_later_chunk(a_deactivation()), LATER)
    upload(users, a_manual_change(profile=a_manual_profile(identifier=None, school_ids=())), products=frozenset())

    assert roster(users) == [
        RosterEntry(
            user_id=UserId("m-1"),
            fingerprint=None,
            sourced_ids=(),
            active=True,
            role="counselor",
            email="Counselor@Example.org",
            given_name="Ned",
            family_name="Flanders",
            identifier=None,
            school_ids=(),
            products=frozenset(),
            run_id=RUN,
            last_change="create",
        ),
        RosterEntry(
            user_id=UserId("u-1"),
            fingerprint=FINGERPRINT,
            sourced_ids=a_sis_user(sourced_ids=("S-1", "S-2")).sourced_ids,
            active=False,
            role="student",
            email="Lisa@Example.org",
            given_name="Lisa",
            family_name="Simpson",
            identifier="1001",
            school_ids=(SchoolId("elementary"),),
            products=SERVE,
            run_id=LATER_RUN,
            last_change="deactivate",
            record_digest=RECORD_DIGEST,
            sis_counselor_email="counselor@example.org",
        ),
    ]


def test_the_roster_holds_each_user_once(users: InMemoryUsers | Users) -> None:
    ids = sorted(f"u-{number:03d}" for number in range(60))
    users.apply(a_chunk([a_change(user_id=user_id) for user_id in ids]), NOW)

    assert [entry.user_id for entry in roster(users)] == ids


def test_sis_attributes_of_stored_users_are_found(users: InMemoryUsers | Users) -> None:
    bare = a_bare_sis_user(sourced_ids=("S-2",))
    users.apply(a_chunk([a_change(), a_change(user_id="u-2", user=bare)]), NOW)
    upload(users, a_manual_change())

    found = users.sis_users(DISTRICT, [UserId(user_id) for user_id in ("u-1", "u-2", "m-1", "nobody")])

    assert found == {"u-1": a_sis_user(), "u-2": bare}


def test_users_are_found_by_address_in_any_case(users: InMemoryUsers | Users) -> None:
    shared = "Shared@Example.org"
    users.apply(
        a_chunk(
            [
                a_change(user_id="u-1", user=a_sis_user(email=shared)),
                a_change(user_id="u-2", user=a_sis_user(email=" SHARED@example.org")),
                a_change(user_id="u-3", user=a_sis_user(email="other@example.org")),
            ]
        ),
        NOW,
    )

    found = users.by_emails(DISTRICT, ["shared@example.org", "OTHER@example.org", "nobody@example.org"])

    assert {email: ids_of(matches) for email, matches in found.items()} == {
        "shared@example.org": ["u-1", "u-2"],
        "other@example.org": ["u-3"],
    }


def test_a_user_is_not_found_by_an_address_of_the_past(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk(), NOW)
    users.apply(a_later_chunk(a_change(user=a_sis_user(email="new@example.org"))), LATER)

    found = users.by_emails(DISTRICT, ["lisa@example.org", "new@example.org"])

    assert list(found) == ["new@example.org"]


def test_many_addresses_are_found_as_few_are(users: InMemoryUsers | Users) -> None:
    users.apply(a_chunk(), NOW)
    strangers = [f"stranger-{number}@example.org" for number in range(2_100)]

    found = users.by_emails(DISTRICT, [*strangers, "lisa@example.org"])

    assert found == {"lisa@example.org": [stored(users)]}


def ids_of(users: Sequence[StoredUser]) -> list[str]:
    return [user.user_id for user in users]
