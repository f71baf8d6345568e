"""Figures 4, 9 and 10 of the paper with table 4(c): how far channels of one layer differ.

Each takes rows of one dataset as ``series.read`` gives them, and raises an InputError that names the
rows it needs where there are none.
"""

from collections.abc import Sequence

import matplotlib.axes
import numpy as np
import scipy.stats

from privynet_tf import grid
from privynet_tf.errors import InputError
from privynet_tf.paper_figures import figure_style as style
from privynet_tf.paper_figures import paper_numbers, series
from privynet_tf.paper_figures.drawings import Drawing
from privynet_tf.paper_figures.paper_numbers import Statistics
from privynet_tf.paper_figures.series import Both
from privynet_tf.tables import Row

LAYERS = (4, 6)
"""Figures 4 and 10: m of panels (a) and (b)."""

FIGURE9_DEPTH = 8
"""Figure 9(a): the depth; the paper does not say which."""

FIGURE9_LAYERS = 6
"""Figure 9(b): the number of layers; the paper does not say which."""

QUARTERS = 4
"""Figure 10: parts of equal size that channels are ranked into, 32 of 128."""


def figure4(rows: Sequence[Row]) -> Drawing:
    """Privacy loss against utility of each channel alone, for m = 4 (a) and 6 (b); table 4(c) of both."""
    singles = {m: _singles(rows, m) for m in LAYERS}
    both = {m: series.joined(*parts) for m, parts in singles.items()}
    if not any(both.values()):
        raise InputError("figure 4 needs rows with D'=1 and m=4 or m=6, with utility and privacy loss")
    figure, (axes,) = style.panels((10, 5.4), 1, 2)
    for axis, m, name in zip(axes, LAYERS, "ab", strict=True):
        if not both[m]:
            style.absent(axis, f"single channels at m={m}")
            continue
        axis.plot(
            [one.utility for one in both[m]],
            [one.privacy_loss for one in both[m]],
            linestyle="none",
            markersize=4.5,
            alpha=0.7,
            label=f"m = {m}, D' = 1: {len(both[m])} channels",
            **style.of_layers(m),
        )
        accuracy, psnr = paper_numbers.SINGLE_CHANNEL_ACCURACY[m], paper_numbers.SINGLE_CHANNEL_PSNR[m]
        style.paper(axis, "paper, table 4(c): mean, std", accuracy, psnr)
        axis.plot(
            [accuracy.minimum, accuracy.maximum, accuracy.maximum, accuracy.minimum, accuracy.minimum],
            [psnr.minimum, psnr.minimum, psnr.maximum, psnr.maximum, psnr.minimum],
            color="black",
            linestyle=":",
            linewidth=1,
            label="paper: min to max",
        )
        axis.set(xlabel=f"{style.UTILITY}\n({name})", ylabel=style.PRIVACY_LOSS)
        style.legend_above(axis, 2)
    caption = style.note(
        figure,
        "Privacy loss against utility of every measured channel released alone, m=4 (a) and m=6 (b);"
        " the paper's mean, standard deviation and extremes over all 128.",
        style.ATTACKER,
        _budgets(singles),
    )
    return Drawing(figure, caption, tuple(table4c(both)))


def table4c(both: dict[int, Sequence[Both]]) -> list[str]:
    """Table 4(c) as lines of Markdown: ours beside the paper's.

    Args:
        both: m -> single channels.
    """
    columns = [
        (f"m={m} {side}", value, digits, ours, theirs[m])
        for m, ours in both.items()
        for side, value, digits, theirs in (
            ("utility", lambda one: one.utility, 3, paper_numbers.SINGLE_CHANNEL_ACCURACY),
            ("privacy loss, dB", lambda one: one.privacy_loss, 2, paper_numbers.SINGLE_CHANNEL_PSNR),
        )
        if ours
    ]
    lines = [
        "| | " + " | ".join(f"{name} | paper" for name, *_ in columns) + " |",
        "| --- |" + " ---: |" * (2 * len(columns)),
    ]
    statistics = [
        (_statistics([value(one) for one in ours]), theirs, digits)
        for _, value, digits, ours, theirs in columns
    ]
    for label, name in (("max", "maximum"), ("min", "minimum"), ("mean", "mean"), ("std", "std")):
        values = [
            f"{getattr(one, name):.{digits}f}"
            for ours, theirs, digits in statistics
            for one in (ours, theirs)
        ]
        lines.append(f"| {label} | " + " | ".join(values) + " |")
    lines.append("| channels | " + " | ".join(f"{len(ours)} | 128" for *_, ours, _ in columns) + " |")
    return lines


