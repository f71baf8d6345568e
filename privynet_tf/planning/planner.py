"""From limits to a topology: section 3.3 of the paper. ``strategies`` argues how."""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS
from privynet_tf.planning import candidates, plan_steps, strategies
from privynet_tf.planning.candidates import Candidate, Candidates
from privynet_tf.planning.plans import STRATEGIES, Limits, Plan, PruningNumbers, rounded_up
from privynet_tf.planning.selection import Selection
from privynet_tf.topology import depth_of


@dataclasses.dataclass(frozen=True)
class Binding:
    """Limits that together leave nothing to choose.

    Attributes:
        names: of the limits; without them, the others can be met.
        nearest: the topology that meets the others and exceeds these the least, by its largest ratio.
        needed: what these limits would have to be for it, by name.
    """

    names: tuple[str, ...]
    nearest: Candidate
    needed: Mapping[str, float]

    def __str__(self) -> str:
        values = ", ".join(rounded_up(name, value) for name, value in self.needed.items())
        return (
            f"{' and '.join(f'--{name}' for name in self.names)} "
            f"{'binds' if len(self.names) == 1 else 'bind together'}: the nearest feasible is {values} "
            f"({self.nearest.name})"
        )


class InfeasibleLimits(InputError):
    """No topology meets the limits: which bind, and what would be needed.

    Attributes:
        limits: that cannot be met.
        bindings: every smallest set of limits that has to give way; either one is enough.
    """

    def __init__(self, network: str, limits: Limits, bindings: Sequence[Binding], considered: int):
        self.limits, self.bindings = limits, tuple(bindings)
        received = ", ".join(f"--{name}={value:g}" for name, value in limits.given().items())
        if limits.margin_sigmas:
            received += f" with --margin_sigmas={limits.margin_sigmas:g}"
        super().__init__(
            f"none of {considered} topologies of {network} meets {received}; "
            + "; or ".join(map(str, bindings))
        )


def plan(
    limits: Limits,
    characterization: Iterable[Mapping[str, object]],
    cost: Iterable[Mapping[str, object]] = (),
    *,
    strategy: str = "hierarchical",
    selection: Selection | None = None,
    interpolate: bool = False,
    utility_tolerance: float | None = None,
) -> Plan:
    """Chooses a topology under limits.

    Args:
        limits: of the data owner.
        characterization: rows as ``tables.read`` gives them.
        cost: rows of a cost table; it may be empty where neither latency nor bytes are limited.
        strategy: of ``plans.STRATEGIES``.
        selection: which rows of the tables are meant.
        interpolate: see ``candidates.from_tables``; without it, only measured topologies are chosen.
        utility_tolerance: differences of utility up to it do not count; None for the spread over channel
            sets.

    Raises:
        InfeasibleLimits: if no topology meets the limits.
        InputError: if the tables do not hold what the limits ask for.
    """
    available = candidates.from_tables(characterization, cost, selection, interpolate=interpolate)
    return choose(limits, available, strategy, utility_tolerance)


def choose(
    limits: Limits,
    available: Candidates,
    strategy: str = "hierarchical",
    utility_tolerance: float | None = None,
) -> Plan:
    """``plan`` among candidates."""
    if strategy not in STRATEGIES:
        raise InputError(f"--strategy must be one of {list(STRATEGIES)}. Received: {strategy!r}")
    if utility_tolerance is not None and not 0 <= utility_tolerance <= 1:
        raise InputError(f"--utility_tolerance must be from 0 to 1. Received: {utility_tolerance}")
    known = _known(available, limits)
    feasible = [candidate for candidate in known if not limits.exceeded_by(candidate)]
    if not feasible:
        raise InfeasibleLimits(available.network, limits, binding(known, limits), len(known))
    requirement = strategies.requirement(feasible, utility_tolerance)
    ranked = strategies.by_utility(feasible)
    if strategy == "hierarchical":
        promised = requirement.choice
        low_from = strategies.low_from(known, limits, utility_tolerance)
        steps = (
            plan_steps.requirement(limits, requirement, low_from),
            plan_steps.num_layers(limits, known, requirement),
            plan_steps.output_depth(limits, known, promised),
        )
    else:
        promised = ranked[0]
        steps = (plan_steps.best(limits, ranked),)
    pruning = prune(available.network, promised)
    return Plan(
        network=available.network,
        promised=promised,
        limits=limits,
        strategy=strategy,
        requirement=requirement.level,
        steps=(*steps, plan_steps.pruning(promised, pruning), plan_steps.selection(promised, pruning)),
        pruning=pruning,
        hierarchical=requirement.choice,
        pareto=ranked[0],
        considered=len(known),
        left_out=len(available.topologies) - len(known) + available.incomplete,
        conditions=dict(available.conditions),
        platform=dict(available.platform),
    )


def binding(known: Sequence[Candidate], limits: Limits) -> list[Binding]:
    """Which limits bind where no topology meets all: every smallest set that has to give way.

    Args:
        known: topologies of which all is measured that the limits restrict, at least one.
        limits: that none of them meets.
    """
    sizes = range(1, len(limits.given()) + 1)
    return next(found for size in sizes if (found := _bindings(known, limits, size)))


def prune(network: str, candidate: Candidate) -> PruningNumbers:
    """How many channels to prune: a half by discriminability and a quarter by privacy loss.

    These are the paper's 64 and 32 of 128 (section 3.5). They are fewer, in the same proportion, where
    otherwise less than twice ``D'`` might be left: the released channels are secret because they are drawn
    from more, and a draw of all that pruning leaves would be none.
    """
    channels = depth_of(NETWORKS[network], candidate.num_layers)
    spare = max(0, channels - 2 * candidate.output_depth)
    return PruningNumbers(channels, min(channels // 2, 2 * spare // 3), min(channels // 4, spare // 3))


def _bindings(known: Sequence[Candidate], limits: Limits, size: int) -> list[Binding]:
    found, given = [], limits.given()
    for names in itertools.combinations(given, size):
        others = [one for one in known if set(limits.exceeded_by(one)) <= set(names)]
        if others:
            excess = {one: max(limits.values(one)[name] / given[name] for name in names) for one in others}
            nearest = min(strategies.by_utility(others), key=excess.get)
            values = limits.values(nearest)
            found.append(Binding(names, nearest, {name: values[name] for name in names}))
    return found


def _known(available: Candidates, limits: Limits) -> list[Candidate]:
    """The topologies of which all is measured that the limits restrict."""
    known = [one for one in available.topologies if None not in limits.values(one).values()]
    if known:
        return known
    lacking = [
        name
        for name in limits.given()
        if all(limits.values(candidate)[name] is None for candidate in available.topologies)
    ]
    if "max_psnr" in lacking:
        raise InputError(
            "--margin_sigmas needs a spread over channel sets, but the characterization table has one "
            f"channel set a topology. Received: {limits.margin_sigmas:g}"
        )
    names = " and ".join(f"--{name}" for name in lacking or limits.given())
    if not available.platform:
        raise InputError(f"{names} must have a cost table to go by; pass --cost")
    raise InputError(
        f"{names} must have a measured row to go by, and no topology of the characterization table has one "
        "in the cost table; measure the same m and D' with eval.measure_cost, or pass --interpolate"
    )
