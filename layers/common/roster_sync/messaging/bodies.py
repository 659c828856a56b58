"""What the bodies of all messages have in common: JSON with a version."""

from typing import Any

import msgspec


def message_of(body: str, name: str, *versions: int) -> dict[str, Any]:
    """A body's content, if it is of one of these versions.

    Args:
        body: JSON.
        name: What the message is called, for the error.
        versions: That can be read: the one that is sent, and the one before, for a deployment overtakes messages under
            way.

    Raises:
        ValueError: It is of another version, or no JSON.
        KeyError: It has no version.
    """
    message: dict[str, Any] = msgspec.json.decode(body)
    if message["version"] not in versions:
        raise ValueError(f"No {name} has version {message['version']!r}.")
    return message