def figure9(rows: Sequence[Row]) -> Drawing:
    """Privacy loss against utility of random channel sets, each relative to the mean over its m and D'.

    (a) has D' = 8 and a colour a number of layers, (b) m = 6 and a colour a depth.
    """
    released = series.released(rows)
    sides = series.comparable(released, "icn"), series.comparable(released, "irn")
    groups = {}
    for one in series.joined(*sides):
        groups.setdefault((one.m, one.depth), []).append(one)
    groups = {point: sets for point, sets in groups.items() if len(sets) > 1}
    by_layers = {m: sets for (m, depth), sets in groups.items() if depth == FIGURE9_DEPTH}
    by_depth = {depth: sets for (m, depth), sets in groups.items() if m == FIGURE9_LAYERS}
    if not by_layers and not by_depth:
        raise InputError(
            f"figure 9 needs several channel sets with D'={FIGURE9_DEPTH} or m={FIGURE9_LAYERS}, with "
            "utility and privacy loss"
        )
    figure, ((layers, depths),) = style.panels((10, 5.4), 1, 2)
    parts = (
        (layers, "(a)", by_layers, style.of_layers, "m", f"D'={FIGURE9_DEPTH}"),
        (depths, "(b)", by_depth, style.of_depth, "D'", f"m={FIGURE9_LAYERS}"),
    )
    for axis, name, by_key, look, symbol, fixed in parts:
        if not by_key:
            style.absent(axis, f"several channel sets with {fixed}")
            continue
        for key, sets in sorted(by_key.items()):
            utilities = np.array([one.utility for one in sets])
            losses = np.array([one.privacy_loss for one in sets])
            axis.plot(
                utilities / utilities.mean(),
                losses / losses.mean(),
                linestyle="none",
                markersize=5,
                alpha=0.8,
                label=f"{symbol} = {key}",
                **look(key),
            )
        style.paper(
            axis,
            "paper, table 13(b): std",
            _relative(paper_numbers.WITHOUT_PRUNING.accuracy),
            _relative(paper_numbers.WITHOUT_PRUNING.psnr),
        )
        axis.set(
            xlabel=f"utility / mean utility of the m and D'\n{name} {fixed}",
            ylabel="privacy loss / mean privacy loss of the m and D'",
        )
        style.legend_above(axis, 4)
    caption = style.note(
        figure,
        f"Random channel sets, each relative to the mean of its m and D': D'={FIGURE9_DEPTH} (a),"
        f" m={FIGURE9_LAYERS} (b). Upper left: poor utility with great privacy loss. Star: the paper's"
        " standard deviations at m=6, D'=8.",
        style.ATTACKER,
        series.budgets([("a, b", sides[0], "icn"), ("a, b", sides[1], "irn")]),
    )
    return Drawing(figure, caption)


def figure10(rows: Sequence[Row]) -> Drawing:
    """Whether single channels that leak most are those of worst utility, for m = 4 (a) and 6 (b).

    Above in the paper's form, quarters by rank; below the channels themselves with the worst and the
    leakiest quarter marked.
    """
    singles = {m: _singles(rows, m) for m in LAYERS}
    both = {m: series.joined(*parts) for m, parts in singles.items()}
    if max(map(len, both.values())) < QUARTERS:
        raise InputError(
            f"figure 10 needs {QUARTERS} or more rows with D'=1 and m=4 or m=6, with utility and privacy loss"
        )
    figure, axes = style.panels((10.5, 9), 2, 2)
    for column, m in enumerate(LAYERS):
        bars, scatter = axes[:, column]
        if len(both[m]) < QUARTERS:
            style.absent(bars, f"single channels at m={m}")
            style.absent(scatter, f"single channels at m={m}")
            continue
        _draw_quarters(bars, both[m], f"({'ab'[column]}) m={m}")
        _draw_marked(scatter, both[m], m)
    leakiest, quarter = paper_numbers.LEAKIEST_AMONG_WORST
    caption = style.note(
        figure,
        "Utility and privacy loss of single channels, m=4 (a) and m=6 (b): their ranks in quarters, and the"
        f" channels. The paper, m=6: {leakiest} of the {quarter} leakiest are among the {quarter} of worst"
        f" utility ({quarter // QUARTERS} if independent).",
        style.ATTACKER,
        _budgets(singles),
    )
    return Drawing(figure, caption)


