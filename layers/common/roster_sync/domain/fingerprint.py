"""The packed form of a user, and the hash over it that tells whether anything SIS-owned has changed."""

from collections.abc import Callable
from typing import Final

from msgspec import json
from xxhash import xxh3_128_digest

from roster_sync.domain.user import SisUser

FINGERPRINT_BYTES = 16
LARGEST_USER = 200_000
"""Bytes of a packed user: fits into a chunk of changes, and twice into an item of DynamoDB (400 kB). Most have 500."""

_LATIN: Final = bytes({*range(0x21, 0x7F), *range(0x80, 0xC0), *range(0xC3, 0xCC)} - {ord("\\")})
"""In UTF-8, the letters, digits and marks of U+0021 to U+007E but the backslash, and those of U+00C0 to U+02FF."""
_USER: Final = json.Decoder(SisUser)

pack: Final[Callable[[SisUser], bytes]] = json.Encoder().encode
"""A user's attributes in order, as JSON: the same for equal users in every version of Python."""

fingerprint: Final[Callable[[bytes], bytes]] = xxh3_128_digest
"""16 bytes of a packed user, the same for equal users; users differ in it if they differ in anything."""


def has_plain_texts(packed: bytes) -> bool:
    """Whether all texts of a packed user are printable, without quotes, backslashes or spaces at their ends."""
    if not packed.translate(None, _LATIN):
        return True
    # In packed JSON, a space next to a quotation mark is in a text.
    return b"\\" not in packed and packed.decode().isprintable() and b'" ' not in packed and b' "' not in packed


def unpack(packed: bytes | bytearray | memoryview) -> SisUser:
    """The user that was packed."""
    return _USER.decode(packed)
