"""Whether a fetch provably contained every user that the provider has."""

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
