"""The page of districts with a product on, over moto."""

import boto3
from moto import mock_aws

from roster_sync.domain.identifiers import DistrictId
from roster_sync.storage.active_districts import ActiveDistricts
from roster_sync.storage.districts import Districts
from tests.support.builders import settings
from tests.support.template import create_tables


def test_the_active_come_page_by_page_in_the_order_of_their_ids() -> None:
    with mock_aws():
        table = create_tables(boto3.client("dynamodb"))["DistrictsTable"]
        districts, active = Districts(table), ActiveDistricts(table)
        for name in ("maple", "ash", "oak"):
            districts.save_settings(settings(district_id=DistrictId(name), version=0), 0)
        off = settings(district_id=DistrictId("birch"), products=frozenset(), version=0)
        districts.save_settings(off, 0)

        first, cursor = active.page(None, 2)
        second, end = active.page(cursor, 2)

    assert (first, second, end) == (["ash", "maple"], ["oak"], None)
