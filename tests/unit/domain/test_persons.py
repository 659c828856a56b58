"""Several records of one person become one user, whatever the order of pages."""

from itertools import pairwise, permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.persons import unite
from roster_sync.domain.user import Role, SisUser
from tests.support.builders import a_bare_sis_user, a_sis_user
from tests.support.rosters import SIS_ROLES, sis_users

_records = st.lists(sis_users(), min_size=1, max_size=4, unique_by=lambda user: user.sourced_ids)


@given(_records, st.randoms(use_true_random=False))
def test_the_order_of_the_records_decides_nothing(records: list[SisUser], random: Random) -> None:
    shuffled = list(records)
    random.shuffle(shuffled)

    assert unite(shuffled) == unite(records)


@given(_records)
def test_no_sourced_id_school_grade_agent_or_id_is_lost_and_none_is_made_up(records: list[SisUser]) -> None:
    user = unite(records)

    for attribute in ("sourced_ids", "school_ids", "grades", "agents", "user_ids"):
        every = {item for record in records for item in getattr(record, attribute)}
        assert getattr(user, attribute) == tuple(sorted(every))


@given(_records)
def test_a_value_is_absent_only_if_no_record_has_it(records: list[SisUser]) -> None:
    user = unite(records)

    for attribute in ("username", "given_name", "middle_name", "family_name", "email", "identifier", "phone", "sms"):
        values = {getattr(record, attribute) for record in records} - {None}
        assert getattr(user, attribute) in (values or {None})


@given(sis_users())
def test_one_record_is_the_person(record: SisUser) -> None:
    assert unite([record]) == record


@pytest.mark.parametrize(("higher", "lower"), list(pairwise(SIS_ROLES)))
def test_the_highest_role_wins_and_its_record_s_values(higher: Role, lower: Role) -> None:
    top = a_bare_sis_user(sourced_ids=("Z",), sis_role=higher, phone="1", metadata=(("room", "1"),))
    other = a_sis_user(sourced_ids=("A",), sis_role=lower, phone="2", metadata=(("bus", "7"), ("room", "2")))

    user = unite([other, top])

    assert (user.sis_role, user.phone, user.username) == (higher, "1", other.username)
    assert user.metadata == (("bus", "7"), ("room", "1"))


def test_among_records_of_one_role_the_lowest_sourced_id_wins() -> None:
    records = [a_bare_sis_user(sourced_ids=(sourced_id,), phone=sourced_id) for sourced_id in ("B", "A", "C")]

    phones = {unite(list(order)).phone for order in permutations(records)}

    assert phones == {"A"}
