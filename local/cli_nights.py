"""One night of a district on the local stack: the scheduler's event, then waiting until the run has ended."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from typing import Any

from local.cli_api import DistrictApi
from local.cli_progress import Steps
from local.errors import LocalStackError
from local.report_users import count_written
from local.stack import Stack
from roster_sync.domain.run import RunState, nightly_run_id
from roster_sync.domain.schedule import Schedule

POLL_S = 0.2
PATIENCE_S = 1200.0
"""Longer than any function may run."""
ENDED_WELL = frozenset({RunState.COMPLETED, RunState.COMPLETED_WITH_ISSUES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What became of a night.

    Attributes:
        run: As the API shows it.
        issues: All of the run, as the API shows them.
        writes: Users of the table that this run wrote; it writes each at most once.
        seconds: From the scheduler's event until the run had ended.
    """

    run: Mapping[str, Any]
    issues: Sequence[Mapping[str, Any]]
    writes: int
    seconds: float

    @property
    def ended_well(self) -> bool:
        """Whether the run completed, with issues or without."""
        return self.run["state"] in ENDED_WELL


def nights_of(api: DistrictApi) -> Iterator[datetime]:
    """When the nights of a district begin from now on."""
    settings = api.get("settings")
    schedule = Schedule(at=time_of_day.fromisoformat(settings["sync_time"]), zone=settings["timezone"])
    now = datetime.now(UTC)
    day = schedule.day_of(now)
    while True:
        begins = schedule.night_of(day)
        if begins > now:
            yield begins
        day += timedelta(days=1)


def night(
    stack: Stack, api: DistrictApi, scheduled_time: datetime, steps: Steps, *, patience_s: float = PATIENCE_S
) -> Night:
    """Let the night pass that begins at a time; one that has begun before is not begun again.

    Raises:
        LocalStackError: The run has stood still for `patience_s`.
    """
    # The run's id has whole seconds.
    scheduled_time = scheduled_time.astimezone(UTC).replace(microsecond=0)
    run_id = nightly_run_id(scheduled_time)
    began = moved = time.monotonic()
    steps.begin(f"Night of {scheduled_time:%-d %B}")
    stack.invoke("DispatchFunction", {"scheduled_time": scheduled_time.isoformat()})
    run = api.get(f"runs/{run_id}")
    while not RunState(run["state"]).is_terminal:
        if run["chunks_expected"]:
            done, total = run["chunks_applied"], run["chunks_expected"]
            steps.at(f"{done} of {total} chunks of changes applied", done, total)
        else:
            steps.at(run["state"])
        time.sleep(POLL_S)
        now = api.get(f"runs/{run_id}")
        if now != run:
            moved = time.monotonic()
        elif time.monotonic() - moved > patience_s:
            raise LocalStackError.from_log("The run stands still.", stack.state / "ministack.log")
        run = now
    seconds = time.monotonic() - began
    steps.at("reading the report")
    issues = list(api.items(f"runs/{run_id}/issues"))
    writes = count_written(stack, api.district_id, run_id)
    steps.end()
    return Night(run=run, issues=issues, writes=writes, seconds=seconds)
