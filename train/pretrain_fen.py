r"""Pre-trains the FEN's layers in a small classifier; writes the weights and a card.

How the embedded weights were made (half an hour to an hour on two cores with bfloat16 instructions):

python -m train.pretrain_fen --images=cifar10 --download --train_split=train --workdir=/tmp/pretrain_fen
"""

import keras
from absl import flags

from flags import images as image_flags
from flags import program
from flags import run as run_flags
from flags import training as training_flags
from privynet_tf import images, pretraining, workdir
from privynet_tf.topology import FenTopology

_NUM_LAYERS = flags.DEFINE_integer("pretrain_layers", 6, "Layers of VGG16 to train; pools count.")
_PRECISION = flags.DEFINE_enum(
    "precision", "mixed_bfloat16", ("float32", "mixed_bfloat16"), "Arithmetic of the training."
)
_SETTINGS = training_flags.define(
    "pretrain", epochs=25, learning_rate=1e-3, optimizer="adam", schedule="cosine"
)


def main():
    source = image_flags.source()
    selections = image_flags.selections(source)
    run = run_flags.open_run()
    if run.result:
        print(run.result)
        return
    keras.config.set_dtype_policy(_PRECISION.value)
    arrays, accuracy = pretraining.pretrain(
        FenTopology(num_layers=_NUM_LAYERS.value),
        images.arrays(source, selections["train"]),
        images.arrays(source, selections["test"]),
        _SETTINGS(),
        run.directory / "backup",
        run_flags.verbosity(),
    )
    pretraining.write(run.directory / f"vgg16_{source.name}_m{_NUM_LAYERS.value}.h5", arrays)
    workdir.finish(run, {"test_accuracy": accuracy, "images": source.name})
    print(f"test accuracy {accuracy:.4f}; weights in {run.directory}")


if __name__ == "__main__":
    program.run(main)
