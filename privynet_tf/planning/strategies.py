"""Which of the topologies that meet all limits to take: section 3.3 of the paper, and the best measured.

The paper's hierarchical strategy: where the privacy requirement is *high*, the deepest number of layers
that fits computation and storage, "because a FEN with more layers tends to provide a better utility"; where
it is *low*, the shallowest, "because FENs with different topologies tend to provide a similar utility", and
it costs less. Then the largest output depth that privacy allows. Where high ends, the paper leaves open.

**The rule here**: the two cases name two candidates, the deepest and the shallowest number of layers that
can meet all limits, each with the largest output depth that does. The requirement is *high* if the
deepest has the better measured utility, by more than the tolerance, and *low* otherwise.

- It is the paper's own reason for either case, asked of the table instead of a level in dB: depth is paid
  for in computation and storage, so it has to buy utility. A fixed level would be another for every
  data set, network and budget of the attacker.
- The tolerance is the larger spread (standard deviation) of the two utilities over channel sets. The
  released channels are drawn at random, so a difference below it is less than what the draw alone
  moves. A table with one channel set a topology has no spread; then it is ``PAPER_SPREAD``.
- The question is asked at the limits given, so that a limit on computation counts in it too. ``low_from``
  tells where high ends for a table; below, few topologies are feasible and it may be low again.
- It follows that the strategy is never worse than the better of its two candidates by more than the
  tolerance. What it gives away against all other topologies is the regret that a plan reports.
"""

import dataclasses
from collections.abc import Callable, Sequence

from privynet_tf.planning.candidates import Candidate
from privynet_tf.planning.plans import Limits

PAPER_SPREAD = 0.019
"""Standard deviation of the utility over 20 random channel sets, m=6, D'=8: table 13(b) of the paper."""


@dataclasses.dataclass(frozen=True)
class Requirement:
    """Whether the privacy requirement is high, and why.

    Attributes:
        shallow: the shallowest ``m`` that can meet the limits, with its largest ``D'``.
        deep: the deepest.
        tolerance: differences of utility up to it do not count.
        source: of the tolerance, in words.
    """

    shallow: Candidate
    deep: Candidate
    tolerance: float
    source: str

    @property
    def gain(self) -> float:
        """Utility that depth buys."""
        return self.deep.utility.mean - self.shallow.utility.mean

    @property
    def level(self) -> str:
        """``high`` or ``low``, or ``either`` where only one number of layers can meet the limits."""
        if self.shallow == self.deep:
            return "either"
        return "high" if self.gain > self.tolerance else "low"

    @property
    def choice(self) -> Candidate:
        """What the hierarchical strategy takes."""
        return self.deep if self.level == "high" else self.shallow


def requirement(feasible: Sequence[Candidate], tolerance: float | None = None) -> Requirement:
    """Asks the question of the rule above.

    Args:
        feasible: topologies that meet all limits, at least one.
        tolerance: None for the spread over channel sets.
    """
    depths = [candidate.num_layers for candidate in feasible]
    shallow, deep = (
        max(
            (candidate for candidate in feasible if candidate.num_layers == num_layers),
            key=lambda candidate: candidate.output_depth,
        )
        for num_layers in (min(depths), max(depths))
    )
    if tolerance is not None:
        return Requirement(shallow, deep, tolerance, "as --utility_tolerance says")
    spreads = [one.utility.std for one in (shallow, deep) if one.utility.std is not None]
    if spreads:
        return Requirement(shallow, deep, max(spreads), "the spread of their utility over channel sets")
    source = "the spread over channel sets in table 13(b) of the paper, as this table has none for them"
    return Requirement(shallow, deep, PAPER_SPREAD, source)


def low_from(known: Sequence[Candidate], limits: Limits, tolerance: float | None = None) -> float | None:
    """Where high ends: the PSNR in dB from which on, as ``max_psnr``, the requirement is never high.

    What is feasible changes at measured privacy losses alone, so it is one of them.

    Args:
        known: topologies of which all is measured that the limits restrict.
        limits: of which ``max_psnr`` is varied.
        tolerance: as in ``requirement``.

    Returns:
        None where the requirement is high even if any privacy loss is allowed.
    """
    lowest = None
    for loss in sorted({limits.values(candidate)["max_psnr"] for candidate in known}, reverse=True):
        changed = dataclasses.replace(limits, max_psnr=loss)
        feasible = [candidate for candidate in known if not changed.exceeded_by(candidate)]
        if feasible and requirement(feasible, tolerance).level == "high":
            break
        lowest = loss
    return lowest


def by_utility(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Best utility first; among equals the smaller privacy loss, then the smaller computation."""
    return sorted(
        candidates,
        key=lambda one: (-one.utility.mean, one.privacy_loss.mean, one.macs, one.num_layers),
    )


def front(candidates: Sequence[Candidate], cost: Callable[[Candidate], float]) -> list[Candidate]:
    """Those that no other beats: in utility, privacy loss and cost, as good in all and better in one."""
    scores = {one: (-one.utility.mean, one.privacy_loss.mean, cost(one)) for one in candidates}

    def beaten(score: tuple) -> bool:
        return any(
            other != score and all(a <= b for a, b in zip(other, score, strict=True))
            for other in scores.values()
        )

    return [one for one, score in scores.items() if not beaten(score)]
