"""What a decision about a blocked run takes of its held changes, and what has come since."""

from dataclasses import replace

from roster_sync.domain.audit import AuditEntry
from roster_sync.domain.held_changes import Decision, HeldChange, decision_on
from roster_sync.domain.run import Run
from roster_sync.use_cases.ports import HeldStore, RunStore


def runs_since(run: Run, runs: RunStore) -> list[Run]:
    """All runs of the district that began after a run, and some that began before."""
    found: list[Run] = []
    cursor: str | None = None
    while True:
        page, cursor = runs.page(run.district_id, cursor)
        found += page
        if cursor is None or page[-1].run_id < run.run_id:
            return found


def take_held(blocked: Run, asked: Decision, held: HeldStore, entry: AuditEntry | None = None) -> list[HeldChange]:
    """What a decision takes of a run's held changes, once it is stored; whatever was decided before stays so.

    The line of the audit log is written with it. A decision that takes nothing is not stored. The same decision again
    takes the same.
    """
    district_id, run_id = blocked.district_id, blocked.run_id
    while True:
        decisions = held.decisions(district_id, run_id)
        number = next((n for n, each in enumerate(decisions) if _is_same(each, asked)), len(decisions))
        taken = [
            change
            for change in held.all(district_id, run_id, blocked.attempt)
            if asked.selection.takes(change) and decision_on(change, decisions[:number]) is None
        ]
        stored = number < len(decisions) or not taken
        if stored or held.decide(district_id, run_id, replace(asked, users=len(taken)), number + 1, entry):
            return taken


def _is_same(decision: Decision, asked: Decision) -> bool:
    return replace(decision, users=asked.users) == asked
