"""Users that differ from what is stored, kept packed until the fetch is complete."""

from array import array

from roster_sync.domain.fingerprint import FINGERPRINT_BYTES, unpack
from roster_sync.domain.record import DIGEST_BYTES
from roster_sync.domain.user import SisUser

_NO_DIGEST = bytes(DIGEST_BYTES)
_HASHES = FINGERPRINT_BYTES + DIGEST_BYTES


class HeldUsers:
    """A list of users that can be appended to and read: some 350 bytes a user, where objects would take 1,500.

    Attributes:
        email_keys: Of each user.
        rows: Of each user, that in the roster; negative for none.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._entries: list[bytes] = []
        """Of each user: the packed user, its fingerprint, and the digest."""
        self.email_keys = array("q")
        self.rows = array("l")

    def __len__(self) -> int:
        """How many are held."""
        return len(self._entries)

    def append(self, packed: bytes, fingerprint: bytes, digest: bytes | None, email_key: int, row: int) -> int:
        """Keep a packed user and the digest of the one record it was read from; returns its index."""
        index = len(self._entries)
        self._entries.append(packed + fingerprint + (digest or _NO_DIGEST))
        self.email_keys.append(email_key)
        self.rows.append(row)
        return index

    def __getitem__(self, index: int) -> SisUser:
        """The user of an index."""
        return unpack(self._entries[index][:-_HASHES])

    def fingerprint(self, index: int) -> bytes:
        """The fingerprint of the user of an index."""
        return self._entries[index][-_HASHES:-DIGEST_BYTES]

    def size(self, index: int) -> int:
        """Bytes of the user of an index."""
        return len(self._entries[index]) - _HASHES

    def digest(self, index: int) -> bytes | None:
        """The digest of the record that the user of an index was read from."""
        digest = self._entries[index][-DIGEST_BYTES:]
        return None if digest == _NO_DIGEST else digest
