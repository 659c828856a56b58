"""Shapes of the audit log."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict

from roster_sync.domain.audit import Act, AuditEntry


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class AlterationOut(_Answer):
    """One value before and after, in words; of key, secret and token URL only that it changed is told: both null."""

    name: str
    before: str | None
    after: str | None


class AuditEntryOut(_Answer):
    """What somebody did. `actor` is the account's e-mail address, else its id; `subject` a run's or a school's id."""

    entry_id: str
    at: datetime
    actor: str
    act: Act
    subject: str | None
    changes: list[AlterationOut]

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """The line without its district."""
        return cls(
            entry_id=entry.entry_id,
            at=entry.at,
            actor=entry.actor,
            act=entry.act,
            subject=entry.subject,
            changes=[AlterationOut(name=each.name, before=each.before, after=each.after) for each in entry.alterations],
        )


class AuditOut(_Answer):
    """Lines, newest first; `next_cursor` is null on the last page."""

    items: list[AuditEntryOut]
    next_cursor: str | None
