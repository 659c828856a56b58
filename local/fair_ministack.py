"""Runs ministack with fair queues, which SQS has and ministack lacks.

"Amazon SQS fair queues": where one group has many messages in flight, those of others are received first. Runs in
ministack's environment, as a file.
"""

import sys
import time
from collections import Counter
from typing import Any

from ministack.app import main  # type: ignore[import-not-found]
from ministack.services import sqs  # type: ignore[import-not-found]

_collect_messages = sqs._collect_msgs  # noqa: SLF001


def _collect_fairly(queue: dict[str, Any], at_most: int, visibility_timeout: int) -> list[dict[str, Any]]:
    now = time.time()
    in_flight = Counter(each.get("group_id") for each in queue["messages"] if each.get("visible_at", 0) > now)
    fairly = sorted(queue["messages"], key=lambda each: in_flight[each.get("group_id")])
    found: list[dict[str, Any]] = _collect_messages({**queue, "messages": fairly}, at_most, visibility_timeout)
    return found


if __name__ == "__main__":
    sqs._collect_msgs = _collect_fairly  # noqa: SLF001
    sys.exit(main())
