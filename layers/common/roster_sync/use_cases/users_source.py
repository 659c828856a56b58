"""Where a fetch reads users from: collection after collection of a plan, into one comparison."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from roster_sync.domain.diff import Comparison
from roster_sync.domain.errors import ConfigurationError, NotOfferedError
from roster_sync.domain.fetch_plan import FetchPlan, UsersCollection
from roster_sync.domain.fetch_proof import FetchProof, proof_of_all
from roster_sync.domain.identifiers import SourcedId
from roster_sync.domain.normalise import sourced_id_of
from roster_sync.domain.record import RawRecord
from roster_sync.use_cases.provider import Page, Provider


class PlanUnfitError(Exception):
    """The provider cannot be read by this plan; the text says why."""


class NoListError(NotOfferedError):
    """Nothing of a collection is to be had."""


@dataclass(frozen=True, slots=True)
class UsersSource:
    """Where users are read from.

    Attributes:
        compare: Gives a comparison that has seen nothing; waits for the roster.
        page_came: Told of each page; may end the reading.
        note: Sees all records.
    """

    provider: Provider
    compare: Callable[[], Comparison]
    page_came: Callable[[], None]
    note: Callable[[Sequence[RawRecord]], None] | None

    def district(self, plan: FetchPlan) -> tuple[Comparison, FetchProof]:
        """Read a plan of one collection.

        Raises:
            NoListError: Nothing of it is to be had.
        """
        (collection,) = plan.collections
        # The first page is read beside the roster, for which a comparison waits.
        pages = self._begun(collection)
        comparison = self.compare()
        for page in pages:
            if page.starts_over:
                comparison = self.compare()
            comparison.add(page.raw_records)
        return comparison, self.provider.proof(comparison.received)

    def whatever_comes(self, collections: Sequence[UsersCollection]) -> tuple[Comparison, list[UsersCollection]]:
        """Read those of several collections that are to be had, and tell which those are.

        Who left while one of them was read anew has come all the same.
        """
        comparison, read = self.compare(), []
        for collection in collections:
            try:
                pages = self._begun(collection)
            except NoListError:
                continue
            for page in pages:
                comparison.add(page.raw_records)
            read.append(collection)
        return comparison, read

    def schools(self, plan: FetchPlan) -> tuple[Comparison, FetchProof]:
        """Read a plan of several, each of which holds somebody.

        Raises:
            PlanUnfitError: One of them cannot be had, or not be relied on.
        """
        comparison: Comparison | None = None
        proofs: list[FetchProof] = []
        for collection in plan.collections:
            named = f"/{collection.endpoint}{f' with {collection.filter}' if collection.filter else ''}"
            records: list[RawRecord] = []
            try:
                for page in self._pages(collection):
                    if page.starts_over:
                        records.clear()
                    records += page.raw_records
            except ConfigurationError as error:
                raise PlanUnfitError(f"the provider does not give {named}.") from error
            if not records:
                raise PlanUnfitError(f"the provider gave nobody for {named}.")
            sourced_ids = [self._sourced_id(record, collection.role, named) for record in records]
            proof = self.provider.proof(len({*sourced_ids} - {None}) + sourced_ids.count(None))
            comparison = comparison or self.compare()
            comparison.add(records)
            proofs.append(replace(proof, reason=f"{named}: {proof.reason}" if proof.reason else None))
        return comparison or self.compare(), proof_of_all(proofs)

    def _begun(self, collection: UsersCollection) -> Iterator[Page]:
        """The pages, of which the first has come."""
        pages = self._pages(collection)
        try:
            first = list(islice(pages, 1))
        except NotOfferedError as error:
            raise NoListError(str(error)) from error
        return chain(first, pages)

    def _pages(self, collection: UsersCollection) -> Iterator[Page]:
        for page in self.provider.pages(collection.endpoint, collection.filter):
            self.page_came()
            if self.note:
                self.note(page.raw_records)
            yield page

    def _sourced_id(self, raw: RawRecord, role: str | None, named: str) -> SourcedId | None:
        """What tells the record from others of its collection, if its role is what was asked for."""
        reader = self.provider.reader
        if role is None and (known := reader.sourced_id(raw)):
            return known
        record = reader.read(raw)
        if role and str(record.get("role") if isinstance(record, Mapping) else None).strip().casefold() != role:
            raise PlanUnfitError(f"the provider gave users of other roles for {named}.")
        return sourced_id_of(record, [])
