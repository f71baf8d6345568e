"""Figures 7 and 19 of the paper: how the measured privacy loss depends on the attacker's training.

Each takes rows of one dataset as ``series.read`` gives them, and raises an InputError that names the
rows it needs where there are none.
"""

from collections.abc import Callable, Sequence

import matplotlib.axes
import numpy as np

from privynet_tf.errors import InputError
from privynet_tf.paper_figures import figure_style as style
from privynet_tf.paper_figures import paper_numbers, series
from privynet_tf.paper_figures.drawings import Drawing
from privynet_tf.tables import Row


def figure7(rows: Sequence[Row], other_rows: Sequence[Row]) -> Drawing:
    """Privacy loss against the attacker's training images (a); on another dataset (b), and on both (c)."""
    growing = _growing(rows)
    other = series.comparable(series.released(other_rows), "irn")
    topologies = {(row["m"], row["channels"]) for row in other}
    own = series.comparable(
        [row for row in series.released(rows) if (row["m"], row["channels"]) in topologies], "irn"
    )
    if not growing and not other:
        raise InputError(
            "figure 7 needs rows of one topology with several train_images, or rows of another dataset, "
            "with privacy loss"
        )
    figure, ((size, layers, pairs),) = style.panels((13.5, 5.2), 1, 3)
    sentences = []
    if growing:
        _draw_sizes(size, growing)
        m, depth = growing[0]["m"], growing[0]["D'"]
        sentences.append(f"(a) Attackers trained on more or fewer images, m={m}, D'={depth}.")
    else:
        style.absent(size, "several train_images")
    if other:
        here, there = (part[0]["images"] if part else "" for part in (own, other))
        style.lines_of_depths(layers, other, "irn")
        for depth in {row["D'"] for row in own}:
            part = [row for row in own if row["D'"] == depth]
            means = series.repeats(part, "irn", lambda row: row["m"])
            label = None if depth != min(row["D'"] for row in own) else f"the same on {here}"
            layers.plot(*_means(means), color="0.45", linestyle=":", linewidth=1.2, label=label)
        style.whole_numbers(layers)
        layers.set(xlabel=style.LAYERS + "\n(b)", ylabel=f"{there}: {style.PRIVACY_LOSS}")
        style.legend_above(layers, 3)
        sentences.append(f"(b) The privacy loss on {there}.")
    else:
        style.absent(layers, "another dataset")
    if own:
        _draw_pairs(pairs, own, other)
        sentences.append(f"(c) That on {here} against that on {there}, a point an m and D'.")
    else:
        style.absent(pairs, "the same topologies\non two datasets")
    budgets = series.budgets([("a", growing, "irn"), ("b, c", other, "irn"), ("b, c", own, "irn")])
    return Drawing(figure, style.note(figure, *sentences, style.ATTACKER, budgets))


def figure19(rows: Sequence[Row]) -> Drawing:
    """PSNR of the IRN against its number of clusters, a line a topology; dashed, the ridge decoder's.

    Elsewhere the stronger attacker counts, which here would hide what the clusters do.
    """
    part = series.comparable(series.released(rows), "irn", varied=("irn_clusters",), one_budget=True)
    part = _most_complete(part, lambda row: row["irn_clusters"])
    if len({row["irn_clusters"] for row in part}) < 2:
        raise InputError("figure 19 needs rows of one topology with several irn_clusters, with privacy loss")
    figure, ((axis,),) = style.panels((6.4, 4.8), 1, 1)
    for m, depth in sorted({(row["m"], row["D'"]) for row in part}):
        line = [row for row in part if (row["m"], row["D'"]) == (m, depth)]
        values = {}
        for row in sorted(line, key=lambda row: row["irn_clusters"]):
            values.setdefault(row["irn_clusters"], []).append(row["psnr"])
        look = {"color": style.of_layers(m)["color"], "marker": style.of_depth(depth)["marker"]}
        style.trend(axis, values, f"m = {m}, D' = {depth}", look)
        floor = float(np.mean([row["ridge_psnr"] for row in line]))
        axis.axhline(floor, color=look["color"], linestyle="--", linewidth=1)
    axis.plot([], [], color="0.45", linestyle="--", linewidth=1, label="ridge decoder")
    axis.axvline(
        paper_numbers.IRN_CLUSTERS, color="black", linestyle=":", label="the paper's choice: 2 clusters"
    )
    style.whole_numbers(axis)
    axis.set(xlabel="clusters of ResNet blocks of the IRN", ylabel="PSNR of the IRN (dB)")
    style.legend_above(axis, 2)
    caption = style.note(
        figure,
        "PSNR of the IRN alone against its number of clusters; dashed, the ridge decoder's.",
        series.conditions(part, "irn") + ".",
    )
    return Drawing(figure, caption)


