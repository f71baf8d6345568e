"""The steps of a plan in words and numbers: what was chosen, over what, and why."""

import math
from collections.abc import Sequence

from privynet_tf.planning.candidates import Candidate
from privynet_tf.planning.plans import Limits, PruningNumbers, Step, rounded_up, written
from privynet_tf.planning.strategies import Requirement

_RUNNERS_UP = 4


def requirement(limits: Limits, question: Requirement, low_from: float | None) -> Step:
    """High or low; ``low_from`` is what ``strategies.low_from`` found."""
    shallow, deep = question.shallow, question.deep
    allowed = written("max_psnr", limits.max_psnr)
    if question.level == "either":
        why = f"Only m={deep.num_layers} can meet the limits, and both cases of section 3.3 take it."
        return Step("privacy requirement", "either", ("high", "low"), why)
    is_high = question.level == "high"
    compared = (
        f"At {allowed}, the deepest that meets the limits ({deep.name}) has {_points(question.gain)} "
        f"{'more' if question.gain >= 0 else 'less'} utility than the shallowest ({shallow.name}): "
        f"{deep.utility.mean:.1%} against {shallow.utility.mean:.1%}. "
    )
    judged = (
        f"That is {'above' if is_high else 'not above'} the tolerance of {_points(question.tolerance)} "
        f"({question.source}), so depth {'buys' if is_high else 'does not buy'} utility. "
    )
    ends = "high even where any privacy loss is allowed."
    if low_from is not None:
        ends = f"never high from {rounded_up('max_psnr', low_from)} on."
    ends = f"With these tables and the other limits, the requirement is {ends}"
    return Step(
        "privacy requirement",
        "high" if is_high else "low",
        ("low",) if is_high else ("high",),
        compared + judged + ends,
    )


def num_layers(limits: Limits, known: Sequence[Candidate], question: Requirement) -> Step:
    """The deepest or the shallowest ``m``."""
    chosen = question.choice
    over = []
    for number in sorted({one.num_layers for one in known} - {chosen.num_layers}):
        same = [one for one in known if one.num_layers == number]
        within = [one for one in same if not limits.exceeded_by(one)]
        if within:
            largest = max(within, key=lambda one: one.output_depth)
            over.append(f"m={number}: within the limits up to D'={largest.output_depth}, {measured(largest)}")
        else:
            closest = min(same, key=lambda one: _excess(one, limits))
            over.append(
                f"m={number}: no output depth meets the limits; D'={closest.output_depth} has "
                f"{_misses(closest, limits)}"
            )
    reason = {
        "high": "the deepest that can meet the limits, as more layers give a better utility at a small PSNR",
        "low": "the shallowest that can meet the limits: it costs least, and depth buys no utility",
        "either": "the only one that can meet the limits",
    }[question.level]
    return Step("number of layers m", str(chosen.num_layers), tuple(over), f"It is {reason}.")


def output_depth(limits: Limits, known: Sequence[Candidate], chosen: Candidate) -> Step:
    """The largest ``D'`` within the limits."""
    same = sorted(
        (one for one in known if one.num_layers == chosen.num_layers), key=lambda one: one.output_depth
    )
    place = same.index(chosen)
    # Of interpolated ones, only those next to the chosen.
    shown = [
        one
        for index, one in enumerate(same)
        if one != chosen and (one.privacy_loss.sets or abs(index - place) == 1)
    ]
    over = tuple(
        f"D'={one.output_depth}: {_misses(one, limits) if limits.exceeded_by(one) else measured(one)}"
        for one in shown
    )
    why = (
        f"It is the largest at m={chosen.num_layers} within the limits: {_against(chosen, limits)}. "
        f"{_spread(chosen, limits)}"
    )
    if any(limits.exceeded_by(one) for one in same[:place]):
        why += " A smaller one exceeds the limits: the table's noise is of that size."
    return Step("output depth D'", str(chosen.output_depth), over, why + _interpolated(chosen))


