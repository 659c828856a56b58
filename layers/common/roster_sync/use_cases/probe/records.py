"""What a report shows of a provider's records: names of schools, but nothing of persons."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from roster_sync.domain.normalise import references_in, role_names_of
from roster_sync.use_cases.probe.report import SchoolAtProvider

MOST_ORGS: Final = 100_000
"""More than any district has; no more are looked at."""
MOST_SCHOOLS: Final = 5_000
"""Of a report."""
_MOST_BYTES_OF_SCHOOLS: Final = 2_000_000
"""Lambda answers with 6 MB at most, and the API's answer is JSON within JSON."""
_MOST_SHOWN: Final = 100
"""Of roles, of metadata keys and of types, the most frequent first."""
_MOST_KEYS: Final = 1000
"""Of one user's metadata; no more are looked at."""
_LONGEST_SHOWN: Final = 100
"""Characters of a role, a metadata key or a name."""
_LONGEST_EXAMPLE: Final = 40
_LONGEST_TOP_LEVEL: Final = 6
_TYPE_OF_SCHOOLS: Final = "school"


class Orgs:
    """The orgs of a provider, as far as they were read.

    Attributes:
        only_schools: Whether each is a school, whatever its type says, for they come of /schools.
        count: How many came.
        announced: How many there are, as it was first told; None if it was not.
        sourced_ids: Theirs, those apart that nobody could configure.
        schools: Those of type school that a report has room for.
        schools_left_out: The others.
    """

    def __init__(self, *, only_schools: bool = False) -> None:
        self.only_schools = only_schools
        self.count = 0
        self.announced: int | None = None
        self.sourced_ids: set[str] = set()
        self.schools: list[SchoolAtProvider] = []
        self.schools_left_out = 0
        self._types: Counter[str] = Counter()
        self._room_bytes = _MOST_BYTES_OF_SCHOOLS

    @property
    def full(self) -> bool:
        """Whether no more are looked at."""
        return self.count >= MOST_ORGS

    def add(self, records: Sequence[object], announced: int | None = None) -> None:
        """Note the orgs of a page, and the total that came with it."""
        if not self.count:
            self.announced = announced
        for record in records[: MOST_ORGS - self.count]:
            self.count += 1
            if isinstance(record, Mapping):
                self._add(record)

    def _add(self, org: Mapping[str, object]) -> None:
        type_ = text_of(org.get("type")) or (_TYPE_OF_SCHOOLS if self.only_schools else None)
        if type_ and (type_ in self._types or len(self._types) < _MOST_SHOWN):
            self._types[type_] += 1
        sourced_id = next(iter(references_in([org])), None)
        if sourced_id is None:
            return
        known = sourced_id in self.sourced_ids
        self.sourced_ids.add(sourced_id)
        if known or type_ is None or not (self.only_schools or type_.lower() == _TYPE_OF_SCHOOLS):
            return
        school = SchoolAtProvider(sourced_id, text_of(org.get("name")), text_of(org.get("identifier")), type_)
        self._room_bytes -= len(json.dumps([school.sourced_id, school.name, school.identifier])) + _LONGEST_SHOWN
        if len(self.schools) < MOST_SCHOOLS and self._room_bytes > 0:
            self.schools.append(school)
        else:
            self.schools_left_out += 1

    def described(self) -> str:
        """How many there are, and of what types if none is a school."""
        count = len(self.schools) + self.schools_left_out
        if self.only_schools:
            return "1 school was read" if count == 1 else f"{count} schools were read"
        found = f"{self.count} orgs were read, {count} of them of type school"
        if count or not self._types:
            return found
        types = ", ".join(f"{name} ({number})" for name, number in self._types.most_common(5))
        return f"{found}; there are {types}"


def text_of(value: object) -> str | None:
    """Foreign text, short and printable; None if there is none."""
    if not isinstance(value, str):
        return None
    printable = "".join(character for character in value[: 10 * _LONGEST_SHOWN] if character.isprintable()).strip()
    return printable[:_LONGEST_SHOWN] or None


def roles_of(users: Iterable[Mapping[str, object]]) -> dict[str, int]:
    """How many users have each role, the most frequent first."""
    return _most_frequent(text_of(name) for user in users for name in role_names_of(user))


def metadata_of(users: Sequence[Mapping[str, object]]) -> tuple[dict[str, int], dict[str, str]]:
    """How many users have a value for each metadata key, the most frequent first; and the form of one of them."""
    values: dict[str, object] = {}
    keys: Counter[str] = Counter()
    for user in users:
        metadata = user.get("metadata")
        if isinstance(metadata, Mapping):
            looked_at = islice(metadata.items(), _MOST_KEYS)
            present = {text_of(str(key)): value for key, value in looked_at if value not in (None, "")}
            keys.update(filter(None, present))
            values = {key: value for key, value in present.items() if key} | values
    shown = dict(keys.most_common(_MOST_SHOWN))
    return shown, {key: masked(values[key]) for key in shown}


def masked(value: object) -> str:
    """The form of a value: an e-mail address as j***@e***.org, other text with its letters and digits replaced."""
    if isinstance(value, bool):
        return "true or false"
    if not isinstance(value, str | int | float):
        return "a list" if isinstance(value, list) else "an object"
    text = str(value).strip()
    name, at, host = text.rpartition("@")
    if at and name and "." in host and not any(map(str.isspace, text)):
        top_level = host.rpartition(".")[2]
        if not (top_level.isascii() and top_level.isalpha() and len(top_level) <= _LONGEST_TOP_LEVEL):
            top_level = "***"
        return f"{_first(name)}***@{_first(host)}***.{top_level}"
    form = "".join(map(_replaced, text[:_LONGEST_EXAMPLE]))
    return f"{form}…" if len(text) > _LONGEST_EXAMPLE else form


def _first(text: str) -> str:
    return text[0] if text[0].isascii() and text[0].isalnum() and len(text) > 1 else ""


def _replaced(character: str) -> str:
    if character.isdecimal():
        return "9"
    if character.isascii() and not character.isalpha() and character.isprintable():
        return character
    return "X" if character.isupper() else "x"


def _most_frequent(values: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(filter(None, values)).most_common(_MOST_SHOWN))