def _growing(rows: Sequence[Row]) -> list[Row]:
    """The rows of one topology that was attacked with the most numbers of training images."""
    part = series.comparable(
        series.released(rows), "irn", varied=("train_images", "augmented_copies"), one_budget=True
    )
    part = _most_complete(part, lambda row: (row["irn_images"], row["augmented_copies"]))
    if len({row["irn_images"] for row in part}) < 2:
        return []
    return [row for row in part if (row["m"], row["D'"]) == (part[0]["m"], part[0]["D'"])]


def _most_complete(rows: Sequence[Row], by: Callable[[Row], object]) -> list[Row]:
    """The rows of those topologies that were measured at the most values of ``by``.

    So that each point of a line is the mean over the same channel sets.
    """
    found = {}
    for row in rows:
        found.setdefault((row["m"], row["channels"]), set()).add(by(row))
    most = max(map(len, found.values()), default=0)
    return [row for row in rows if len(found[row["m"], row["channels"]]) == most]


def _draw_sizes(axis: matplotlib.axes.Axes, growing: Sequence[Row]) -> None:
    for index, copies in enumerate(sorted({row["augmented_copies"] for row in growing})):
        part = [row for row in growing if row["augmented_copies"] == copies]
        values = series.repeats(part, "irn", lambda row: row["irn_images"])
        label = f"{copies} augmented copies of each" if copies else "no augmentation"
        style.trend(axis, values, label, style.of_series(4 * index))
    axis.axvline(
        paper_numbers.ENOUGH_IRN_IMAGES,
        color="black",
        linestyle=":",
        label=f"the paper: under {paper_numbers.ENOUGH_IRN_IMAGES:,} suffice with augmentation",
    )
    axis.set_xscale("log")
    axis.set(xlabel="training images of the IRN\n(a)", ylabel=style.PRIVACY_LOSS)
    style.legend_above(axis, 1)


def _draw_pairs(axis: matplotlib.axes.Axes, own: Sequence[Row], other: Sequence[Row]) -> None:
    """A point an (m, D'): the means over the channel sets that both datasets have."""
    sets = [{(row["m"], row["channels"]) for row in part} for part in (own, other)]
    common = sets[0] & sets[1]
    ours, others = (
        series.repeats(
            [row for row in part if (row["m"], row["channels"]) in common],
            "irn",
            lambda row: (row["m"], row["D'"]),
        )
        for part in (own, other)
    )
    for m in sorted({m for m, _ in ours}):
        points = [point for point in ours if point[0] == m]
        axis.plot(
            [float(np.mean(others[point])) for point in points],
            [float(np.mean(ours[point])) for point in points],
            linestyle="none",
            label=f"m = {m}",
            **style.of_layers(m),
        )
    every = [value for part in (ours, others) for values in part.values() for value in values]
    ends = min(every) - 0.5, max(every) + 0.5
    axis.plot(ends, ends, color="0.45", linestyle="--", linewidth=1, label="equal")
    axis.set(
        xlabel=f"{other[0]['images']}: privacy loss (dB)\n(c)",
        ylabel=f"{own[0]['images']}: privacy loss (dB)",
        aspect="equal",
    )
    style.legend_above(axis, 4)


def _means(values: dict[object, list[float]]) -> tuple[list, list[float]]:
    return list(values), [float(np.mean(repeats)) for repeats in values.values()]
