r"""Measures utility and privacy loss over a grid of topologies; section 2 of the paper.

python -m eval.characterize --flagfile=flags/presets/cpu_fig3.flags --data_dir=/tmp/tfds --download \
    --cache_dir=/tmp/cache --workdir=/tmp/fig3

Leaves a table with a row a cell, ``table.csv``; privynet_tf/tables.py says what its columns are. Killed,
it resumes; finished, it measures what a larger grid adds. --shard=1/2 and --shard=2/2 share the work of a
grid; the last to finish leaves the whole table. Where they ran on different machines, put their
``table-*-of-2.csv`` into one directory and pass --merge.
"""

from eval import sweep
from flags import characterization as characterization_flags
from flags import images as image_flags
from flags import program


def main():
    if characterization_flags.MERGE.value:
        sweep.merge()
        return
    source = image_flags.source()
    sweep.measure(source, characterization_flags.cells(source))


if __name__ == "__main__":
    program.run(main)
