"""The provider's records against the roster: what must change.

Records stream through `Comparison.add`; those equal to what is stored leave only a mark. The rest is held until the
fetch is complete, because who a record is (one of several of a person, a manual user found again, somebody with a
new sourcedId) can only be said over the whole; so the order of pages decides nothing.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from roster_sync.domain.change import CHANGE_BYTES, Change, ChangeKind
from roster_sync.domain.deactivation import Verdict, may_deactivate
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.fingerprint import LARGEST_USER, fingerprint, pack
from roster_sync.domain.held_changes import HELD_AT_MOST, HeldChange, HeldKind
from roster_sync.domain.held_users import HeldUsers
from roster_sync.domain.identifiers import DistrictId, SourcedId, UserId
from roster_sync.domain.identity import NO_KEY, email_key, identifier_key, person_key, user_id_from_sourced_id
from roster_sync.domain.issue import Issue, IssueCode, RecordKind
from roster_sync.domain.limits import Limits, Share
from roster_sync.domain.mass_changes import hold_mass_changes
from roster_sync.domain.new_ids import pair_by_names, too_many_new_ids
from roster_sync.domain.normalise import NotStored, Rules, normalise, sourced_id_of
from roster_sync.domain.persons import unite
from roster_sync.domain.plain_record import packed_user
from roster_sync.domain.planned import NOBODY, Planned, Withheld
from roster_sync.domain.record import RawRecord, RecordReader, digest_of_records
from roster_sync.domain.roster import ACTIVE, HAS_PRODUCTS, IN_SCOPE, MANUAL, SEVERAL_RECORDS, UNTOUCHABLE, Roster
from roster_sync.domain.run import COUNT_OF_KIND, Counts
from roster_sync.domain.user import Role, SisUser, normalised_email

LoadUsers = Callable[[Collection[UserId]], Mapping[UserId, SisUser]]
"""Reads the SIS-owned attributes of stored users."""

_COUNSELOR = Role.COUNSELOR
_HELD = attrgetter("held")
_UNCHANGED = ACTIVE | HAS_PRODUCTS
_UNCHANGED_MASK = _UNCHANGED | SEVERAL_RECORDS | UNTOUCHABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a comparison came to.

    Attributes:
        planned: The changes, deactivations last; `Comparison.change` unpacks one.
        counts: Of everything but the planned changes, which count when they are applied.
        verdict: Whether the absent are deactivated.
        withheld: The changes that a blocked run does not make; `Comparison.withheld` unpacks them.
    """

    planned: Sequence[Planned]
    counts: Counts
    issues: Sequence[Issue]
    verdict: Verdict
    withheld: Sequence[Withheld] = ()


@dataclass(slots=True)
class _Students:
    """Those of one counselor's address: the lowest sourcedId among them, and how many they are."""

    lowest: SourcedId
    number: int = 0


