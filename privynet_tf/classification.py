"""New images after the training: FEN package -> representation -> ICN -> class (section 1 of the paper).

The FEN runs where the images are; the ICN, which the cloud has trained, takes the representation.
"""

import pathlib
from collections.abc import Callable, Sequence

import keras
import numpy as np

from privynet_tf import runs, workdir
from privynet_tf.errors import InputError


def load_icn(directory: pathlib.Path) -> tuple[keras.Model, tuple[str, ...]]:
    """The ICN of a finished run of ``train.train_icn``, and the names of its classes.

    Raises:
        InputError: if the directory holds none.
    """
    try:
        result = workdir.read_result(directory)
        model = keras.saving.load_model(directory / runs.ICN)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{directory} holds no finished training of an ICN") from error
    if "class_names" not in result:
        raise InputError(
            f"{directory} was made by an earlier version: it names no classes; train the ICN anew"
        )
    return model, tuple(result["class_names"])


def probabilities(
    fen: Callable[[np.ndarray], np.ndarray], icn: keras.Model, images: np.ndarray, batch_size: int = 128
) -> np.ndarray:
    """Class probabilities [N, K] of images.

    Args:
        fen: from images [n, S, S, 3] uint8 to representations [n, H', W', D'].
        icn: from representations to logits.
        images: [N, S, S, 3] uint8.
        batch_size: images a pass.

    Raises:
        InputError: if the ICN was trained on representations of another shape.
    """
    parts = []
    for start in range(0, len(images), batch_size):
        representations = fen(images[start : start + batch_size])
        if representations.shape[1:] != icn.input_shape[1:]:
            raise InputError(
                f"the ICN takes representations {list(icn.input_shape[1:])}, but the FEN gives "
                f"{list(representations.shape[1:])}; they are of different releases"
            )
        # A release holds float16.
        representations = representations.astype(np.float16).astype(np.float32)
        parts.append(keras.ops.convert_to_numpy(keras.ops.softmax(icn([representations], training=False))))
    return np.concatenate(parts)


def table(
    files: Sequence[pathlib.Path], class_names: Sequence[str], values: np.ndarray, top: int
) -> list[list[str]]:
    """Rows of file, class and probability: the ``top`` most probable classes of each file, best first."""
    rows = []
    for file, row in zip(files, values, strict=True):
        for index in np.argsort(-row, kind="stable")[:top]:
            rows.append([str(file), class_names[index], f"{row[index]:.4f}"])
    return rows
