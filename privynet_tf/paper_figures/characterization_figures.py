"""Figures 3 and 5 of the paper: utility and privacy loss against the number of layers and the output depth.

Each takes rows of one dataset as ``series.read`` gives them, and raises an InputError that names the
rows it needs where there are none.
"""

import operator
from collections.abc import Sequence

import matplotlib.axes
import matplotlib.colors
import numpy as np

from privynet_tf import grid
from privynet_tf.errors import InputError
from privynet_tf.paper_figures import figure_style as style
from privynet_tf.paper_figures import paper_numbers, series
from privynet_tf.paper_figures.drawings import Drawing
from privynet_tf.tables import Row

FIGURE5_DEPTHS = (2, 8)
FIGURE5_LAYERS = (4, 6)
FIGURE5_DEEPEST = 32
"""Where the depth's axis of figure 5 ends."""

_LABELS = {"icn": style.UTILITY, "irn": style.PRIVACY_LOSS}

_TABLE_13B = "paper, table 13(b)"


def figure3(rows: Sequence[Row]) -> Drawing:
    """Utility (a) and privacy loss (b) against the number of layers, a line a depth; their trade-off (c).

    The paper's accuracy is normalized, to what it does not say; here to the unsplit baseline's, on a second
    axis, where the tables have the baseline.
    """
    released = series.released(rows)
    utilities = series.comparable(released, "icn")
    losses = series.comparable(released, "irn")
    if not utilities and not losses:
        raise InputError("figure 3 needs rows with D' of 2 or more")
    baseline = _baseline(rows, utilities)
    paper = paper_numbers.WITHOUT_PRUNING
    figure, ((utility, loss, trade),) = style.panels((13.5, 5.2), 1, 3)
    for axis, name, part, side, theirs in (
        (utility, "(a)", utilities, "icn", paper.accuracy),
        (loss, "(b)", losses, "irn", paper.psnr),
    ):
        if not part:
            style.absent(axis, _LABELS[side])
            continue
        style.lines_of_depths(axis, part, side)
        style.paper(axis, _TABLE_13B, 6, theirs)
        style.whole_numbers(axis)
        if axis is utility and baseline is not None:
            _mark_baseline(axis, baseline, "y")
        axis.set(xlabel=f"{style.LAYERS}\n{name}", ylabel=_LABELS[side])
        style.legend_above(axis, 3)
    both = series.joined(utilities, losses)
    if both:
        _draw_trade(trade, both, baseline)
    else:
        style.absent(trade, "both sides of a topology")
    caption = style.note(
        figure,
        "Utility (a) and privacy loss (b) against the number of FEN layers, a line an output depth D';"
        " their trade-off (c), a line a number of layers. Star: the paper's m=6, D'=8.",
        style.ATTACKER,
        style.BARS,
        "" if baseline is not None else "The tables have no unsplit baseline on the same data.",
        series.budgets([("a", utilities, "icn"), ("b", losses, "irn")]),
    )
    return Drawing(figure, caption)


