r"""How much faster a sweep is than the plain loop, and how near the IRN's step comes to the arithmetic.

python -m benchmarks.characterize --images=cifar10 --data_dir=/tmp/tfds --fen_weights=imagenet \
    --train_split=train[:10000] --icn_epochs=10 --processes=2

Measures the utility of the same single channels in one run: by the plain loop, which builds a FEN, computes
representations and trains an ICN for each; by a sweep, which computes them once and trains branches; and by
one in several processes. Then times training steps of IRNs and a matrix product. Prints tables.
"""

import dataclasses
import itertools
import pathlib
import tempfile
import time

import keras
import numpy as np
from absl import flags

from flags import characterization as characterization_flags
from flags import fen as fen_flags
from flags import icn as icn_flags
from flags import images as image_flags
from flags import program
from privynet_tf import fen, grid, icn, icn_branches, images, irn, sweep, tables, training
from privynet_tf.topology import FenTopology

_CHANNELS = flags.DEFINE_integer("bench_channels", 16, "Single channels of the grid, the first so many.")
_LAYER = flags.DEFINE_integer("bench_layer", 6, "m of the grid.")
_STEPS = flags.DEFINE_integer("irn_steps", 10, "Steps of each IRN that are timed; 0 to leave it out.")
_SIZES = flags.DEFINE_list("irn_sizes", ["2x8x64", "2x2x64", "2x2x32"], "CLUSTERSxBLOCKSxWIDTH, each timed.")
_BRANCHES = flags.DEFINE_bool("compare_branches", False, "Also time ICNs alone and as branches.")
_MATRIX = flags.DEFINE_integer("matrix", 2048, "Rows and columns of the matrices whose product is timed.")


class _Stopwatch(keras.callbacks.Callback):
    """Seconds of the last epoch, which no longer traces."""

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self.start


def timed(fit, spent: list[float]):
    """``training.fit``, which appends its seconds to ``spent``."""

    def wrapped(*arguments, **options):
        start = time.perf_counter()
        fit(*arguments, **options)
        spent.append(time.perf_counter() - start)

    return wrapped


def plain(source, selections, cells) -> list[float]:
    """Utilities of the cells, each on its own from the images on."""
    accuracies = []
    for cell in cells:
        model = fen_flags.build(FenTopology(cell.network, cell.num_layers, cell.channels))
        splits = {}
        for name in ("train", "test"):
            pixels, labels = images.arrays(source, selections[name])
            parts = [fen.apply(model, pixels[start : start + 128]) for start in range(0, len(pixels), 128)]
            splits[name] = np.concatenate(parts).astype(np.float16), labels
        trained = icn.train(splits["train"], None, len(source.class_names), icn_flags.settings())
        accuracies.append(icn.evaluate(trained, splits["test"]))
        keras.utils.clear_session()
    return accuracies


