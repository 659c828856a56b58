"""What only DynamoDB does with schools: others write at the same time."""

from collections.abc import Callable

import pytest

from roster_sync.domain.district import School
from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.domain.identifiers import DistrictId, SchoolId, SourcedId
from roster_sync.storage.districts import Districts
from tests.support.builders import DISTRICT, a_school


class BusyDistricts(Districts):
    """Between reading and writing, something else happens."""

    meanwhile: Callable[[], None]

    def schools(self, district_id: DistrictId) -> list[School]:
        found = super().schools(district_id)
        self.meanwhile()
        return found


def a_busy_store(tables: dict[str, str], *meanwhile: School) -> BusyDistricts:
    """Each time, the next school of `meanwhile` is written by somebody else."""
    districts = BusyDistricts(tables["DistrictsTable"], pause=lambda _: None)
    others, waiting = Districts(tables["DistrictsTable"]), list(meanwhile)
    districts.meanwhile = lambda: others.put_school(waiting.pop()) if waiting else None
    return districts


def test_of_two_schools_that_get_one_oneroster_id_at_once_the_later_is_refused(tables: dict[str, str]) -> None:
    districts = a_busy_store(tables, a_school())

    with pytest.raises(ConfigurationError, match="has this OneRoster ID already"):
        districts.put_school(a_school(school_id=SchoolId("high")))

    assert districts.schools(DISTRICT) == [a_school()]


def test_two_schools_with_ids_of_their_own_may_be_written_at_once(tables: dict[str, str]) -> None:
    high = a_school(school_id=SchoolId("high"), oneroster_id=SourcedId("org-2"))
    districts = a_busy_store(tables, a_school())

    districts.put_school(high)

    assert districts.schools(DISTRICT) == [a_school(), high]


def test_a_school_that_meets_others_at_every_try_may_be_tried_again(tables: dict[str, str]) -> None:
    districts = a_busy_store(tables, *[a_school()] * 50)

    with pytest.raises(TransientError):
        districts.put_school(a_school(school_id=SchoolId("high"), oneroster_id=SourcedId("org-2")))
