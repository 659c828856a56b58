"""A message that was given up, and what its run says of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.issue import Issue, IssueCode
from roster_sync.domain.run import Run

_FIRST_NUMBER: Final = 900_000
"""Of the issues about dead letters: behind all that a fetch finds."""


class LetterKind(StrEnum):
    """What was asked for in vain."""

    SYNC_REQUEST = "sync_request"
    CHANGES = "changes"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that failed as often as it was tried.

    Attributes:
        body: As it was sent.
        attempt: Of a chunk of changes, which belongs to one attempt of its run.
        number: Of a chunk of changes within its attempt; else 0.
        changes: How many users a chunk was to change.
    """

    kind: LetterKind
    district_id: DistrictId
    run_id: RunId
    body: str
    attempt: int | None = None
    number: int = 0
    changes: int = 0

    @property
    def issue_number(self) -> int:
        """Among the issues of its run: the same each time it is read."""
        return _FIRST_NUMBER + self.number

    @property
    def issue(self) -> Issue:
        """What its run says of it."""
        match self.kind:
            case LetterKind.SYNC_REQUEST:
                message = "It was tried several times and stopped each time, by a fault on our side."
            case LetterKind.CHANGES:
                users = "1 user was" if self.changes == 1 else f"{self.changes} users were"
                message = f"{users} not changed, although it was tried several times."
            case LetterKind.UPLOAD:
                message = "The uploaded file was not applied, although it was tried several times."
        return Issue(IssueCode.WORK_NOT_DONE, message)


def reason_of(letter: DeadLetter, run: Run) -> str:
    """Why a run ends whose message was given up."""
    if letter.kind is LetterKind.UPLOAD:
        return f"{letter.issue.message} Upload the file again."
    return f"{letter.issue.message} {_what_to_do(run)}"


def reason_of_parts(run: Run) -> str:
    """Why a run ends some of whose chunks were given up."""
    return (
        f"{run.chunks_failed} of {run.chunks_expected} parts of the changes were not stored, although it was tried "
        f"several times. {_what_to_do(run)}"
    )


def _what_to_do(run: Run) -> str:
    if run.kind.is_sync:
        return "Support has been told. Sync again, or wait for the next night."
    return "Support has been told, and can let it go on."
