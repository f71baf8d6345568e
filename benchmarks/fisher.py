r"""Discriminability of every channel against a loop of scikit-learn's LDA over the channels.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.fisher
python -m benchmarks.fisher --release=/tmp/release

Prints, as tables, seconds by the clock and of the processor, the ratios of both and how far the answers
differ; the peak memory against that of the S_w matrices; and the multiply-adds against appendix E of the
paper. The representations are random, of the sizes that VGG16 has at m=6 and m=1 for 32x32 images, or the
training split of a release. One thread makes the processor's seconds comparable on a machine that is busy.
"""

import dataclasses
import os
import statistics
import time
import tracemalloc

import numpy as np
from absl import flags
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from flags import program
from flags import release as release_flags
from privynet_tf import fisher, representations

_IMAGES = flags.DEFINE_integer(
    "num_images", 6400, "Images; the paper uses 50 minibatches of 128.", lower_bound=20
)
_SHAPES = flags.DEFINE_multi_enum(
    "shape", ["8x8x128", "32x32x64"], ["8x8x128", "32x32x64"], "Of random representations; repeatable."
)
_LDA_CHANNELS = flags.DEFINE_integer(
    "lda_channels",
    0,
    "Run the loop over the first so many channels and scale its time; 0 for all.",
    lower_bound=0,
)
_REPEATS = flags.DEFINE_integer("repeats", 3, "Measurements of each.", lower_bound=1)

_CLASSES = 10
_MINIBATCH = 128
_MEBI = 1 << 20


@dataclasses.dataclass(frozen=True)
class Seconds:
    """Of one call: by the clock, and of the processor in all threads."""

    clock: float
    processor: float


def random_representations(num_images, shape, seed=0):
    """ReLU of noise about class means, float32, and balanced labels."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(num_images) % _CLASSES)
    means = generator.normal(0, 0.3, (_CLASSES, *shape)).astype(np.float32)
    features = generator.standard_normal((num_images, *shape), dtype=np.float32)
    for maps, label in zip(features, labels, strict=True):
        np.maximum(maps + means[label], 0, out=maps)
    return features, labels


def lda_directions(features, labels, num_channels, dtype):
    """What the loop finds: each channel's most discriminant direction, None where S_w is singular."""
    flat = features.reshape(len(features), -1, features.shape[-1])
    directions = []
    for j in range(num_channels):
        lda = LinearDiscriminantAnalysis(solver="eigen")
        try:
            lda.fit(flat[:, :, j].astype(dtype, copy=False), labels)
            directions.append(lda.scalings_[:, 0])
        except np.linalg.LinAlgError:
            directions.append(None)
    return directions


def quotient(maps, labels, direction):
    """Eq. (6) for maps [N, H', W'] of one channel in a given direction, in float64."""
    maps = maps.reshape(len(maps), -1).astype(np.float64)
    projected = (maps - maps.mean(axis=0)) @ direction
    counts = np.bincount(labels)
    means = np.bincount(labels, projected) / np.maximum(counts, 1)
    return (counts @ means**2) / np.sum((projected - means[labels]) ** 2)


def timed(function, *arguments):
    clock, processor = time.perf_counter(), time.process_time()
    result = function(*arguments)
    return result, Seconds(time.perf_counter() - clock, time.process_time() - processor)


def compare(name, features, labels):
    """Prints a row for the loop in float32 and one in float64."""
    depth = features.shape[-1]
    num_channels = min(_LDA_CHANNELS.value or depth, depth)
    dtypes = ("float32", "float64")
    ours, theirs, difference = [], {dtype: [] for dtype in dtypes}, {}
    for _ in range(_REPEATS.value):
        found, seconds = timed(fisher.discriminability, features, labels)
        ours.append(seconds)
        for dtype in dtypes:
            directions, seconds = timed(lda_directions, features, labels, num_channels, dtype)
            scale = depth / num_channels
            theirs[dtype].append(Seconds(scale * seconds.clock, scale * seconds.processor))
            solved = [j for j, direction in enumerate(directions) if direction is not None]
            expected = [quotient(features[..., j], labels, directions[j]) for j in solved]
            difference[dtype] = np.max(np.abs(found[solved] / expected - 1), initial=0)
    for dtype in dtypes:
        cells = []
        for field in ("clock", "processor"):
            fast, slow = ([getattr(x, field) for x in times] for times in (ours, theirs[dtype]))
            ratios = [s / f for s, f in zip(slow, fast, strict=True)]
            cells += [f"{statistics.median(fast):.2f}", f"{statistics.median(slow):.1f}"]
            cells += [f"**{statistics.median(ratios):.1f}** ({min(ratios):.1f} to {max(ratios):.1f})"]
        loop = f"{dtype}, {num_channels} channels, {num_channels - len(solved)} singular"
        row = [name, loop, *cells, f"{difference[dtype]:.0e}"]
        print(f"| {' | '.join(row)} |", flush=True)


def peak_memory(features, labels):
    """Bytes that a pass over copied minibatches allocates at its peak."""
    starts = range(0, len(features), _MINIBATCH)
    tracemalloc.start()
    fisher.discriminability((features[i : i + _MINIBATCH].copy() for i in starts), labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def multiply_adds(num_images, pixels, num_classes):
    """Of one channel: what ``fisher`` does, and appendix E's (K + N) d^2 + d^3 with constants of 1."""
    triangle = pixels * (pixels + 1) // 2
    sums = (num_images + num_classes) * triangle + num_images * num_classes * pixels
    solution = pixels**3 // 6 + num_classes * triangle + num_classes**2 * pixels
    return sums + solution, (num_classes + num_images) * pixels**2 + pixels**3


def main():
    if flags.FLAGS.release:
        split = representations.read(
            representations.open_release(release_flags.directory()), "train", _IMAGES.value
        )
        sources = [lambda: (split.representations, split.labels)]
    else:
        shapes = [tuple(map(int, shape.split("x"))) for shape in _SHAPES.value]
        sources = [lambda shape=shape: random_representations(_IMAGES.value, shape) for shape in shapes]

    threads = os.environ.get("OPENBLAS_NUM_THREADS", "as many as it likes")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; threads of OpenBLAS: {threads}\n")
    print("| representations | loop of LDA | clock: ours (s) | loop (s) | ratio ", end="")
    print("| processor: ours (s) | loop (s) | ratio | largest difference |")
    print("|" + " --- |" * 9)
    resources = []
    for source in sources:
        features, labels = source()
        num_images, *shape = features.shape
        name = f"{num_images:,} x {'x'.join(map(str, shape))} {features.dtype}"
        compare(name, features, labels)
        pixels, depth = shape[0] * shape[1], shape[2]
        counted, formula = multiply_adds(num_images, pixels, len(np.unique(labels)))
        memory = [
            features.nbytes,
            peak_memory(features, labels),
            8 * depth * pixels**2,
            features[:_MINIBATCH].nbytes,
        ]
        cells = [f"{size / _MEBI:,.1f}" for size in memory]
        cells += [f"{depth * count / 1e9:,.2f}" for count in (counted, formula)]
        resources.append(f"| {name} | {' | '.join(cells)} | {counted / formula:.2f} |")
    print(
        "\n| representations | MiB | peak of a pass (MiB) | S_w matrices (MiB) | a minibatch (MiB) ", end=""
    )
    print("| 10^9 multiply-adds | appendix E | ratio |")
    print("|" + " --- |" * 8)
    print("\n".join(resources))


if __name__ == "__main__":
    program.run(main)
