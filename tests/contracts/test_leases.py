"""What holds for the lease of a district, wherever it is kept."""

from datetime import timedelta

import pytest

from roster_sync.domain.errors import DistrictBusyError
from roster_sync.storage.districts import Districts
from roster_sync.use_cases.ports import LeaseStore
from tests.contracts.conftest import Names
from tests.support.builders import DISTRICT, LATER_RUN, NOW, OTHER_DISTRICT, RUN
from tests.support.fakes import InMemoryDistricts

SOON = NOW + timedelta(minutes=20)


@pytest.fixture
def leases(tables: Names | None) -> LeaseStore:
    return Districts(tables["DistrictsTable"]) if tables else InMemoryDistricts()


def test_a_free_lease_is_taken_after_nobody(leases: LeaseStore) -> None:
    lease = leases.acquire(DISTRICT, RUN, NOW, SOON)

    assert (lease.holder, lease.fence, lease.expires_at, lease.previous_holder) == (RUN, 1, SOON, None)


def test_a_held_lease_is_refused_with_its_holder(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)

    with pytest.raises(DistrictBusyError) as refusal:
        leases.acquire(DISTRICT, LATER_RUN, SOON - timedelta(seconds=1), SOON + timedelta(minutes=20))

    assert refusal.value.holder == RUN


def test_each_district_has_a_lease_of_its_own(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)

    assert leases.acquire(OTHER_DISTRICT, LATER_RUN, NOW, SOON).fence == 1


def test_the_holder_takes_its_lease_again_with_a_higher_fence(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)

    again = leases.acquire(DISTRICT, RUN, NOW, SOON + timedelta(minutes=1))

    assert (again.fence, again.previous_holder, again.expires_at) == (2, None, SOON + timedelta(minutes=1))


def test_an_expired_lease_is_taken_over_and_names_who_lost_it(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)

    taken = leases.acquire(DISTRICT, LATER_RUN, SOON, SOON + timedelta(minutes=20))

    assert (taken.holder, taken.fence, taken.previous_holder) == (LATER_RUN, 2, RUN)


def test_who_lost_the_lease_stays_known_when_the_taker_dies_and_takes_it_again(leases: LeaseStore) -> None:
    """Otherwise the run that lost it would never be ended."""
    later = SOON + timedelta(minutes=20)
    leases.acquire(DISTRICT, RUN, NOW, SOON)
    leases.acquire(DISTRICT, LATER_RUN, SOON, later)

    again = leases.acquire(DISTRICT, LATER_RUN, later, later + timedelta(minutes=20))

    assert (again.fence, again.previous_holder) == (3, RUN)


def test_a_released_lease_is_free_and_its_fence_goes_on(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)
    leases.release(DISTRICT, RUN)

    lease = leases.acquire(DISTRICT, LATER_RUN, NOW, SOON)

    assert (lease.fence, lease.previous_holder) == (2, None)


def test_nobody_releases_the_lease_of_another(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)

    leases.release(DISTRICT, LATER_RUN)

    assert leases.renew(DISTRICT, RUN, SOON)


def test_a_renewed_lease_holds_longer(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)

    assert leases.renew(DISTRICT, RUN, SOON + timedelta(minutes=5))

    with pytest.raises(DistrictBusyError):
        leases.acquire(DISTRICT, LATER_RUN, SOON, SOON + timedelta(minutes=20))


def test_a_lease_that_is_gone_is_not_renewed(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)
    leases.release(DISTRICT, RUN)

    assert not leases.renew(DISTRICT, RUN, SOON)
    assert not leases.renew(OTHER_DISTRICT, RUN, SOON)


def test_the_lease_is_shown_as_it_stands_expired_or_not(leases: LeaseStore) -> None:
    before = leases.held(DISTRICT)
    leases.acquire(DISTRICT, RUN, NOW, SOON)
    taken = leases.acquire(DISTRICT, LATER_RUN, SOON, SOON + timedelta(minutes=20))

    assert before is None
    assert leases.held(DISTRICT) == taken
    assert leases.held(OTHER_DISTRICT) is None


def test_a_lease_that_was_given_back_is_held_by_nobody(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)

    given_back = [leases.release(DISTRICT, RUN), leases.release(DISTRICT, RUN)]

    assert given_back == [True, False]
    assert leases.held(DISTRICT) is None


def test_a_lease_is_given_back_as_it_was_seen_and_not_when_it_was_renewed_since(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)
    leases.renew(DISTRICT, RUN, SOON + timedelta(minutes=20))

    renewed_since = leases.release(DISTRICT, RUN, SOON)
    still_held = leases.held(DISTRICT)
    as_seen = leases.release(DISTRICT, RUN, SOON + timedelta(minutes=20))

    assert (renewed_since, as_seen) == (False, True)
    assert still_held
    assert still_held.expires_at == SOON + timedelta(minutes=20)


def test_a_lease_is_taken_once_more_with_its_fence(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)
    leases.release(DISTRICT, RUN)

    assert leases.retake(DISTRICT, RUN, 1, NOW, SOON)

    held = leases.held(DISTRICT)
    assert held
    assert (held.holder, held.fence, held.expires_at) == (RUN, 1, SOON)
    with pytest.raises(DistrictBusyError):
        leases.acquire(DISTRICT, LATER_RUN, NOW, SOON)


def test_a_lease_that_somebody_holds_is_not_taken_once_more_until_it_expires(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)

    assert not leases.retake(DISTRICT, RUN, 1, SOON - timedelta(seconds=1), SOON + timedelta(minutes=20))
    assert leases.retake(DISTRICT, RUN, 1, SOON, SOON + timedelta(minutes=20))


def test_a_lease_that_somebody_has_had_since_is_not_taken_once_more(leases: LeaseStore) -> None:
    leases.acquire(DISTRICT, RUN, NOW, SOON)
    leases.release(DISTRICT, RUN)
    leases.acquire(DISTRICT, LATER_RUN, NOW, SOON)
    leases.release(DISTRICT, LATER_RUN)

    assert not leases.retake(DISTRICT, RUN, 1, NOW, SOON)
    assert not leases.retake(OTHER_DISTRICT, RUN, 1, NOW, SOON)
    assert leases.held(DISTRICT) is None
