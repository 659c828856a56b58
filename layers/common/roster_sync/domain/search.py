"""Who is looked for: words of names, e-mail addresses and ids, as people type them."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from roster_sync.domain.identifiers import SchoolId
from roster_sync.domain.user import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class UserQuery:
    """What users must be to be found; None and no words: whatever they are.

    Attributes:
        words: As `words_of` gives them.
        synced: Whether they have a provider record.
        counselor_email: Of their counselor, normalised.
    """

    words: Sequence[str] = ()
    school_id: SchoolId | None = None
    role: Role | None = None
    active: bool | None = None
    synced: bool | None = None
    counselor_email: str | None = None


def words_of(text: str) -> Sequence[str]:
    """The words of a search, in the form in which they are compared."""
    return folded(text).split()


def folded(text: str) -> str:
    """A text without what people leave out when they search: case and accents."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in apart if not unicodedata.combining(character))


def has_words(words: Sequence[str], values: Iterable[str | None]) -> bool:
    """Whether each word is part of some value."""
    text = folded("\n".join(value for value in values if value))
    return all(word in text for word in words)
