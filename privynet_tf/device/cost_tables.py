"""The table of costs: CSV with a header, one row a FEN's model, number of threads and device.

A row holds for every FEN with as many layers and channels: neither the weights nor the choice of channels
change a cost.
"""

import pathlib
from collections.abc import Callable, Collection, Iterable, Mapping

from privynet_tf import csv_tables, workdir
from privynet_tf.cost import FORMATS
from privynet_tf.csv_tables import Column, Row
from privynet_tf.networks import NETWORKS

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

_REQUIRED = [column.name for column in MODEL if column.name != "intermediate"]
_KEY = ("network", "m", "D'", "intermediate", "image_size", "format", "runtime", "threads", "device", "batch")


def key(row: Mapping[str, object]) -> tuple:
    """What identifies a row, and orders the table."""
    return tuple(row[name] or () if name == "intermediate" else row[name] for name in _KEY)


def read(path: pathlib.Path) -> list[Row]:
    """The rows of a table.

    Raises:
        InputError: if it cannot be read, is no table of costs, or has a bad row or one twice.
    """
    return csv_tables.read(path, COLUMNS, _REQUIRED, key, "costs")


def write(path: pathlib.Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Writes a table atomically, its rows in the order of their keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = sorted(rows, key=lambda row: [(value is not None, value) for value in key(row)])
    workdir.write_atomically(path, csv_tables.content(COLUMNS, ordered))
