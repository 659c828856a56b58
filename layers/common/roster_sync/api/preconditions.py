"""What a request's `If-Match` names (RFC 9110 §13.1.1)."""

from roster_sync.api.problems import PreconditionFailedError

_MOST_DIGITS = 15
"""Of a version."""


def version_of(condition: str, of: str) -> int | None:
    """The version of an ETag; None for any.

    Args:
        condition: The header's value.
        of: What it is a version of, for the sentence.

    Raises:
        PreconditionFailedError: It is no ETag of ours.
    """
    if condition.strip() == "*":
        return None
    text = condition.strip().removeprefix('"').removesuffix('"')
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        raise PreconditionFailedError(f"If-Match names no version of {of}. Send the ETag that you were given.")
    return int(text)