def by_sweep(source, cells, processes) -> list[float]:
    """The same through ``sweep.run``, its feature cache included."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "table.csv"
        cache = characterization_flags.cache(path.parent / "cache", source, cells)
        branches = characterization_flags.BRANCHES.value
        failed = sweep.run(cells, cache, characterization_flags.budget(), path, "icn", branches, processes)
        rows = tables.read(path)
    assert not failed, [row["icn_error"] for row in rows]
    found = {row["channels"]: row["utility"] for row in rows}
    return [found[cell.channels] for cell in cells]


def compare_sweeps() -> None:
    source = image_flags.source()
    selections = image_flags.selections(source)
    product = grid.Grid(
        images=source.name,
        train_images=[source.num_images(selections["train"].split)],
        layers=[_LAYER.value],
        channel_sets=[(channel,) for channel in range(_CHANNELS.value)],
    )
    cells, processes = product.cells(), characterization_flags.PROCESSES.value
    ways = {
        "plain loop": lambda: plain(source, selections, cells),
        "sweep, one process": lambda: by_sweep(source, cells, 1),
    }
    if processes > 1:
        ways[f"sweep, {processes} processes"] = lambda: by_sweep(source, cells, processes)
    print(f"{len(cells)} ICNs of one channel at m={_LAYER.value}, {icn_flags.settings().epochs} epochs\n")
    print("| | seconds | ratio | outside training | largest difference in accuracy |")
    print("| --- | --- | --- | --- | --- |")
    fit, first = training.fit, None
    for name, way in ways.items():
        spent = []
        training.fit = timed(fit, spent)
        start = time.perf_counter()
        accuracies = way()
        seconds = time.perf_counter() - start
        first = first or (seconds, accuracies)
        # What other processes spend in training is not seen from here.
        outside = f"{1 - sum(spent) / seconds:.1%}" if spent else ""
        difference = np.abs(np.subtract(accuracies, first[1])).max()
        row = f"{name} | {seconds:.1f} | {first[0] / seconds:.2f} | {outside} | {difference:.4f}"
        print(f"| {row} |", flush=True)
    training.fit = fit
    print()


def compare_branches() -> None:
    """Seconds an epoch of an ICN that trains alone, and as one of several branches."""
    shape, settings = (8, 8), icn_flags.settings()
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, 2000)
    print("| D' | branches | seconds an ICN's epoch of 2,000 examples |\n| --- | --- | --- |")
    for depth, count in itertools.product((1, 2, 8, 16, 64), (1, 2, 4, 8)):
        inputs = generator.random((2000, *shape, depth * count), dtype=np.float32).astype(np.float16)
        seconds = []
        for epochs in (1, 3):  # the first traces
            chosen = dataclasses.replace(settings, epochs=epochs, drop_epochs=())
            start = time.perf_counter()
            icn_branches.train((inputs, labels), [depth] * count, 10, chosen)
            seconds.append(time.perf_counter() - start)
            keras.utils.clear_session()
        print(f"| {depth} | {count} | {(seconds[1] - seconds[0]) / 2 / count:.2f} |", flush=True)
    print()


def matrix_rate() -> float:
    """The best FLOP/s of a float32 matrix product in ten."""
    matrix = keras.random.normal((_MATRIX.value, _MATRIX.value))
    best = np.inf
    for _ in range(10):
        start = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.matmul(matrix, matrix)[0, 0])
        best = min(best, time.perf_counter() - start)
    return 2 * _MATRIX.value**3 / best


def step_flops(model: keras.Model, batch_size: int) -> float:
    """Multiplications and additions of the convolutions in a training step.

    The backward pass computes two products as large as the forward pass's: for inputs and for kernels.
    """
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2DTranspose):
            total += 2 * np.prod(layer.kernel.shape) * np.prod(layer.input.shape[1:3])
        elif isinstance(layer, keras.layers.Conv2D):
            total += 2 * np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3])
    return 3.0 * batch_size * total


def compare_steps() -> None:
    rate = matrix_rate()
    print(f"product of {_MATRIX.value}x{_MATRIX.value} matrices: {rate / 1e9:.0f} GFLOP/s\n")
    print("| IRN (clusters x blocks x width), 8x8x8 to 32x32 | s a step | GFLOP/s | of the product's |")
    print("| --- | --- | --- | --- |")
    generator = np.random.default_rng(0)
    settings = training.Settings(epochs=2, learning_rate=1e-5)  # noise as images diverges at the paper's
    count = _STEPS.value * settings.batch_size
    inputs = generator.random((count, 8, 8, 8), dtype=np.float32)
    targets = generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    for size in _SIZES.value:
        model = irn.build((8, 8, 8), 32, *map(int, size.split("x")))
        batches = training.Batches(inputs, targets, settings.batch_size, seed=0, target_scale=irn.PIXEL_SCALE)
        watch = _Stopwatch()
        training.fit(model, batches, None, settings, irn.loss, [], callbacks=[watch])
        step = watch.seconds / len(batches)
        achieved = step_flops(model, settings.batch_size) / step
        print(f"| {size} | {step:.3f} | {achieved / 1e9:.0f} | {achieved / rate:.0%} |", flush=True)
        keras.utils.clear_session()


def main():
    compare_sweeps()
    if _STEPS.value:
        compare_steps()
    if _BRANCHES.value:
        compare_branches()


if __name__ == "__main__":
    program.run(main)
