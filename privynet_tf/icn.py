"""The image classification network (ICN): the TensorFlow tutorial's CIFAR-10 network (Fig. 17)."""

import pathlib
from collections.abc import Sequence

import keras
import numpy as np

from privynet_tf import metrics, training
from privynet_tf.layers import LocalResponseNormalization

PAPER_SETTINGS = {
    "epochs": 250,
    "learning_rate": 0.05,
    "schedule": "steps",
    "drop_epochs": (100, 200),
}
"""Appendix B: plain SGD, minibatches of 128, the rate times 0.1 at 100 and 200 of 250 epochs."""


def build(input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Builds ``h`` of eq. (1).

    The first layer, a ``Normalization``, must be adapted to the training representations.

    Args:
        input_shape: (H', W', D') of the representations.
        num_classes: K.

    Returns:
        A model from representations [N, H', W', D'] to logits [N, K].
    """

    def convolution(name, bias):
        return keras.layers.Conv2D(
            64,
            5,
            padding="same",
            activation="relu",
            kernel_initializer=_truncated_normal(5e-2),
            bias_initializer=keras.initializers.Constant(bias),
            name=name,
        )

    def hidden(units, name):
        return keras.layers.Dense(
            units,
            activation="relu",
            kernel_initializer=_truncated_normal(0.04),
            bias_initializer=keras.initializers.Constant(0.1),
            kernel_regularizer=keras.regularizers.L2(0.002),  # 0.004 of TF's l2_loss, half the square
            name=name,
        )

    inputs = keras.Input(input_shape, name="representation")
    x = keras.layers.Normalization(name="normalization", dtype="float32")(inputs)
    x = convolution("conv1", bias=0.0)(x)
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
    x = LocalResponseNormalization(name="norm1")(x)
    x = convolution("conv2", bias=0.1)(x)
    x = LocalResponseNormalization(name="norm2")(x)
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name="pool2")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = hidden(384, "local3")(x)
    x = hidden(192, "local4")(x)
    logits = keras.layers.Dense(
        num_classes, kernel_initializer=_truncated_normal(1 / 192), name="logits", dtype="float32"
    )(x)
    return keras.Model(inputs, logits, name="icn")


def train(
    training_data: tuple[np.ndarray, np.ndarray],
    validation_data: tuple[np.ndarray, np.ndarray] | None,
    num_classes: int,
    settings: training.Settings,
    directory: pathlib.Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 0,
) -> keras.Model:
    """Trains an ICN with the cross-entropy in place of eq. (1)'s 0-1 loss.

    Args:
        training_data: representations [N, H', W', D'] and labels [N].
        validation_data: the same, reported on after each epoch; None for no report.
        num_classes: K.
        settings: how to train; seeds Keras's global generator.
        directory: for resuming; see ``training.fit``.
        callbacks: more of them.
        verbose: as in ``keras.Model.fit``.
    """
    keras.utils.set_random_seed(settings.seed)
    with training.precision(settings):
        model = build(training_data[0].shape[1:], num_classes)
    training.adapt_normalization(model.get_layer("normalization"), training_data[0])
    training.fit(
        model,
        training.Batches(*training_data, settings.batch_size, seed=settings.seed),
        validation_data and training.Batches(*validation_data, settings.batch_size),
        settings,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        ["accuracy"],
        directory,
        callbacks,
        verbose,
    )
    return model


def evaluate(model: keras.Model, data: tuple[np.ndarray, np.ndarray]) -> float:
    """Utility, eq. (2), on representations [N, H', W', D'] and labels [N]."""
    batches = training.Batches(*data, batch_size=500)
    return metrics.accuracy(model.predict(batches, verbose=0), data[1])


def _truncated_normal(deviation: float) -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(stddev=deviation)
