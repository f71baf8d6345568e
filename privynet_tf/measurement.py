"""What a cell of a characterization measures, from arrays alone: utility and privacy loss (section 2)."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from privynet_tf import icn_branches, irn, metrics, ridge, training
from privynet_tf.errors import InputError

TRAIN_EXAMPLES = 10_000
TRAIN_PAIRS = 1_000
"""Accuracy and PSNR on training data are those of at most so many examples, the first."""

RIDGE_PAIRS = 10_000
RIDGE_VALUES = 1 << 25
"""The linear decoder sees at most so many pairs, and so many of their representations' values: its
memory is some ten times that. It is measured on as many test images at most."""


def utilities(
    training_data: tuple[np.ndarray, np.ndarray],
    test_data: tuple[np.ndarray, np.ndarray],
    depths: Sequence[int],
    num_classes: int,
    settings: training.Settings,
) -> list[dict[str, object]]:
    """Trains one ICN for each of B channel sets of a layer, together, and measures them.

    Args:
        training_data: representations [N, H', W', sum of depths], the sets one after another, and
            labels [N].
        test_data: the same.
        depths: ``D'`` of each set.
        num_classes: K.
        settings: of the training.

    Returns:
        ``utility``, ``train_accuracy`` and ``class_prior`` of each set.
    """
    model, _ = icn_branches.train(training_data, depths, num_classes, settings)
    test = icn_branches.accuracies(model, test_data)
    train = icn_branches.accuracies(model, training_data, TRAIN_EXAMPLES)
    prior = metrics.class_prior(test_data[1], training_data[1])
    return [
        {"utility": float(utility), "train_accuracy": float(accuracy), "class_prior": prior}
        for utility, accuracy in zip(test, train, strict=True)
    ]


def privacy_loss(
    training_data: tuple[np.ndarray, np.ndarray],
    test_data: tuple[np.ndarray, np.ndarray],
    architecture: irn.Architecture,
    settings: training.Settings,
) -> tuple[dict[str, object], np.ndarray]:
    """Trains an IRN on representations [N, H', W', D'] and images [N, S, S, 3] uint8, and measures it.

    Returns:
        ``psnr``, ``psnr_std``, ``psnr_p95``, ``ssim`` on the test images, and ``train_psnr``; and its
        reconstructions of the test images.

    Raises:
        InputError: if the training diverged.
    """
    model = irn.train(training_data, None, architecture, settings)
    train = irn.evaluate(model, tuple(array[:TRAIN_PAIRS] for array in training_data))
    guesses = irn.reconstruct(model, test_data[0])
    test = irn.privacy_loss(test_data[1], guesses)
    if not np.isfinite([train.psnr, test.psnr]).all():
        raise InputError("training diverged: the IRN's images are not finite; lower the learning rate")
    return dataclasses.asdict(test) | {"train_psnr": train.psnr}, guesses


def ridge_floor(
    training_data: tuple[np.ndarray, np.ndarray],
    validation_data: tuple[np.ndarray, np.ndarray],
    test_data: tuple[np.ndarray, np.ndarray],
) -> dict[str, object]:
    """Measures the linear decoder on representations [N, H', W', D'] and images [N, S, S, 3] uint8.

    Returns:
        ``ridge_psnr`` and ``ridge_pairs``.
    """
    most = max(1, min(RIDGE_PAIRS, RIDGE_VALUES // math.prod(training_data[0].shape[1:])))
    train, validation, test = (
        tuple(np.asarray(array[:most]) for array in data)
        for data in (training_data, validation_data, test_data)
    )
    return {
        "ridge_psnr": ridge.privacy_loss(train, validation, test).psnr,
        "ridge_pairs": len(train[0]),
    }
