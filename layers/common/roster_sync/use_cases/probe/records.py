"""What a report shows of a provider's records: names of schools, but nothing of persons."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from roster_sync.use_cases.probe.report import SchoolAtProvider

_MOST_SHOWN: Final = 100
"""Of roles and of metadata keys, the most frequent first."""
_LONGEST_SHOWN: Final = 100
"""Characters of a role or a metadata key."""


def schools_among(orgs: Sequence[object]) -> list[SchoolAtProvider]:
    """The orgs of type school that have a sourcedId."""
    found = []
    for org in orgs:
        if isinstance(org, Mapping) and (text_of(org.get("type")) or "").lower() == "school":
            sourced_id = org.get("sourcedId")
            if isinstance(sourced_id, str) and sourced_id:
                found.append(SchoolAtProvider(sourced_id, text_of(org.get("name"))))
    return found


def text_of(value: object) -> str | None:
    """Foreign text, short and printable; None if there is none."""
    if not isinstance(value, str):
        return None
    printable = "".join(character for character in value if character.isprintable()).strip()
    return printable[:_LONGEST_SHOWN] or None


def keys_with_value(metadata: object) -> list[str]:
    """The keys of a record's metadata that have a value."""
    if not isinstance(metadata, Mapping):
        return []
    return [str(key) for key, value in metadata.items() if value not in (None, "")]


def most_frequent(values: Iterable[str | None]) -> dict[str, int]:
    """How often each text comes, the most frequent first."""
    return dict(Counter(filter(None, map(text_of, values))).most_common(_MOST_SHOWN))
