"""Who may be deactivated: only after a provably whole fetch, and only while they are few."""

from dataclasses import dataclass

from roster_sync.domain.fetch_proof import FetchProof


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


def may_deactivate(leaving: int, active: int, proof: FetchProof, *, percent: int, minimum: int) -> Verdict:
    """Decide over `leaving` of `active` users of mapped schools.

    A run that would leave nobody, or deactivate more than `minimum` users and more than `percent` of the active
    ones, is blocked for an administrator.
    """
    if not proof.whole:
        return Verdict(f"Nobody was deactivated, because the fetch was not provably whole: {proof.reason}")
    if not leaving:
        return Verdict()
    if leaving == active or (leaving > minimum and leaving * 100 > active * percent):
        share = 100 * leaving / active
        return Verdict(
            f"{leaving} of {active} users ({share:.1f} %) are no longer sent by the provider. Nobody was deactivated. "
            f"Check the school and its data sharing in the SIS; the limit is {percent} % and {minimum} users.",
            blocks_run=True,
        )
    return Verdict()
