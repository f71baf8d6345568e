"""How the figures of a characterization look: one colour and marker for each m and D', in every figure.

Hues are Okabe and Ito's, which colour-blind people can tell apart; markers differ too.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence

import matplotlib
import matplotlib.axes
import matplotlib.figure
import matplotlib.ticker
import matplotlib.transforms
import numpy as np

from privynet_tf import tables
from privynet_tf.paper_figures import paper_numbers, series

UTILITY = "utility: test accuracy"
PRIVACY_LOSS = "privacy loss: PSNR of the\nstronger attacker (dB)"
LAYERS = "number of layers m"
DEPTH = "output depth D'"
ATTACKER = "Privacy loss: the stronger of IRN and ridge decoder."
BARS = "Bars: standard deviation over random channel sets, where there are several."

_LAYER_COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
_DEEPEST = 128  # D' that has the lightest colour
_PAPER = {"color": "black", "marker": "*", "linestyle": "none", "capsize": 3, "zorder": 5} | {
    # Hollow, so that our own points show through.
    "markersize": 11,
    "markerfacecolor": "none",
    "markeredgewidth": 1.2,
}


def of_layers(m: int) -> dict[str, object]:
    """Colour and marker of a number of layers."""
    return of_series(m - 1)


def of_series(index: int) -> dict[str, object]:
    """Colour and marker of a series that is neither a number of layers nor a depth; index from 0."""
    return {"color": _LAYER_COLOURS[index % len(_LAYER_COLOURS)], "marker": _MARKERS[index % len(_MARKERS)]}


def of_depth(depth: int) -> dict[str, object]:
    """Colour, the lighter the deeper, and marker of an output depth."""
    octaves = math.log2(depth)
    share = min(octaves / math.log2(_DEEPEST), 1.0)
    return {
        "color": matplotlib.colormaps["viridis"](0.88 * share),  # its last yellow is too light on white
        "marker": _MARKERS[round(octaves) % len(_MARKERS)],
    }


def panels(
    size: tuple[float, float], rows: int, columns: int, **subplots: object
) -> tuple[matplotlib.figure.Figure, np.ndarray]:
    """A figure of the size in inches, with [rows, columns] axes."""
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **subplots)
    for axis in axes.flat:
        axis.grid(alpha=0.3)
        axis.set_axisbelow(True)
    return figure, axes


def trend(
    axis: matplotlib.axes.Axes,
    values: Mapping[float, Sequence[float]],
    label: str,
    style: Mapping[str, object],
    points: bool = False,
) -> None:
    """Draws the means of repeats against x as a line, with their standard deviations as bars.

    Args:
        axis: to draw on.
        values: x -> repeats.
        label: for the legend.
        style: colour and marker.
        points: whether to show every repeat too, a little to the right.
    """
    axis.errorbar(
        list(values),
        [float(np.mean(repeats)) for repeats in values.values()],
        yerr=[series.std(repeats) for repeats in values.values()],
        label=label,
        capsize=2.5,
        linewidth=1.4,
        markersize=5,
        elinewidth=1,
        **style,
    )
    if points:
        spread = [(x, value) for x, repeats in values.items() if len(repeats) > 1 for value in repeats]
        beside = matplotlib.transforms.offset_copy(axis.transData, axis.figure, x=5, units="points")
        axis.plot(
            [x for x, _ in spread],
            [value for _, value in spread],
            color=style["color"],
            linestyle="none",
            marker="o",
            markersize=3,
            alpha=0.5,
            transform=beside,
        )
        axis.update_datalim(spread)  # which what stands beside its data does not do
        axis.autoscale_view()


def lines_of_depths(axis: matplotlib.axes.Axes, rows: Sequence[tables.Row], side: str) -> None:
    """Draws a side (``icn`` or ``irn``) against the number of layers, a line an output depth.

    Lines with bars stand a little apart, so that these do not hide each other.
    """
    depths = sorted({row["D'"] for row in rows}, reverse=True)
    bars = len({(row["m"], row["D'"]) for row in rows}) < len(rows)
    for index, depth in enumerate(depths):
        shift = 0.045 * ((len(depths) - 1) / 2 - index) if bars else 0
        part = [row for row in rows if row["D'"] == depth]
        values = series.repeats(part, side, lambda row: row["m"])
        values = {m + shift: repeats for m, repeats in values.items()}
        trend(axis, values, f"D' = {depth}", of_depth(depth))
    whole_numbers(axis)


def whole_numbers(axis: matplotlib.axes.Axes) -> None:
    """Keeps the ticks of x on whole numbers."""
    axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))


def paper(
    axis: matplotlib.axes.Axes,
    label: str,
    x: float | paper_numbers.Spread,
    y: float | paper_numbers.Spread,
) -> None:
    """Marks a number of the paper with a star, and bars where the paper gives a standard deviation."""
    (x, x_std), (y, y_std) = (
        (one.mean, one.std) if isinstance(one, paper_numbers.Spread) else (one, None) for one in (x, y)
    )
    axis.errorbar([x], [y], xerr=x_std, yerr=y_std, label=label, elinewidth=1, **_PAPER)


def legend_above(axis: matplotlib.axes.Axes, columns: int, above: float = 1.0) -> None:
    """Puts the legend over the axes, where no data are; ``above`` in heights of the axes."""
    axis.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, above),
        ncols=columns,
        frameon=False,
        fontsize=8,
        columnspacing=1.2,
        handletextpad=0.5,
    )


def absent(axis: matplotlib.axes.Axes, what: str) -> None:
    """Says in an empty panel what was not measured."""
    axis.text(0.5, 0.5, f"not measured:\n{what}", transform=axis.transAxes, ha="center", va="center")
    axis.set_xticks([])
    axis.set_yticks([])


def note(figure: matplotlib.figure.Figure, *sentences: str) -> str:
    """Writes what a figure shows under it, and returns it as one line."""
    text = " ".join(sentence for sentence in sentences if sentence)
    lines = wrapped(text, figure.get_figwidth())
    figure.supxlabel("\n".join(lines), fontsize=8, color="0.25", x=0.01, ha="left")
    return text


def wrapped(text: str, width: float) -> list[str]:
    """The lines of a note under a figure of a width in inches."""
    return textwrap.wrap(text, int(width * 16))  # characters of a note in an inch
