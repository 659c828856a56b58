"""States, counts and ids of runs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.identifiers import RunId
from roster_sync.domain.run import COUNT_OF_KIND, Counts, RunState, manual_run_id, nightly_run_id, upload_run_id
from tests.support.builders import NOW

_counts = st.builds(Counts, **{name: st.integers(0, 10) for name in Counts().as_dict()})


@pytest.mark.parametrize("state", RunState)
def test_a_run_that_waits_fetches_or_applies_has_not_ended(state: RunState) -> None:
    assert state.is_terminal is (state.value not in {"queued", "fetching", "applying"})


@pytest.mark.parametrize("kind", ChangeKind)
def test_every_kind_of_change_has_a_count_of_its_own(kind: ChangeKind) -> None:
    counts = Counts(**{COUNT_OF_KIND[kind]: 1})

    assert counts.changed == 1
    assert len(set(COUNT_OF_KIND.values())) == len(ChangeKind)


def test_only_what_changed_a_user_counts_as_changed() -> None:
    assert Counts(fetched=1, unchanged=2, skipped=3, invalid=4, superseded=5).changed == 0


@given(_counts, _counts)
def test_counts_add_up_field_by_field(one: Counts, other: Counts) -> None:
    total = one + other

    assert total.as_dict() == {name: getattr(one, name) + getattr(other, name) for name in Counts().as_dict()}


def test_a_night_has_one_id_however_often_it_is_dispatched() -> None:
    scheduled = datetime(2026, 11, 24, 9, tzinfo=UTC)

    assert nightly_run_id(scheduled) == "20261124T090000Z-nightly"


@pytest.mark.parametrize(
    "run_id_of", [nightly_run_id, lambda t: manual_run_id(t, "ab"), lambda t: upload_run_id(t, "ab")]
)
def test_run_ids_sort_by_time(run_id_of: Callable[[datetime], RunId]) -> None:
    times = [NOW + step for step in (timedelta(0), timedelta(seconds=1), timedelta(hours=16), timedelta(days=40))]

    ids = [run_id_of(time) for time in times]

    assert all(earlier < later for earlier, later in pairwise(ids))


def test_runs_of_one_second_differ_by_nonce_and_kind() -> None:
    ids = {nightly_run_id(NOW), manual_run_id(NOW, "a"), manual_run_id(NOW, "b"), upload_run_id(NOW, "a")}

    assert len(ids) == 4
