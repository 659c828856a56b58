"""JSON answers cut into records, which are read one by one and only if need be."""

import gc
import json
import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from roster_sync.domain.identifiers import SourcedId
from roster_sync.domain.record import PlainRecord, PlainReference, PlainUserId, RawRecord
from roster_sync.oneroster.encoding import as_utf8

# The names that a list of records may have, the standard's first.
_PEOPLE: Final = ("users", "students", "teachers", "user", "student", "teacher")
_ORGS: Final = ("orgs", "schools", "org", "school")
_WRAPPERS: Final = {**dict.fromkeys(_PEOPLE, _PEOPLE), **dict.fromkeys(_ORGS, _ORGS)}
# Lists that tell of an answer, not of records.
_NO_WRAPPERS: Final = frozenset({"errors", "error", "warnings", "messages", "links", "statusinfoset"})
_NO_FAILURE: Final = frozenset({b"null", b"false", b"[]", b"{}", b'""', b"0"})


class _Identified(msgspec.Struct):
    sourcedId: SourcedId | None = None  # noqa: N815 - the standard's name


_LISTS: Final = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])
_CONTENT: Final[msgspec.json.Decoder[dict[str, msgspec.Raw] | list[msgspec.Raw]]] = msgspec.json.Decoder(
    dict[str, msgspec.Raw] | list[msgspec.Raw]
)
_RECORDS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_IDENTIFIED: Final = msgspec.json.Decoder(_Identified)
_PLAIN: Final = msgspec.json.Decoder(PlainRecord)
_ANYTHING: Final = msgspec.json.Decoder()


_SPELLING: Final = {
    name.lower(): name
    for struct in (PlainRecord, PlainReference, PlainUserId)
    for name in struct.__struct_encode_fields__
}


class JsonRecordReader:
    """RecordReader of OneRoster's JSON."""

    def sourced_id(self, record: RawRecord) -> SourcedId | None:
        """The record's sourcedId, if it is plain text; a fifth of the cost of `read`."""
        try:
            return _IDENTIFIED.decode(record).sourcedId or None
        except (msgspec.DecodeError, RecursionError):
            return None

    def plain(self, record: RawRecord) -> PlainRecord | None:
        """The record, if it is just as the standard has it; None if `read` must tell."""
        try:
            return _PLAIN.decode(record)
        except (msgspec.DecodeError, RecursionError):
            return None

    def read(self, record: RawRecord) -> object:
        """The record as JSON has it; halves of characters are replaced, numbers beyond all bounds are null.

        The standard's fields come in the standard's spelling, in whatever case they were sent. None for one that
        cannot be read, such as one nested a thousand deep: it must not take its page along.
        """
        try:
            read = _ANYTHING.decode(record)
        except (ValueError, RecursionError):
            try:
                read = _ANYTHING.decode(_lenient(bytes(record).decode()))
            except (ValueError, RecursionError):
                return None
        if not isinstance(read, dict) or all(_SPELLING.get(key.lower(), key) == key for key in read):
            return read
        try:
            return _respelt(read)
        except RecursionError:
            return None


Value: TypeAlias = msgspec.Raw | list[msgspec.Raw]
"""An unread value; a list whose items have been cut apart."""


class NoJsonError(ValueError):
    """The text is no JSON at all."""


class BrokenJsonError(ValueError):
    """The text begins as JSON does, but does not go on so."""


def content_of(body: bytes, content_type: str = "") -> Mapping[str, Value] | list[msgspec.Raw] | None:
    """The values of an object, or the items of a list, unread; None for JSON that is neither.

    Takes any usual encoding, NaN, and line breaks and tabs within text.

    Raises:
        BrokenJsonError: The answer was cut off or is damaged.
        NoJsonError: The answer is something else, such as a web page.
    """
    body = as_utf8(body, content_type)
    # What is cut has no cycles: collecting garbage in between costs two fifths of the time (measured).
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _cut(body)
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, RecursionError):
        pass
    finally:
        if collecting:
            gc.enable()
    try:
        return _CONTENT.decode(_lenient(body.decode()))
    except msgspec.ValidationError:
        return None
    except (ValueError, RecursionError) as error:
        if body.lstrip()[:1] in (b"{", b"["):
            raise BrokenJsonError from error
        raise NoJsonError from error


def _cut(body: bytes) -> Mapping[str, Value] | list[msgspec.Raw]:
    """In one pass if there are lists only, as the standard has it; else in two, at three times the cost."""
    try:
        return _LISTS.decode(body)
    except msgspec.ValidationError:
        return _CONTENT.decode(body)


