"""The night's functions over what is deployed, in memory."""

from collections.abc import Iterator
from io import StringIO
from logging import StreamHandler

import pytest

from roster_sync.observability import logger
from tests.support.deployed import Night, a_night


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    with a_night(monkeypatch) as night:
        yield night


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What a function logs; its logger keeps the stream that it was made with."""
    handler = logger.registered_handler
    assert isinstance(handler, StreamHandler)
    written = StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before)
