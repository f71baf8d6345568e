"""Pictures for people, drawn with matplotlib."""

import pathlib

import matplotlib
import matplotlib.figure
import numpy as np


def save(figure: matplotlib.figure.Figure, path: pathlib.Path) -> None:
    """Writes a figure as PNG and SVG.

    Args:
        figure: drawn.
        path: without suffix.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path.with_suffix(".png"), dpi=150)
    # Without the date, and with element names from a fixed salt, the same table gives the same file.
    with matplotlib.rc_context({"svg.hashsalt": "privynet"}):
        figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})


def save_reconstructions(
    path: pathlib.Path,
    images: np.ndarray,
    reconstructions: np.ndarray,
    psnr: np.ndarray,
    title: str,
    columns: int = 8,
) -> None:
    """Draws images above their reconstructions, with the PSNR of each, as figures 21 to 24 do.

    Args:
        path: of the PNG file.
        images: [N, S, S, 3] in [0, 1].
        reconstructions: [N, S, S, 3]; clipped to [0, 1].
        psnr: [N] in dB.
        title: above all.
        columns: pairs in a row.
    """
    rows = -(-len(images) // columns)
    figure = matplotlib.figure.Figure(figsize=(1.1 * columns, 2.55 * rows + 0.5), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(2 * rows, columns, squeeze=False)
    for panel in axes.flat:
        panel.set_xticks([])
        panel.set_yticks([])
        panel.spines[:].set_visible(False)
    for index, (image, guess, value) in enumerate(zip(images, reconstructions, psnr, strict=True)):
        row, column = divmod(index, columns)
        axes[2 * row, column].imshow(image)
        axes[2 * row + 1, column].imshow(np.clip(guess, 0, 1))
        axes[2 * row + 1, column].set_xlabel(f"{value:.1f} dB")
    for row in range(rows):
        axes[2 * row, 0].set_ylabel("original")
        axes[2 * row + 1, 0].set_ylabel("reconstruction")
    figure.savefig(path, dpi=150)
