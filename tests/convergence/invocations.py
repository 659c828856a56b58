"""Functions that stand still between any two operations, until a scheduler tells them how to go on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, TypeVar

from roster_sync.domain.errors import OwnOutageError, TransientError

_T = TypeVar("_T")


class Fault(Enum):
    """What can become of an operation."""

    THROTTLED = auto()
    """It is not done, and says so."""
    ANSWER_LOST = auto()
    """It is done, but says that it may not be."""
    KILLED_BEFORE = auto()
    """The function dies before it."""
    KILLED_AFTER = auto()
    """The function dies after it."""


class Killed(BaseException):
    """A function's process has died; nothing in it can catch that."""


class Invocation:
    """One call of a function, in a thread that runs only within `go_on`."""

    def __init__(self, name: str, work: "Callable[[Invocation], object]", *, began: datetime, limit: timedelta) -> None:
        self.name = name
        self.began = began
        self.limit = limit
        self.ended = False
        self.failed = False
        self.waits_until: datetime | None = None
        self.attempt = 0
        self.works_on: str | None = None
        self._work = work
        self._fault: Fault | None = None
        self._killed = False
        self._defect: Exception | None = None
        # Locked while it is not that side's turn; a lock hands over in a fraction of a semaphore's time.
        self._its_turn, self._our_turn = threading.Lock(), threading.Lock()
        self._its_turn.acquire()
        self._our_turn.acquire()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def go_on(self, fault: Fault | None = None) -> None:
        """Let it do its next operation, and go on to the one after that or to its end."""
        self._fault = fault
        self._its_turn.release()
        self._our_turn.acquire()
        if self._defect:
            raise self._defect

    def kill(self) -> None:
        """End it where it stands."""
        while not self.ended:
            self.go_on(Fault.KILLED_BEFORE)

    def operation(self, do: Callable[[], _T]) -> _T:
        """Stand still, then do it or meet the fault; called by the function's own threads, one at a time."""
        if self._killed:
            raise Killed
        self._our_turn.release()
        self._its_turn.acquire()
        fault = self._fault
        if fault is Fault.KILLED_BEFORE:
            self._killed = True
            raise Killed
        if fault is Fault.THROTTLED:
            raise OwnOutageError("Throttled.")
        done = do()
        if fault is Fault.KILLED_AFTER:
            self._killed = True
            raise Killed
        if fault is Fault.ANSWER_LOST:
            raise OwnOutageError("No answer came.")
        return done

    def _run(self) -> None:
        self._its_turn.acquire()
        self.failed = True
        try:
            with suppress(Killed, TransientError):
                self._work(self)
                self.failed = False
        except Exception as defect:  # noqa: BLE001 - raised again in the scheduler's thread
            self._defect = defect
        self.ended = True
        self._our_turn.release()


class Stepwise:
    """A store or queue each of whose operations is one of an invocation's."""

    def __init__(self, invocation: Invocation, store: object) -> None:
        self._invocation = invocation
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The store's method of this name, as an operation; what it yields is read at once."""
        method = getattr(self._store, name)

        def operation(*positional: Any, **named: Any) -> Any:
            return self._invocation.operation(lambda: _whole(method(*positional, **named)))

        return operation


def _whole(result: object) -> object:
    return iter(list(result)) if isinstance(result, Iterator) else result
