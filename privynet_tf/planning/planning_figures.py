"""Figures of a plan: privacy loss against cost (Fig. 8), and the Pareto front of what a plan weighs.

Both show where the choice stands among everything measured. A marker is a topology, hollow if it exceeds a
limit (or lacks what one restricts); lines are limits, the ring is the choice.
"""

import dataclasses
from collections.abc import Callable, Sequence

import matplotlib
import matplotlib.axes
import matplotlib.cm
import matplotlib.colors
import matplotlib.figure
import matplotlib.lines
import matplotlib.ticker
import numpy as np

from privynet_tf.paper_figures import figure_style as style
from privynet_tf.planning import strategies
from privynet_tf.planning.candidates import Candidate
from privynet_tf.planning.plans import Limits

_LIMIT = {"color": "black", "linestyle": "--", "linewidth": 1.2, "zorder": 1}
_RING = {"marker": "o", "markersize": 17, "markeredgewidth": 2, "markeredgecolor": "black"}
_RING |= {"markerfacecolor": "none", "linestyle": "none"}
# Without viridis's light end, which is lost on white.
_COLOURS = matplotlib.colors.ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0, 0.88, 256)))
_PLAIN = matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:g}")


@dataclasses.dataclass(frozen=True)
class _Axis:
    """A quantity to draw.

    Attributes:
        label: with its unit.
        value: of a topology, in that unit; None where it was not measured.
        limit: that bounds it, in that unit; None without one.
        is_log: whether its scale is logarithmic.
    """

    label: str
    value: Callable[[Candidate], float | None]
    limit: float | None
    is_log: bool = True


