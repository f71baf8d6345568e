"""What the cloud does with a release, each in a run directory: train and measure an ICN or an IRN.

Nothing here, and nothing it imports, knows the FEN.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

import keras
import numpy as np

from privynet_tf import figures, icn, irn, metrics, representations, ridge, summaries, training, workdir
from privynet_tf.representations import Release

ICN = "icn.keras"
"""The trained ICN in its run directory."""

RIDGE_PAIRS = 10_000
"""The linear decoder is fitted to at most so many pairs, which bounds its memory."""

Classified = tuple[np.ndarray, np.ndarray]
"""Inputs [N, H', W', D'] and labels [N]."""


def train_icn(run: workdir.Run, release: Release, settings: training.Settings, verbose: int = 0) -> dict:
    """Trains an ICN on a release and measures the utility of its test split.

    Leaves ``icn.keras``, TensorBoard logs and ``result.json`` in the run; a finished run is returned
    as it is.

    Returns:
        ``utility``: test accuracy, eq. (2); ``train_accuracy``, ``validation_accuracy``;
        ``class_prior``: accuracy of always answering the most frequent class; ``train_examples``,
        ``epochs``; ``class_names``: of the logits, in order.
    """
    if run.result:
        return run.result
    splits = {}
    for name in representations.SPLITS:
        split = representations.read(release, name)
        splits[name] = split.representations, split.labels
    return train_classifier(run, splits, release.class_names, settings, verbose)


def train_classifier(
    run: workdir.Run,
    splits: dict[str, Classified],
    class_names: Sequence[str],
    settings: training.Settings,
    verbose: int = 0,
) -> dict:
    """``train_icn`` on arrays: representations, or raw images for the unsplit baseline."""
    if run.result:
        return run.result
    model = icn.train(
        splits["train"],
        splits["validation"],
        len(class_names),
        settings,
        run.directory / "backup",
        [summaries.Summaries(run.directory / "logs", dataclasses.asdict(settings))],
        verbose,
    )
    training.save(model, run.directory / ICN)
    labels = splits["test"][1]
    result = {
        "utility": icn.evaluate(model, splits["test"]),
        "train_accuracy": icn.evaluate(model, splits["train"]),
        "validation_accuracy": icn.evaluate(model, splits["validation"]),
        "class_prior": metrics.class_prior(labels, splits["train"][1]),
        "train_examples": len(splits["train"][1]),
        "epochs": settings.epochs,
        "class_names": list(class_names),
    }
    workdir.finish(run, result)
    return result


def train_irn(
    run: workdir.Run,
    release: Release,
    architecture: irn.Architecture,
    settings: training.Settings,
    verbose: int = 0,
) -> dict:
    """Trains an IRN on a characterization release and measures the privacy loss of its test split.

    Leaves ``irn.keras``, ``reconstructions.png``, TensorBoard logs and ``result.json`` in the run; a
    finished run is returned as it is.

    Returns:
        The fields of ``irn.PrivacyLoss`` on the test images; ``train_psnr``; ``ridge``, the same
        fields for the linear decoder, and ``ridge_pairs`` that it was fitted to; ``train_examples``,
        ``epochs``.
    """
    if run.result:
        return run.result
    splits = {}
    for name in representations.SPLITS:
        split = representations.read(release, name)
        splits[name] = split.representations, split.images
    picture = summaries.reconstruction_picture(*splits["validation"])
    hyperparameters = dataclasses.asdict(settings) | dataclasses.asdict(architecture)
    model = irn.train(
        splits["train"],
        splits["validation"],
        architecture,
        settings,
        run.directory / "backup",
        [summaries.Summaries(run.directory / "logs", hyperparameters, picture)],
        verbose,
    )
    training.save(model, run.directory / "irn.keras")
    measured = irn.evaluate(model, splits["test"])
    some = tuple(array[:RIDGE_PAIRS] for array in splits["train"])
    result = dataclasses.asdict(measured) | {
        "train_psnr": irn.evaluate(model, some).psnr,
        "ridge": dataclasses.asdict(ridge.privacy_loss(some, splits["validation"], splits["test"])),
        "ridge_pairs": len(some[0]),
        "train_examples": len(splits["train"][1]),
        "epochs": settings.epochs,
    }
    _draw(run.directory / "reconstructions.png", model, splits["test"], measured)
    workdir.finish(run, result)
    return result


def _draw(path: pathlib.Path, model: keras.Model, data, measured: irn.PrivacyLoss) -> None:
    """The first test images and their reconstructions."""
    images = data[1][:16].astype(np.float32) * np.float32(irn.PIXEL_SCALE)
    guess = keras.ops.convert_to_numpy(model(data[0][:16].astype(np.float32), training=False))
    psnr = keras.ops.convert_to_numpy(metrics.psnr(images, guess))
    title = f"Test images and the IRN's reconstructions (all test images: {measured.psnr:.1f} dB)"
    figures.save_reconstructions(path, images, guess, psnr, title)
