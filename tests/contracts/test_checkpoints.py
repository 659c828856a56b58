"""What holds for the checkpoints of fetches, wherever they are kept."""

import pytest

from roster_sync.storage.checkpoints import Checkpoints
from roster_sync.use_cases.continuation import CheckpointStore
from tests.support.builders import DISTRICT, LATER_RUN, OTHER_DISTRICT, RUN
from tests.support.fakes import InMemoryCheckpoints


@pytest.fixture
def checkpoints(bucket: str | None) -> CheckpointStore:
    return Checkpoints(bucket) if bucket else InMemoryCheckpoints()


def test_parts_come_back_by_name(checkpoints: CheckpointStore) -> None:
    for name, content in (("1-2", b"second"), ("1-1", b"first"), ("2-1", b"other")):
        checkpoints.save(DISTRICT, RUN, name, content)

    assert checkpoints.load(DISTRICT, RUN, "1-") == [b"first", b"second"]


def test_a_part_that_is_saved_again_replaces(checkpoints: CheckpointStore) -> None:
    checkpoints.save(DISTRICT, RUN, "1-1", b"first")
    checkpoints.save(DISTRICT, RUN, "1-1", b"again")

    assert checkpoints.load(DISTRICT, RUN, "1-") == [b"again"]


def test_runs_and_districts_never_meet(checkpoints: CheckpointStore) -> None:
    checkpoints.save(DISTRICT, RUN, "1-1", b"ours")
    checkpoints.save(DISTRICT, LATER_RUN, "1-1", b"later")
    checkpoints.save(OTHER_DISTRICT, RUN, "1-1", b"theirs")

    checkpoints.forget(DISTRICT, RUN)

    assert checkpoints.load(DISTRICT, RUN, "") == []
    assert checkpoints.load(DISTRICT, LATER_RUN, "") == [b"later"]
    assert checkpoints.load(OTHER_DISTRICT, RUN, "") == [b"theirs"]
