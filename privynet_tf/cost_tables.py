"""The table of costs: CSV with a header, one row a FEN's model, number of threads and device.

A row holds for every FEN with as many layers and channels: neither the weights nor the choice of channels
change a cost.
"""

import csv
import io
import pathlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from privynet_tf import workdir
from privynet_tf.cost import FORMATS
from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS
from privynet_tf.tables import Column

Row = dict[str, object]
"""Column name -> value; None where it is empty. ``COLUMNS`` has them all."""

RUNTIMES = ("litert", "keras")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_count(part) for part in text.split())


def _milliseconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def _one_of(allowed: Collection[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError
        return text

    return read


MODEL = (
    Column("network", _one_of(NETWORKS), f"one of {sorted(NETWORKS)}: the pre-trained network"),
    Column("m", _count, "a whole number: layers of the FEN, pools count"),
    Column("D'", _count, "a whole number: released channels"),
    Column(
        "intermediate",
        _counts,
        "whole numbers separated by spaces: kept channels of each convolution before the last; empty for all",
    ),
    Column("image_size", _count, "a whole number: height and width in pixels"),
    Column("parameters", _count, "a whole number: kernels and biases"),
    Column("macs", _count, "a whole number: multiply-accumulates of the convolutions for one image"),
    Column(
        "peak_activation_bytes",
        _count,
        "a whole number: for one image, by cost.peak_activation_bytes",
    ),
    Column("format", _one_of(FORMATS), f"one of {FORMATS}: how the file stores weights"),
    Column("bytes", _count, "a whole number: of the model's file"),
)
"""What is known of a model without a device."""

MEASURED = (
    Column(
        "runtime", _one_of(RUNTIMES), f"one of {RUNTIMES}: LiteRT with XNNPACK, or Keras's compiled function"
    ),
    Column("threads", _count, "a whole number: that computed"),
    Column("latency_ms", _milliseconds, "milliseconds: median of an image, from image to representation"),
    Column("latency_ms_p10", _milliseconds, "milliseconds: 10th percentile"),
    Column("latency_ms_p90", _milliseconds, "milliseconds: 90th percentile"),
    Column("repeats", _count, "a whole number: timed calls"),
    Column("device", str, "the name of the device"),
    Column("batch", _count, "a whole number: images in a call, among which its time is divided"),
)
"""What ``latency`` measures on a device, in its order."""

COLUMNS = (*MODEL, *MEASURED)

_MAY_BE_EMPTY = ("intermediate", *(column.name for column in MEASURED))
_KEY = ("network", "m", "D'", "intermediate", "image_size", "format", "runtime", "threads", "device", "batch")


def key(row: Mapping[str, object]) -> tuple:
    """What identifies a row, and orders the table."""
    return tuple(row[name] or () if name == "intermediate" else row[name] for name in _KEY)


def read(path: pathlib.Path) -> list[Row]:
    """The rows of a table.

    Raises:
        InputError: if it cannot be read, is no table of costs, or has a bad row or one twice.
    """
    try:
        lines = list(csv.reader(io.StringIO(path.read_text())))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read table {path}: {error}") from error
    expected = [column.name for column in COLUMNS]
    header = lines[0] if lines else []
    if header != expected:
        missing = [name for name in expected if name not in header]
        unknown = [name for name in header if name not in expected]
        raise InputError(
            f"{path} is no table of costs: its columns lack {missing} and have {unknown} beside ours"
            + ("" if missing or unknown else ", or stand in another order")
        )
    rows = {}
    for number, cells in enumerate(lines[1:], start=2):
        row = _parse(cells, f"{path}, line {number}")
        if rows.setdefault(key(row), row) is not row:
            raise InputError(f"{path}, line {number}: what this line measures stands in the table twice")
    return list(rows.values())


def write(path: pathlib.Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Writes a table atomically, its rows in the order of their keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = sorted(rows, key=lambda row: [(value is not None, value) for value in key(row)])
    workdir.write_atomically(path, csv_text([column.name for column in COLUMNS], ordered))


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Rows as CSV with a header; numbers in full precision, so that they are read back exactly."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(_text(row[name]) for name in names)
    return lines.getvalue()


def _parse(cells: Sequence[str], where: str) -> Row:
    if len(cells) != len(COLUMNS):
        raise InputError(f"{where} has {len(cells)} values, expected {len(COLUMNS)}")
    row = {}
    for column, value in zip(COLUMNS, cells, strict=True):
        try:
            row[column.name] = column.read(value) if value else None
        except ValueError as error:
            raise InputError(f"{where}: {column.name} is {value!r}, expected {column.meaning}") from error
    empty = [name for name, value in row.items() if value is None and name not in _MAY_BE_EMPTY]
    if empty:
        raise InputError(f"{where}: {empty} must not be empty")
    return row


def _text(value: object) -> str:
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
