"""The packed form of a user, and the hash over it that tells whether anything SIS-owned has changed."""

from typing import Final

from msgspec import json
from xxhash import xxh3_128_digest

from roster_sync.domain.user import SisUser

FINGERPRINT_BYTES = 16
LARGEST_USER = 200_000
"""Bytes of a packed user: fits into a chunk of changes, and twice into an item of DynamoDB (400 kB). Most have 500."""

_USER: Final = json.Decoder(SisUser)
_encode: Final = json.Encoder().encode


def pack(user: SisUser) -> bytes:
    """A user's attributes in order, as JSON: the same for equal users in every version of Python."""
    return _encode(user)


def unpack(packed: bytes | bytearray | memoryview) -> SisUser:
    """The user that was packed."""
    return _USER.decode(packed)


def fingerprint(packed: bytes | bytearray | memoryview) -> bytes:
    """16 bytes, the same for equal users; users differ in it if they differ in anything."""
    return xxh3_128_digest(packed)
