r"""The main job: private images -> FEN -> release -> ICN -> IRN -> report.

python -m train.run_privynet --flagfile=flags/presets/demo.flags --workdir=/tmp/demo
python -m train.run_privynet --flagfile=flags/presets/cpu_cifar10.flags --workdir=/tmp/cifar10 --download

Killed, it resumes; finished, it prints the report again.
"""

from absl import flags

from flags import fen as fen_flags
from flags import icn as icn_flags
from flags import images as image_flags
from flags import irn as irn_flags
from flags import program
from flags import release as release_flags
from flags import training as training_flags
from privynet_tf import flow, icn, report

_BASELINE = training_flags.define("baseline", **icn.PAPER_SETTINGS)
_IRN_IMAGES = flags.DEFINE_integer(
    "irn_images", 10_000, "Training images of the IRN, the first so many.", lower_bound=1
)


def main():
    settings = flow.Settings(
        icn=icn_flags.settings(),
        baseline=_BASELINE(),
        irn=irn_flags.settings(),
        architecture=irn_flags.architecture(),
        irn_images=_IRN_IMAGES.value,
        dtype=release_flags.dtype(),
        litert_formats=fen_flags.litert_formats(),
        fen_format=fen_flags.fen_format(),
    )
    source = image_flags.source()
    selections = image_flags.selections(source)
    topology = fen_flags.topology()
    fen_flags.build(topology)  # unusable weights are found before anything is written
    run = program.open_run()
    result = flow.run(
        run,
        source,
        selections,
        topology,
        fen_flags.build,
        settings,
        log=lambda stage: print(f"== {stage}", flush=True),
        progress=program.progress("representations"),
        verbose=program.verbosity(),
    )
    for name, value in report.rows(result):
        print(f"{name:<48}{value:>14}")
    print(f"report: {run.directory / report.REPORT}")


if __name__ == "__main__":
    program.run(main)
