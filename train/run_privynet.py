r"""The main job: private images -> FEN -> release -> ICN -> IRN -> report; from limits, a plan first.

python -m train.run_privynet --flagfile=flags/presets/demo.flags --workdir=/tmp/demo
python -m train.run_privynet --flagfile=flags/presets/cpu_cifar10.flags --workdir=/tmp/cifar10 --download
python -m train.run_privynet --images=photos --fen_weights=imagenet --max_psnr=17 --max_latency_ms=3 \
    --workdir=/tmp/planned

Limits choose the topology (Fig. 6), by --characterization (the table shipped for --fen_weights, if unset)
and by --cost (measured on this machine, if unset); the report says whether what was delivered keeps them.
Killed, it resumes; finished, it prints the report again.
"""

from flags import fen as fen_flags
from flags import icn as icn_flags
from flags import images as image_flags
from flags import irn as irn_flags
from flags import planned as planned_flags
from flags import program
from flags import release as release_flags
from flags import run as run_flags
from flags import training as training_flags
from flags.irn_images import IRN_IMAGES
from privynet_tf import flow, icn, report
from privynet_tf.planning import planned_flow

_BASELINE = training_flags.define("baseline", **icn.PAPER_SETTINGS)

WIDTH = 62


def main():
    settings = flow.Settings(
        icn=icn_flags.settings(),
        baseline=_BASELINE(),
        irn=irn_flags.settings(),
        architecture=irn_flags.architecture(),
        irn_images=IRN_IMAGES.value,
        dtype=release_flags.dtype(),
        litert_formats=fen_flags.litert_formats(),
        fen_format=fen_flags.fen_format(),
    )
    source = image_flags.source()
    selections = image_flags.selections(source)
    request = planned_flags.request()
    # Unusable weights are found before anything is written.
    topology = None if request else fen_flags.topology()
    if topology:
        fen_flags.build(topology)
    run = run_flags.open_run(without=planned_flags.not_settings(request))
    told = {"log": lambda stage: print(f"== {stage}", flush=True), "verbose": run_flags.verbosity()}
    if request:
        progress = program.progress
        result = planned_flow.run(
            run, request, source, selections, fen_flags.build, settings, progress=progress, **told
        )
    else:
        progress = program.progress("representations")
        result = flow.run(
            run, source, selections, topology, fen_flags.build, settings, progress=progress, **told
        )
    for name, value in report.rows(result):
        print(f"{name}{value:>{WIDTH - len(name)}}")
    print(f"report: {run.directory / report.REPORT}")


if __name__ == "__main__":
    program.run(main)
