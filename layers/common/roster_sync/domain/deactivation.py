"""Who may be deactivated: only after a provably whole fetch, and only while they are few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.identifiers import SchoolId
from roster_sync.domain.limits import Limits, Share


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the absent are deactivated.

    Attributes:
        reason: Why not, in a sentence that says what to do; None if they are.
        blocks_run: Whether an administrator must look at it before anybody is deactivated.
    """

    reason: str | None = None
    blocks_run: bool = False

    @property
    def deactivates(self) -> bool:
        """Whether the absent are deactivated."""
        return self.reason is None

    def blocked_as_well(self, reasons: Sequence[str]) -> "Verdict":
        """The same of a run that is blocked for these reasons, too; nothing else if there are none."""
        if not reasons:
            return self
        return Verdict(" ".join([*([self.reason] if self.reason else []), *reasons]), blocks_run=True)


def may_deactivate(leaving: Share, schools: Mapping[SchoolId, Share], proof: FetchProof, limits: Limits) -> Verdict:
    """Decide over those who are leaving, among the active users of mapped schools.

    A run that would leave nobody, or that exceeds the limit in the district or in a school, is blocked for an
    administrator: a lost school is a small share of a large district. That somebody must stay holds even while the
    limits are lifted.

    Args:
        leaving: In the district.
        schools: The same for each school; who is in two counts in both.
        proof: Of the fetch.
        limits: Of the district.
    """
    if not proof.whole:
        return Verdict(f"Nobody was deactivated, because the fetch was not provably whole: {proof.reason}")
    if not leaving.part:
        return Verdict()
    limit = limits.deactivation
    exceeded = limit.exceeded_in(schools)
    too_many = not limits.lifted and (limit.is_exceeded(leaving) or exceeded)
    if leaving.part == leaving.whole or too_many:
        return Verdict(
            f"{leaving.of_users} are no longer sent by the provider"
            f"{limits.told(exceeded)}. Nobody was deactivated. Check the school and its data sharing in the SIS, then "
            f"approve or discard the list; the limit is {limit.percent} % and {limit.minimum} users, in the district "
            "or in a school.",
            blocks_run=True,
        )
    return Verdict()
