"""A provider's record as it came, and how it is known again without being read.

Most records are, to the letter, those of the night before. Hashing one costs a fifth of reading, normalising and
fingerprinting it; whatever is not known by its hash is read.
"""

from hashlib import blake2b
from typing import Protocol, TypeAlias

from roster_sync.domain.identifiers import SourcedId

DIGEST_BYTES = 16
SALT_BYTES = blake2b.SALT_SIZE

RawRecord: TypeAlias = "bytes | memoryview | _Buffer"
"""One record's JSON."""


class _Buffer(Protocol):
    """What offers its bytes."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """See PEP 688."""


class RecordReader(Protocol):
    """Reads records of the provider's format."""

    def sourced_id(self, record: RawRecord) -> SourcedId | None:
        """The record's sourcedId, if it is plain text; None if `read` must tell."""

    def read(self, record: RawRecord) -> object:
        """The record as JSON has it: usually a dict."""


def record_digest(record: RawRecord, salt: bytes) -> bytes:
    """16 bytes that tell this record under these rules from every other."""
    return blake2b(record, digest_size=DIGEST_BYTES, salt=salt).digest()
