"""What holds for the keys of requests that start something, wherever they are kept."""

from datetime import timedelta

import pytest

from roster_sync.domain.beginning import KEPT, Beginning
from roster_sync.storage.beginnings import Beginnings
from tests.contracts.conftest import Names
from tests.support.builders import DISTRICT, NOW, OTHER_DISTRICT
from tests.support.fakes import InMemoryBeginnings

AnyBeginnings = InMemoryBeginnings | Beginnings

FIRST = Beginning(NOW + timedelta(microseconds=1), "00000001", "digest")
SECOND = Beginning(NOW + timedelta(hours=1), "00000002", "digest")


@pytest.fixture
def beginnings(tables: Names | None) -> AnyBeginnings:
    return Beginnings(tables["SyncRunsTable"]) if tables else InMemoryBeginnings()


def test_a_key_has_its_first_beginning(beginnings: AnyBeginnings) -> None:
    assert beginnings.keep(DISTRICT, "key", FIRST) == FIRST
    assert beginnings.keep(DISTRICT, "key", SECOND) == FIRST


def test_a_key_is_one_districts_own(beginnings: AnyBeginnings) -> None:
    beginnings.keep(DISTRICT, "key", FIRST)

    assert beginnings.keep(OTHER_DISTRICT, "key", SECOND) == SECOND
    assert beginnings.keep(DISTRICT, "other key", SECOND) == SECOND


def test_a_key_is_forgotten_after_a_day(beginnings: AnyBeginnings) -> None:
    next_day = Beginning(FIRST.at + KEPT + timedelta(seconds=1), "00000003", "digest")
    beginnings.keep(DISTRICT, "key", FIRST)

    assert beginnings.keep(DISTRICT, "key", next_day) == next_day


def test_a_forgotten_key_is_as_good_as_new(beginnings: AnyBeginnings) -> None:
    beginnings.keep(DISTRICT, "key", FIRST)

    beginnings.forget(DISTRICT, "key", FIRST.at)

    assert beginnings.keep(DISTRICT, "key", SECOND) == SECOND


def test_a_replaced_beginning_holds(beginnings: AnyBeginnings) -> None:
    beginnings.keep(DISTRICT, "key", FIRST)

    beginnings.replace(DISTRICT, "key", SECOND)

    assert beginnings.keep(DISTRICT, "key", FIRST) == SECOND
