"""A plan in words, as Markdown for the data owner."""

from collections.abc import Mapping

from privynet_tf.planning import plan_steps
from privynet_tf.planning.candidates import Candidate, Spread
from privynet_tf.planning.planner import Binding, InfeasibleLimits
from privynet_tf.planning.plans import Plan, Step, rounded_up, written

PRIVATE = (
    "This page is private: who knows the number of layers and the output depth can attack better than the "
    "privacy loss says. Keep it with the FEN package."
)
FIGURES = (
    "![Privacy loss against cost](figure8.png)",
    "",
    "![Utility against privacy loss and cost](pareto.png)",
)


def lines(plan: Plan) -> list[str]:
    """The report of a plan; its figures stand beside it."""
    chosen = plan.promised
    return [
        f"# Plan: the first {chosen.num_layers} layers of {plan.network}, {chosen.output_depth} channels",
        "",
        PRIVATE,
        "",
        "| | promised | limit |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {value} | {limit} |" for name, value, limit in _promises(plan)),
        "",
        f"- Measured: {_sentence(plan.conditions)}. The privacy loss is the mean over test images of the "
        "stronger attacker's PSNR, IRN or ridge decoder.",
        *_platform(plan),
        f"- Chosen from {plan.considered} topologies by the {plan.strategy} strategy{_left_out(plan)}.",
        f"- {_regret(plan)}",
        "",
        "## Steps",
        "",
        *(line for number, step in enumerate(plan.steps, start=1) for line in _step(number, step)),
        "## Figures",
        "",
        *FIGURES,
        "",
    ]


def infeasible(error: InfeasibleLimits) -> list[str]:
    """The report of limits that cannot be met."""
    return [
        "# No plan: the limits cannot be met",
        "",
        f"{str(error)[0].upper()}{str(error)[1:]}.",
        "",
        "| what would be needed | by | with |",
        "| --- | --- | --- |",
        *(
            f"| {_needed(one)} | {one.nearest.name} | {plan_steps.measured(one.nearest)} |"
            for one in error.bindings
        ),
        "",
        *FIGURES,
        "",
    ]


def _needed(binding: Binding) -> str:
    return ", ".join(f"--{name} of {rounded_up(name, value)}" for name, value in binding.needed.items())


def _promises(plan: Plan) -> list[tuple[str, str, str]]:
    chosen = plan.promised
    limits = {name: written(name, value) for name, value in plan.limits.given().items()}
    if plan.limits.margin_sigmas:
        limits["max_psnr"] += f", {plan.limits.margin_sigmas:g} deviations below"
    rows = [
        ("utility (test accuracy)", over_sets(chosen.utility, 100, 1, "%"), ""),
        ("privacy loss (PSNR)", over_sets(chosen.privacy_loss, 1, 2, " dB"), limits["max_psnr"]),
    ]
    if chosen.latency_ms is not None:
        latency = written("max_latency_ms", chosen.latency_ms)
        rows.append(("latency of an image", latency, limits.get("max_latency_ms", "")))
    if chosen.bytes is not None:
        rows.append(("file", written("max_bytes", chosen.bytes), limits.get("max_bytes", "")))
    rows.append(("multiply-accumulates", f"{chosen.macs:,}", limits.get("max_macs", "")))
    rows.append(("parameters", f"{chosen.parameters:,}", ""))
    return rows


def over_sets(spread: Spread, factor: float, places: int, unit: str) -> str:
    """A quantity times ``factor``, with its spread and the number of channel sets."""
    mean = f"{factor * spread.mean:.{places}f}{unit}"
    if spread.sets == 0:
        return f"{mean} (interpolated)"
    if spread.std is None:
        return f"{mean} (one channel set)"
    return f"{mean} ± {factor * spread.std:.{places}f} over {spread.sets} channel sets"


def _platform(plan: Plan) -> list[str]:
    if not plan.platform:
        return []
    number_format = plan.platform["format"]
    other = (
        ""
        if number_format == "float32"
        else (f" **Utility and privacy loss were measured with float32; {number_format} may change both.**")
    )
    return [f"- Platform: {_sentence(plan.platform)}.{other}"]


def _sentence(columns: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in columns.items())


def _left_out(plan: Plan) -> str:
    if not plan.left_out:
        return ""
    return (
        f"; {plan.left_out} more were left out, as the tables lack utility, privacy loss or what is limited"
    )


def _regret(plan: Plan) -> str:
    if plan.regret == 0:
        return f"Regret: none. The hierarchical strategy takes the best measured utility, {plan.pareto.name}."
    return (
        f"Regret of the hierarchical strategy: {100 * plan.regret:.1f} points. It takes "
        f"{_with_utility(plan.hierarchical)}; the best measured within the limits is "
        f"{_with_utility(plan.pareto)} (--strategy=pareto)."
    )


def _with_utility(candidate: Candidate) -> str:
    return f"{candidate.name} with {candidate.utility.mean:.1%}"


def _step(number: int, step: Step) -> list[str]:
    shown = [f"   - {other}" for other in step.over]
    over = [f"   Over: {step.over[0]}."] if len(step.over) == 1 else ["   Over:", "", *shown]
    return [f"{number}. **{step.what}: {step.chosen}.** {step.why}", "", *(over if step.over else []), ""]
