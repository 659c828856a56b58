"""Users that differ from what is stored, kept packed until the fetch is complete."""

from array import array

from roster_sync.domain.fingerprint import FINGERPRINT_BYTES, unpack
from roster_sync.domain.record import DIGEST_BYTES
from roster_sync.domain.user import SisUser

_NO_DIGEST = bytes(DIGEST_BYTES)


class HeldUsers:
    """A list of users that can be appended to and read: some 300 bytes a user, where objects would take 1,500.

    Attributes:
        email_keys: Of each user.
        rows: Of each user, that in the roster; negative for none.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._packed = bytearray()
        self._ends = array("q", [0])
        self._fingerprints = bytearray()
        self._digests = bytearray()
        self.email_keys = array("q")
        self.rows = array("l")

    def __len__(self) -> int:
        """How many are held."""
        return len(self.rows)

    def append(self, packed: bytes, fingerprint: bytes, digest: bytes | None, email_key: int, row: int) -> int:
        """Keep a packed user and the digest of the one record it was read from; returns its index."""
        self._packed += packed
        self._ends.append(len(self._packed))
        self._fingerprints += fingerprint
        self._digests += digest or _NO_DIGEST
        self.email_keys.append(email_key)
        self.rows.append(row)
        return len(self.rows) - 1

    def __getitem__(self, index: int) -> SisUser:
        """The user of an index."""
        return unpack(self._packed[self._ends[index] : self._ends[index + 1]])

    def fingerprint(self, index: int) -> bytes:
        """The fingerprint of the user of an index."""
        start = index * FINGERPRINT_BYTES
        return bytes(self._fingerprints[start : start + FINGERPRINT_BYTES])

    def size(self, index: int) -> int:
        """Bytes of the user of an index."""
        return self._ends[index + 1] - self._ends[index]

    def digest(self, index: int) -> bytes | None:
        """The digest of the record that the user of an index was read from."""
        start = index * DIGEST_BYTES
        digest = bytes(self._digests[start : start + DIGEST_BYTES])
        return None if digest == _NO_DIGEST else digest
