"""Which rows of a characterization and a cost table a plan is made from."""

import dataclasses
from collections.abc import Mapping, Sequence

from privynet_tf.errors import InputError


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which rows of the tables are meant; None where they have one value only.

    The characterization holds for float32, which is the default, as is what the least device does: one
    thread, and images one by one as they come (Fig. 20).

    Attributes:
        network: of both tables.
        images: dataset of the characterization.
        train_images: of the characterization.
        augmented_copies: of the characterization.
        irn_clusters: of the characterization.
        format: of the FEN's weights in the cost table.
        runtime: of the cost table.
        threads: of the cost table.
        device: of the cost table.
        batch: images in a call, of the cost table.
    """

    network: str | None = None
    images: str | None = None
    train_images: int | None = None
    augmented_copies: int | None = None
    irn_clusters: int | None = None
    format: str | None = "float32"
    runtime: str | None = "litert"
    threads: int | None = 1
    device: str | None = None
    batch: int | None = 1


def pick(
    rows: Sequence[Mapping[str, object]], column: str, wanted: object, table: str
) -> list[Mapping[str, object]]:
    """The rows that have a value in a column.

    Args:
        rows: at least one.
        column: of the flag --plan_COLUMN that picks.
        wanted: None for the only value there is.
        table: that the rows are of, for messages.

    Raises:
        InputError: if no row has it, or none is wanted and there are several.
    """
    values = sorted({row[column] for row in rows}, key=str)
    if wanted is None:
        if len(values) > 1:
            raise InputError(f"the {table} table mixes {column}: {values}; pick one with --plan_{column}")
        return list(rows)
    if wanted not in values:
        raise InputError(
            f"--plan_{column} must be in the {table} table, one of {values}. Received: {wanted!r}"
        )
    return [row for row in rows if row[column] == wanted]
