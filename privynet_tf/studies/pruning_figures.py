"""Figures 11, 12 and 13 of the paper, drawn from tables."""

import pathlib
from collections.abc import Mapping, Sequence

import matplotlib.figure
import numpy as np

from privynet_tf import figures
from privynet_tf.studies import channel_scores, pruning_sets, pruning_study
from privynet_tf.studies.channel_scores import DISCRIMINABILITY, RANDOM, Scores
from privynet_tf.studies.pruning_sets import Measured

_LINES = (
    {"color": "tab:blue", "linestyle": "-"},
    {"color": "tab:red", "linestyle": "-."},
    {"color": "tab:green", "linestyle": ":"},
)
"""Of the criteria, in their order."""


def recall(scores: Sequence[Scores], utility: np.ndarray, path: pathlib.Path, paper: bool = False) -> None:
    """Draws Fig. 11: how many of the worst channels are pruned by each criterion, and at random.

    Args:
        scores: repeats of every criterion; those of the most minibatches are drawn.
        utility: [D], measured.
        path: without suffix; PNG and SVG.
        paper: whether to mark the paper's two numbers, of the 32 worst with 64 of 128 pruned.
    """
    depth, most = len(utility), max(one.minibatches for one in scores)
    figure, panels = _recall_panels(depth)
    for panel, worst in panels:
        mean, deviation = pruning_study.random_recall(depth, worst)
        _band(panel, mean, deviation, "at random (exact)", color="0.5", linestyle="--")
        for name, style in zip(
            [one for one in channel_scores.CRITERIA if one != RANDOM], _LINES, strict=True
        ):
            values = pruning_study.recall(channel_scores.matrix(scores, name, most), utility, worst)
            _band(panel, values.mean(axis=0), values.std(axis=0, ddof=1), name, **style)
        if paper and worst == 32:
            for value, colour in ((69.7, _LINES[0]["color"]), (50.3, "0.5")):
                panel.plot(64, value, "*", color=colour, markersize=11, markeredgecolor="black")
            panel.plot([], [], "*", color="white", markeredgecolor="black", markersize=11, label="paper")
    panels[0][0].legend(frameon=False, fontsize=8)
    figures.save(figure, path)


def recall_by_images(scores: Sequence[Scores], utility: np.ndarray, path: pathlib.Path) -> None:
    """Draws Fig. 12: how many of the worst channels are pruned by J from few and from more images.

    Args:
        scores: repeats by J, of every number of minibatches.
        utility: [D], measured.
        path: without suffix; PNG and SVG.
    """
    depth, counts = len(utility), sorted({one.minibatches for one in scores})
    figure, panels = _recall_panels(depth)
    pruned = np.arange(depth // 8, depth + 1, depth // 8)
    for panel, worst in panels:
        for position, count in enumerate(counts):
            matrix = channel_scores.matrix(scores, DISCRIMINABILITY, count)
            values = 100 * pruning_study.recall(matrix, utility, worst)[:, pruned]
            panel.errorbar(
                pruned + depth / 100 * (position - (len(counts) - 1) / 2),  # side by side
                values.mean(axis=0),
                values.std(axis=0, ddof=1),
                marker="os^Dv"[position % 5],
                markersize=4,
                linestyle="none",
                capsize=2,
                label=f"{count} minibatches of {channel_scores.BATCH_SIZE}",
            )
        panel.set_ylim(0, 105)
    panels[0][0].legend(frameon=False, fontsize=8, loc="lower right")
    figures.save(figure, path)


def settings(results: Mapping[str, Measured], path: pathlib.Path) -> None:
    """Draws Fig. 13(a): utility and privacy loss of random sets of channels in the three settings.

    Args:
        results: by setting.
        path: without suffix; PNG and SVG.
    """
    figure = matplotlib.figure.Figure(figsize=(6, 4.5), layout="constrained")
    panel = figure.subplots()
    for setting, marker, colour in zip(
        pruning_sets.SETTINGS, "os^", ("0.5", "tab:orange", "tab:blue"), strict=True
    ):
        found = results[setting]
        panel.plot(found.utility, found.privacy_loss, marker, color=colour, alpha=0.7, label=setting)
        mean = found.utility.mean(), found.privacy_loss.mean()
        panel.plot(*mean, marker, color=colour, markersize=13, markeredgecolor="black")
    panel.plot([], [], "o", color="white", markeredgecolor="black", markersize=13, label="mean of a setting")
    panel.set_xlabel("utility (test accuracy)")
    panel.set_ylabel("privacy loss (dB)")
    panel.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    figures.save(figure, path)


def _recall_panels(depth: int):
    """A figure, and its panels with the number of worst channels of each: a quarter and a half."""
    figure = matplotlib.figure.Figure(figsize=(10, 4), layout="constrained")
    panels = list(zip(figure.subplots(1, 2, sharey=True), (depth // 4, depth // 2), strict=True))
    for panel, worst in panels:
        panel.set_title(f"the {worst} of {depth} channels with the lowest utility")
        panel.set_xlabel("pruned channels")
        panel.set_xticks(np.arange(0, depth + 1, max(1, depth // 8)))
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("of the worst channels, pruned (%)")
    return figure, panels


def _band(panel, mean: np.ndarray, deviation: np.ndarray, label: str, **style) -> None:
    """A line over 0 to D pruned channels, with a standard deviation about it; both as fractions."""
    panel.plot(100 * mean, label=label, **style)
    panel.fill_between(
        np.arange(len(mean)),
        100 * (mean - deviation),
        100 * (mean + deviation),
        alpha=0.15,
        color=style["color"],
        linewidth=0,
    )
