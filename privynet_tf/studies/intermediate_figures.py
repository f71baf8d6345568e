"""Figures 14 and 15 of the paper: fewer intermediate channels, drawn from tables alone."""

import math
from collections.abc import Mapping, Sequence

import matplotlib.axes
import matplotlib.figure

from privynet_tf.device.cost_tables import Row as CostRow
from privynet_tf.paper_figures import figure_style as style
from privynet_tf.paper_figures import series
from privynet_tf.studies.intermediate_study import DISCRIMINATIVE, DRAWN, Depths, Results, Study

_LABELS = {DRAWN: "kept at random (the paper's)", DISCRIMINATIVE: "the most discriminative kept"}
_STYLES = {DRAWN: style.of_series(0), DISCRIMINATIVE: style.of_series(4)}
_SPANS = {"utility": 0.1, "privacy_loss": 2.0}
"""Of y at least, so that small changes look small."""


def figure(
    study: Study, settings: Sequence[Depths], results: Results, costs: Mapping[Depths, CostRow]
) -> matplotlib.figure.Figure:
    """Draws utility, privacy loss, and latency with MACs, of settings one after another.

    Args:
        study: whose strategies are the series.
        settings: on x, in this order.
        results: with all of them.
        costs: of each.
    """
    drawn, ((utility, loss, latency),) = style.panels((13.5, 5.0), 1, 3)
    for axis, field, letter, label in (
        (utility, "utility", "a", style.UTILITY),
        (loss, "privacy_loss", "b", style.PRIVACY_LOSS),
    ):
        for index, strategy in enumerate(study.strategies):
            shift = 0.28 * (index - (len(study.strategies) - 1) / 2)
            values = {
                place + shift: getattr(results.by_key[strategy, depths], field)
                for place, depths in enumerate(settings, start=1)
            }
            style.trend(axis, values, _LABELS[strategy], _STYLES[strategy], points=True)
        _widen(axis, _SPANS[field])
        _label(axis, settings, letter, label)
    _draw_costs(latency, [costs[depths] for depths in settings])
    _label(latency, settings, "c", "latency (ms an image)")
    style.note(
        drawn,
        f"Dots: {study.draws} draws of {study.whole[-1]} released channels, each measured in all settings; "
        "bars: their standard deviation.",
        style.ATTACKER,
        series.budgets(("a, b", results.rows, side) for side in ("icn", "irn")),
        f"Latency: LiteRT, float32, one thread, batch 1, {costs[settings[0]]['device']}; bars: 10th to 90th "
        "percentile.",
    )
    return drawn


def _draw_costs(axis: matplotlib.axes.Axes, rows: Sequence[CostRow]) -> None:
    places, colour = range(1, len(rows) + 1), "tab:blue"
    median = [row["latency_ms"] for row in rows]
    bars = [
        [row["latency_ms"] - row["latency_ms_p10"] for row in rows],
        [row["latency_ms_p90"] - row["latency_ms"] for row in rows],
    ]
    axis.errorbar(places, median, bars, color=colour, marker="o", markersize=5, capsize=2.5, label="latency")
    beside = axis.twinx()
    macs = [row["macs"] / 1e6 for row in rows]
    other = "0.35"
    beside.plot(places, macs, color=other, linestyle="--", marker="s", markerfacecolor="none", label="MACs")
    beside.set_ylabel("multiply-accumulates (millions an image)", color=other)
    # On a busy machine the 90th percentile can be a hundred times the median: such bars leave the panel.
    slowest = min(max(row["latency_ms_p90"] for row in rows), 2 * max(median))
    for panel, most in ((axis, slowest), (beside, max(macs))):
        panel.set_ylim(0, 1.12 * most)
    lines = [*axis.containers, *beside.lines]
    axis.legend(
        lines,
        [line.get_label() for line in lines],
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=2,
        frameon=False,
        fontsize=8,
    )


def _label(axis: matplotlib.axes.Axes, settings: Sequence[Depths], letter: str, name: str) -> None:
    kept = ["\n".join((str(place), _text(depths))) for place, depths in enumerate(settings, start=1)]
    axis.set_xticks(range(1, len(settings) + 1), kept, fontsize=7 if len(settings) > 3 else 8)
    axis.set_xlim(0.5, len(settings) + 0.5)
    axis.set_xlabel(f"setting: kept channels of each convolution\n({letter})")
    axis.set_ylabel(name)
    if not axis.get_legend():
        style.legend_above(axis, 2)


def _widen(axis: matplotlib.axes.Axes, span: float) -> None:
    low, high = axis.get_ylim()
    more = max(0.0, span - (high - low)) / 2
    if math.isfinite(more):
        axis.set_ylim(low - more, high + more)


def _text(depths: Depths) -> str:
    return ", ".join(map(str, depths))
