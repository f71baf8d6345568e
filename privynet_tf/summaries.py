"""TensorBoard summaries; the one file that knows ``tf.summary``.

Directories: ``train`` and ``validation`` hold the curves, the run's own directory the pictures and
hyperparameters.
"""

import pathlib
from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

GRID_IMAGES = 16


class Summaries(keras.callbacks.Callback):
    """Writes each epoch's losses, metrics and learning rate.

    Args:
        directory: of the event files.
        hyperparameters: of the run, for TensorBoard's HParams page.
        picture: called at some epochs; returns an image [H, W, 3] in [0, 1] to show.
        picture_epochs: epochs from one picture to the next.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        hyperparameters: Mapping[str, object],
        picture: Callable[[keras.Model], np.ndarray] | None = None,
        picture_epochs: int = 5,
    ):
        super().__init__()
        self.directory = directory
        self.hyperparameters = dict(hyperparameters)
        self.picture = picture
        self.picture_epochs = picture_epochs

    def on_train_begin(self, logs=None):
        self.writers = {
            name: tf.summary.create_file_writer(str(self.directory / name))
            for name in ("train", "validation", ".")
        }
        with self.writers["."].as_default():
            hparams.hparams(
                {
                    name: value if isinstance(value, bool | int | float | str) else str(value)
                    for name, value in self.hyperparameters.items()
                }
            )

    def on_epoch_end(self, epoch, logs=None):
        for name, value in logs.items():
            writer = "validation" if name.startswith("val_") else "train"
            with self.writers[writer].as_default():
                tf.summary.scalar(name.removeprefix("val_"), float(value), step=epoch + 1)
        last = epoch + 1 == self.params["epochs"]
        if self.picture and (last or (epoch + 1) % self.picture_epochs == 0):
            with self.writers["."].as_default():
                image = self.picture(self.model)[None]
                tf.summary.image("images above reconstructions", image, step=epoch + 1)
        for writer in self.writers.values():
            writer.flush()

    def on_train_end(self, logs=None):
        for writer in self.writers.values():
            writer.close()


def grid(images: np.ndarray, reconstructions: np.ndarray, columns: int = 8) -> np.ndarray:
    """Images above their reconstructions, row by row.

    Args:
        images: [N, S, S, 3] in [0, 1].
        reconstructions: [N, S, S, 3]; clipped to [0, 1].
        columns: images in a row.

    Returns:
        [2 * ceil(N / columns) * S, columns * S, 3] in [0, 1]; white where N is no multiple.
    """
    rows = []
    for start in range(0, len(images), columns):
        for part in (images, np.clip(reconstructions, 0, 1)):
            row = list(part[start : start + columns])
            row += [np.ones_like(images[0])] * (columns - len(row))
            rows.append(np.concatenate(row, axis=1))
    return np.concatenate(rows, axis=0).astype(np.float32)


def reconstruction_picture(
    representations: np.ndarray, images: np.ndarray
) -> Callable[[keras.Model], np.ndarray]:
    """The ``picture`` of an IRN: a grid of the first images [N, S, S, 3] uint8 it has not seen."""
    inputs = representations[:GRID_IMAGES].astype(np.float32)
    originals = images[:GRID_IMAGES].astype(np.float32) / 255

    def picture(model: keras.Model) -> np.ndarray:
        guess = keras.ops.convert_to_numpy(model(inputs, training=False))
        return grid(originals, guess)

    return picture