def quarters(both: Sequence[Both]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Ranks channels into quarters; where they do not divide, the first quarters have one more.

    Returns:
        Positions in ``both`` of each quarter: by privacy loss, the leakiest first, and by utility, the worst
        first. Equal values keep their order.
    """
    leaky = np.argsort([-one.privacy_loss for one in both], kind="stable")
    poor = np.argsort([one.utility for one in both], kind="stable")
    return np.array_split(leaky, QUARTERS), np.array_split(poor, QUARTERS)


def _draw_quarters(axis: matplotlib.axes.Axes, both: Sequence[Both], name: str) -> None:
    leaky, poor = quarters(both)
    ends = np.cumsum([len(quarter) for quarter in leaky])
    ranges = [f"{end - len(quarter)}-{end - 1}" for end, quarter in zip(ends, leaky, strict=True)]
    below = np.zeros(QUARTERS)
    for index, part in enumerate(poor):
        counts = [len(np.intersect1d(part, quarter)) for quarter in leaky]
        colour = matplotlib.colormaps["cividis"](0.95 * index / (QUARTERS - 1))
        drawn = axis.bar(
            range(QUARTERS), counts, 0.7, below, color=colour, label=ranges[index], edgecolor="white"
        )
        axis.bar_label(
            drawn,
            [str(count) if count else "" for count in counts],
            label_type="center",
            color="white" if index < 2 else "black",
        )
        below += counts
    axis.set_xticks(range(QUARTERS), ranges)
    axis.grid(visible=False)
    axis.set(
        xlabel=f"channels by rank of privacy loss, 0 the leakiest\n{name}",
        ylabel="channels by rank of utility",
    )
    style.legend_above(axis, QUARTERS)
    axis.get_legend().set_title("rank of utility, 0 the worst", {"size": 8})


def _draw_marked(axis: matplotlib.axes.Axes, both: Sequence[Both], m: int) -> None:
    leaky, poor = (set(ranked[0].tolist()) for ranked in quarters(both))
    everything = set(range(len(both)))
    kinds = (
        ("others", everything - leaky - poor, "0.6", "."),
        (f"leakiest {len(leaky)}", leaky - poor, "#D55E00", "^"),
        (f"worst utility {len(poor)}", poor - leaky, "#0072B2", "v"),
        (f"both: {len(leaky & poor)}", leaky & poor, "#CC79A7", "D"),
    )
    for label, members, colour, marker in kinds:
        chosen = [both[index] for index in sorted(members)]
        axis.plot(
            [one.utility for one in chosen],
            [one.privacy_loss for one in chosen],
            linestyle="none",
            color=colour,
            marker=marker,
            markersize=5.5,
            label=label,
        )
    ranks = scipy.stats.spearmanr([one.utility for one in both], [one.privacy_loss for one in both])
    independent = len(leaky) * len(poor) / len(both)
    axis.set(
        xlabel=f"{style.UTILITY}\nm={m}: {len(leaky & poor)} of the {len(leaky)} leakiest are among the"
        f" {len(poor)} worst\n({independent:.1f} if independent); rank correlation {ranks.statistic:+.2f}",
        ylabel=style.PRIVACY_LOSS,
    )
    style.legend_above(axis, 4)


def _singles(rows: Sequence[Row], m: int) -> tuple[list[Row], list[Row]]:
    """Rows of single channels of a layer: those with utility, and those with privacy loss."""
    singles = [row for row in rows if row["network"] != grid.BASELINE and row["D'"] == 1 and row["m"] == m]
    return series.comparable(singles, "icn"), series.comparable(singles, "irn")


def _statistics(values: Sequence[float]) -> Statistics:
    return Statistics(
        mean=float(np.mean(values)), std=series.std(values), maximum=max(values), minimum=min(values)
    )


def _relative(spread: paper_numbers.Spread) -> paper_numbers.Spread:
    return paper_numbers.Spread(1.0, spread.std / spread.mean)


def _budgets(singles: dict[int, tuple[list[Row], list[Row]]]) -> str:
    return series.budgets(
        (panel, rows, side)
        for panel, sides in zip("ab", singles.values(), strict=True)
        for rows, side in zip(sides, ("icn", "irn"), strict=True)
    )
