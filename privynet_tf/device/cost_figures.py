"""Figure 20 from tables of costs: latency on each device and bytes stored, against the number of layers."""

import itertools
import string
from collections.abc import Sequence

import matplotlib.axes
import matplotlib.figure

from privynet_tf.device import cost_tables
from privynet_tf.networks import NETWORKS
from privynet_tf.topology import depth_of

_COLOURS = {"float32": "tab:blue", "float16": "tab:orange", "int8": "tab:green", "keras": "tab:red"}
_DASHES = ("-", "--", "-.", ":")


def figure_20(
    rows: Sequence[cost_tables.Row], network: str, image_size: int
) -> matplotlib.figure.Figure | None:
    """Draws latency and bytes of complete layers (every channel kept) against ``m``.

    A panel for each device, with the median latency of an image at batch 1 and its 10th to 90th
    percentile, and a last one for the bytes of the files. The paper's figure also has the classifier of
    VGG16 (its "FC block"), which no FEN holds.

    Args:
        rows: of one or more tables.
        network: to draw.
        image_size: height and width of the images in pixels.

    Returns:
        The figure; None if the tables hold nothing of that.
    """
    rows = [
        row
        for row in rows
        if (row["network"], row["image_size"], row["batch"], row["intermediate"])
        == (network, image_size, 1, None)
        and row["D'"] == depth_of(NETWORKS[network], row["m"])
        and row["latency_ms"] is not None
    ]
    if not rows:
        return None
    rows.sort(key=lambda row: row["m"])
    devices = sorted({row["device"] for row in rows})
    count = len(devices) + 1
    figure = matplotlib.figure.Figure(figsize=(5.5 * count, 4.6), layout="constrained")
    panels = figure.subplots(1, count)
    for letter, panel, device in zip(string.ascii_lowercase, panels, devices, strict=False):
        _draw_latency(panel, [row for row in rows if row["device"] == device])
        panel.set_title(f"({letter}) latency on {device}", fontsize=10, pad=18)
    _draw_bytes(panels[-1], rows)
    # Storage is (c) in the paper, after two devices.
    letter = string.ascii_lowercase[max(len(devices), 2)]
    panels[-1].set_title(f"({letter}) storage", fontsize=10, pad=18)
    for panel in panels:
        _mark_blocks(panel, network, max(row["m"] for row in rows))
    figure.suptitle(
        f"{network}, all channels, {image_size}x{image_size} images, batch 1; bars: 10th to 90th percentile"
    )
    return figure


def _draw_latency(panel: matplotlib.axes.Axes, rows: Sequence[cost_tables.Row]) -> None:
    counts = sorted({row["threads"] for row in rows})
    dashes = dict(zip(counts, itertools.cycle(_DASHES)))
    for (runtime, number_format, threads), line in _lines(rows, "runtime", "format", "threads"):
        name = "keras" if runtime == "keras" else number_format
        median = [row["latency_ms"] for row in line]
        panel.errorbar(
            [row["m"] for row in line],
            median,
            [
                [row["latency_ms"] - row["latency_ms_p10"] for row in line],
                [row["latency_ms_p90"] - row["latency_ms"] for row in line],
            ],
            label=f"{'Keras' if runtime == 'keras' else f'LiteRT {number_format}'}, {_threads(threads)}",
            color=_COLOURS[name],
            linestyle=dashes[threads],
            marker=".",
            elinewidth=0.8,
            capsize=2,
        )
    panel.set_ylabel("latency of an image (ms)")
    panel.set_ylim(bottom=0)
    panel.legend(fontsize=8, loc="upper left")


def _draw_bytes(panel: matplotlib.axes.Axes, rows: Sequence[cost_tables.Row]) -> None:
    rows = {(row["m"], row["format"]): row for row in rows if row["runtime"] == "litert"}.values()
    for (number_format,), line in _lines(rows, "format"):
        megabytes = [row["bytes"] / 1e6 for row in line]
        label = f"LiteRT {number_format}"
        panel.plot([row["m"] for row in line], megabytes, ".-", label=label, color=_COLOURS[number_format])
    panel.set_ylabel("file (MB)")
    panel.set_ylim(bottom=0)
    panel.legend(fontsize=8, loc="upper left")


def _lines(rows, *columns: str):
    """Rows that are alike in the columns, with what they have there."""
    lines = {}
    for row in rows:
        lines.setdefault(tuple(row[column] for column in columns), []).append(row)
    return sorted(lines.items())


def _mark_blocks(panel: matplotlib.axes.Axes, network: str, deepest: int) -> None:
    """Shades every other block of the network, names them, and says what x is."""
    blocks = [layer.name.split("_")[0] for layer in NETWORKS[network].layers[:deepest]]
    start = 0
    for index, (block, group) in enumerate(itertools.groupby(blocks)):
        end = start + len(list(group))
        if index % 2:
            panel.axvspan(start + 0.5, end + 0.5, color="0.93", zorder=0)
        place = (start + end + 1) / 2
        panel.text(
            place, 1.01, block, transform=panel.get_xaxis_transform(), ha="center", va="bottom", fontsize=7
        )
        start = end
    panel.set_xlim(0.5, deepest + 0.5)
    panel.set_xticks(range(1, deepest + 1))
    panel.tick_params(axis="x", labelsize=8)
    panel.set_xlabel("number of layers m")


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
