r"""What FENs cost on this device: parameters, MACs, bytes of files, peak activations, latency (appendix D).

python -m eval.measure_cost --flagfile=flags/presets/cost.flags --workdir=runs/cost
python -m eval.measure_cost --workdir=runs/cost --cost_networks=vgg16 --cost_layers=6 --cost_depths=8,4 \
    --intermediate_depths=48,64,128,8 --intermediate_depths=32,32,64,8

The table is --workdir's cost.csv; privynet_tf/device/cost_tables.py says what its columns are. Killed, it
resumes; figure 20 is drawn from it. Neither weights nor choice of channels change a cost, so weights are
random. On another device:

python -m eval.measure_cost --export=for_device     # then copy the directory; on the device, which needs
python latency.py --threads=1,2,4 --device="..."    # ai_edge_litert and NumPy alone, this makes cost.csv
python -m eval.measure_cost --workdir=runs/cost --cost_table=for_device/cost.csv
"""

from absl import flags

from flags import cost as cost_flags
from flags import program
from flags import run as run_flags
from privynet_tf import figures, workdir
from privynet_tf.device import cost_figures, cost_measurement, cost_tables


def export(directory) -> None:
    cost_measurement.export(
        directory,
        cost_flags.topologies(),
        cost_flags.image_size(),
        cost_flags.number_formats(),
        program.progress("FENs"),
    )
    print(f"models and script for the device: {directory}")


def measure(path):
    arguments = (
        cost_flags.topologies(),
        cost_flags.image_size(),
        cost_flags.number_formats(),
        cost_flags.threads(),
        cost_flags.effort(),
        cost_flags.device(),
    )
    if run_flags.OVERWRITE.value:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    workdir.write_atomically(path.with_suffix(".flags"), flags.FLAGS.flags_into_string())
    return cost_measurement.measure(
        path,
        *arguments,
        with_keras=cost_flags.WITH_KERAS.value,
        progress=program.progress("FENs"),
    )


def main():
    directory = cost_flags.export_directory()
    if directory:
        export(directory)
        return
    path = cost_flags.table()
    beside = [row for other in cost_flags.other_tables() for row in cost_tables.read(other)]
    rows = measure(path)
    print(f"{len(rows):,} rows: {path}")
    for network in cost_flags.networks():
        figure = cost_figures.figure_20(rows + beside, network, cost_flags.image_size())
        if figure:
            figures.save(figure, path.parent / f"figure20_{network}")
            print(f"figure 20: {path.parent / f'figure20_{network}.png'}")


if __name__ == "__main__":
    program.run(main)
