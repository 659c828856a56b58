"""Invariant 1 as a property: after each night the stored users equal the provider's, whatever was redelivered."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.run import RunState
from tests.support.builders import DISTRICT, a_school, settings
from tests.support.nights import FakeProvider, Nights, a_record

_SCHOOLS = {"org-1": "elementary", "org-2": "high"}
_RANK = {"administrator": 0, "teacher": 1, "student": 2}
_ROLE = {"administrator": "administrator", "teacher": "sponsor", "student": "student"}

_people = st.dictionaries(
    st.sampled_from([f"S-{number}" for number in range(6)]),
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["student", "teacher", "administrator", "parent"]),
            "givenName": st.sampled_from(["Ada", "Zoë"]),
            "familyName": st.just("Núñez"),
            "email": st.sampled_from([None, "one@example.org", "ONE@example.org", "two@example.org"]),
            "orgs": st.lists(
                st.sampled_from([{"sourcedId": "org-1"}, {"sourcedId": "org-2"}, {"sourcedId": "org-9"}]), min_size=1
            ),
            "status": st.sampled_from(["active", "active", "active", "tobedeleted"]),
        }
    ),
)


def expected(snapshot: Mapping[str, Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """The active users that a snapshot amounts to, told apart by sourcedIds, role, schools and names."""
    groups: dict[Any, list[tuple[str, Mapping[str, Any]]]] = defaultdict(list)
    for sourced_id, record in snapshot.items():
        mapped = [org["sourcedId"] for org in record["orgs"] if org["sourcedId"] in _SCHOOLS]
        if record["status"] == "active" and record["role"] != "parent" and mapped:
            email = record["email"]
            groups[(email.casefold(), record["givenName"]) if email else sourced_id].append((sourced_id, record))
    return {
        (
            tuple(sorted(sourced_id for sourced_id, _ in group)),
            _ROLE[min((record["role"] for _, record in group), key=_RANK.__getitem__)],
            tuple(
                sorted({_SCHOOLS[o["sourcedId"]] for _, r in group for o in r["orgs"] if o["sourcedId"] in _SCHOOLS})
            ),
            group[0][1]["givenName"],
        )
        for group in groups.values()
    }


def a_district_without_threshold() -> Nights:
    district = settings(deactivation_percent=100, deactivation_minimum=1_000)
    return Nights(district=district, schools=[a_school(), a_school(school_id="high", oneroster_id="org-2")])


_ORGS = [{"sourcedId": org, "type": "school"} for org in ("org-1", "org-2", "org-9")]


@pytest.mark.parametrize("orgs", [None, _ORGS], ids=["by the whole district", "by school"])
@given(st.lists(_people, min_size=1, max_size=4), st.integers(1, 3), st.randoms(use_true_random=False))
def test_after_each_completed_night_the_users_equal_the_snapshot(
    orgs: list[object] | None, snapshots: list[dict[str, dict[str, Any]]], deliveries: int, random: Any
) -> None:
    nights = a_district_without_threshold()
    for snapshot in snapshots:
        records = [a_record(sourced_id, **fields) for sourced_id, fields in snapshot.items()]
        random.shuffle(records)
        run = nights.queued()

        nights.fetch(run, FakeProvider(records, orgs=orgs))
        nights.apply(deliveries)

        ended = nights.stored(run)
        assert ended.state.is_terminal
        if ended.state in (RunState.FAILED, RunState.BLOCKED):
            continue
        active = [user for user in nights.users.all(DISTRICT) if user.active]
        assert {(user.sourced_ids, user.role.value, user.school_ids, user.given_name) for user in active} == expected(
            snapshot
        )
        assert len(active) == len(expected(snapshot))


@given(_people)
def test_the_same_snapshot_again_changes_nothing(snapshot: dict[str, dict[str, Any]]) -> None:
    nights = a_district_without_threshold()
    records = [a_record(sourced_id, **fields) for sourced_id, fields in snapshot.items()]
    nights.run(*records)
    writes = nights.users.writes

    again = nights.run(*reversed(records))

    assert (again.chunks_expected, nights.users.writes) == (0, writes)
