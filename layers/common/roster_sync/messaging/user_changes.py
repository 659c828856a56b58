"""The message that carries one chunk of changes."""

from base64 import b64decode, b64encode
from typing import Any, Final

import msgspec
from msgspec import structs

from roster_sync.domain.change import Change, ChangeKind, Chunk, Restoration
from roster_sync.domain.user import Role, SisUser
from roster_sync.messaging.bodies import message_of

VERSION: Final = 2
"""Of the message that is sent. The version before it stays readable too."""

_BEFORE: Final = 1
"""Without `unchanged_since` and `restoration`."""

_ABSENT: Final = SisUser(
    sourced_ids=(),
    sis_role=Role.STUDENT,
    username=None,
    given_name=None,
    middle_name=None,
    family_name=None,
    email=None,
    identifier=None,
    phone=None,
    sms=None,
    grades=(),
    school_ids=(),
    agents=(),
    user_ids=(),
    sis_counselor_email=None,
    metadata=(),
)
_LISTS: Final = ("sourced_ids", "grades", "school_ids", "agents")
_PAIRS: Final = ("user_ids", "metadata")


def to_json(chunk: Chunk) -> str:
    """The message's body."""
    since = {} if chunk.unchanged_since is None else {"unchanged_since": chunk.unchanged_since}
    return msgspec.json.encode(
        {
            "version": VERSION,
            "district_id": chunk.district_id,
            "run_id": chunk.run_id,
            "attempt": chunk.attempt,
            "fence": chunk.fence,
            "number": chunk.number,
            "products": sorted(chunk.products),
            "changes": [_change_to_json(change) for change in chunk.changes],
            **since,
        }
    ).decode()


def from_json(body: str) -> Chunk:
    """Read a body.

    Raises:
        ValueError: Its version is not known.
    """
    message = message_of(body, "chunk of changes", VERSION, _BEFORE)
    return Chunk(
        district_id=message["district_id"],
        run_id=message["run_id"],
        attempt=message["attempt"],
        fence=message["fence"],
        number=message["number"],
        products=frozenset(message["products"]),
        changes=[_change_from_json(change) for change in message["changes"]],
        unchanged_since=message.get("unchanged_since"),
    )


def _change_to_json(change: Change) -> dict[str, Any]:
    message: dict[str, Any] = {"kind": change.kind, "user_id": change.user_id}
    if change.user is not None:
        message["user"] = {name: value for name, value in structs.asdict(change.user).items() if value}
    if change.fingerprint is not None:
        message["fingerprint"] = b64encode(change.fingerprint).decode()
    if change.record_digest is not None:
        message["record_digest"] = b64encode(change.record_digest).decode()
    if change.restoration is not None:
        message["restoration"] = change.restoration
    return message


def _change_from_json(message: dict[str, Any]) -> Change:
    user = message.get("user")
    fingerprint, record_digest = message.get("fingerprint"), message.get("record_digest")
    return Change(
        kind=ChangeKind(message["kind"]),
        user_id=message["user_id"],
        user=None if user is None else _user_from_json(user),
        fingerprint=None if fingerprint is None else b64decode(fingerprint),
        record_digest=None if record_digest is None else b64decode(record_digest),
        restoration=msgspec.convert(message["restoration"], Restoration) if "restoration" in message else None,
    )


def _user_from_json(user: dict[str, Any]) -> SisUser:
    user["sis_role"] = Role(user["sis_role"])
    for name in _LISTS:
        if name in user:
            user[name] = tuple(user[name])
    for name in _PAIRS:
        if name in user:
            user[name] = tuple(tuple(pair) for pair in user[name])
    return structs.replace(_ABSENT, **user)