class Comparison:
    """One fetch of a district's users, compared with the roster."""

    def __init__(self, district_id: DistrictId, roster: Roster, rules: Rules, reader: RecordReader) -> None:
        """Compare with a roster that is complete."""
        self._reader = reader
        self._district_id = district_id
        self._roster = roster
        self._rules = rules
        self._digest_of = digest_of_records(rules.seed)
        self._held = HeldUsers()
        self._came = bytearray(len(roster))
        self._unchanged = bytearray(len(roster))
        self._claimed = bytearray(len(roster))
        self._kept = bytearray(len(roster))
        self._other_sourced_ids: set[SourcedId] = set()
        self._students_of: dict[str, _Students] = {}
        """By a counselor's address as it is spelt."""
        self._sis_counselors: set[str] = set()
        self._user_ids: set[UserId] = set()
        self._issues: list[Issue] = []
        self._invalid = 0
        self._skipped = 0
        self._partial = False
        self._in_part: set[int] = set()
        self.received = 0
        """Distinct records so far."""

    def add(self, records: Iterable[RawRecord]) -> None:
        """Take in a page of records; repeats are dropped."""
        roster, came, unchanged, digest_of = self._roster, self._came, self._unchanged, self._digest_of
        reader, by_sourced_id, rules = self._reader, roster.by_sourced_id, self._rules
        for record in records:
            digest = digest_of(record)
            if by_sourced_id:
                known = reader.sourced_id(record)
                row = NOBODY if known is None else by_sourced_id.get(known, NOBODY)
                if (
                    row != NOBODY
                    and not came[row]
                    and roster.flags[row] & _UNCHANGED_MASK == _UNCHANGED
                    and roster.has_record(row, digest)
                ):
                    self.received += 1
                    came[row] = unchanged[row] = self._claimed[row] = True
                    continue
            plain = reader.plain(record)
            read = packed_user(plain, rules) if plain else None
            if not plain or not read:
                self._read(reader.read(record), digest)
            elif (place := self._place(plain.sourced_id)) is None:
                continue
            elif isinstance(read, tuple):
                user, packed = read
                self._compare(user, packed, digest, place)
            else:
                self._leave_out(read, place)

    def _read(self, record: object, digest: bytes) -> None:
        """A record that deviates from the standard, or has something to be mended."""
        sourced_id = sourced_id_of(record, self._issues)
        if sourced_id is None or not isinstance(record, dict):
            self.received += 1
            self._invalid += 1
            return
        place = self._place(sourced_id)
        if place is None:
            return
        issues = len(self._issues)
        user = normalise(record, sourced_id, self._rules, self._issues)
        if isinstance(user, NotStored):
            self._leave_out(user, place)
            return
        packed = pack(user)
        if len(packed) > LARGEST_USER:
            message = (
                f"The record has {len(packed) // 1000} kB of values; at most {LARGEST_USER // 1000} kB are stored."
            )
            self._report(IssueCode.RECORD_TOO_LARGE, message, user)
            self._leave_out(NotStored.INVALID, place)
            return
        # What has issues must be read every night, to name them every night.
        self._compare(user, packed, digest if len(self._issues) == issues else None, place)

    def _place(self, sourced_id: SourcedId) -> int | None:
        """The record's row in the roster, or NOBODY; None if it has come before."""
        row = self._roster.by_sourced_id.get(sourced_id, NOBODY)
        if row == NOBODY or self._roster.flags[row] & SEVERAL_RECORDS:
            others = self._other_sourced_ids
            if sourced_id in others:
                return None
            others.add(sourced_id)
        else:
            if self._came[row]:
                return None
            self._came[row] = True
        self.received += 1
        return row

    def _leave_out(self, reason: NotStored, row: int) -> None:
        if reason is NotStored.INVALID:
            self._invalid += 1
        else:
            self._skipped += 1
        if row != NOBODY and reason is NotStored.INVALID:
            self._kept[row] = True

    def _compare(self, user: SisUser, packed: bytes, digest: bytes | None, row: int) -> None:
        hashed = fingerprint(packed)
        if row != NOBODY:
            flags = self._roster.flags[row]
            if flags & UNTOUCHABLE:
                self._claimed[row] = True
                self._keep_out_of_district_administrator(user.sourced_ids[0])
                return
            if flags & _UNCHANGED_MASK == _UNCHANGED and self._roster.has_fingerprint(row, hashed):
                self._unchanged[row] = self._claimed[row] = True
                return
        email, counselor_email = user.email, user.sis_counselor_email
        if counselor_email:
            sourced_id = user.sourced_ids[0]
            students = self._students_of.get(counselor_email)
            if students is None:
                self._students_of[counselor_email] = students = _Students(sourced_id)
            students.number += 1
            if sourced_id < students.lowest:
                students.lowest = sourced_id
        elif email and user.sis_role is _COUNSELOR:
            self._sis_counselors.add(normalised_email(email))
        self._held.append(packed, hashed, digest, email_key(email), row)

    def leave_unseen_schools_alone(self, doubtful: Set[SourcedId]) -> list[SourcedId]:
        """Take the mapped schools of which nobody came for unknown, users included; the OneRoster IDs of these schools.

        Args:
            doubtful: The OneRoster IDs of those of which it is not known whether the provider has them.
        """
        seen = self._roster.schools_of(_rows_of(self._unchanged))
        for index in range(len(self._held)):
            seen.update(self._held[index].school_ids)
        schools = self._rules.schools
        unseen = {sourced_id for sourced_id in doubtful if schools[sourced_id] not in seen}
        self._roster.leave_alone({schools[sourced_id] for sourced_id in unseen})
        return sorted(unseen)

    def leave_persons_in_part_alone(self) -> None:
        """Change nobody of several records some of which did not come: the provider may still have them."""
        flags, others = self._roster.flags, self._other_sourced_ids
        self._in_part = {
            row
            for sourced_id, row in self._roster.by_sourced_id.items()
            if flags[row] & SEVERAL_RECORDS and sourced_id not in others
        }

    def lacks_somebody(self) -> bool:
        """Whether no record has come so far of some active user of a mapped school."""
        others = self._rows_of_other_sourced_ids()
        rows = self._roster.rows(having=ACTIVE | IN_SCOPE, lacking=MANUAL | UNTOUCHABLE)
        return any(not self._came[row] and row not in others for row in rows)

    def _rows_of_other_sourced_ids(self) -> set[int]:
        by_sourced_id = self._roster.by_sourced_id
        return {by_sourced_id[known] for known in self._other_sourced_ids if known in by_sourced_id}

    def people(self) -> set[int | SourcedId]:
        """Who has come so far and is to be stored: rows of the unchanged, sourcedIds of the others."""
        return {*_rows_of(self._unchanged), *(self._held[index].sourced_ids[0] for index in range(len(self._held)))}

    def needs_the_rest(self) -> str | None:
        """Why the changed records cannot be judged without those that did not come; None if they can.

        Persons are united, linked and recognised over all records of a district.
        """
        roster, held = self._roster, self._held
        if not roster.by_sourced_id.keys().isdisjoint(self._other_sourced_ids):
            return "somebody with several records has changed."
        if any(roster.rows(having=ACTIVE | IN_SCOPE, lacking=HAS_PRODUCTS | MANUAL | UNTOUCHABLE)):
            return "a product is new to users."
        persons, emails, identifiers = {NO_KEY}, {NO_KEY}, {NO_KEY}
        for index, row in enumerate(held.rows):
            user = held[index]
            persons.add(person_key(user.email, user.given_name, user.family_name))
            if row == NOBODY:
                emails.add(held.email_keys[index])
                identifiers.add(self._identifier_key(index))
        for keys in (persons, emails, identifiers):
            keys.remove(NO_KEY)
        for row in roster.rows(having=0, lacking=MANUAL | UNTOUCHABLE):
            if not self._came[row] and (
                roster.person_keys[row] in persons
                or roster.email_keys[row] in emails
                or roster.identifier_keys[row] in identifiers
            ):
                return "somebody who changed may be the same person as another user."
        return None

    def finish(self, proof: FetchProof, load_users: LoadUsers, limits: Limits, *, partial: bool = False) -> Outcome:
        """Decide every change.

        Args:
            proof: What the fetch can vouch for; without a whole one nobody is deactivated or taken over.
            load_users: Called for users who came unchanged beside a new record of the same person, and for many who
                are absent while as many came who are not known.
            limits: Beyond which the run is blocked.
            partial: Whether only changed records were read: then who did not come is not absent.
        """
        self._partial = partial
        # All that is asked of them from here on; of a first night they are all users'.
        others = self._rows_of_other_sourced_ids()
        self._other_sourced_ids.clear()
        unknown_counselors = self._unknown_counselors()
        strangers, people = self._people(load_users)
        unknown, planned = self._match(self._less_persons_in_part(people))
        strangers += unknown
        strangers, linked = self._link(strangers)
        withheld: list[Withheld] = []
        reasons: list[str] = []
        if proof.whole:
            strangers, taken_over = self._take_over(strangers)
            strangers, taken_over, withheld, reasons = self._hold_new_ids(strangers, taken_over, load_users, limits)
            linked += taken_over
        self._user_ids = set(self._roster.user_ids) if strangers else set()

        counts = Counter({"invalid": self._invalid, "skipped": self._skipped, "fetched": self.received})
        planned = list(self._less_what_is_stored(planned + linked, counts))
        planned += [Planned(ChangeKind.CREATE, NOBODY, index) for index in strangers]
        for row in _rows_of(self._unchanged):
            counts[self._count_of_unchanged(row)] += 1
        leaving, left, active = self._absent()
        if not limits.absence_counts:
            leaving = self._told_to_leave(leaving, others)
        mass_changes, why = hold_mass_changes(planned, active, self._roster, self._held, limits)
        if mass_changes:
            waiting = {each.planned.held for each in mass_changes}
            planned = [each for each in planned if each.held not in waiting]
            leaving = self._less_who_may_be_joined(leaving, waiting)
        withheld += mass_changes
        reasons += why
        for each in withheld:
            # Whom an earlier attempt of this run has written stays as it wrote them.
            if earlier := self._roster.written_by_this_run(each.planned.row):
                counts[COUNT_OF_KIND[earlier]] += 1
        verdict = self._verdict(leaving, left, active, proof, limits)
        going = frozenset(leaving if verdict.deactivates else ())
        for row in self._roster.rows_written_by_this_run():
            if not self._claimed[row] and row not in going:
                counts[self._count_of_unchanged(row)] += 1
        if verdict.deactivates:
            planned.sort(key=_HELD)
            planned += [Planned(ChangeKind.DEACTIVATE, row, NOBODY) for row in leaving]
        elif verdict.blocks_run:
            withheld += [
                Withheld(HeldKind.DEACTIVATION, Planned(ChangeKind.DEACTIVATE, row, NOBODY)) for row in leaving
            ]
        elif verdict.reason:
            self._issues.append(Issue(IssueCode.FETCH_NOT_WHOLE, verdict.reason))
        self._issues += unknown_counselors
        return Outcome(
            planned=planned,
            counts=Counts(**counts),
            issues=self._issues,
            verdict=verdict.blocked_as_well(reasons),
            withheld=withheld,
        )

    def sizes(self, planned: Iterable[Planned]) -> Iterator[int]:
        """Of each change in a message, roughly, in bytes."""
        for change in planned:
            yield CHANGE_BYTES + (0 if change.held == NOBODY else self._held.size(change.held))

    def change(self, planned: Planned) -> Change:
        """A decided change with its user."""
        if planned.held == NOBODY:
            return Change(planned.kind, self._roster.user_ids[planned.row], None, None)
        held = self._held
        user = held[planned.held]
        if planned.row == NOBODY:
            user_id = self._new_user_id(user.sourced_ids[0])
        else:
            user_id = self._roster.user_ids[planned.row]
        return Change(planned.kind, user_id, user, held.fingerprint(planned.held), held.digest(planned.held))

    def withheld(self, withheld: Sequence[Withheld]) -> Iterator[HeldChange]:
        """What a run holds aside, at most `HELD_AT_MOST`, school by school."""
        rows = [each.planned.row for each in withheld]
        lowest = self._lowest_sourced_ids(set(rows))
        keys = [
            (each.kind, school_ids, lowest.get(row, ""))
            for each, row, school_ids in zip(withheld, rows, self._roster.school_ids(rows), strict=True)
        ]
        for number, index in enumerate(sorted(range(len(keys)), key=keys.__getitem__)[:HELD_AT_MOST], start=1):
            kind, school_ids, sourced_id = keys[index]
            change = self.change(withheld[index].planned)
            new_school_ids = change.user.school_ids if change.user else ()
            yield HeldChange(
                number=number,
                kind=kind,
                change=change,
                sourced_id=SourcedId(sourced_id) if sourced_id else None,
                school_ids=tuple(sorted({*school_ids, *new_school_ids})),
            )

    def _new_user_id(self, sourced_id: SourcedId) -> UserId:
        generation = 0
        while (user_id := user_id_from_sourced_id(self._district_id, sourced_id, generation)) in self._user_ids:
            generation += 1
        return user_id

    # Who is one person

    def _people(self, load_users: LoadUsers) -> tuple[list[int], list[tuple[int, tuple[int, ...]]]]:
        """Each person that is not known to be unchanged: index of the held user, rows of its records.

        Those of one record that nobody is stored from come first, by their index alone.
        """
        groups = self._same_email()
        grouped = bytearray(len(self._held))
        several: list[tuple[list[int], list[int]]] = []
        wanted: set[UserId] = set()
        for persons in groups.values():
            # Those of no name may be one person's or not.
            if len(persons) > 1 or NO_KEY in persons:
                self._report_shared_email(persons.values())
            for key, (indices, rows) in persons.items():
                if len(indices) + len(rows) > 1 and key != NO_KEY:
                    several.append((indices, rows))
                    wanted.update(self._roster.user_ids[row] for row in rows)
                    for index in indices:
                        grouped[index] = True
                    for row in rows:
                        self._unchanged[row] = self._claimed[row] = False
        rows_of = self._held.rows
        strangers = [index for index, row in enumerate(rows_of) if row == NOBODY and not grouped[index]]
        people: list[tuple[int, tuple[int, ...]]] = [
            (index, (row,)) for index, row in enumerate(rows_of) if row != NOBODY and not grouped[index]
        ]
        stored = load_users(wanted) if wanted else {}
        for indices, rows in several:
            records = [self._held[index] for index in indices]
            records += [stored[self._roster.user_ids[row]] for row in rows]
            user = unite(records)
            packed = pack(user)
            if len(packed) > LARGEST_USER:
                self._report_no_person(records)
                people += [(index, () if (row := self._held.rows[index]) == NOBODY else (row,)) for index in indices]
                for row in rows:
                    self._unchanged[row] = self._claimed[row] = True
                continue
            known = {
                self._roster.by_sourced_id[item]: None
                for item in user.sourced_ids
                if item in self._roster.by_sourced_id
            }
            index = self._held.append(packed, fingerprint(packed), None, email_key(user.email), NOBODY)
            people.append((index, tuple(known)))
        return strangers, people

    def _less_persons_in_part(
        self, people: Iterable[tuple[int, tuple[int, ...]]]
    ) -> Iterator[tuple[int, tuple[int, ...]]]:
        for index, rows in people:
            if self._in_part.isdisjoint(rows):
                yield index, rows
            else:
                for row in rows:
                    self._unchanged[row] = self._claimed[row] = True

    def _same_email(self) -> dict[int, dict[int, tuple[list[int], list[int]]]]:
        """Those who share an e-mail address, by its key and the person's: indices held, rows unchanged."""
        roster = self._roster
        unchanged = array("q", (roster.email_keys[row] for row in _rows_of(self._unchanged)))
        shared = _repeated(self._held.email_keys, unchanged)
        groups: dict[int, dict[int, tuple[list[int], list[int]]]] = defaultdict(lambda: defaultdict(lambda: ([], [])))
        if shared:
            for index, key in enumerate(self._held.email_keys):
                if key in shared:
                    user = self._held[index]
                    groups[key][person_key(user.email, user.given_name, user.family_name)][0].append(index)
            for row in _rows_of(self._unchanged):
                if (key := roster.email_keys[row]) in shared:
                    groups[key][roster.person_keys[row]][1].append(row)
        return groups

    # Which stored user a person is

    def _match(self, people: Iterable[tuple[int, tuple[int, ...]]]) -> tuple[list[int], list[Planned]]:
        """Match by sourcedId; returns the strangers' indices and what is planned for the others.

        A stored user whose records turn out to be several persons stays with the one of the lowest sourcedId; of
        several stored users who turn out to be one person, that of the lowest sourcedId stays.
        """
        strangers: list[int] = []
        planned: list[Planned] = []
        contested: list[tuple[tuple[SourcedId, ...], int, tuple[int, ...]]] = []
        for index, rows in people:
            if not rows:
                strangers.append(index)
            elif len(rows) > 1 or self._roster.flags[rows[0]] & SEVERAL_RECORDS:
                contested.append((self._held[index].sourced_ids, index, rows))
            else:
                self._claim(rows[0], index, planned)
        for _, index, rows in sorted(contested):
            free = next((row for row in rows if not self._claimed[row]), None)
            if free is None:
                strangers.append(index)
            else:
                self._claim(free, index, planned)
        return strangers, planned

    def _claim(self, row: int, index: int, planned: list[Planned], kind: ChangeKind = ChangeKind.UPDATE) -> None:
        self._claimed[row] = True
        if kind is ChangeKind.UPDATE and not self._roster.flags[row] & ACTIVE:
            kind = ChangeKind.REACTIVATE
        planned.append(Planned(kind, row, index))

    def _link(self, strangers: list[int]) -> tuple[list[int], list[Planned]]:
        """Find manual users again by e-mail address."""
        emails = self._held.email_keys
        uploaded = {*self._roster.rows(having=MANUAL), *self._roster.rows(having=UNTOUCHABLE)}
        known = {self._roster.email_keys[row] for row in uploaded}
        wanted = Counter(emails[index] for index in strangers if emails[index] in known)
        manual = _rows_by_key(self._roster.rows(having=MANUAL), self._roster.email_keys, wanted)
        protected = _rows_by_key(self._roster.rows(having=UNTOUCHABLE), self._roster.email_keys, wanted)
        if not manual and not protected:
            return strangers, []
        remaining: list[int] = []
        linked: list[Planned] = []
        for index in strangers:
            key = emails[index]
            rows = manual.get(key, ())
            if key in protected:
                for sourced_id in self._held[index].sourced_ids:
                    self._keep_out_of_district_administrator(sourced_id)
            elif len(rows) == 1 and wanted[key] == 1:
                self._claim(rows[0], index, linked, ChangeKind.LINK)
            else:
                if rows:
                    message = (
                        "Several people have the e-mail address of an uploaded user; none was joined with that user."
                    )
                    self._report(IssueCode.EMAIL_AMBIGUOUS, message, self._held[index])
                remaining.append(index)
        return remaining, linked

    def _take_over(self, strangers: list[int]) -> tuple[list[int], list[Planned]]:
        """Find absent users again under a new sourcedId: by e-mail address, else by identifier and names."""
        if next(self._absent_rows(), None) is None:
            return strangers, []
        linked: list[Planned] = []
        by_email = {index: self._held.email_keys[index] for index in strangers}
        strangers = self._take_over_by(by_email, self._roster.email_keys, linked)
        by_identifier = {index: self._identifier_key(index) for index in strangers}
        return self._take_over_by(by_identifier, self._roster.identifier_keys, linked), linked

    def _hold_new_ids(
        self, strangers: list[int], taken_over: list[Planned], load_users: LoadUsers, limits: Limits
    ) -> tuple[list[int], list[Planned], list[Withheld], list[str]]:
        """If too many active users are taken over, hold that, with those who are recognised by their names alone.

        Returns the strangers that are left, who is taken over all the same, what is held, and why.
        """
        flags, minimum = self._roster.flags, limits.deactivation.minimum
        links = [each for each in taken_over if flags[each.row] & ACTIVE]
        nothing: tuple[list[int], list[Planned], list[Withheld], list[str]] = strangers, taken_over, [], []
        if limits.lifted or len(links) + len(strangers) <= minimum:
            return nothing
        absent = [row for row in self._absent_rows() if flags[row] & ACTIVE]
        if len(links) + min(len(strangers), len(absent)) <= minimum:
            return nothing
        pairs = pair_by_names(strangers, absent, self._roster, self._held, load_users)
        active = list(self._roster.rows(having=ACTIVE | IN_SCOPE, lacking=MANUAL | UNTOUCHABLE))
        reason = too_many_new_ids([*links, *pairs], active, self._roster, limits)
        if reason is None:
            return nothing
        for pair in pairs:
            self._claimed[pair.row] = True
        paired = {pair.held for pair in pairs}
        return (
            [index for index in strangers if index not in paired],
            [each for each in taken_over if not flags[each.row] & ACTIVE],
            [Withheld(HeldKind.NEW_ID, each) for each in (*links, *pairs)],
            [reason],
        )

    def _take_over_by(self, keys: Mapping[int, int], stored: Sequence[int], linked: list[Planned]) -> list[int]:
        """Link each stranger whose key is one stranger's and one absent user's; returns the other strangers."""
        wanted = Counter(keys.values())
        found = _rows_by_key(self._absent_rows(), stored, wanted)
        remaining: list[int] = []
        for index, key in keys.items():
            rows = found.get(key, ())
            if len(rows) == 1 and wanted[key] == 1:
                self._claim(rows[0], index, linked, ChangeKind.LINK)
            else:
                remaining.append(index)
        return remaining

    def _absent_rows(self) -> Iterator[int]:
        """Those whose absence proves something: users of unmapped schools may not even have been asked for."""
        rows = self._roster.rows(having=IN_SCOPE, lacking=MANUAL | UNTOUCHABLE)
        return (row for row in rows if self._is_absent(row))

    def _is_absent(self, row: int) -> bool:
        """Whether nobody came for the user; somebody whose record is not used came all the same."""
        return not self._claimed[row] and not self._kept[row] and (not self._partial or bool(self._came[row]))

    def _identifier_key(self, index: int) -> int:
        user = self._held[index]
        return identifier_key(user.identifier, user.given_name, user.family_name)

    def _less_what_is_stored(self, planned: Iterable[Planned], counts: Counter[str]) -> Iterator[Planned]:
        """Drop the changes that change nothing, and count again what an earlier attempt of this run has done."""
        for change in planned:
            stored = self._roster.flags[change.row] & _UNCHANGED == _UNCHANGED
            if stored and self._roster.has_fingerprint(change.row, self._held.fingerprint(change.held)):
                counts[self._count_of_unchanged(change.row)] += 1
            else:
                earlier = self._roster.written_by_this_run(change.row)
                kind = earlier if earlier and change.kind is ChangeKind.UPDATE else change.kind
                yield Planned(kind, change.row, change.held)

    def _count_of_unchanged(self, row: int) -> str:
        earlier = self._roster.written_by_this_run(row)
        return COUNT_OF_KIND[earlier] if earlier else "unchanged"

    def _absent(self) -> tuple[list[int], list[int], list[int]]:
        """Rows of active users who did not come, of those whom this run has deactivated before, of all active ones."""
        roster = self._roster
        scope = list(roster.rows(having=ACTIVE | IN_SCOPE, lacking=MANUAL | UNTOUCHABLE))
        inactive = roster.rows(having=IN_SCOPE, lacking=MANUAL | UNTOUCHABLE | ACTIVE)
        left = [
            row for row in inactive if self._is_absent(row) and roster.written_by_this_run(row) is ChangeKind.DEACTIVATE
        ]
        return [row for row in scope if self._is_absent(row)], left, scope

    def _less_who_may_be_joined(self, leaving: list[int], waiting: Set[int]) -> list[int]:
        """Without users whose record would be another user's, if that one's change did not wait for a decision."""
        by_sourced_id = self._roster.by_sourced_id
        joined = {by_sourced_id.get(known) for index in waiting for known in self._held[index].sourced_ids}
        return [row for row in leaving if row not in joined]

    def _told_to_leave(self, leaving: list[int], others: Set[int]) -> list[int]:
        """Those whose record came and says that they have left; the others are told."""
        told = [row for row in leaving if self._came[row] or row in others]
        silent = len(leaving) - len(told)
        if silent:
            message = f"{silent} users are no longer sent by the provider; outside the school year they stay active."
            self._issues.append(Issue(IssueCode.ABSENT_OUTSIDE_SCHOOL_YEAR, message))
        return told

    def _verdict(
        self, leaving: list[int], left: list[int], active: list[int], proof: FetchProof, limits: Limits
    ) -> Verdict:
        """Of those who are leaving, and who have left in an earlier attempt of this run."""
        gone, all_of = [*leaving, *left], [*active, *left]
        return may_deactivate(Share(len(gone), len(all_of)), self._roster.shares_by_school(gone, all_of), proof, limits)

    # What is told

    def _keep_out_of_district_administrator(self, sourced_id: SourcedId) -> None:
        self._skipped += 1
        message = "The provider sends a record of somebody who is a district administrator here; it was left out."
        self._issues.append(Issue(IssueCode.DISTRICT_ADMINISTRATOR_KEPT, message, sourced_id))

    def _report_shared_email(self, persons: Iterable[tuple[list[int], list[int]]]) -> None:
        message = "People with different or no names have the same e-mail address; each was stored as a separate user."
        indices, rows = (list(chain.from_iterable(part)) for part in zip(*persons, strict=True))
        for index in indices:
            self._report(IssueCode.EMAIL_SHARED, message, self._held[index])
        self._issues += [Issue(IssueCode.EMAIL_SHARED, message, sourced_id) for sourced_id in self._sourced_ids(rows)]

    def _report(self, code: IssueCode, message: str, user: SisUser) -> None:
        kind = RecordKind.STUDENT if user.sis_role is Role.STUDENT else RecordKind.STAFF
        self._issues.append(Issue(code, message, user.sourced_ids[0], record_kind=kind))

    def _report_no_person(self, records: Iterable[SisUser]) -> None:
        message = "More records than one person can have share this e-mail address and names; they were not united."
        for user in records:
            self._report(IssueCode.EMAIL_SHARED, message, user)

    def _unknown_counselors(self) -> list[Issue]:
        """An issue for each counselor e-mail that names nobody, under the student of the lowest sourcedId."""
        roster = self._roster
        known = roster.counselor_emails | self._sis_counselors
        rows_of: dict[str, list[int]] = defaultdict(list)
        unknown = [name is not None and name not in known for name in roster.counselor_names]
        for row in _rows_of(self._unchanged) if any(unknown) else ():
            number = roster.counselors[row]
            if unknown[number]:
                rows_of[roster.counselor_names[number] or ""].append(row)
        issues: list[Issue] = []
        students_of: Counter[str] = Counter()
        first_of: dict[str, list[SourcedId]] = defaultdict(list)
        for email, students in self._students_of.items():
            name = normalised_email(email)
            if name not in known:
                students_of[name] += students.number
                first_of[name].append(students.lowest)
        for name in {*rows_of, *students_of}:
            sourced_ids = [*first_of[name], *self._sourced_ids(rows_of[name])]
            number = students_of[name] + len(rows_of[name])
            message = f"The counselor e-mail of this student ({number} in all have it) is of no known counselor."
            issues.append(Issue(IssueCode.COUNSELOR_UNKNOWN, message, min(sourced_ids), record_kind=RecordKind.STUDENT))
        return issues

    def _sourced_ids(self, rows: Collection[int]) -> list[SourcedId]:
        """The lowest sourcedId of each row."""
        return list(self._lowest_sourced_ids(set(rows)).values()) if rows else []

    def _lowest_sourced_ids(self, rows: Set[int]) -> dict[int, SourcedId]:
        lowest: dict[int, SourcedId] = {}
        for sourced_id, row in self._roster.by_sourced_id.items():
            if row in rows:
                lowest[row] = min(sourced_id, lowest.get(row, sourced_id))
        return lowest


def _rows_of(marks: bytearray) -> Iterator[int]:
    """The rows that are marked."""
    row = marks.find(1)
    while row != NOBODY:
        yield row
        row = marks.find(1, row + 1)


def _repeated(*keys: Sequence[int]) -> set[int]:
    """Those that come more than once, without an entry for each of a million that do not."""
    mask = (1 << (8 * sum(map(len, keys))).bit_length()) - 1
    seen, slots = bytearray(mask + 1), set[int]()
    for key in chain(*keys):
        slot = key & mask
        if seen[slot]:
            slots.add(slot)
        else:
            seen[slot] = True
    counts = Counter(key for key in chain(*keys) if key & mask in slots)
    return {key for key, users in counts.items() if users > 1 and key != NO_KEY}


def _rows_by_key(rows: Iterable[int], keys: Sequence[int], wanted: Collection[int]) -> dict[int, list[int]]:
    """The rows whose key is wanted, by key."""
    found: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        if keys[row] in wanted and keys[row] != NO_KEY:
            found[keys[row]].append(row)
    return found
