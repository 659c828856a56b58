"""What holds for consents to exports, wherever they are kept."""

from datetime import timedelta

import pytest

from roster_sync.domain.consent import ExportConsent
from roster_sync.storage.export_consents import ExportConsents
from tests.contracts.conftest import Names
from tests.support.builders import DISTRICT, NOW, OTHER_DISTRICT
from tests.support.fakes import InMemoryExportConsents

AnyConsents = InMemoryExportConsents | ExportConsents
GIVEN = ExportConsent(NOW + timedelta(days=1), "admin@example.org", NOW)


@pytest.fixture
def consents(tables: Names | None) -> AnyConsents:
    return ExportConsents(tables["DistrictsTable"]) if tables else InMemoryExportConsents()


def test_a_consent_is_one_districts_own(consents: AnyConsents) -> None:
    consents.put(DISTRICT, GIVEN)

    assert (consents.get(DISTRICT), consents.get(OTHER_DISTRICT)) == (GIVEN, None)


def test_a_later_consent_takes_the_place_of_the_one_before(consents: AnyConsents) -> None:
    later = ExportConsent(NOW + timedelta(days=2), "other@example.org", NOW)
    consents.put(DISTRICT, GIVEN)

    consents.put(DISTRICT, later)

    assert consents.get(DISTRICT) == later


def test_a_consent_can_be_withdrawn_and_one_that_is_not_there_too(consents: AnyConsents) -> None:
    consents.put(DISTRICT, GIVEN)

    consents.delete(DISTRICT)
    consents.delete(DISTRICT)

    assert consents.get(DISTRICT) is None
