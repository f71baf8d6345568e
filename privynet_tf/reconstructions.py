"""What the IRN of each cell makes of the first few test images, kept beside a table (figures 21 to 24)."""

import hashlib
import os
import pathlib
from collections.abc import Mapping

import numpy as np

from privynet_tf import tables
from privynet_tf.errors import InputError

KEPT = 8
"""Images a cell."""


def beside(table: pathlib.Path) -> pathlib.Path:
    """The directory that holds those of a table's cells."""
    return table.parent / "reconstructions"


def save(directory: pathlib.Path, row: Mapping[str, object], images: np.ndarray, guesses: np.ndarray) -> None:
    """Keeps the first ``KEPT`` reconstructions of a cell.

    Args:
        directory: of all cells of a table.
        row: with the cell columns.
        images: [N, S, S, 3] uint8, the originals.
        guesses: [N, S, S, 3], about [0, 1].
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = _path(directory, row)
    partial = path.with_name(f"partial.{path.name}")
    pixels = np.round(255 * np.clip(guesses[:KEPT], 0, 1)).astype(np.uint8)
    np.savez_compressed(partial, images=images[:KEPT], reconstructions=pixels)
    os.replace(partial, path)


def load(directory: pathlib.Path, row: Mapping[str, object]) -> tuple[np.ndarray, np.ndarray]:
    """The originals and reconstructions of a row's cell, both [``KEPT``, S, S, 3] uint8.

    Raises:
        InputError: if there are none.
    """
    try:
        with np.load(_path(directory, row)) as arrays:
            return arrays["images"], arrays["reconstructions"]
    except (OSError, KeyError, ValueError) as error:
        channels = tables.text("channels", row["channels"])
        raise InputError(
            f"{directory} has no reconstructions of the cell with m={row['m']}, channels {channels}"
        ) from error


def _path(directory: pathlib.Path, row: Mapping[str, object]) -> pathlib.Path:
    cell = "\n".join(tables.text(column.name, row[column.name]) for column in tables.CELL)
    return directory / f"{hashlib.sha256(cell.encode()).hexdigest()[:20]}.npz"
