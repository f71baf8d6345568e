"""Training a Keras model on arrays: schedule, weight averaging, logs and resume, in one place.

A killed training resumes from its last finished epoch and ends with the same weights as one that ran
through: the order of the data and the learning rate are functions of the epoch alone, and weights
and optimizer state come from one file.
"""

import contextlib
import dataclasses
import math
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from privynet_tf.errors import InputError

OPTIMIZERS = ("sgd", "adam")
SCHEDULES = ("steps", "cosine", "constant")
PRECISIONS = ("float32", "mixed_bfloat16")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        epochs: passes over the training data.
        learning_rate: at the start.
        batch_size: examples a step; an incomplete last batch is left out of its epoch.
        optimizer: ``sgd`` (plain, the paper's) or ``adam``.
        schedule: ``steps`` multiplies the rate by 0.1 at each epoch in ``drop_epochs``; ``cosine``
            anneals it to 0 over all epochs; ``constant`` keeps it.
        drop_epochs: for ``steps``, increasing.
        average_weights: ends with an exponential moving average of the weights, decay
            min(0.9999, (1 + t) / (10 + t)) at step t, as the TensorFlow tutorial evaluates. The paper
            does not mention it.
        precision: ``mixed_bfloat16`` computes in bfloat16 and keeps weights, losses and statistics in
            float32: faster where the machine multiplies bfloat16 matrices faster.
        seed: of the initial weights and of the order of the data.

    Raises:
        InputError: for a value out of range.
    """

    epochs: int
    learning_rate: float
    batch_size: int = 128
    optimizer: str = "sgd"
    schedule: str = "constant"
    drop_epochs: tuple[int, ...] = ()
    average_weights: bool = False
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self):
        for field, allowed in (
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("precision", PRECISIONS),
        ):
            if getattr(self, field) not in allowed:
                raise InputError(f"{field} must be one of {allowed}. Received: {getattr(self, field)!r}")
        for field in ("epochs", "batch_size"):
            if getattr(self, field) < 1:
                raise InputError(f"{field} must be at least 1. Received: {getattr(self, field)}")
        if not self.learning_rate > 0:
            raise InputError(f"learning_rate must be above 0. Received: {self.learning_rate}")
        if list(self.drop_epochs) != sorted(set(self.drop_epochs)):
            raise InputError(f"drop_epochs must increase. Received: {list(self.drop_epochs)}")

    def rate(self, epoch: int) -> float:
        """The learning rate in an epoch, counted from 0."""
        if self.schedule == "steps":
            return self.learning_rate * 0.1 ** sum(epoch >= drop for drop in self.drop_epochs)
        if self.schedule == "cosine":
            return self.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))
        return self.learning_rate


@contextlib.contextmanager
def precision(settings: Settings) -> Iterator[None]:
    """Layers built inside compute in the precision of the settings, but for those that name their own."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(settings.precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class Batches(keras.utils.PyDataset):
    """Minibatches of arrays in an order that depends on the seed and the epoch alone.

    Args:
        inputs: [N, ...], an array or memory map, of any float or uint8 type.
        targets: [N, ...].
        batch_size: examples a batch, at most N.
        seed: of the order; None keeps the arrays' order and the incomplete last batch.
        target_scale: factor on the targets, 1/255 for uint8 images.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        targets: np.ndarray,
        batch_size: int,
        seed: int | None = None,
        target_scale: float | None = None,
    ):
        super().__init__()
        if len(inputs) != len(targets) or not len(inputs):
            raise InputError(
                f"inputs and targets must be as many, at least 1. Received: {len(inputs)} and {len(targets)}"
            )
        self.inputs = inputs
        self.targets = targets
        self.batch_size = min(batch_size, len(inputs))
        self.seed = seed
        self.target_scale = target_scale
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Puts the data into the order of this epoch, counted from 0."""
        self.order = np.arange(len(self.inputs))
        if self.seed is not None:
            np.random.default_rng((self.seed, epoch)).shuffle(self.order)

    def __len__(self) -> int:
        if self.seed is None:
            return math.ceil(len(self.inputs) / self.batch_size)
        return len(self.inputs) // self.batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        targets = self.targets[rows]
        if self.target_scale is not None:
            targets = targets.astype(np.float32) * np.float32(self.target_scale)
        return self.inputs[rows].astype(np.float32), targets


def fit(
    model: keras.Model,
    training: Batches,
    validation: Batches | None,
    settings: Settings,
    loss: Callable,
    metrics: Sequence,
    directory: pathlib.Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 0,
) -> None:
    """Trains ``model`` in place, from the last finished epoch recorded in ``directory``.

    Args:
        model: built; its weights are the initial ones.
        training: batches with a seed.
        validation: batches to report on after each epoch; None for no report.
        settings: how to train; ``settings.seed`` is the caller's to use for the initial weights.
        loss: Keras loss.
        metrics: Keras metrics, reported each epoch.
        directory: for resuming; None to train without.
        callbacks: more of them, e.g. summaries; they run last.
        verbose: what Keras prints: 0 nothing, 1 a progress bar, 2 a line an epoch.

    Raises:
        InputError: if the loss or the weights stop being finite.
    """
    # jit_compile: XLA is slower than oneDNN for these convolutions on a CPU.
    jit = False if keras.backend.backend() == "tensorflow" else "auto"
    model.compile(optimizer=_optimizer(settings), loss=loss, metrics=list(metrics), jit_compile=jit)
    model.fit(
        training,
        validation_data=validation,
        epochs=settings.epochs,
        shuffle=False,
        verbose=verbose,
        callbacks=training_callbacks(training, settings, directory, callbacks),
    )
    # The loss of the last step does not show what that step did to the weights.
    if not all(np.isfinite(array).all() for array in model.get_weights()):
        raise InputError("training diverged in the last epoch; lower the learning rate")


def training_callbacks(
    training: Batches,
    settings: Settings,
    directory: pathlib.Path | None,
    callbacks: Sequence[keras.callbacks.Callback],
) -> list[keras.callbacks.Callback]:
    """The callbacks of ``fit``, in the order they must run.

    The backup comes first: what follows sees the restored state, and the averaged weights are not yet
    swapped in when it saves.
    """
    return [
        *([_Resume(str(directory), len(training))] if directory else []),
        *([keras.callbacks.SwapEMAWeights()] if settings.average_weights else []),
        keras.callbacks.LearningRateScheduler(settings.rate),
        _EpochOrder(training),
        _StopUnlessFinite(),
        *callbacks,
    ]


def save(model: keras.Model, path: pathlib.Path) -> None:
    """Saves a trained model as ``.keras``, without optimizer and loss; whole or not at all."""
    partial = path.with_name(f"partial.{path.name}")
    keras.Model(model.inputs, model.outputs, name=model.name).save(partial)
    os.replace(partial, path)


def reestimate_batch_norm(model: keras.Model, training: Batches) -> None:
    """Replaces the moving averages of every BatchNormalization by averages over the training data.

    The moving averages lag behind the weights and make the trained network worse than it is; an
    attacker would not leave it at that. The mean of the batches' own statistics is exact for the
    final weights.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    training.start_epoch(0)
    for index in range(len(training)):
        for norm in norms:
            norm.momentum = index / (index + 1)  # a cumulative mean
        model(training[index][0], training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def adapt_normalization(layer: keras.layers.Normalization, inputs: np.ndarray, rows: int = 256) -> None:
    """Gives the layer each channel's mean and variance over ``inputs`` [N, H', W', D'].

    ``rows`` at a time, as a memory map need not fit into memory, and in float64, as squares of
    representations overflow float16. Keras's own ``adapt`` of a stream needs TensorFlow on every backend.
    """
    total = squares = 0.0
    for start in range(0, len(inputs), rows):
        part = inputs[start : start + rows].astype(np.float64)
        total += part.sum(axis=(0, 1, 2))
        squares += np.square(part).sum(axis=(0, 1, 2))
    count = len(inputs) * inputs.shape[1] * inputs.shape[2]
    mean = total / count
    variance = np.maximum(squares / count - mean**2, 0)
    layer.set_weights([mean, variance, np.array(count)])
    layer.finalize_state()


class _Resume(keras.callbacks.BackupAndRestore):
    """Keras's backup, with the epoch taken from the optimizer's own step count.

    Keras writes weights and epoch to two files; a kill between the two would repeat an epoch.
    """

    def __init__(self, directory: str, steps_per_epoch: int):
        super().__init__(directory, double_checkpoint=True, delete_checkpoint=False)
        self.steps_per_epoch = steps_per_epoch

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        if os.path.exists(self._weights_path):
            steps = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
            self.model._initial_epoch = steps // self.steps_per_epoch


class _EpochOrder(keras.callbacks.Callback):
    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.start_epoch(epoch)


class _StopUnlessFinite(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if not np.isfinite(logs["loss"]):
            raise InputError(
                f"training diverged: the loss is {logs['loss']} in epoch {epoch + 1}; lower the learning rate"
            )


class _RampedAverage:
    """Mixin: the decay of an optimizer's weight average grows as min(0.9999, (1 + t) / (10 + t))."""

    @property
    def ema_momentum(self):
        step = keras.ops.cast(self.iterations, "float32")
        return keras.ops.minimum(0.9999, (1 + step) / (10 + step))

    @ema_momentum.setter
    def ema_momentum(self, value):
        """The base class sets a constant, which the ramp replaces."""


class _AveragedSGD(_RampedAverage, keras.optimizers.SGD):
    pass


class _AveragedAdam(_RampedAverage, keras.optimizers.Adam):
    pass


def _optimizer(settings: Settings) -> keras.optimizers.Optimizer:
    plain = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}
    averaged = {"sgd": _AveragedSGD, "adam": _AveragedAdam}
    classes = averaged if settings.average_weights else plain
    return classes[settings.optimizer](
        settings.learning_rate, use_ema=settings.average_weights, name=settings.optimizer
    )
