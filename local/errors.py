"""What can go wrong on the local stack: with itself, or with what is around it."""

from pathlib import Path


class LocalStackError(Exception):
    """A step of bringing the local stack up failed; the message says which, and where its output is."""

    @classmethod
    def from_log(cls, what: str, log: Path) -> "LocalStackError":
        """The error of a step whose output is in `log`: its last lines are what a person wants to see first."""
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
        return cls(f"{what} Its whole output is in {log}. It ends with:\n{last}")


class CannotSyncError(Exception):
    """What was entered, or the provider, is in the way of a night; the text says what, and what to do."""
