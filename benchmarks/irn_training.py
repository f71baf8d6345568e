r"""How much an attacker gains by the optimizer, annealing, averaging and re-estimated statistics.

python -m benchmarks.irn_training --release=/tmp/characterization_release

Trains a small IRN on the same pairs in every way, and prints the test PSNR with BatchNormalization's
moving averages and with statistics re-estimated over the training set, as a table.
"""

import dataclasses
import statistics

import keras
from absl import flags

from flags import program
from flags import release as release_flags
from privynet_tf import irn, representations, ridge, training

_PAIRS = flags.DEFINE_integer("pairs", 2000, "Training pairs.")
_EPOCHS = flags.DEFINE_integer("epochs", 20, "Epochs of each training.")
_REPEATS = flags.DEFINE_integer("repeats", 3, "Seeds of each row.")

_WAYS = {
    "SGD 0.003, constant (the paper's)": training.Settings(1, 0.003),
    "Adam 0.001, constant": training.Settings(1, 0.001, optimizer="adam"),
    "Adam 0.001, constant, averaged weights": training.Settings(
        1, 0.001, optimizer="adam", average_weights=True
    ),
    "Adam 0.001, cosine": training.Settings(1, 0.001, optimizer="adam", schedule="cosine"),
    "Adam 0.001, cosine, averaged weights": training.Settings(
        1, 0.001, optimizer="adam", schedule="cosine", average_weights=True
    ),
}


def measure(settings, train, test):
    """Test PSNR before and after re-estimation, and train PSNR after."""
    keras.utils.set_random_seed(settings.seed)
    model = irn.build(train[0].shape[1:], train[1].shape[1], clusters=2, blocks=2, width=32)
    training.adapt_normalization(model.get_layer("normalization"), train[0])
    batches = training.Batches(*train, settings.batch_size, seed=settings.seed, target_scale=irn.PIXEL_SCALE)
    training.fit(model, batches, None, settings, irn.loss, [])
    before = irn.evaluate(model, test).psnr
    training.reestimate_batch_norm(model, batches)
    return before, irn.evaluate(model, test).psnr, irn.evaluate(model, train).psnr


def main():
    release = representations.open_release(release_flags.directory(), images_needed=True)
    train, validation, test = (
        (split.representations, split.images)
        for split in (
            representations.read(release, "train", _PAIRS.value),
            representations.read(release, "validation"),
            representations.read(release, "test"),
        )
    )
    floor = ridge.privacy_loss(train, validation, test).psnr
    print(f"{len(train[0]):,} pairs, {_EPOCHS.value} epochs; ridge decoder {floor:.2f} dB\n")
    print("| training | moving averages (dB) | re-estimated (dB) | on training pairs (dB) |")
    print("| --- | --- | --- | --- |")
    for name, way in _WAYS.items():
        repeats = [
            measure(dataclasses.replace(way, epochs=_EPOCHS.value, seed=seed), train, test)
            for seed in range(_REPEATS.value)
        ]
        cells = [f"{statistics.mean(x):.2f} ± {statistics.pstdev(x):.2f}" for x in zip(*repeats, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    program.run(main)
