"""Figures with what they show, and a directory of them with an index."""

import dataclasses
import pathlib
from collections.abc import Mapping

import matplotlib.figure

from privynet_tf import figures, workdir

INDEX = "figures.md"


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A figure of the paper, drawn from our tables.

    Attributes:
        figure: drawn.
        caption: one line.
        table: lines of Markdown that belong to it.
    """

    figure: matplotlib.figure.Figure
    caption: str
    table: tuple[str, ...] = ()


def write(
    directory: pathlib.Path, drawings: Mapping[int, Drawing], left_out: Mapping[int, str]
) -> list[pathlib.Path]:
    """Writes each figure as PNG and SVG, its table as Markdown, and an index of them all.

    Args:
        directory: which need not exist.
        drawings: number of the figure in the paper -> drawing.
        left_out: number -> why there is no drawing.

    Returns:
        The files, the index last.
    """
    paths, index = [], ["# Figures", ""]
    for number, drawing in sorted(drawings.items()):
        path = directory / f"figure{number}"
        figures.save(drawing.figure, path)
        written = [path.with_suffix(".png"), path.with_suffix(".svg")]
        if drawing.table:
            written.append(path.with_suffix(".md"))
            workdir.write_atomically(written[-1], "\n".join((*drawing.table, "")))
        names = ("PNG", "SVG", "table")
        links = ", ".join(f"[{name}]({file.name})" for name, file in zip(names, written, strict=False))
        index.append(f"- Figure {number} ({links}): {drawing.caption}")
        paths += written
    index += [f"- Figure {number} is left out: {reason}" for number, reason in sorted(left_out.items())]
    paths.append(directory / INDEX)
    workdir.write_atomically(paths[-1], "\n".join((*index, "")))
    return paths
