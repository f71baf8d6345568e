"""Several ICNs on channels of the same layer, trained as branches of one Keras model.

Small networks leave a machine idle between their steps: branches run side by side and share the steps'
fixed cost. The branches share no weight and the loss is the sum of theirs, so each ends with the
weights of a training on its own with the same seed.
"""

from collections.abc import Sequence

import keras
import numpy as np

from privynet_tf import icn, training
from privynet_tf.errors import InputError

_BATCH = 128
"""Examples that are measured at a time: at m=1, branches need some 2 MB for each."""


def build(
    map_shape: tuple[int, int], depths: Sequence[int], num_classes: int, seed: int
) -> tuple[keras.Model, list[keras.Model]]:
    """Builds the joint model.

    Args:
        map_shape: (H', W') of the representations.
        depths: ``D'`` of each of the B branches, which take that many of the input's channels in turn.
        num_classes: K.
        seed: of the initial weights; every branch starts as ``icn.train`` does with it.

    Returns:
        The model from representations [N, H', W', sum of depths] to logits [N, B, K]; and the branches,
        which share its layers.
    """
    inputs = keras.Input((*map_shape, sum(depths)), name="representation")
    branches, logits, start = [], [], 0
    for index, depth in enumerate(depths):
        keras.utils.set_random_seed(seed)
        branch = icn.build((*map_shape, depth), num_classes)
        # Keras wants different names in a model.
        branch = keras.Model(branch.input, branch.output, name=f"icn_{index}")
        logits.append(branch(inputs[..., start : start + depth]))
        branches.append(branch)
        start += depth
    return keras.Model(inputs, keras.ops.stack(logits, axis=1), name="icn_branches"), branches


def train(
    training_data: tuple[np.ndarray, np.ndarray],
    depths: Sequence[int],
    num_classes: int,
    settings: training.Settings,
) -> tuple[keras.Model, list[keras.Model]]:
    """Trains the branches on representations [N, H', W', sum of depths] and labels [N].

    Args:
        training_data: an array or ``feature_cache.Representations``, and labels.
        depths: as in ``build``.
        num_classes: K.
        settings: as of ``icn.train``.

    Returns:
        As ``build``.

    Raises:
        InputError: if the loss stops being finite.
    """
    inputs = training_data[0]
    with training.precision(settings):
        model, branches = build(inputs.shape[1:3], depths, num_classes, settings.seed)
    start = 0
    for branch, depth in zip(branches, depths, strict=True):
        own = _Channels(inputs, slice(start, start + depth))
        training.adapt_normalization(branch.get_layer("normalization"), own)
        start += depth
    batches = training.Batches(*training_data, settings.batch_size, seed=settings.seed)
    training.fit(model, batches, None, settings, _loss, [])
    return model, branches


def accuracies(
    model: keras.Model, data: tuple[np.ndarray, np.ndarray], max_examples: int | None = None
) -> np.ndarray:
    """Utility, eq. (2), of each branch [B].

    Args:
        model: of ``build``.
        data: representations [N, H', W', sum of depths], read batch by batch, and labels [N].
        max_examples: measured on the first so many; None for all.

    Raises:
        InputError: if a logit is not finite, because the last steps of the training diverged.
    """
    count = len(data[1]) if max_examples is None else min(max_examples, len(data[1]))
    logits = np.concatenate(
        [
            model.predict_on_batch(data[0][start : min(start + _BATCH, count)].astype(np.float32))
            for start in range(0, count, _BATCH)
        ]
    )
    if not np.isfinite(logits).all():
        raise InputError(
            "training diverged: the ICN gives logits that are not finite; lower the learning rate"
        )
    return np.mean(logits.argmax(axis=-1) == np.asarray(data[1])[:count, None], axis=0)


def _loss(labels, logits):
    """Sum of the branches' cross-entropies [N], of labels [N] and logits [N, B, K].

    The gradient of a branch's weights is then that of its own mean cross-entropy.
    """
    labels = keras.ops.reshape(keras.ops.cast(labels, "int32"), (-1, 1))
    labels = keras.ops.broadcast_to(labels, keras.ops.shape(logits)[:2])
    return keras.ops.sum(keras.ops.sparse_categorical_crossentropy(labels, logits, from_logits=True), axis=-1)


class _Channels:
    """A branch's part of the joint input, read in slices."""

    def __init__(self, inputs, channels: slice):
        self._inputs = inputs
        self._channels = channels
        self.shape = (*inputs.shape[:-1], channels.stop - channels.start)

    def __len__(self):
        return len(self._inputs)

    def __getitem__(self, rows):
        return self._inputs[rows][..., self._channels]