def records_of(content: Mapping[str, Value] | list[msgspec.Raw] | None, endpoint: str) -> list[msgspec.Raw] | None:
    """The records in an answer; None if it has no list of them, which must not pass for an empty one.

    They are found under the name that the list should have, in any case, singular or plural; as the only list, if a
    record in it has a sourcedId; as one record in place of a list; or, by the same rules, in the only object that an
    answer without lists has. A list of null or of an empty object is empty, unless the answer tells of a failure.
    """
    if isinstance(content, list):
        return content if _are_identified(content) else None
    if content is None:
        return None
    values = {key.lower(): value for key, value in content.items()}
    if "sourcedid" in values:
        return [msgspec.Raw(msgspec.json.encode(content))]
    name = endpoint.rpartition("/")[2].lower()
    named = [values[wrapper] for wrapper in _WRAPPERS.get(name, (name,)) if wrapper in values]
    found = [records for value in named if (records := _records_in(value)) is not None]
    records = next(filter(None, found), None)
    if records is not None:
        return records
    if not found:
        found = _unnamed([value for key, value in values.items() if not _is_no_wrapper(key)], endpoint)
        if not found:
            return None
    return found[0] if found[0] or not any(_tells_of_failure(key, value) for key, value in values.items()) else None


def _unnamed(values: Sequence[Value], endpoint: str) -> list[list[msgspec.Raw]]:
    """The list of records among values whose names say nothing, if it can be but one."""
    lists = [_items(value) for value in values if _kind_of(value) == "["]
    if lists:
        return lists if len(lists) == 1 and _are_identified(lists[0]) else []
    envelopes = [value for value in values if isinstance(value, msgspec.Raw) and _kind_of(value) == "{"]
    if len(envelopes) != 1:
        return []
    content = _CONTENT.decode(envelopes[0])
    deeper = isinstance(content, dict) and not any(_kind_of(value) == "[" for value in content.values())
    records = None if deeper else records_of(content, endpoint)
    return [] if records is None else [records]


def _records_in(value: Value) -> list[msgspec.Raw] | None:
    """What stands where a list should: its items, one record alone, or nothing; None for what can be neither."""
    match _kind_of(value):
        case "[":
            return _items(value)
        case "{" if isinstance(value, msgspec.Raw):
            return [value] if bytes(value)[1:-1].strip() else []
        case "n":
            return []
    return None


def _are_identified(items: list[msgspec.Raw]) -> bool:
    """Whether a list is one of records: it is empty, or one of its items has a sourcedId."""
    return not items or any(b"sourcedid" in bytes(item).lower() for item in items)


def _is_no_wrapper(key: str) -> bool:
    return key in _NO_WRAPPERS or key.startswith("imsx_")


def _tells_of_failure(key: str, value: Value) -> bool:
    """Whether an answer is none, says what stands beside its records (OneRoster 1.1 §3.6)."""
    text = msgspec.json.encode(value)
    if key in ("error", "errors"):
        return text not in _NO_FAILURE
    return _is_no_wrapper(key) and (b"failure" in text.lower() or b"unsupported" in text.lower())


def _kind_of(value: Value) -> str:
    """The character with which a value begins: `[` for a list, `{` for an object, `n` for null."""
    return "[" if isinstance(value, list) else chr(memoryview(value)[0])


def _items(value: Value) -> list[msgspec.Raw]:
    return value if isinstance(value, list) else _RECORDS.decode(value)


def _respelt(value: object) -> object:
    """A value with the standard's fields in the standard's spelling; metadata, whose keys are anybody's, as it is."""
    if isinstance(value, list):
        return [_respelt(item) for item in value]
    if not isinstance(value, dict):
        return value
    exact = value.keys() & set(_SPELLING.values())
    return {
        name: item if name == "metadata" else _respelt(item)
        for key, item in value.items()
        if (name := _SPELLING.get(key.lower(), key)) == key or name not in exact
    }


def _lenient(text: str) -> bytes:
    """Strict JSON for what the standard library still reads.

    What is no number becomes null, half a character a question mark; control characters are escaped.
    """
    content = json.loads(
        text, strict=False, parse_constant=lambda _: None, parse_float=_finite, parse_int=_integer_of_bounded_length
    )
    return json.dumps(content, ensure_ascii=False).encode(errors="replace")


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _integer_of_bounded_length(text: str) -> int | None:
    """None beyond the length that Python converts."""
    try:
        return int(text)
    except ValueError:
        return None
