"""The table of costs: CSV with a header, one row a FEN and platform."""

import csv
import pathlib
from collections.abc import Callable

from privynet_tf.errors import InputError

COLUMNS: dict[str, Callable[[str], object]] = {
    "network": str,
    "m": int,
    "D'": int,
    "intermediate": str,
    "image_size": int,
    "parameters": int,
    "macs": int,
    "peak_activation_bytes": int,
    "format": str,
    "bytes": int,
    "runtime": str,
    "threads": int,
    "latency_ms": float,
    "latency_ms_p10": float,
    "latency_ms_p90": float,
    "repeats": int,
    "device": str,
    "batch": int,
}


def read(path: pathlib.Path) -> list[dict[str, object]]:
    """The rows of a cost table.

    Raises:
        InputError: if it is no cost table.
    """
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != list(COLUMNS):
            raise InputError(f"{path} is no cost table: its columns are {reader.fieldnames}")
        return [
            {name: parse(row[name]) if row[name] else None for name, parse in COLUMNS.items()}
            for row in reader
        ]
