"""Tables whose rows say first what they were made from, in columns of any name; one file, one origin."""

import csv
import pathlib
from collections.abc import Collection, Mapping, Sequence

from privynet_tf import csv_tables, workdir
from privynet_tf.csv_tables import Column, Row
from privynet_tf.errors import InputError


def read(
    path: pathlib.Path, made: Mapping[str, object], columns: Sequence[Column], key: Collection[str], what: str
) -> list[Row]:
    """The rows of a table; none if there is no such file.

    Args:
        path: of the file.
        made: what it must have been made from, as far as that is known.
        columns: those after the columns of what it was made from.
        key: names of the columns that identify a row.
        what: the table is of, for messages.

    Raises:
        InputError: if it is no such table, or was made from something else.
    """
    if not path.exists():
        return []
    origin = [Column(name, str, "what it was made from") for name in _origin(path, columns)]
    names = [column.name for column in columns]
    rows = csv_tables.read(
        path, [*origin, *columns], names, lambda row: tuple(row[name] for name in key), what
    )
    for row in rows:
        for name, value in made.items():
            if (row.get(name) or "") != csv_tables.plain(value):
                raise InputError(
                    f"{path} was made with {name}={row.get(name)}, not {value}; choose another --workdir"
                )
    return rows


def made_of(path: pathlib.Path, columns: Sequence[Column]) -> dict[str, str]:
    """What a table that exists was made from."""
    with open(path, newline="") as file:
        first = next(csv.DictReader(file))
    return {name: first[name] for name in _origin(path, columns)}


def write(path: pathlib.Path, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Writes rows, each with what it was made from and the columns."""
    names = [column.name for column in columns]
    origin = [Column(name, str, "") for name in rows[0] if name not in names]
    path.parent.mkdir(parents=True, exist_ok=True)
    workdir.write_atomically(path, csv_tables.content([*origin, *columns], rows))


def _origin(path: pathlib.Path, columns: Sequence[Column]) -> list[str]:
    names = {column.name for column in columns}
    try:
        with open(path, newline="") as file:
            return [name for name in next(csv.reader(file), []) if name not in names]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read table {path}: {error}") from error