def best(limits: Limits, ranked: Sequence[Candidate]) -> Step:
    """The best measured utility of topologies within the limits, best first."""
    chosen, *others = ranked
    over = [f"{one.name}: {measured(one)}" for one in others[:_RUNNERS_UP]]
    if len(others) > _RUNNERS_UP:
        over.append(f"{len(others) - _RUNNERS_UP} more with less utility")
    why = (
        f"It has the best utility of the {len(ranked)} topologies within the limits, "
        f"{chosen.utility.mean:.1%}: {_against(chosen, limits)}. {_spread(chosen, limits)} The best of many "
        "noisy means looks better than it is."
    )
    return Step("topology", chosen.name, tuple(over), why + _interpolated(chosen))


def pruning(chosen: Candidate, numbers: PruningNumbers) -> Step:
    """How many channels to prune."""
    why = (
        "The paper prunes 64 and 32 of 128 (section 3.5), a half and a quarter: at m=6, D'=8 that gave 1.2 "
        "points more utility and 1.25 dB less privacy loss (table 13(b)). What the plan promises does not "
        "count on it."
    )
    if (numbers.least_discriminative, numbers.leakiest) != (numbers.channels // 2, numbers.channels // 4):
        why += (
            f" It is less here, so that twice D'={chosen.output_depth} channels are left, or all: the draw "
            "from them hides which are released."
        )
    if not numbers.least_discriminative and not numbers.leakiest:
        return Step("pruning", f"none of {numbers.channels} channels", ("half and a quarter of them",), why)
    drop = (
        f"of {numbers.channels} channels drop the {numbers.least_discriminative} least discriminable on the "
        f"private data and the {numbers.leakiest} leakiest in the characterization"
    )
    return Step("pruning", drop, ("none",), why)


def selection(chosen: Candidate, numbers: PruningNumbers) -> Step:
    """The random draw of the released channels."""
    sets = math.comb(numbers.left, chosen.output_depth)
    count = f"{sets:,}" if sets < 10**15 else f"{sets:.0e}"
    why = (
        f"Pruning leaves at least {numbers.left} channels and so at least {count} sets "
        f"({math.log2(sets):.0f} bits) for an attacker to guess who knows all else (section 4)."
    )
    if sets == 1:
        why = "All channels of the layer are released: only the network and m are left to guess (section 4)."
    return Step(
        "selection",
        f"{chosen.output_depth} of the channels that are left, by the operating system's entropy",
        ("the best ones, which an attacker could find as well",),
        why,
    )


def measured(candidate: Candidate) -> str:
    """The numbers of a topology."""
    numbers = [
        f"utility {candidate.utility.mean:.1%}",
        written("max_psnr", candidate.privacy_loss.mean),
        f"{candidate.macs / 1e6:.3g} M MACs",
    ]
    if candidate.latency_ms is not None:
        numbers.append(written("max_latency_ms", candidate.latency_ms))
    if candidate.bytes is not None:
        numbers.append(written("max_bytes", candidate.bytes))
    return ", ".join(numbers)


def _points(difference: float) -> str:
    return f"{100 * abs(difference):.1f} points"


def _against(candidate: Candidate, limits: Limits) -> str:
    values = limits.values(candidate)
    return ", ".join(
        f"{written(name, values[name])} of {written(name, limit)} allowed"
        for name, limit in limits.given().items()
    )


def _misses(candidate: Candidate, limits: Limits) -> str:
    values, given = limits.values(candidate), limits.given()
    return " and ".join(
        f"{written(name, values[name])}, above {written(name, given[name])}"
        for name in limits.exceeded_by(candidate)
    )


def _excess(candidate: Candidate, limits: Limits) -> float:
    values = limits.values(candidate)
    return max(values[name] / limit for name, limit in limits.given().items())


def _spread(candidate: Candidate, limits: Limits) -> str:
    loss = candidate.privacy_loss
    if loss.std is None:
        return "The spread of its privacy loss over channel sets was not measured: the draw may leak more."
    counted = (
        f"The limit is kept with {limits.margin_sigmas:g} of them to spare."
        if limits.margin_sigmas
        else "The limit is kept by the mean: a draw may leak more, see --margin_sigmas."
    )
    return (
        f"Its privacy loss is the mean over {loss.sets} channel sets, with a standard deviation of "
        f"{written('max_psnr', loss.std)}. {counted}"
    )


def _interpolated(candidate: Candidate) -> str:
    if not candidate.interpolated:
        return ""
    return f" Interpolated: {'; '.join(candidate.interpolated)}."
