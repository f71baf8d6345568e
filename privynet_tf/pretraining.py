"""Pre-trains the first layers of a network inside a small classifier: the ``embedded`` weights.

Those are for use without a network connection, where the ImageNet weights cannot be had; the paper's
FEN comes from ImageNet.
"""

import pathlib

import keras
import numpy as np

from privynet_tf import fen, pretrained, training
from privynet_tf.topology import FenTopology


def build_classifier(topology: FenTopology, num_classes: int, image_size: int, seed: int) -> keras.Model:
    """The trainable FEN under a small head: images [N, S, S, 3] in [0, 255] -> logits [N, K].

    The images are flipped and shifted by up to an eighth at random while training.
    """
    features = fen.build(topology, weights="random", image_size=image_size, seed=seed)
    features.trainable = True
    inputs = keras.Input((image_size, image_size, 3))
    x = keras.layers.RandomFlip("horizontal", seed=seed)(inputs)
    x = keras.layers.RandomTranslation(0.125, 0.125, fill_mode="constant", seed=seed + 1)(x)
    x = features(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2D(256, 3, strides=2, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(num_classes)(x)
    return keras.Model(inputs, x)


def pretrain(
    topology: FenTopology,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    settings: training.Settings,
    directory: pathlib.Path,
    verbose: int = 0,
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], float]:
    """Trains the classifier and takes out the FEN's kernels.

    Args:
        topology: complete layers (no channels left out).
        train: images [N, S, S, 3] uint8 and labels [N].
        test: the same, for the accuracy that is reported.
        settings: how to train.
        directory: for resuming.
        verbose: as in ``keras.Model.fit``.

    Returns:
        Layer name -> (kernel, bias), and the classifier's test accuracy.
    """
    keras.utils.set_random_seed(settings.seed)
    model = build_classifier(topology, int(train[1].max()) + 1, train[0].shape[1], settings.seed)
    training.fit(
        model,
        training.Batches(*train, settings.batch_size, seed=settings.seed),
        training.Batches(*test, settings.batch_size),
        settings,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        ["accuracy"],
        directory,
        verbose=verbose,
    )
    scores = model.evaluate(training.Batches(*test, settings.batch_size), verbose=0, return_dict=True)
    features = model.get_layer("fen")
    arrays = {
        layer.name: tuple(features.get_layer(layer.name).get_weights()) for layer in topology.convolutions
    }
    return arrays, scores["accuracy"]


def write(path: pathlib.Path, arrays: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Stores the kernels in float16, in the layout that ``pretrained.kernels`` reads."""
    pretrained.write(path, arrays, "float16")
