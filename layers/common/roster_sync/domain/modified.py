"""When records changed, by the provider's own dates (`dateLastModified`, OneRoster 1.1 §4.13)."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from roster_sync.domain.record import RawRecord

FAR_PAST: Final = datetime(1970, 1, 1, tzinfo=UTC)
FAR_FUTURE: Final = datetime(2100, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=1)
"""A provider's clock may be ahead of ours; a date beyond is a slip of the pen."""
_DATE: Final = re.compile(rb'"dateLastModified"\s*:\s*"([^"\\]{8,40})"')


def modified_since(moment: datetime) -> str:
    """The filter for records changed after a moment (§3.4.3)."""
    return f"dateLastModified>'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z'"


class NewestChange:
    """The newest date of all records noted.

    Attributes:
        moment: None until a date could be read.
    """

    def __init__(self, now: datetime) -> None:
        """Believe no date that is after tomorrow."""
        self._latest = now + _AHEAD
        self._text = b""
        self.moment: datetime | None = None

    def note(self, records: Iterable[RawRecord]) -> None:
        """Take in records as they came. Dates that cannot be read are passed over.

        Of dates written in different ways a newer one may be passed over, too: then more is read again next time.
        """
        for record in records:
            found = _DATE.search(record)
            if found and (text := bytes(found[1])) > self._text:
                moment = _moment(text)
                if moment and moment <= self._latest and (self.moment is None or moment > self.moment):
                    self._text, self.moment = text, moment


def _moment(text: bytes) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.decode())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
