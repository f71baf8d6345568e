r"""Studies the pruning of channels: figures 10 to 13 and table 13(b) of the paper.

python -m eval.study_pruning --flagfile=flags/presets/cpu_pruning.flags --download \
    --characterization=/tmp/table4/table.csv --cache_dir=/tmp/cache --workdir=/tmp/pruning --out=/tmp/results

Takes a table with every channel alone at --num_layers (the preset cpu_table4 of eval.characterize) and the
feature cache that it was made with. --step=scores scores the channels on random draws of images; --step=sets
draws sets of channels with and without pruning, and measures them as eval.characterize does: killed, it
resumes, and --shard shares it; --step=report writes pruning.md and the figures from the tables alone. All
three by default.
"""

import dataclasses

from absl import flags

from eval import sweep
from flags import characterization as characterization_flags
from flags import characterized, program
from flags import fen as fen_flags
from flags import images as image_flags
from flags import pruning as pruning_flags
from flags import pruning_study as study_flags
from flags import run as run_flags
from privynet_tf import tables
from privynet_tf.studies import channel_scores, pruning_inputs, pruning_report, pruning_sets


def grid(source, topology):
    """The grid of the flags, of one layer and without sets of channels."""
    return dataclasses.replace(
        characterization_flags.product(source), networks=[topology.network], layers=[topology.num_layers]
    )


def score(path, source, topology):
    """Scores the channels on draws of the training images."""
    if run_flags.OVERWRITE.value:
        path.unlink(missing_ok=True)
    cells = dataclasses.replace(grid(source, topology), channel_sets=[[0]]).cells()
    cache = characterization_flags.cache(characterization_flags.cache_dir(), source, cells)
    layer, rows = (topology.network, topology.num_layers), cache.train.rows()
    channel_scores.measure(
        path,
        {"network": layer[0], "m": layer[1], "num_classes": cache.num_classes, "images": source.name}
        | cache.conditions(topology.network)
        | {"sha256": cache.train.made["sha256"]},
        cache.train.representations(*layer, topology.output_channels, rows),
        cache.train.labels[rows],
        study_flags.minibatches(),
        study_flags.REPEATS.value,
        program.progress("scores"),
    )


def measure(path, source, inputs):
    """Draws sets of channels, and measures them into table.csv."""
    if run_flags.OVERWRITE.value:
        path.unlink(missing_ok=True)
    depth, experiments = flags.FLAGS.output_depth, study_flags.EXPERIMENTS.value
    sets = pruning_sets.write(path, inputs.kept, depth, experiments)
    cells = pruning_sets.cells(sets, grid(source, inputs.topology))
    sweep.measure(source, characterization_flags.of_shard(cells))


def report(path, table, inputs, rows):
    """Writes pruning.md and the figures from the tables."""
    out, depth, sets = pruning_flags.out(), flags.FLAGS.output_depth, pruning_sets.read(path)
    pruning_sets.check(path, inputs.kept, depth)
    results = pruning_sets.measured(sets, tables.read(table), str(table)) if sets else None
    pruning_report.write(out, inputs, rows, depth, results)
    print(f"{out / pruning_report.REPORT}" + ("" if sets else "; no sets are measured yet"))


def main():
    steps, topology = study_flags.steps(), fen_flags.ranked()
    workdir, _ = characterization_flags.workdir(), pruning_flags.out()
    rows, counts = pruning_flags.table(), pruning_flags.counts(topology.output_depth)
    source = image_flags.source() if steps - {study_flags.REPORT} else None
    if study_flags.SCORES in steps:
        score(workdir / "scores.csv", source, topology)
    name = characterized.name()
    inputs = pruning_inputs.load(topology, rows, name, workdir / "scores.csv", counts)
    if study_flags.SETS in steps:
        measure(workdir / "sets.csv", source, inputs)
    if study_flags.REPORT in steps:
        report(workdir / "sets.csv", workdir / "table.csv", inputs, rows)


if __name__ == "__main__":
    program.run(main)
