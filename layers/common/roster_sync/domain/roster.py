"""Compact index of the district's users as stored when a run starts.

Held in columns, some 250 bytes a user, because a district may have a million.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Set

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.fingerprint import FINGERPRINT_BYTES
from roster_sync.domain.identifiers import RunId, SchoolId, SourcedId, UserId
from roster_sync.domain.identity import email_key, identifier_key, person_key
from roster_sync.domain.limits import Share
from roster_sync.domain.record import DIGEST_BYTES
from roster_sync.domain.user import Role, RosterEntry, normalised_email

_NO_FINGERPRINT = bytes(FINGERPRINT_BYTES)
_NO_DIGEST = bytes(DIGEST_BYTES)
_KINDS = tuple(ChangeKind)

ACTIVE = 1
"""Stored with status active."""
IN_SCOPE = 2
"""Of at least one school that is mapped now."""
MANUAL = 4
"""Has no provider record."""
UNTOUCHABLE = 8
"""A district administrator."""
HAS_PRODUCTS = 16
"""Has every product that is active now."""
SEVERAL_RECORDS = 32
"""Has more than one provider record."""


class Roster:
    """The stored users of one district, by row number."""

    def __init__(self, school_ids: Iterable[SchoolId], products: frozenset[str], run_id: RunId) -> None:
        """Start empty.

        Args:
            school_ids: The schools that are mapped now.
            products: Those active now.
            run_id: The run that will compare; what an earlier attempt of it wrote is remembered.
        """
        self._school_ids = frozenset(school_ids)
        self._products = products
        self._run_id = run_id
        self._fingerprints = bytearray()
        self._digests = bytearray()
        self._written = bytearray()
        self._counselor_numbers: dict[str, int] = {}
        self._schools = array("l")
        self._school_numbers: dict[tuple[SchoolId, ...], int] = {}
        self.user_ids: list[UserId] = []
        self.flags = bytearray()
        self.email_keys = array("q")
        self.person_keys = array("q")
        self.identifier_keys = array("q")
        self.by_sourced_id: dict[SourcedId, int] = {}
        self.counselor_emails: set[str] = set()
        """Normalised e-mail addresses of the stored, active counselors."""
        self.counselors = array("l")
        """For each row, the number in `counselor_names` of the counselor e-mail that the SIS gave the user."""
        self.counselor_names: list[str | None] = [None]
        """Normalised e-mail addresses by number; 0 is none."""

    def __len__(self) -> int:
        """How many users are stored."""
        return len(self.user_ids)

    def fill(self, batches: Iterable[Iterable[RosterEntry]]) -> None:
        """Take in all stored users."""
        for batch in batches:
            self.add(batch)

    def add(self, entries: Iterable[RosterEntry]) -> None:
        """Take in a batch of stored users."""
        for entry in entries:
            row = len(self.user_ids)
            self.user_ids.append(entry.user_id)
            self._fingerprints += entry.fingerprint or _NO_FINGERPRINT
            self._digests += entry.record_digest or _NO_DIGEST
            self.flags.append(self._flags(entry))
            kind = entry.last_change if entry.run_id == self._run_id else None
            self._written.append(_KINDS.index(ChangeKind(kind)) + 1 if kind else 0)
            self.email_keys.append(email_key(entry.email))
            self.person_keys.append(person_key(entry.email, entry.given_name, entry.family_name))
            self.identifier_keys.append(identifier_key(entry.identifier, entry.given_name, entry.family_name))
            self.counselors.append(self._counselor_number(entry.sis_counselor_email))
            self._schools.append(self._school_numbers.setdefault(entry.school_ids, len(self._school_numbers)))
            for sourced_id in entry.sourced_ids:
                other = self.by_sourced_id.setdefault(sourced_id, row)
                if other != row and self._precedence(row) < self._precedence(other):
                    self.by_sourced_id[sourced_id] = row
            if entry.role == Role.COUNSELOR and entry.active and entry.email:
                self.counselor_emails.add(normalised_email(entry.email))

    def has_fingerprint(self, row: int, fingerprint: bytes) -> bool:
        """Whether the user is stored with just this fingerprint."""
        start = row * FINGERPRINT_BYTES
        return self._fingerprints[start : start + FINGERPRINT_BYTES] == fingerprint

    def has_record(self, row: int, digest: bytes) -> bool:
        """Whether the user is stored from just the one record with this digest."""
        start = row * DIGEST_BYTES
        return self._digests[start : start + DIGEST_BYTES] == digest

    def written_by_this_run(self, row: int) -> ChangeKind | None:
        """The change that an earlier attempt of the comparing run made to the user, if any."""
        code = self._written[row]
        return _KINDS[code - 1] if code else None

    def rows_written_by_this_run(self) -> Iterator[int]:
        """The rows that an earlier attempt of the comparing run wrote."""
        return (row for row, code in enumerate(self._written) if code)

    def schools_of(self, rows: Iterable[int]) -> set[SchoolId]:
        """The schools, mapped or not, to which at least one of these users belongs."""
        by_number = list(self._school_numbers)
        numbers = {self._schools[row] for row in rows}
        return {school_id for number in numbers for school_id in by_number[number]}

    def school_ids(self, rows: Iterable[int]) -> list[tuple[SchoolId, ...]]:
        """The schools of each of these users, mapped or not."""
        by_number = list(self._school_numbers)
        return [by_number[self._schools[row]] for row in rows]

    def mapped_school_ids(self, rows: Iterable[int]) -> list[frozenset[SchoolId]]:
        """The mapped schools of each of these users."""
        by_number = [self._school_ids.intersection(school_ids) for school_ids in self._school_numbers]
        return [by_number[self._schools[row]] for row in rows]

    def shares_by_school(self, rows: Collection[int], of_rows: Iterable[int]) -> dict[SchoolId, Share]:
        """Which part these users are of the others, in each mapped school that one of them belongs to."""
        if not rows:
            return {}
        whole = self._count_by_school(of_rows)
        return {school_id: Share(part, whole[school_id]) for school_id, part in self._count_by_school(rows).items()}

    def _count_by_school(self, rows: Iterable[int]) -> Counter[SchoolId]:
        """How many of these users belong to each mapped school; who is in two counts in both."""
        by_number = list(self._school_numbers)
        counts = Counter[SchoolId]()
        for number, users in Counter(self._schools[row] for row in rows).items():
            for school_id in by_number[number]:
                if school_id in self._school_ids:
                    counts[school_id] += users
        return counts

    def leave_alone(self, school_ids: Set[SchoolId]) -> None:
        """Take the users of no other mapped schools than these out of scope."""
        left = self._school_ids - school_ids
        in_scope = [not left.isdisjoint(schools) for schools in self._school_numbers]
        for row in self.rows(having=IN_SCOPE):
            if not in_scope[self._schools[row]]:
                self.flags[row] &= ~IN_SCOPE

    def rows(self, *, having: int, lacking: int = 0) -> Iterator[int]:
        """The rows with all flags of `having` and none of `lacking`."""
        mask = having | lacking
        return (row for row, flags in enumerate(self.flags) if flags & mask == having)

    def _precedence(self, row: int) -> tuple[bool, bool, UserId]:
        """Who of several users with one sourcedId has it, lowest first: one that is left over is inactive or has more.

        Records of two users that turned out to be one person's are the active user's, not the deactivated one's; those
        of a person that turned out to be two, should the run die in between, are the new user's own.
        """
        flags = self.flags[row]
        return not flags & ACTIVE, bool(flags & SEVERAL_RECORDS), self.user_ids[row]

    def _counselor_number(self, email: str | None) -> int:
        if email is None:
            return 0
        name = normalised_email(email)
        number = self._counselor_numbers.setdefault(name, len(self.counselor_names))
        if number == len(self.counselor_names):
            self.counselor_names.append(name)
        return number

    def _flags(self, entry: RosterEntry) -> int:
        return (
            (ACTIVE if entry.active else 0)
            | (IN_SCOPE if not self._school_ids.isdisjoint(entry.school_ids) else 0)
            | (MANUAL if not entry.sourced_ids else 0)
            | (UNTOUCHABLE if entry.role == Role.DISTRICT_ADMINISTRATOR else 0)
            | (HAS_PRODUCTS if self._products <= entry.products else 0)
            | (SEVERAL_RECORDS if len(entry.sourced_ids) > 1 else 0)
        )
