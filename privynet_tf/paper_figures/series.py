"""The series that figures draw: rows of tables that may be compared, and their spread over repeats.

Tables of different budgets stand in one list of rows here. A figure takes from it, for utility and for
privacy loss apart, the rows that were measured on the same data, and says what differs among them.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from privynet_tf import grid, reconstructions, tables
from privynet_tf.errors import InputError

RECONSTRUCTIONS = "reconstructions"
"""Key that ``read`` adds to a row: the directory with the reconstructions of its table's cells."""

DATA = ("network", "images", "train_images", "augmented_copies", "irn_clusters")
"""Columns in which rows agree that are drawn as one series."""

_BUDGETS = {"icn": tables.ICN_BUDGET, "irn": tables.IRN_BUDGET}
_SUMMARIES = {
    "icn": "ICN: {icn_epochs} epochs on {train_images} images of {images}",
    "irn": "IRN: {irn_epochs} epochs on {irn_images} images of {images}, {irn_clusters} x "
    "{irn_blocks} ResNet blocks of width {irn_width}",
}


@dataclasses.dataclass(frozen=True)
class Both:
    """Utility and privacy loss of one topology and seed.

    Attributes:
        m: layers.
        channels: the released ones.
        utility: test accuracy, eq. (2).
        privacy_loss: of the stronger attacker, dB.
    """

    m: int
    channels: tuple[int, ...]
    utility: float
    privacy_loss: float

    @property
    def depth(self) -> int:
        """``D'``."""
        return len(self.channels)


def read(paths: Sequence[pathlib.Path]) -> list[tables.Row]:
    """The rows of several tables, in the order given; without those with intermediate channels left out.

    Args:
        paths: of tables, which may differ in their budgets.

    Raises:
        InputError: if one is missing or is no table.
    """
    rows = []
    for path in paths:
        if not path.is_file():
            raise InputError(f"no table {path}")
        extra = {RECONSTRUCTIONS: reconstructions.beside(path)}
        rows += [row | extra for row in tables.read(path) if row["intermediate_channels"] == ()]
    return rows


def released(rows: Iterable[tables.Row]) -> list[tables.Row]:
    """Rows of FENs that release several channels: no unsplit baselines, no single channels."""
    return [row for row in rows if row["network"] != grid.BASELINE and row["D'"] > 1]


def value(row: Mapping[str, object], side: str) -> float | None:
    """Utility (``icn``) or privacy loss of the stronger attacker in dB (``irn``); None if not measured."""
    return row["utility"] if side == "icn" else tables.privacy_loss(row)


def comparable(
    rows: Iterable[tables.Row],
    side: str,
    varied: Sequence[str] = (),
    one_budget: bool = False,
) -> list[tables.Row]:
    """The largest part of the rows that was measured on the same data.

    Largest in the varied values that it has, then in pairs of m and D', then in rows.

    Args:
        rows: of several tables, those of the first table first. Where two hold the same cell, the first
            counts; of parts as large, the one that comes first.
        side: ``icn`` or ``irn``, which the rows must have.
        varied: columns of ``DATA`` in which the rows may differ.
        one_budget: whether all must have the same conditions and budget too; but for ``train_split``, as
            ``train_images`` counts from its start.

    Returns:
        Rows, each of another cell; none if no row has the side.
    """
    columns = [name for name in DATA if name not in varied]
    if one_budget:
        columns += [column.name for column in (*tables.CONDITIONS, *_BUDGETS[side])]
        columns.remove("train_split")
    parts = {}
    for row in rows:
        if value(row, side) is not None:
            part = parts.setdefault(tuple(row[name] for name in columns), {})
            part.setdefault(tables.key(row), row)

    def size(part: Mapping[tuple, tables.Row]) -> tuple[int, int, int]:
        rows = part.values()
        values = {tuple(row[name] for name in varied) for row in rows}
        return len(values), len({(row["m"], row["D'"]) for row in rows}), len(rows)

    return list(max(parts.values(), key=size, default={}).values())


def joined(utilities: Iterable[tables.Row], losses: Iterable[tables.Row]) -> list[Both]:
    """The topologies and seeds that have both sides, in the order of ``m``, ``D'``, channels and seed.

    Args:
        utilities: rows as ``comparable`` gives them for ``icn``.
        losses: for ``irn``; may be other rows, measured on other data.
    """
    found = {_topology(row): value(row, "irn") for row in losses}
    both = {_topology(row): value(row, "icn") for row in utilities if _topology(row) in found}
    return [
        Both(m, channels, utility, found[m, depth, channels, *rest])
        for (m, depth, channels, *rest), utility in sorted(both.items())
    ]


def repeats(
    rows: Iterable[tables.Row], side: str, by: Callable[[tables.Row], object]
) -> dict[object, list[float]]:
    """The values of rows, which are repeats where ``by`` gives the same; in the order of its values."""
    found = {}
    for row in rows:
        found.setdefault(by(row), []).append(value(row, side))
    return dict(sorted(found.items()))


def std(values: Sequence[float]) -> float:
    """Sample standard deviation; NaN of a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def conditions(rows: Sequence[tables.Row], side: str) -> str:
    """The budget that rows were measured with, in words, and every column in which they differ."""
    if not rows:
        return ""
    names = [column.name for column in (*tables.CONDITIONS, *_BUDGETS[side])]
    summary = _SUMMARIES[side]
    said = {name: _distinct(rows, name) for name in (*DATA, "irn_images", *names)}
    text = summary.format_map(said)
    if said["augmented_copies"] != "0":
        text += f", with {said['augmented_copies']} augmented copies of each"
    for name in names:
        if len({row[name] for row in rows}) > 1 and f"{{{name}}}" not in summary:
            text += f"; {name} {said[name]}"
    return text


def budgets(parts: Iterable[tuple[str, Sequence[tables.Row], str]]) -> str:
    """Sentences on the budgets of a figure's panels, each budget once.

    Args:
        parts: panels, the rows that they show, and the side. Panels are named where budgets differ.
    """
    said = {}
    for panels, rows, side in parts:
        if rows:
            said.setdefault((side, conditions(rows, side)), []).append(panels)
    sides = [side for side, _ in said]
    return " ".join(
        f"{text} ({', '.join(panels)})." if sides.count(side) > 1 else f"{text}."
        for (side, text), panels in said.items()
    )


def _topology(row: tables.Row) -> tuple:
    return row["m"], row["D'"], row["channels"], row["network"], row["seed"]


def _distinct(rows: Sequence[tables.Row], name: str) -> str:
    values = {row[name] for row in rows}
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in values):
        shown = [f"{one:,}" for one in sorted(values)]
        return f"{shown[0]} to {shown[-1]}" if len(shown) > 2 else " and ".join(shown)
    return " and ".join(sorted(tables.text(name, one) or "none" for one in values))