def privacy_against_cost(
    topologies: Sequence[Candidate], limits: Limits, chosen: Candidate | None = None
) -> matplotlib.figure.Figure:
    """Privacy loss against latency and bytes, as Fig. 8; MACs and parameters where those are not measured.

    Args:
        topologies: to draw; those of interpolated privacy loss are left out, but for the chosen.
        limits: of the plan.
        chosen: by the plan; None if nothing was.
    """
    drawn = _drawn(topologies, chosen)
    figure = matplotlib.figure.Figure(figsize=(11, 4.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, axis in zip(panels, (_time(drawn, limits), _storage(drawn, limits)), strict=True):
        shown = [one for one in drawn if axis.value(one) is not None]
        for one in shown:
            loss, colour = one.privacy_loss, _colour(one.num_layers)
            _mark(panel, axis.value(one), loss.mean, one, limits, colour)
            panel.errorbar(axis.value(one), loss.mean, loss.std, color=colour, alpha=0.5, zorder=2)
        for number in {one.num_layers for one in shown}:
            same = [one for one in shown if one.num_layers == number]
            panel.plot(
                [axis.value(one) for one in same],
                [one.privacy_loss.mean for one in same],
                color=_colour(number),
                alpha=0.3,
                zorder=1,
            )
        _finish(panel, axis, chosen, lambda one: one.privacy_loss.mean)
        panel.axhline(limits.max_psnr, **_LIMIT)
    panels[0].set_ylabel("privacy loss: PSNR (dB)")
    _legend(figure, drawn, _colour, chosen)
    return figure


def pareto_front(
    topologies: Sequence[Candidate], limits: Limits, chosen: Candidate | None = None
) -> matplotlib.figure.Figure:
    """Utility against privacy loss and against latency (MACs where it is not measured).

    Topologies that no other beats in all three have the colour of the third quantity and their D' beside
    them; the others are grey.

    Args:
        topologies: to draw; those of interpolated privacy loss are left out, but for the chosen, and so are
            those without a latency where others have one.
        limits: of the plan.
        chosen: by the plan; None if nothing was.
    """
    drawn = _drawn(topologies, chosen)
    cost = _time(drawn, limits)
    drawn = [one for one in drawn if cost.value(one) is not None]
    front = strategies.front(drawn, cost.value)
    privacy = _Axis(
        "privacy loss: PSNR (dB)", lambda one: one.privacy_loss.mean, limits.max_psnr, is_log=False
    )
    figure = matplotlib.figure.Figure(figsize=(13, 5), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, axis, shade in zip(panels, (privacy, cost), (cost, privacy), strict=True):
        scale = matplotlib.colors.LogNorm if shade.is_log else matplotlib.colors.Normalize
        least, most = (bound(shade.value(one) for one in drawn) for bound in (min, max))
        most = most if most > least else 1.1 * least  # a scale of one value is refused
        colours = matplotlib.cm.ScalarMappable(scale(least, most), _COLOURS)
        for one in drawn:
            x, y = axis.value(one), 100 * one.utility.mean
            if one not in front:
                _mark(panel, x, y, one, limits, "0.75")
                continue
            _mark(panel, x, y, one, limits, colours.to_rgba(shade.value(one)))
            away = 9 if one == chosen else 4  # outside the ring
            panel.annotate(
                str(one.output_depth), (x, y), (away, away), textcoords="offset points", fontsize=7
            )
        _finish(panel, axis, chosen, lambda one: 100 * one.utility.mean)
        bar = figure.colorbar(colours, ax=panel, label=shade.label)
        if shade.is_log:
            bar.ax.yaxis.set_major_formatter(_PLAIN)
    panels[0].set_ylabel("utility: test accuracy (%)")
    _legend(figure, drawn, lambda number: "0.4", chosen)
    return figure


def _drawn(topologies: Sequence[Candidate], chosen: Candidate | None) -> list[Candidate]:
    return [one for one in topologies if one == chosen or one.privacy_loss.sets]


def _time(drawn: Sequence[Candidate], limits: Limits) -> _Axis:
    if any(one.latency_ms is not None for one in drawn):
        return _Axis("latency of an image (ms)", lambda one: one.latency_ms, limits.max_latency_ms)
    limit = None if limits.max_macs is None else limits.max_macs / 1e6
    return _Axis("multiply-accumulates of an image (millions)", lambda one: one.macs / 1e6, limit)


def _storage(drawn: Sequence[Candidate], limits: Limits) -> _Axis:
    if any(one.bytes is not None for one in drawn):
        limit = None if limits.max_bytes is None else limits.max_bytes / 1e3
        return _Axis("file of the FEN (kB)", lambda one: one.bytes and one.bytes / 1e3, limit)
    return _Axis("parameters (thousands)", lambda one: one.parameters / 1e3, None)


def _mark(
    panel: matplotlib.axes.Axes, x: float, y: float, one: Candidate, limits: Limits, colour: object
) -> None:
    values = limits.values(one)
    is_within = None not in values.values() and not limits.exceeded_by(one)
    panel.plot(
        x,
        y,
        marker=style.of_layers(one.num_layers)["marker"],
        linestyle="none",
        markersize=7,
        color=colour,
        markerfacecolor=colour if is_within else "white",
        zorder=3,
    )


def _colour(num_layers: int) -> str:
    return style.of_layers(num_layers)["color"]


def _finish(
    panel: matplotlib.axes.Axes,
    axis: _Axis,
    chosen: Candidate | None,
    height: Callable[[Candidate], float],
) -> None:
    if axis.limit is not None:
        panel.axvline(axis.limit, **_LIMIT)
    if chosen and axis.value(chosen) is not None:
        panel.plot(axis.value(chosen), height(chosen), zorder=4, **_RING)
    if axis.is_log:
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter(_PLAIN)
    panel.set_xlabel(axis.label)
    panel.grid(alpha=0.3)


def _legend(
    figure: matplotlib.figure.Figure,
    drawn: Sequence[Candidate],
    colour: Callable[[int], str],
    chosen: Candidate | None,
) -> None:
    line = matplotlib.lines.Line2D
    handles = [
        line(
            [],
            [],
            linestyle="none",
            marker=style.of_layers(number)["marker"],
            color=colour(number),
            label=f"m={number}",
        )
        for number in sorted({one.num_layers for one in drawn})
    ]
    hollow = {"marker": "o", "linestyle": "none", "color": "0.4", "markerfacecolor": "white"}
    handles.append(line([], [], **hollow, label="exceeds a limit"))
    handles.append(line([], [], **_LIMIT, label="limit"))
    if chosen:
        handles.append(line([], [], **(_RING | {"markersize": 10}), label=f"the plan: {chosen.name}"))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
