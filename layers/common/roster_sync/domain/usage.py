"""What a run has used of AWS, as counted while it ran, and what that costs by the public prices."""

from dataclasses import asdict, dataclass
from typing import Final

_MILLION: Final = 1_000_000
READ_UNIT_USD: Final = 0.125 / _MILLION
WRITE_UNIT_USD: Final = 0.625 / _MILLION
"""DynamoDB on demand, us-east-1."""
QUEUE_REQUEST_USD: Final = 0.40 / _MILLION
"""SQS standard queues, by 64 kB."""
GB_SECOND_USD: Final = 0.0000133334
INVOCATION_USD: Final = 0.20 / _MILLION
"""Lambda on arm64."""
QUEUE_REQUEST_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was used.

    Attributes:
        read_units: Of DynamoDB, as it says in its answers; of indexes too.
        write_units: The same.
        queue_requests: Of SQS, by 64 kB: sending, receiving and deleting.
        gb_seconds: Of functions: memory times duration.
        invocations: Of functions.
    """

    read_units: float = 0.0
    write_units: float = 0.0
    queue_requests: int = 0
    gb_seconds: float = 0.0
    invocations: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Sum, field by field."""
        ours, theirs = asdict(self), asdict(other)
        return Usage(**{name: ours[name] + theirs[name] for name in ours})

    def __sub__(self, other: "Usage") -> "Usage":
        """Difference, field by field."""
        ours, theirs = asdict(self), asdict(other)
        return Usage(**{name: ours[name] - theirs[name] for name in ours})

    def as_dict(self) -> dict[str, float]:
        """Each field by its name."""
        return asdict(self)

    @property
    def cost_usd(self) -> float:
        """By the public prices, without free tiers and discounts."""
        return (
            self.read_units * READ_UNIT_USD
            + self.write_units * WRITE_UNIT_USD
            + self.queue_requests * QUEUE_REQUEST_USD
            + self.gb_seconds * GB_SECOND_USD
            + self.invocations * INVOCATION_USD
        )


NOTHING_USED: Final = Usage()

ACCOUNTING_OF_A_FETCH: Final = Usage(read_units=10, write_units=8, queue_requests=3, invocations=1)
"""Beside what is metered: settings, schools and earlier runs read; lease, attempt, state and end written; a message."""

ACCOUNTING_OF_A_CHUNK: Final = Usage(read_units=2, write_units=6, invocations=1)
"""Beside what is metered: the run read twice, the lease renewed, marker and counts written in one transaction."""


def of_message(size_bytes: int) -> Usage:
    """What one message takes: it is sent, received and deleted."""
    return Usage(queue_requests=2 * max(1, -(-size_bytes // QUEUE_REQUEST_BYTES)) + 1)
