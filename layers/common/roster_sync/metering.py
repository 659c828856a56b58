"""What this process uses of AWS: capacity as DynamoDB tells it, and time."""

import os
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from roster_sync.domain.usage import NOTHING_USED, Usage

_READS: Final = frozenset({"GetItem", "Query", "BatchGetItem"})
_WRITES: Final = frozenset({"PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems", "BatchExecuteStatement"})
_MB_OF_A_GB: Final = 1024


class Meter:
    """Counts what watched clients use; threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read_units = 0.0
        self._write_units = 0.0

    def watch(self, client: Any) -> None:
        """Have DynamoDB tell a client what each call took, which costs nothing."""
        client.meta.events.register("before-parameter-build.dynamodb", self._ask)
        client.meta.events.register("after-call.dynamodb", self._count)

    def since_now(self, used: Usage = NOTHING_USED) -> Callable[[], Usage]:
        """What will have been used from now on, beside what is known to be."""
        began, clock_began = self._total(), time.monotonic()
        memory_gb = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0")) / _MB_OF_A_GB

        def metered() -> Usage:
            gb_seconds = (time.monotonic() - clock_began) * memory_gb
            return self._total() - began + used + Usage(gb_seconds=gb_seconds)

        return metered

    def _total(self) -> Usage:
        return Usage(read_units=self._read_units, write_units=self._write_units)

    def _ask(self, params: dict[str, Any], model: Any, **_: object) -> None:
        if model.name in _READS or model.name in _WRITES:
            params["ReturnConsumedCapacity"] = "TOTAL"

    def _count(self, parsed: dict[str, Any], model: Any, **_: object) -> None:
        consumed = parsed.get("ConsumedCapacity")
        if not consumed:
            return
        units = sum(each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed]))
        with self._lock:
            if model.name in _READS:
                self._read_units += units
            else:
                self._write_units += units


METER: Final = Meter()
"""Of this process; it works on one message after the other."""
