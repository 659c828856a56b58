"""How many requests the fetches of all districts together have under way at one provider's host.

Items of the Districts table, one for each request that the host bears at once: `host#<host>`, `slot#<number>`.
"""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from roster_sync.domain.errors import TransientError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.storage.dynamodb import Bounds, errors_as_ours, updated

HELD_AT_MOST: Final = timedelta(minutes=15)
"""A function's longest time: slots of one that died are free again then."""

MOST_WAIT: Final = timedelta(minutes=2)
"""For the first slot; then the fetch comes again later."""

PAUSE_S: Final = 5.0


class _Slot(Model):
    class Meta(Bounds):
        table_name = ""

    host = UnicodeAttribute(hash_key=True, attr_name="district_id")
    item = UnicodeAttribute(range_key=True)
    holder = UnicodeAttribute(null=True)
    expires_at = UTCDateTimeAttribute(null=True)


class HostSlots:
    """Gives districts their part of the requests that a host bears at once."""

    def __init__(
        self,
        table_name: str,
        ceiling: int,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], object],
    ) -> None:
        """Give at most `ceiling` slots of each host."""
        _Slot.Meta.table_name = table_name
        self._ceiling = ceiling
        self._clock = clock
        self._sleep = sleep

    def take(self, host: str, district_id: DistrictId, wanted: int) -> int:
        """How many slots the district has now: as many as it wants if they are free, else fewer, at least one.

        Raises:
            TransientError: For some minutes none was free.
        """
        until = self._clock() + MOST_WAIT
        while not (taken := self._take_free(host, district_id, wanted)):
            if self._clock() >= until:
                raise TransientError(f"Other districts keep {host} busy. The sync is tried again later.")
            self._sleep(random.uniform(PAUSE_S / 2, PAUSE_S))  # noqa: S311 - spreads tries, guards nothing
        return taken

    @errors_as_ours()
    def give_back(self, host: str, district_id: DistrictId) -> None:
        """Free all slots of the district."""
        for slot in _Slot.query(_key(host), filter_condition=_Slot.holder == district_id, consistent_read=True):
            _updated(slot.item, host, [_Slot.holder.remove(), _Slot.expires_at.remove()], _Slot.holder == district_id)

    @errors_as_ours()
    def _take_free(self, host: str, district_id: DistrictId, wanted: int) -> int:
        now = self._clock()
        held = {
            slot.item
            for slot in _Slot.query(_key(host), consistent_read=True)
            if slot.holder not in (None, district_id) and slot.expires_at > now
        }
        free = [name for number in range(self._ceiling) if (name := f"slot#{number:03}") not in held]
        # Fetches that begin together do not all try the same one first.
        random.shuffle(free)
        take = [_Slot.holder.set(district_id), _Slot.expires_at.set(now + HELD_AT_MOST)]
        is_free = _Slot.holder.does_not_exist() | (_Slot.holder == district_id) | (_Slot.expires_at <= now)
        taken = 0
        for name in free:
            if taken == wanted:
                break
            taken += _updated(name, host, take, is_free)
        return taken


def _key(host: str) -> str:
    return f"host#{host}"


def _updated(name: str, host: str, actions: Sequence[Action], condition: Condition) -> bool:
    return updated(_Slot(_key(host), name), actions, condition)
