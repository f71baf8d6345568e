"""Pictures of a ranking of channels: their discriminability, and what they show of a few images."""

import pathlib
from collections.abc import Mapping, Sequence

import matplotlib.figure
import numpy as np

from privynet_tf import figures

_COLOURS = {
    "": "tab:blue",
    "discriminability": "0.65",
    "privacy loss": "tab:orange",
    "both": "saddlebrown",
}
_NAMES = {
    "": "kept",
    "discriminability": "pruned: least discriminative",
    "privacy loss": "pruned: leakiest",
    "both": "pruned: both",
}

_TEXT_COLOURS = _COLOURS | {"": "black", "discriminability": "0.5"}

_SHEET_ROWS = 32
_CELL, _GAP = 32, 3
"""Of a contact sheet: channels below one another, and pixels of a map and between maps."""


def discriminability(rows: Sequence[Mapping[str, object]], path: pathlib.Path) -> None:
    """Draws J of every channel, and its privacy loss below where there is one; pruned ones are marked.

    Args:
        rows: of a ranking, the most discriminative first.
        path: without suffix; PNG and SVG.
    """
    with_loss = rows[0]["privacy_loss"] is not None
    figure = matplotlib.figure.Figure(figsize=(10, 6.5 if with_loss else 3.8), layout="constrained")
    panels = figure.subplots(1 + with_loss, 1, sharex=True, squeeze=False)[:, 0]
    columns = [("J", "discriminability J")] + [("privacy_loss", "privacy loss (dB)")] * with_loss
    for panel, (column, label) in zip(panels, columns, strict=True):
        for reason, colour in _COLOURS.items():
            marked = [row for row in rows if row["pruned_by"] == reason]
            if marked:
                ranks, values = [row["rank"] for row in marked], [row[column] for row in marked]
                name = f"{_NAMES[reason]} ({len(marked)})"
                if column == "J":
                    panel.bar(ranks, values, width=0.8, color=colour, label=name)
                else:
                    panel.plot(ranks, values, "o", markersize=4, color=colour)
        panel.set_ylabel(label)
        panel.set_xlim(0, len(rows) + 1)
    panels[0].legend(frameon=False)
    panels[-1].set_xlabel("rank by discriminability")
    figures.save(figure, path)


def contact_sheet(
    rows: Sequence[Mapping[str, object]], images: np.ndarray, maps: np.ndarray, path: pathlib.Path
) -> None:
    """Draws what every channel shows of a few images.

    The left half goes down, column after column, from the most discriminative channel; the right half
    from the least. A channel's maps have one scale: black is 0, white the brightest fiftieth.

    Args:
        rows: of a ranking, the most discriminative first.
        images: [n, S, S, 3] uint8.
        maps: [n, H', W', D], their representations.
        path: of the PNG file.
    """
    middle = -(-len(rows) // 2)
    blocks = [
        half[start : start + _SHEET_ROWS]
        for half in (rows[:middle], rows[: middle - 1 : -1])
        for start in range(0, len(half), _SHEET_ROWS)
    ]
    most = max(map(len, blocks))
    size = (len(blocks) * (0.34 * len(images) + 0.9), 0.34 * (most + 1) + 0.9)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    figure.suptitle(
        "Channel and its J. Black: kept; pruned are grey: least discriminative,\n"
        "orange: leakiest, brown: both",
        fontsize=10,
    )
    for panel, block in zip(figure.subplots(1, len(blocks), squeeze=False)[0], blocks, strict=True):
        strips = [images, *(_grey(maps[..., row["channel"]]) for row in block)]
        mosaic = np.full((most + 1, _CELL + _GAP, len(images), _CELL + _GAP, 3), 255, np.uint8)
        for mosaic_row, strip in zip(mosaic, strips, strict=False):
            for position, image in enumerate(strip):
                mosaic_row[:_CELL, position, :_CELL] = _resized(image, _CELL)
        panel.imshow(mosaic.reshape((most + 1) * (_CELL + _GAP), -1, 3), interpolation="nearest")
        panel.set_title(f"rank {block[0]['rank']} to {block[-1]['rank']}", fontsize=9)
        panel.set_xticks([])
        panel.set_yticks(
            (_CELL + _GAP) * np.arange(len(strips)) + _CELL / 2,
            ["image", *(f"{row['channel']}: {row['J']:.3f}" for row in block)],
            fontsize=7,
        )
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        for tick, row in zip(panel.get_yticklabels()[1:], block, strict=True):
            tick.set_color(_TEXT_COLOURS[row["pruned_by"]])
    figure.savefig(path, dpi=150)


def _grey(maps: np.ndarray) -> np.ndarray:
    """[n, H', W'] at least 0 to [n, H', W', 3] in [0, 255]."""
    white = np.percentile(maps, 98) or maps.max() or 1.0
    return np.clip(255 * (maps / white), 0, 255)[..., None].repeat(3, axis=-1)


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    """[side, side, 3], of the nearest pixels."""
    nearest = np.arange(side) * len(image) // side
    return image[nearest][:, nearest].astype(np.uint8)
