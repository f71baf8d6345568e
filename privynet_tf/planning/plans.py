"""A plan: the chosen topology, what it promises, and the reason for every choice.

A plan names the number of layers and the output depth, which an attacker must not know (section 3.1 of the
paper): it stays with the FEN package on the local platform.
"""

import dataclasses
import decimal
import json
import math
from collections.abc import Callable, Mapping

from privynet_tf.errors import InputError
from privynet_tf.planning.candidates import Candidate, Spread

STRATEGIES = ("hierarchical", "pareto")
"""Section 3.3 of the paper; the best measured utility under the same limits."""

LIMITS = ("max_psnr", "max_latency_ms", "max_bytes", "max_macs")


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the data owner allows. None sets no limit.

    Attributes:
        max_psnr: privacy loss in dB: the mean over test images, and over channel sets.
        max_latency_ms: of an image on the device.
        max_bytes: of the FEN's file on the device.
        max_macs: multiply-accumulates of an image.
        margin_sigmas: so many standard deviations over channel sets are added to a privacy loss before it
            is compared to ``max_psnr``. With 0, about half of the channel sets of a topology that just meets
            the limit are above it.

    Raises:
        InputError: if a limit is not above 0, or the margin is negative.
    """

    max_psnr: float
    max_latency_ms: float | None = None
    max_bytes: int | None = None
    max_macs: int | None = None
    margin_sigmas: float = 0.0

    def __post_init__(self):
        for name in LIMITS:
            value = getattr(self, name)
            if name == "max_psnr" or value is not None:
                _check_number(name, value, "above 0", lambda number: number > 0)
        _check_number("margin_sigmas", self.margin_sigmas, "at least 0", lambda number: number >= 0)

    def given(self) -> dict[str, float]:
        """The limits that are set, by name."""
        return {name: getattr(self, name) for name in LIMITS if getattr(self, name) is not None}

    def values(self, candidate: Candidate) -> dict[str, float | None]:
        """What each limit that is set restricts, of a topology; None where it was not measured."""
        loss = candidate.privacy_loss
        if self.margin_sigmas:
            psnr = None if loss.std is None else loss.mean + self.margin_sigmas * loss.std
        else:
            psnr = loss.mean
        values = {
            "max_psnr": psnr,
            "max_latency_ms": candidate.latency_ms,
            "max_bytes": candidate.bytes,
            "max_macs": candidate.macs,
        }
        return {name: values[name] for name in self.given()}

    def exceeded_by(self, candidate: Candidate) -> list[str]:
        """Names of the limits that a topology, of which all is measured that they restrict, exceeds."""
        values = self.values(candidate)
        return [name for name, limit in self.given().items() if values[name] > limit]


@dataclasses.dataclass(frozen=True)
class Step:
    """One choice.

    Attributes:
        what: was chosen.
        chosen: the choice.
        over: what else there was, each with its numbers.
        why: in words and numbers.
    """

    what: str
    chosen: str
    over: tuple[str, ...]
    why: str


@dataclasses.dataclass(frozen=True)
class PruningNumbers:
    """How many channels of the last convolution are dropped before the released ones are drawn.

    Attributes:
        channels: of the layer.
        least_discriminative: the so many least discriminable are dropped.
        leakiest: the so many leakiest alone are dropped.
    """

    channels: int
    least_discriminative: int
    leakiest: int

    @property
    def left(self) -> int:
        """Channels that are left at least; more, where one is dropped for both reasons."""
        return self.channels - self.least_discriminative - self.leakiest


@dataclasses.dataclass(frozen=True)
class Plan:
    """A topology under limits; see ``planner.plan``.

    Attributes:
        network: of the FEN.
        promised: the chosen topology with its utility, privacy loss and cost, as measured for random sets of
            all channels.
        limits: that it meets.
        strategy: that chose it, of ``STRATEGIES``.
        requirement: of privacy, as ``strategies.Requirement.level`` names it.
        steps: every choice, in order.
        pruning: to be done on private data before the channels are drawn.
        hierarchical: what section 3.3 chooses.
        pareto: the best measured utility.
        considered: number of topologies chosen from.
        left_out: number of topologies that were not, as the tables lack what the limits restrict, utility or
            privacy loss.
        conditions: how utility and privacy loss were measured, by column of the characterization.
        platform: how latency and bytes were measured, by column of the cost table.
    """

    network: str
    promised: Candidate
    limits: Limits
    strategy: str
    requirement: str
    steps: tuple[Step, ...]
    pruning: PruningNumbers
    hierarchical: Candidate
    pareto: Candidate
    considered: int
    left_out: int
    conditions: Mapping[str, object]
    platform: Mapping[str, object]

    @property
    def num_layers(self) -> int:
        """``m``."""
        return self.promised.num_layers

    @property
    def output_depth(self) -> int:
        """``D'``."""
        return self.promised.output_depth

    @property
    def regret(self) -> float:
        """Utility that the hierarchical strategy gives away against the best measured one, at least 0."""
        return self.pareto.utility.mean - self.hierarchical.utility.mean

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """The plan that ``to_json`` wrote.

        Raises:
            InputError: if the text is not one.
        """
        try:
            fields = json.loads(text)
            for name in ("promised", "hierarchical", "pareto"):
                fields[name] = _candidate(fields[name])
            return cls(
                **fields
                | {
                    "limits": Limits(**fields["limits"]),
                    "steps": tuple(Step(**step | {"over": tuple(step["over"])}) for step in fields["steps"]),
                    "pruning": PruningNumbers(**fields["pruning"]),
                }
            )
        except InputError:
            raise
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"not a plan: {error}") from error


def _candidate(fields: dict) -> Candidate:
    return Candidate(
        **fields
        | {
            "utility": Spread(**fields["utility"]),
            "privacy_loss": Spread(**fields["privacy_loss"]),
            "interpolated": tuple(fields["interpolated"]),
        }
    )


def written(name: str, value: float) -> str:
    """A value of what a limit restricts, with its unit."""
    return {
        "max_psnr": f"{value:.2f} dB",
        "max_latency_ms": f"{value:.3g} ms" if value < 1000 else f"{value:,.0f} ms",
        "max_bytes": f"{value:,.0f} bytes",
        "max_macs": f"{value:,.0f} MACs",
    }[name]


def rounded_up(name: str, value: float) -> str:
    """As ``written``, but never below the value: whoever sets the limit to it can have it."""
    exact = decimal.Decimal(str(value))
    places = {"max_psnr": -2, "max_latency_ms": min(exact.adjusted() - 2, 0)}.get(name, 0)
    up = exact.quantize(decimal.Decimal((0, (1,), places)), decimal.ROUND_CEILING)
    return written(name, float(up))


def _check_number(name: str, value: object, allowed: str, is_allowed: Callable[[float], bool]) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not is_allowed(value):
        raise InputError(f"--{name} must be a number {allowed}. Received: {value}")
