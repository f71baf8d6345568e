r"""Measures utility and privacy loss over a grid of topologies; section 2 of the paper.

python -m eval.characterize --flagfile=flags/presets/cpu_fig3.flags --data_dir=/tmp/tfds --download \
    --cache_dir=/tmp/cache --workdir=/tmp/fig3

Leaves a table with a row a cell, ``table.csv``; privynet_tf/tables.py says what its columns are. Killed,
it resumes; finished, it measures what a larger grid adds. --shard=1/2 and --shard=2/2 share the work of a
grid; the last to finish leaves the whole table. Where they ran on different machines, put their
``table-*-of-2.csv`` into one directory and pass --merge.
"""

import sys
import time

from absl import flags

from flags import characterization as characterization_flags
from flags import images as image_flags
from flags import program
from privynet_tf import characterization, tables, workdir


def show(done: int, total: int, seconds: float) -> None:
    left = time.strftime("%H:%M:%S", time.gmtime(seconds % 86400))
    days = f"{int(seconds // 86400)} days " if seconds >= 86400 else ""
    print(f"cells: {done:,}/{total:,}, {days}{left} left", file=sys.stderr, flush=True)


def merge() -> None:
    path = characterization_flags.workdir() / "table.csv"
    rows = tables.merge(characterization_flags.tables(), path)
    print(f"{len(rows):,} rows: {path}")


def main():
    path = characterization_flags.table()
    if characterization_flags.MERGE.value:
        merge()
        return
    source = image_flags.source()
    cells = characterization_flags.cells(source)
    budget = characterization_flags.budget()
    if program.OVERWRITE.value:
        path.unlink(missing_ok=True)
        path.with_name("table.csv").unlink(missing_ok=True)
    tables.read(path)  # a table that is not ours is found before hours of work
    cache = characterization_flags.cache(characterization_flags.cache_dir(), source, cells)
    path.parent.mkdir(parents=True, exist_ok=True)
    workdir.write_atomically(path.with_suffix(".flags"), flags.FLAGS.flags_into_string())
    failed = characterization.run(
        cells,
        cache,
        budget,
        path,
        characterization_flags.MEASURE.value,
        characterization_flags.BRANCHES.value,
        show,
    )
    merge()
    if failed:
        sys.exit(f"error: {len(failed)} of {len(cells)} cells failed; their rows say why")


if __name__ == "__main__":
    program.run(main)