def figure5(rows: Sequence[Row]) -> Drawing:
    """Channel selection against the number of layers (a, b), D' = 2 and 8, and depth (c, d), m = 4 and 6."""
    released = series.released(rows)
    by_layers = [row for row in released if row["D'"] in FIGURE5_DEPTHS]
    by_depth = [row for row in released if row["m"] in FIGURE5_LAYERS and row["D'"] <= FIGURE5_DEEPEST]
    paper = paper_numbers.WITHOUT_PRUNING
    panels = [
        ("(a)", by_layers, "icn", "m", "D'", style.of_depth, (6, paper.accuracy)),
        ("(b)", by_layers, "irn", "m", "D'", style.of_depth, (6, paper.psnr)),
        ("(c)", by_depth, "icn", "D'", "m", style.of_layers, (8, paper.accuracy)),
        ("(d)", by_depth, "irn", "D'", "m", style.of_layers, (8, paper.psnr)),
    ]
    drawn = [(series.comparable(part, side), side) for _, part, side, *_ in panels]
    if not any(part for part, _ in drawn):
        raise InputError("figure 5 needs rows with D' of 2 or 8, or with D' from 2 to 32 at m=4 or m=6")
    figure, axes = style.panels((10, 8), 2, 2)
    for axis, (name, _, side, x, line, look, theirs), (part, _) in zip(axes.flat, panels, drawn, strict=True):
        if not part:
            style.absent(axis, _LABELS[side])
            continue
        for key in sorted({row[line] for row in part}):
            of_key = [row for row in part if row[line] == key]
            values = series.repeats(of_key, side, operator.itemgetter(x))
            style.trend(axis, values, f"{line} = {key}", look(key), points=True)
        style.paper(axis, _TABLE_13B, *theirs)
        style.whole_numbers(axis)
        axis.set(xlabel=f"{style.LAYERS if x == 'm' else style.DEPTH}\n{name}", ylabel=_LABELS[side])
        style.legend_above(axis, 3)
    caption = style.note(
        figure,
        "Channel selection against the number of layers (a, b) and the output depth (c, d)."
        f" Dots: every random channel set, {_counts(drawn)} a point (the paper: 20). Star: the paper's m=6,"
        " D'=8.",
        style.ATTACKER,
        style.BARS,
        series.budgets((panel, part, side) for panel, (part, side) in zip("abcd", drawn, strict=True)),
    )
    return Drawing(figure, caption)


def _baseline(rows: Sequence[Row], utilities: Sequence[Row]) -> float | None:
    """Mean utility of the unsplit baseline on the data of the utilities."""
    data = {(row["images"], row["train_images"], row["augmented_copies"]) for row in utilities}
    baselines = [
        row
        for row in rows
        if row["network"] == grid.BASELINE
        and (row["images"], row["train_images"], row["augmented_copies"]) in data
    ]
    values = [row["utility"] for row in series.comparable(baselines, "icn")]
    return float(np.mean(values)) if values else None


def _draw_trade(axis: matplotlib.axes.Axes, both: Sequence[series.Both], baseline: float | None) -> None:
    for m in sorted({one.m for one in both}):
        groups = {}
        for one in both:
            if one.m == m:
                groups.setdefault(one.depth, []).append(one)
        utilities = [[one.utility for one in group] for group in groups.values()]
        losses = [[one.privacy_loss for one in group] for group in groups.values()]
        look = style.of_layers(m)
        axis.errorbar(
            [float(np.mean(values)) for values in utilities],
            [float(np.mean(values)) for values in losses],
            xerr=[series.std(values) for values in utilities],
            yerr=[series.std(values) for values in losses],
            label=f"m = {m}",
            linewidth=1.2,
            markersize=5,
            elinewidth=0.8,
            ecolor=matplotlib.colors.to_rgba(look["color"], 0.45),
            **look,
        )
    style.paper(axis, _TABLE_13B, paper_numbers.WITHOUT_PRUNING.accuracy, paper_numbers.WITHOUT_PRUNING.psnr)
    if baseline is not None:
        _mark_baseline(axis, baseline, "x")
    axis.set(xlabel=f"{style.UTILITY}\n(c)", ylabel=style.PRIVACY_LOSS)
    style.legend_above(axis, 3, 1.0 if baseline is None else 1.16)


def _mark_baseline(axis: matplotlib.axes.Axes, baseline: float, along: str) -> None:
    """Draws the unsplit baseline, and the paper's normalized accuracy as a second axis, along x or y."""
    draw = axis.axvline if along == "x" else axis.axhline
    draw(baseline, color="0.35", linestyle="--", linewidth=1.2, label=f"unsplit baseline, {baseline:.3f}")
    normalized = (lambda accuracy: accuracy / baseline, lambda share: share * baseline)
    name = "utility / that of the baseline"
    if along == "x":
        axis.secondary_xaxis("top", functions=normalized).set_xlabel(name)
    else:
        axis.secondary_yaxis("right", functions=normalized).set_ylabel(name)


def _counts(drawn: Sequence[tuple[Sequence[Row], str]]) -> str:
    """How many repeats the points have."""
    points = [series.repeats(*part, lambda row: (row["m"], row["D'"])) for part in drawn]
    counts = {len(values) for part in points for values in part.values()}
    return f"{min(counts)} to {max(counts)}" if len(counts) > 1 else f"{counts.pop()}"
