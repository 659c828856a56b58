"""Waits for what happens elsewhere."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

PATIENCE_S = 240.0
"""For a busy machine; who waits so long has failed."""
PAUSE_S = 0.1


def eventually(look: Callable[[], _T | None], what: str) -> _T:
    """What `look` finds as soon as it finds something; `what` is told if that takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"Not within {PATIENCE_S:.0f} s: {what}"
        time.sleep(PAUSE_S)
    return found
