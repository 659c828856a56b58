"""A clock on which pauses pass at once."""

import threading

from roster_sync.oneroster.pace import Clock


class QuickClock:
    """Nothing but pauses moves it; for several threads at once.

    Attributes:
        now_s: Seconds since it was made.
    """

    def __init__(self) -> None:
        self.now_s = 0.0
        self._moving = threading.Lock()
        self.clock = Clock(lambda: self.now_s, self._wait)

    def _wait(self, awaited: threading.Event | threading.Condition, seconds: float | None) -> bool:
        if seconds is None:
            return awaited.wait()
        if isinstance(awaited, threading.Event) and awaited.is_set():
            return True
        with self._moving:
            self.now_s += seconds
        return isinstance(awaited, threading.Event) and awaited.is_set()
