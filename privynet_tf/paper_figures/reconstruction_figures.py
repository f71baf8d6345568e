"""Figures 21 to 24 of the paper: originals and what the IRN makes of them, with the PSNR of each image.

Each takes rows of one dataset as ``series.read`` gives them; the pictures stand beside the tables.
"""

from collections.abc import Sequence

import matplotlib.axes
import matplotlib.figure
import numpy as np

from privynet_tf import metrics, reconstructions
from privynet_tf.errors import InputError
from privynet_tf.paper_figures import figure_style as style
from privynet_tf.paper_figures import paper_numbers, series
from privynet_tf.paper_figures.drawings import Drawing
from privynet_tf.tables import Row

SELECTIONS = {23: (6, 4), 24: (6, 16)}
"""Figure of channel selections -> its m and D'."""

SHOWN_SELECTIONS = 6
SHOWN_IMAGES = 4


def topologies(rows: Sequence[Row], image: int, number: int) -> Drawing:
    """One test image as reconstructed at every m (down) and D' (across): figures 21 and 22.

    Args:
        rows: of which the first channel set with reconstructions stands for its m and D'.
        image: which of the kept test images, from 0.
        number: of the figure; 22 also gets the values that the paper prints, of another image.
    """
    chosen = {}
    for row in series.comparable(series.released(rows), "irn"):
        point = row["m"], row["D'"]
        if point not in chosen and _pictures(row) is not None:
            chosen[point] = row
    if not chosen:
        raise InputError(_missing(number, "rows with D' of 2 or more"))
    original = _pictures(next(iter(chosen.values())))[0][image]
    layers = sorted({m for m, _ in chosen})
    depths = sorted({depth for _, depth in chosen}, reverse=True)
    figure, axes, caption = _sheet(
        len(layers),
        1 + len(depths),
        f"Test image {image} as the IRN reconstructs it at every number of layers m and output depth D', with"
        " the PSNR of this image."
        + (" In brackets the paper's values, of another image." if number == 22 else "")
        + f" {series.budgets([('', list(chosen.values()), 'irn')])}",
    )
    for axis, depth in zip(axes[0, 1:], depths, strict=True):
        axis.set_title(f"D' = {depth}", fontsize=9)
    for down, m in enumerate(layers):
        axes[down, 0].set_ylabel(f"m = {m}")
        axes[down, 0].imshow(original)
        for across, depth in enumerate(depths, start=1):
            if (m, depth) in chosen:
                originals, guesses = _pictures(chosen[m, depth])
                theirs = paper_numbers.SINGLE_IMAGE_PSNR.get(m, {}).get(depth) if number == 22 else None
                _show(axes[down, across], originals[image], guesses[image], theirs)
    return Drawing(figure, caption)


def selections(rows: Sequence[Row], image: int, number: int) -> Drawing:
    """Some test images (down) as reconstructed from different channel sets (across): figures 23 and 24.

    Args:
        rows: of one dataset.
        image: the first of the kept test images to show, from 0.
        number: of the figure, a key of ``SELECTIONS``.
    """
    m, depth = SELECTIONS[number]
    part = [row for row in series.released(rows) if (row["m"], row["D'"]) == (m, depth)]
    part = [row for row in series.comparable(part, "irn") if _pictures(row) is not None]
    if not part:
        raise InputError(_missing(number, f"rows with m={m}, D'={depth}"))
    part = part[:SHOWN_SELECTIONS]
    images = range(image, min(image + SHOWN_IMAGES, len(_pictures(part[0])[0])))
    figure, axes, caption = _sheet(
        len(images),
        1 + len(part),
        f"Test images as the IRN reconstructs them from different channel sets, m={m}, D'={depth}, with the"
        f" PSNR of each image. {series.budgets([('', part, 'irn')])}",
    )
    for down, index in enumerate(images):
        axes[down, 0].imshow(_pictures(part[0])[0][index])
    for across, row in enumerate(part, start=1):
        originals, guesses = _pictures(row)
        axes[0, across].set_title(f"set {across}", fontsize=9)
        for down, index in enumerate(images):
            _show(axes[down, across], originals[index], guesses[index])
    return Drawing(figure, caption)


def _pictures(row: Row) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        return reconstructions.load(row[series.RECONSTRUCTIONS], row)
    except InputError:  # a table need not have pictures of every row
        return None


def _sheet(rows: int, columns: int, caption: str) -> tuple[matplotlib.figure.Figure, np.ndarray, str]:
    """Panels for pictures of an inch, the first column for originals, with the caption below."""
    left, right, top, between, below = 0.4, 0.1, 0.3, 0.08, 0.42  # inches
    width = left + columns * (1 + between) - between + right
    bottom = below + 0.15 * len(style.wrapped(caption, width))
    height = top + rows * (1 + below) - below + bottom
    figure = matplotlib.figure.Figure(figsize=(width, height))
    axes = figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": left / width,
            "right": 1 - right / width,
            "bottom": bottom / height,
            "top": 1 - top / height,
            "wspace": between,
            "hspace": below,
        },
    )
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
        axis.spines[:].set_visible(False)
    axes[0, 0].set_title("original", fontsize=9)
    return figure, axes, style.note(figure, caption)


def _show(
    axis: matplotlib.axes.Axes, original: np.ndarray, guess: np.ndarray, theirs: float | None = None
) -> None:
    axis.imshow(guess)
    pair = np.float32([original, guess]) / 255
    value = float(metrics.psnr(pair[:1], pair[1:])[0])
    axis.set_xlabel(f"{value:.1f} dB" + (f"\n({theirs:.1f})" if theirs else ""), fontsize=8)


def _missing(number: int, rows: str) -> str:
    return f"figure {number} needs {rows} with privacy loss, and their reconstructions/ beside the table"
