"""A hash over exactly the SIS-owned attributes a user would be stored with."""

import json
from hashlib import blake2b

from roster_sync.domain.user import SisUser

FINGERPRINT_BYTES = 16

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def fingerprint(user: SisUser) -> bytes:
    """16 bytes, the same for equal users in every Python version; users differ in it if they differ in anything."""
    return blake2b(_encode(user).encode("utf-8", "surrogatepass"), digest_size=FINGERPRINT_BYTES).digest()
