"""The table of a characterization: CSV with a header, one row a topology, repeat and amount of data.

A table has one set of conditions and budgets. It is rewritten as a whole, atomically and under a lock,
so it never holds half a row or one twice. Rows stand in the order of their cell columns, whatever the
order in which they were measured, so that merged shards equal the table of one run.
"""

import pathlib
from collections.abc import Iterable, Mapping, Sequence

from privynet_tf import csv_tables, workdir
from privynet_tf.csv_tables import Column, Row
from privynet_tf.errors import InputError

ALL = "all"
"""Stands where no intermediate channel was left out."""


def _channels(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split())


def _intermediate(text: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    if text == ALL:
        return ()
    return tuple((name, _channels(kept)) for name, kept in (part.split("=") for part in text.split(";")))


def _intermediate_text(value: tuple[tuple[str, tuple[int, ...]], ...]) -> str:
    return ";".join(f"{layer}={csv_tables.plain(kept)}" for layer, kept in value) or ALL


def _boolean(text: str) -> bool:
    return {"True": True, "False": False}[text]


def _training(prefix: str, network: str) -> tuple[Column, ...]:
    """The fields of ``training.Settings`` but for the seed."""
    return (
        Column(f"{prefix}_epochs", int, f"epochs of the {network}"),
        Column(f"{prefix}_learning_rate", float, "at the start"),
        Column(f"{prefix}_batch_size", int, "examples a step"),
        Column(f"{prefix}_optimizer", str, "sgd or adam"),
        Column(f"{prefix}_schedule", str, "steps, cosine or constant"),
        Column(f"{prefix}_drop_epochs", _channels, "where the rate drops, separated by spaces"),
        Column(f"{prefix}_average_weights", _boolean, "whether evaluated with averaged weights"),
        Column(f"{prefix}_precision", str, "float32 or mixed_bfloat16"),
    )


CELL = (
    Column("network", str, "the FEN's pre-trained network; 'none' for the unsplit baseline"),
    Column("m", int, "layers of the FEN, pools count; 0 for the unsplit baseline"),
    Column("D'", int, "released channels; 3, the colours, for the unsplit baseline"),
    Column("channels", _channels, "the released channels, separated by spaces"),
    Column(
        "intermediate_channels",
        _intermediate,
        "kept channels of convolutions before the last, block1_conv1=0 5;block1_conv2=3 7, or 'all'",
        _intermediate_text,
    ),
    Column("seed", int, "of the initial weights and the order of the data"),
    Column("images", str, "name of the dataset"),
    Column("train_images", int, "training images, without augmented copies"),
    Column("augmented_copies", int, "of each training image, beside the image itself"),
    Column("irn_clusters", int, "clusters of ResNet blocks of the IRN (Fig. 19); 0 for the baseline"),
)
"""What identifies a row."""

CONDITIONS = (
    Column("weights", str, "of the FEN, as pretrained.identity names them"),
    Column("preprocessing", str, "of the FEN's images"),
    Column("image_size", int, "height and width in pixels"),
    Column("train_split", str, "training images are the first train_images of it"),
    Column("validation_split", str, "chooses the ridge decoder's penalty"),
    Column("test_split", str, "what utility and privacy loss are measured on"),
)
"""The same in a whole table, but for the weights of different networks."""

ICN_BUDGET = _training("icn", "ICN")
"""The same in a whole table."""

IRN_BUDGET = (
    *_training("irn", "IRN"),
    Column("irn_blocks", int, "ResNet blocks in a cluster"),
    Column("irn_width", int, "channels inside the IRN"),
    Column("irn_max_images", int, "the IRN trains on at most so many images; empty: all train_images"),
    Column("irn_test_images", int, "the IRN is measured on at most so many test images; empty: all"),
)
"""The same in a whole table."""

UTILITY = (
    Column("utility", float, "test accuracy of the ICN, eq. (2)"),
    Column("train_accuracy", float, "of the ICN, on its first 10,000 training examples"),
    Column("class_prior", float, "test accuracy of always answering the most frequent class"),
    Column("icn_seconds", float, "training and evaluation; a branch's share of its group's"),
    Column("icn_error", str, "why there is no utility"),
)
PRIVACY = (
    Column("psnr", float, "privacy loss, eq. (5): mean PSNR of the IRN on test images, dB"),
    Column("psnr_std", float, "standard deviation over test images, dB"),
    Column("psnr_p95", float, "95th percentile over test images, dB"),
    Column("ssim", float, "mean structural similarity; empty for images under 11 pixels"),
    Column("train_psnr", float, "of the IRN, on its first 1,000 training pairs, dB"),
    Column("irn_images", int, "images that the IRN was trained on, without augmented copies"),
    Column("ridge_psnr", float, "the linear decoder's mean PSNR, a floor under psnr, dB"),
    Column("ridge_pairs", int, "training pairs of the linear decoder"),
    Column("irn_seconds", float, "training and evaluation, with the ridge decoder's"),
    Column("irn_error", str, "why there is no privacy loss"),
)
COLUMNS = (*CELL, *CONDITIONS, *ICN_BUDGET, *IRN_BUDGET, *UTILITY, *PRIVACY)

_BY_NAME = {column.name: column for column in COLUMNS}

SIDES = {
    "icn": (*ICN_BUDGET, *UTILITY),
    "irn": (*IRN_BUDGET, *PRIVACY),
}
"""Columns that are filled together, when one side of a row is measured or has failed."""

_RESULT = {"icn": "utility", "irn": "psnr"}


def key(row: Mapping[str, object]) -> tuple:
    """What identifies a row, and orders the table."""
    return tuple(row[column.name] for column in CELL)


def is_measured(row: Mapping[str, object], side: str) -> bool:
    """Whether a row has the result of a side, ``icn`` or ``irn``."""
    return row.get(_RESULT[side]) is not None


def privacy_loss(row: Mapping[str, object]) -> float | None:
    """The stronger attacker's PSNR in dB, of the IRN and the ridge decoder; None where there is none."""
    return max((row[name] for name in ("psnr", "ridge_psnr") if row[name] is not None), default=None)


def read(path: pathlib.Path) -> list[Row]:
    """The rows of a table; none if there is no such file.

    Raises:
        InputError: if it is not a table of ours, naming the columns that differ, or has a bad row.
    """
    if not path.exists():
        return []
    cell = [column.name for column in CELL]
    return csv_tables.read(path, COLUMNS, cell, key, "a characterization")


def update(path: pathlib.Path, changes: Iterable[Mapping[str, object]]) -> dict[tuple, Row]:
    """Adds rows to a table, or fills columns of rows that it has.

    Args:
        path: of the table, which need not exist.
        changes: each with the cell columns and any others.

    Returns:
        All rows of the table by their key.
    """
    with workdir.locked(path.parent):
        rows = {key(row): row for row in read(path)}
        for change in changes:
            rows.setdefault(key(change), dict.fromkeys(column.name for column in COLUMNS)).update(change)
        _write(path, rows)
    return rows


def merge(paths: Sequence[pathlib.Path], path: pathlib.Path) -> list[Row]:
    """Writes the rows of several tables into one, which may be one of them.

    Raises:
        InputError: if the tables were made under different conditions, or disagree on a result.
    """
    with workdir.locked(path.parent):
        rows, origins = {}, {}
        for part in paths:
            for row in read(part):
                here = origins.setdefault(key(row), part)
                earlier = rows.setdefault(key(row), row)
                for side in SIDES:
                    _merge_side(earlier, row, side, f"{here} and {part}")
        check_conditions(rows.values(), " and ".join(map(str, paths)))
        _write(path, rows)
    return list(rows.values())


def check_conditions(rows: Iterable[Mapping[str, object]], name: str) -> None:
    """Raises an InputError if rows were made under different conditions or budgets, which it names."""
    first, differing = {}, {}
    for row in rows:
        sides = [ICN_BUDGET] * (row["icn_epochs"] is not None) + [IRN_BUDGET] * (
            row["irn_epochs"] is not None
        )
        for column in (*CONDITIONS, *(column for side in sides for column in side)):
            scope = column.name, row["network"] if column.name == "weights" else None
            value = text(column.name, row[column.name])
            if first.setdefault(scope, value) != value:
                differing.setdefault(column.name, (first[scope], value))
    if differing:
        details = "; ".join(
            f"{column} is {one!r} and {other!r}" for column, (one, other) in differing.items()
        )
        raise InputError(
            f"one table cannot hold results of different budgets or conditions ({name}): {details}; write to "
            "another table"
        )


def _merge_side(row: Row, other: Row, side: str, where: str) -> None:
    """Takes into ``row`` a side that only ``other`` has measured, or failed at."""
    measured = is_measured(other, side)
    if measured and is_measured(row, side):
        for column in SIDES[side]:
            if column.name != f"{side}_seconds" and row[column.name] != other[column.name]:
                cell = ", ".join(f"{part.name}={text(part.name, row[part.name])}" for part in CELL)
                raise InputError(
                    f"{where} disagree on {column.name} of {cell}: "
                    f"{text(column.name, row[column.name])!r} and {text(column.name, other[column.name])!r}"
                )
    elif measured or (other[f"{side}_error"] and not is_measured(row, side)):
        row.update({column.name: other[column.name] for column in SIDES[side]})


def text(name: str, value: object) -> str:
    """A value as it stands in the column."""
    return _BY_NAME[name].text(value)


def _write(path: pathlib.Path, rows: Mapping[tuple, Row]) -> None:
    ordered = [row for _, row in sorted(rows.items())]
    workdir.write_atomically(path, csv_tables.content(COLUMNS, ordered))
