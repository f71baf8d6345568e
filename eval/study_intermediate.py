r"""Studies FENs with fewer intermediate channels: figures 14 and 15 of the paper.

python -m eval.study_intermediate --flagfile=flags/presets/cpu_intermediate.flags --download \
    --cache_dir=/tmp/cache --workdir=/tmp/intermediate --out=/tmp/results

--step=scores measures the discriminability J of intermediate channels; --step=sets measures the FENs as
eval.characterize does: killed, it resumes, --shard shares it, and in the --workdir of a cpu_fig5 run it finds
the rows of whole FENs; --step=cost measures what they cost on this machine, unless --cost names a table of
eval.measure_cost; --step=report writes intermediate.md and the figures from the tables alone. All by default.
"""

import dataclasses

from eval import sweep
from flags import characterization as characterization_flags
from flags import cost as cost_flags
from flags import cost_table, output, program
from flags import images as image_flags
from flags import intermediate as study_flags
from flags import run as run_flags
from privynet_tf.device import cost_measurement, latency
from privynet_tf.studies import intermediate_report, intermediate_scores, intermediate_study


def score(path, study, source):
    """Measures the J of intermediate channels on training images."""
    if run_flags.OVERWRITE.value:
        path.unlink(missing_ok=True)
    layers = list(study.scored_layers().values())
    product = dataclasses.replace(
        characterization_flags.product(source), networks=[study.network], layers=layers, channel_sets=[[0]]
    )
    cache = characterization_flags.cache(characterization_flags.cache_dir(), source, product.cells())
    show = program.progress("discriminability")
    intermediate_scores.of_cache(path, study, cache, study_flags.SCORE_IMAGES.value, show)


def measure(path, study, source):
    """Measures the FENs into table.csv."""
    scores = intermediate_scores.read(path, study_flags.made(study.network), study.scored_layers())
    topologies = intermediate_study.topologies(study, scores)
    cells = intermediate_study.cells(topologies, characterization_flags.product(source))
    sweep.measure(source, characterization_flags.of_shard(cells))


def measure_costs(path, study):
    """Measures what the FENs cost on this machine."""
    if run_flags.OVERWRITE.value:
        path.unlink(missing_ok=True)
    cost_measurement.measure(
        path,
        intermediate_study.cost_topologies(study),
        image_flags.image_size(),
        ["float32"],
        [1],
        cost_flags.effort(),
        cost_flags.device(),
        with_keras=False,
        progress=program.progress("costs"),
    )


def main():
    steps, study = study_flags.steps(), study_flags.of_flags()
    workdir, out, given = characterization_flags.workdir(), output.directory("the report"), cost_table.path()
    scores, costs = workdir / "intermediate_scores.csv", given or workdir / latency.TABLE
    source = image_flags.source() if steps & {study_flags.SCORES, study_flags.SETS} else None
    if study_flags.SCORES in steps and study.scored_layers():
        score(scores, study, source)
    if study_flags.SETS in steps:
        measure(scores, study, source)
    if study_flags.COST in steps and not given:
        measure_costs(costs, study)
    if study_flags.REPORT in steps:
        table, device = workdir / "table.csv", study_flags.device()
        intermediate_report.from_tables(out, study, scores, table, costs, device)
        print(out / intermediate_report.REPORT)


if __name__ == "__main__":
    program.run(main)
