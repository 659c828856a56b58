"""Users that differ from what is stored, kept packed until the fetch is complete."""

from array import array

from roster_sync.domain.fingerprint import fingerprint, unpack
from roster_sync.domain.record import DIGEST_BYTES
from roster_sync.domain.user import SisUser

_NO_DIGEST = bytes(DIGEST_BYTES)


class HeldUsers:
    """A list of users that can be appended to and read: some 300 bytes a user, where objects would take 1,500."""

    def __init__(self) -> None:
        """Start empty."""
        self._packed = bytearray()
        self._ends = array("q", [0])
        self._digests = bytearray()

    def __len__(self) -> int:
        """How many are held."""
        return len(self._ends) - 1

    def append(self, packed: bytes, digest: bytes | None) -> int:
        """Keep a packed user and the digest of the one record it was read from; returns its index."""
        self._packed += packed
        self._ends.append(len(self._packed))
        self._digests += digest or _NO_DIGEST
        return len(self._ends) - 2

    def __getitem__(self, index: int) -> SisUser:
        """The user of an index."""
        return unpack(self._packed_of(index))

    def fingerprint(self, index: int) -> bytes:
        """The fingerprint of the user of an index."""
        return fingerprint(self._packed_of(index))

    def size(self, index: int) -> int:
        """Bytes of the user of an index."""
        return self._ends[index + 1] - self._ends[index]

    def digest(self, index: int) -> bytes | None:
        """The digest of the record that the user of an index was read from."""
        start = index * DIGEST_BYTES
        digest = bytes(self._digests[start : start + DIGEST_BYTES])
        return None if digest == _NO_DIGEST else digest

    def _packed_of(self, index: int) -> bytearray:
        return self._packed[self._ends[index] : self._ends[index + 1]]
