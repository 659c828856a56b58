"""Whether a fetch provably contained every user that the provider has."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FetchProof:
    """What a finished fetch can vouch for.

    Attributes:
        whole: Every page was read, none failed, and as many distinct users came as were announced.
        reason: Why the fetch is not provably whole, in a sentence; None if it is.
        announced: The provider's total, None if it announced none.
        received: Distinct sourcedIds received.
    """

    whole: bool
    reason: str | None
    announced: int | None
    received: int


def proof_of_all(proofs: Sequence[FetchProof]) -> FetchProof:
    """What several collections can vouch for together: all must be whole. Whoever is in two is counted twice."""
    totals = [proof.announced for proof in proofs if proof.announced is not None]
    return FetchProof(
        whole=all(proof.whole for proof in proofs),
        reason=next((proof.reason for proof in proofs if proof.reason), None),
        announced=sum(totals) if len(totals) == len(proofs) else None,
        received=sum(proof.received for proof in proofs),
    )
