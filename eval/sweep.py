"""What binaries share that measure cells into the table in --workdir."""

import sys
import time
from collections.abc import Sequence

from absl import flags

from flags import characterization as characterization_flags
from flags import run as run_flags
from privynet_tf import sweep, tables, workdir
from privynet_tf.grid import Cell
from privynet_tf.images import LabelledImages


def measure(source: LabelledImages, cells: Sequence[Cell]) -> None:
    """Measures what the table of this process lacks, then merges it with those of other shards.

    Prints progress and where the whole table is; exits with an error if cells failed.
    """
    path, budget = characterization_flags.table(), characterization_flags.budget()
    if run_flags.OVERWRITE.value:
        path.unlink(missing_ok=True)
        path.with_name("table.csv").unlink(missing_ok=True)
    tables.read(path)  # a table that is not ours is found before hours of work
    cache = characterization_flags.cache(characterization_flags.cache_dir(), source, cells)
    path.parent.mkdir(parents=True, exist_ok=True)
    workdir.write_atomically(path.with_suffix(".flags"), flags.FLAGS.flags_into_string())
    failed = sweep.run(
        cells,
        cache,
        budget,
        path,
        characterization_flags.MEASURE.value,
        characterization_flags.BRANCHES.value,
        characterization_flags.PROCESSES.value,
        _show,
    )
    merge()
    if failed:
        sys.exit(f"error: {len(failed)} of {len(cells)} cells failed; their rows say why")


def merge() -> None:
    """Merges the tables of shards in --workdir into ``table.csv`` there."""
    path = characterization_flags.workdir() / "table.csv"
    rows = tables.merge(characterization_flags.tables(), path)
    print(f"{len(rows):,} rows: {path}")


def _show(done: int, total: int, seconds: float) -> None:
    left = time.strftime("%H:%M:%S", time.gmtime(seconds % 86400))
    days = f"{int(seconds // 86400)} days " if seconds >= 86400 else ""
    print(f"cells: {done:,}/{total:,}, {days}{left} left", file=sys.stderr, flush=True)
