"""When a request that starts something began, so that its repetition finds what it started."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the id of a started run is made from.

    Attributes:
        nonce: Eight hexadecimal digits, another for each request.
        digest: Of the request.
    """

    at: datetime
    nonce: str
    digest: str
