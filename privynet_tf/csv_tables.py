"""Tables as CSV files with a header: documented columns, checked when they are read."""

import csv
import dataclasses
import io
import pathlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from privynet_tf.errors import InputError

Row = dict[str, object]
"""Column name -> value; None where it is empty."""


def plain(value: object) -> str:
    """Numbers in full precision, so that they are read back exactly; tuples separated by spaces."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def numbers(text: str) -> tuple[float, ...]:
    """Several numbers, as ``plain`` writes them."""
    return tuple(float(part) for part in text.split())


@dataclasses.dataclass(frozen=True)
class Column:
    """A column: its name, how its text is read, what it means, and how its value is written."""

    name: str
    read: Callable[[str], object]
    meaning: str
    write: Callable[[object], str] = plain

    def text(self, value: object) -> str:
        """A value as it stands in the file."""
        return "" if value is None else self.write(value)


def read(
    path: pathlib.Path,
    columns: Sequence[Column],
    required: Collection[str],
    key: Callable[[Row], tuple],
    what: str,
) -> list[Row]:
    """The rows of a table.

    Args:
        path: of the file.
        columns: that it must have, in order.
        required: names of columns that must not be empty.
        key: what identifies a row.
        what: the table is of, for messages.

    Raises:
        InputError: if it cannot be read, has other columns, naming those that differ, or has a bad row or
            one twice.
    """
    try:
        lines = list(csv.reader(io.StringIO(path.read_text())))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read table {path}: {error}") from error
    expected = [column.name for column in columns]
    header = lines[0] if lines else []
    if header != expected:
        missing = [name for name in expected if name not in header]
        unknown = [name for name in header if name not in expected]
        raise InputError(
            f"{path} is no table of {what}: its columns lack {missing} and have {unknown} beside ours"
            + ("" if missing or unknown else ", or stand in another order")
        )
    rows = {}
    for number, cells in enumerate(lines[1:], start=2):
        where = f"{path}, line {number}"
        row = _parse(cells, columns, required, where)
        if rows.setdefault(key(row), row) is not row:
            raise InputError(f"{where}: what this line measures stands in the table twice")
    return list(rows.values())


def content(columns: Sequence[Column], rows: Iterable[Mapping[str, object]]) -> str:
    """Rows as the text of a file, with its header."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(column.name for column in columns)
    for row in rows:
        writer.writerow(column.text(row[column.name]) for column in columns)
    return lines.getvalue()


def _parse(cells: Sequence[str], columns: Sequence[Column], required: Collection[str], where: str) -> Row:
    if len(cells) != len(columns):
        raise InputError(f"{where} has {len(cells)} values, expected {len(columns)}")
    row = {}
    for column, value in zip(columns, cells, strict=True):
        try:
            row[column.name] = column.read(value) if value else None
        except (ValueError, KeyError) as error:
            raise InputError(f"{where}: {column.name} is {value!r}, expected {column.meaning}") from error
    empty = [name for name in required if row[name] is None]
    if empty:
        raise InputError(f"{where}: {empty} must not be empty")
    return row
