"""All districts together have no more requests under way at a host than it bears."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roster_sync.domain.errors import TransientError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.storage.host_slots import HELD_AT_MOST, MOST_WAIT, HostSlots
from tests.support.builders import NOW

HOST, OTHER_HOST = "sis.example.org", "sis.example.net"
ADA, BEA, COY = map(DistrictId, ("ada", "bea", "coy"))


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def slots_of(tables: dict[str, str], clock: Clock, ceiling: int = 7) -> HostSlots:
    return HostSlots(tables["DistrictsTable"], ceiling, clock=clock, sleep=clock.sleep)


def test_a_district_gets_what_it_wants_while_it_is_free_and_then_what_is_left(tables: dict[str, str]) -> None:
    slots = slots_of(tables, Clock())

    assert slots.take(HOST, ADA, 5) == 5
    assert slots.take(HOST, BEA, 5) == 2
    assert slots.take(OTHER_HOST, BEA, 5) == 5


def test_one_that_gets_none_in_time_comes_again_later(tables: dict[str, str]) -> None:
    clock = Clock()
    slots = slots_of(tables, clock, ceiling=1)
    slots.take(HOST, ADA, 5)

    with pytest.raises(TransientError, match="Other districts keep"):
        slots.take(HOST, BEA, 5)

    assert NOW + MOST_WAIT <= clock.now < NOW + 2 * MOST_WAIT


def test_what_is_given_back_is_free(tables: dict[str, str]) -> None:
    slots = slots_of(tables, Clock())
    slots.take(HOST, ADA, 5)
    slots.take(HOST, BEA, 2)

    slots.give_back(HOST, ADA)

    assert slots.take(HOST, COY, 7) == 5


def test_a_district_that_comes_again_has_its_slots_still(tables: dict[str, str]) -> None:
    slots = slots_of(tables, Clock())
    slots.take(HOST, ADA, 7)

    assert slots.take(HOST, ADA, 7) == 7


def test_slots_of_a_fetch_that_died_are_free_after_its_time(tables: dict[str, str]) -> None:
    clock = Clock()
    slots = slots_of(tables, clock)
    slots.take(HOST, ADA, 7)
    clock.now += HELD_AT_MOST

    assert slots.take(HOST, BEA, 7) == 7
    slots.give_back(HOST, ADA)
    with pytest.raises(TransientError):
        slots.take(HOST, COY, 1)


events = st.lists(st.tuples(st.sampled_from([ADA, BEA, COY]), st.integers(0, 4)), max_size=8)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=events, ceiling=st.integers(3, 6))
def test_no_more_are_held_than_the_host_bears(
    tables: dict[str, str], events: list[tuple[DistrictId, int]], ceiling: int
) -> None:
    slots = slots_of(tables, Clock(), ceiling)
    held = dict.fromkeys((ADA, BEA, COY), 0)
    for district_id in held:
        slots.give_back(HOST, district_id)

    for district_id, wanted in events:
        slots.give_back(HOST, district_id)
        held[district_id] = 0
        if wanted and sum(held.values()) < ceiling:
            held[district_id] = slots.take(HOST, district_id, wanted)

        assert sum(held.values()) <= ceiling
        assert held[district_id] == 0 or held[district_id] <= wanted
