"""What a test of a provider's behaviour sees of a fetch."""

from dataclasses import dataclass
from typing import Any, Protocol

from roster_sync.domain.fetch_proof import FetchProof
from tests.support.roster_server import Behaviour, Records, standard


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a client made of a provider.

    Attributes:
        records: All that came, repeats included, in the order in which they came.
        proof: Given as many distinct sourcedIds as came.
        spans: Offset and limit of each request.
    """

    records: list[Any]
    proof: FetchProof
    spans: list[tuple[int, int]]

    @property
    def distinct(self) -> set[str]:
        return {record["sourcedId"] for record in self.records}


class Fetch(Protocol):
    """Reads a collection whole from a provider with one behaviour; raises what the client raises."""

    def __call__(
        self, records: Records, behaviour: Behaviour = standard, *, endpoint: str = "users", **client: Any
    ) -> Fetched: ...
