"""A user's attributes between DynamoDB's JSON and plain values."""

from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any, Final

_KEYS: Final = frozenset({"shard_key", "user_id", "email_key"})
"""Made of the other attributes, and of the key."""
_BYTES: Final = frozenset({"fingerprint", "record_digest"})
_LIST_OF_MAPS: Final = "user_ids"


def attributes_of(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The attributes of an item in DynamoDB's JSON, bytes in base64."""
    return {name: _plain(value) for name, value in item.items() if name not in _KEYS}


def stored_value(name: str, value: Any) -> dict[str, Any]:
    """An attribute's value as boto3's client takes it."""
    if value is None:
        return {"NULL": True}
    if name in _BYTES:
        return {"B": a2b_base64(value)}
    if name == _LIST_OF_MAPS:
        return {"L": [_map(each) for each in value]}
    if isinstance(value, Mapping):
        return _map(value)
    return {"S": value} if isinstance(value, str) else {"SS": value}


def _map(texts: Mapping[str, str]) -> dict[str, Any]:
    return {"M": {name: {"S": text} for name, text in texts.items()}}


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "SS":
            return sorted(content)
        case "NULL":
            return None
        case "N":
            return int(content)
        case "L":
            return [_plain(each) for each in content]
        case "M":
            return {name: _plain(each) for name, each in content.items()}
    return content
