"""What an administrator decides about a blocked run of `Nights`."""

from datetime import timedelta

from roster_sync.domain.held_changes import Selection
from roster_sync.domain.run import Run
from roster_sync.use_cases.apply_approval import apply_approval
from roster_sync.use_cases.decide_held import approve_held
from tests.support.builders import an_author
from tests.support.nights import FakeProvider, Nights

EVERYTHING = Selection()


def approve(nights: Nights, run: Run, selection: Selection = EVERYTHING) -> Run:
    """Approve what a run holds, and let it be applied; the approval's run, ended."""
    nights.now += timedelta(minutes=1)
    approval = approve_held(
        run,
        selection,
        an_author(),
        runs=nights.runs,
        held=nights.held,
        request_sync=lambda *_: None,
        now=nights.now,
        nonce="00000001",
    )
    apply_approval(run.district_id, approval.run_id, nights.fetcher(FakeProvider([])))
    nights.apply()
    return nights.stored(approval)
