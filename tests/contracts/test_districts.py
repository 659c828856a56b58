"""What holds for settings and schools, wherever they are kept."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from roster_sync.domain.district import Settings
from roster_sync.domain.errors import ConfigurationError, ConflictError
from roster_sync.domain.identifiers import SchoolId
from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.domain.user import Role
from roster_sync.storage.districts import Districts
from tests.contracts.conftest import Names
from tests.support.builders import DISTRICT, NOW, OTHER_DISTRICT, RUN, a_school, settings
from tests.support.fakes import InMemoryDistricts


@pytest.fixture
def districts(tables: Names | None) -> InMemoryDistricts | Districts:
    return Districts(tables["DistrictsTable"]) if tables else InMemoryDistricts()


def test_a_district_has_no_settings_at_first(districts: InMemoryDistricts | Districts) -> None:
    assert districts.settings(DISTRICT) is None


def test_settings_are_kept_whole(districts: InMemoryDistricts | Districts) -> None:
    whole = settings(
        token_url="https://tokens.example.org/token",
        sign_in=SignIn(SignInMethod.OAUTH2_BODY, "https://tokens.example.org/token"),
        products=frozenset({"serve", "jobs"}),
        counselor_metadata_key="counselor",
        role_metadata_key="staffRole",
        roles={"aide": Role.SPONSOR, "guidance": Role.COUNSELOR},
        metadata_keys=("homeroom", "house"),
        deactivation_percent=5,
        deactivation_minimum=0,
        change_percent=40,
        change_minimum=0,
        limits_lifted_until=NOW,
        sync_time=time(23, 45),
        timezone="Pacific/Honolulu",
        nights_from=date(2026, 11, 25),
        nights_after=NOW,
        former_night=NOW + timedelta(hours=1),
        pause_from=date(2027, 6, 20),
        pause_until=date(2027, 8, 10),
        school_year_from=date(2026, 8, 24),
        school_year_until=date(2027, 6, 12),
        deactivate_outside_school_year=True,
        parallel_requests=2,
        page_size=500,
        delta_nights=True,
        full_fetch_days=14,
        first_run_preview=True,
        previewed_at=NOW,
        credentials_expire_on=date(2027, 10, 1),
        version=0,
    )

    saved = districts.save_settings(whole, 0)

    assert saved == replace(whole, version=1)
    assert districts.settings(DISTRICT) == saved


def test_empty_settings_are_kept_as_absent(districts: InMemoryDistricts | Districts) -> None:
    districts.save_settings(Settings(district_id=DISTRICT, updated_at=NOW), 0)

    stored = districts.settings(DISTRICT)

    assert stored == Settings(district_id=DISTRICT, updated_at=NOW, version=1)


def test_a_way_to_sign_in_is_added_to_the_settings_it_was_found_for(districts: InMemoryDistricts | Districts) -> None:
    saved = districts.save_settings(settings(sign_in=SignIn(SignInMethod.OAUTH2_BASIC, "https://x.example/token")), 0)

    added = districts.save_sign_in(DISTRICT, SignIn(SignInMethod.BEARER), 1)

    assert added
    assert districts.settings(DISTRICT) == replace(saved, sign_in=SignIn(SignInMethod.BEARER))


def test_a_way_to_sign_in_is_not_added_to_other_settings_than_it_was_found_for(
    districts: InMemoryDistricts | Districts,
) -> None:
    districts.save_settings(settings(), 0)
    changed = districts.save_settings(settings(consumer_key="another"), 1)

    added = districts.save_sign_in(DISTRICT, SignIn(SignInMethod.BEARER), 1)

    assert not added
    assert districts.settings(DISTRICT) == changed


def test_a_district_without_settings_gets_none_by_a_way_to_sign_in(districts: InMemoryDistricts | Districts) -> None:
    assert not districts.save_sign_in(DISTRICT, SignIn(SignInMethod.BEARER), 0)
    assert districts.settings(DISTRICT) is None


def test_a_completed_preview_is_noted_in_the_settings_it_was_made_with(
    districts: InMemoryDistricts | Districts,
) -> None:
    saved = districts.save_settings(settings(), 0)

    assert districts.save_previewed(DISTRICT, NOW, 1)

    assert districts.settings(DISTRICT) == replace(saved, previewed_at=NOW)


def test_a_preview_of_other_settings_is_not_noted(districts: InMemoryDistricts | Districts) -> None:
    districts.save_settings(settings(), 0)
    changed = districts.save_settings(settings(page_size=7), 1)

    assert not districts.save_previewed(DISTRICT, NOW, 1)

    assert districts.settings(DISTRICT) == changed


def test_a_value_that_is_taken_out_is_gone(districts: InMemoryDistricts | Districts) -> None:
    districts.save_settings(settings(counselor_metadata_key="counselor"), 0)

    districts.save_settings(settings(counselor_metadata_key=None), 1)

    stored = districts.settings(DISTRICT)
    assert stored is not None
    assert stored.counselor_metadata_key is None


@pytest.mark.parametrize("expected_version", [0, 2])
def test_settings_that_somebody_else_changed_are_not_overwritten(
    districts: InMemoryDistricts | Districts, expected_version: int
) -> None:
    first = districts.save_settings(settings(), 0)

    with pytest.raises(ConflictError):
        districts.save_settings(settings(base_url="https://other.example.org"), expected_version)

    assert districts.settings(DISTRICT) == first


def test_first_settings_are_no_later_version(districts: InMemoryDistricts | Districts) -> None:
    with pytest.raises(ConflictError):
        districts.save_settings(settings(), 1)


def test_only_districts_with_a_product_on_are_active(districts: InMemoryDistricts | Districts) -> None:
    active = districts.save_settings(settings(), 0)
    districts.save_settings(settings(district_id=OTHER_DISTRICT, products=frozenset()), 0)

    found = list(districts.active())

    assert found == [active]


def test_a_district_whose_last_product_goes_off_is_active_no_more(districts: InMemoryDistricts | Districts) -> None:
    districts.save_settings(settings(), 0)

    districts.save_settings(settings(products=frozenset()), 1)

    assert list(districts.active()) == []


def test_schools_come_by_id_and_of_their_district_only(districts: InMemoryDistricts | Districts) -> None:
    high = a_school(school_id=SchoolId("high"), name="Springfield High", oneroster_id=None)
    elementary = a_school()
    districts.save_settings(settings(), 0)
    for school in (high, elementary, a_school(district_id=OTHER_DISTRICT)):
        districts.put_school(school)

    assert districts.schools(DISTRICT) == [elementary, high]


def test_a_school_is_replaced_by_one_of_its_id(districts: InMemoryDistricts | Districts) -> None:
    districts.put_school(a_school())
    unmapped = a_school(oneroster_id=None)

    districts.put_school(unmapped)

    assert districts.school(DISTRICT, unmapped.school_id) == unmapped


def test_a_oneroster_id_is_of_one_school(districts: InMemoryDistricts | Districts) -> None:
    districts.put_school(a_school())
    districts.put_school(a_school(district_id=OTHER_DISTRICT))

    with pytest.raises(ConfigurationError, match="The school elementary has this OneRoster ID already"):
        districts.put_school(a_school(school_id=SchoolId("high")))

    assert [school.school_id for school in districts.schools(DISTRICT)] == ["elementary"]


def test_a_oneroster_id_is_free_again_once_its_school_is_deleted(districts: InMemoryDistricts | Districts) -> None:
    districts.put_school(a_school())
    districts.delete_school(DISTRICT, a_school().school_id)
    high = a_school(school_id=SchoolId("high"))

    districts.put_school(high)

    assert districts.schools(DISTRICT) == [high]


def test_a_school_is_deleted_once(districts: InMemoryDistricts | Districts) -> None:
    school = a_school()
    districts.put_school(school)

    deletions = [districts.delete_school(DISTRICT, school.school_id) for _ in range(2)]

    assert deletions == [True, False]
    assert districts.school(DISTRICT, school.school_id) is None


A_MINUTE = timedelta(minutes=1)


def test_tests_are_counted_up_to_the_most(districts: InMemoryDistricts | Districts) -> None:
    waits = [districts.count_test(DISTRICT, NOW + timedelta(seconds=second), 3, A_MINUTE) for second in (0, 10, 20, 45)]

    assert waits == [None, None, None, timedelta(seconds=15)]


def test_tests_are_counted_anew_when_the_time_is_over(districts: InMemoryDistricts | Districts) -> None:
    districts.count_test(DISTRICT, NOW, 1, A_MINUTE)

    waits = [districts.count_test(DISTRICT, NOW + A_MINUTE, 1, A_MINUTE) for _ in range(2)]

    assert waits == [None, A_MINUTE]


def test_a_refused_test_is_not_counted(districts: InMemoryDistricts | Districts) -> None:
    districts.count_test(DISTRICT, NOW, 1, A_MINUTE)
    districts.count_test(DISTRICT, NOW + A_MINUTE / 2, 1, A_MINUTE)

    assert districts.count_test(DISTRICT, NOW + A_MINUTE, 1, A_MINUTE) is None


def test_each_district_has_tests_of_its_own(districts: InMemoryDistricts | Districts) -> None:
    districts.count_test(DISTRICT, NOW, 1, A_MINUTE)

    assert districts.count_test(OTHER_DISTRICT, NOW, 1, A_MINUTE) is None


def test_counting_tests_leaves_settings_lease_and_schools_alone(districts: InMemoryDistricts | Districts) -> None:
    saved = districts.save_settings(settings(), 0)
    districts.put_school(a_school())
    districts.acquire(DISTRICT, RUN, NOW, NOW + A_MINUTE)

    districts.count_test(DISTRICT, NOW, 1, A_MINUTE)

    assert districts.settings(DISTRICT) == saved
    assert districts.schools(DISTRICT) == [a_school()]
    assert districts.renew(DISTRICT, RUN, NOW + A_MINUTE)
