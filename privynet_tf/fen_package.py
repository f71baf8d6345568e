"""The FEN package: a directory with the topology, the Keras model and LiteRT models for the device.

It stays on the local platform, readable by its owner alone: whoever has it knows the FEN.
"""

import functools
import pathlib
import tempfile
from collections.abc import Callable, Sequence

import keras
import numpy as np

from privynet_tf import checksums, cost, fen, litert
from privynet_tf.errors import InputError
from privynet_tf.topology import FenTopology

TOPOLOGY = "topology.json"
MODEL = "fen.keras"
LITERT = {number_format: f"fen_{number_format}.tflite" for number_format in cost.FORMATS}
"""The files of a package, beside their checksums; it may lack LiteRT models."""

KERAS = "keras"
FORMATS = (KERAS, *cost.FORMATS)
"""What can compute representations: the Keras model or one of the LiteRT models."""

CHECKED_IMAGES = 32
LARGEST_ERRORS = {"float32": 1e-4, "float16": 1e-2}
INT8_RMS_ERROR = 0.2
"""How far a LiteRT model may be from the Keras model on the first images: the largest error relative to the
largest value for floats; root mean squares for int8, whose clipped activations may be far off. What int8
usually loses is ten times less. More is a fault of the conversion."""


def save(
    directory: pathlib.Path,
    topology: FenTopology,
    model: keras.Model,
    number_formats: Sequence[str] = (),
    images: np.ndarray | None = None,
) -> None:
    """Writes a FEN package, whole or not at all, and checks its LiteRT models against the Keras model.

    Args:
        directory: of the package; must not exist.
        topology: of the FEN.
        model: of ``fen.build``.
        number_formats: of ``cost.FORMATS``, a LiteRT model each.
        images: representative ones [N, S, S, 3] uint8, which int8 needs: the ranges of their activations
            go into its model. None checks the others on noise.

    Raises:
        InputError: if the directory exists, for an unknown format or unfit images, or if a LiteRT model
            does not agree with the Keras model.
    """
    if directory.exists():
        raise InputError(f"{directory} already exists; a FEN package is never changed")
    directory.parent.mkdir(parents=True, exist_ok=True)
    # Its owner alone can enter the temporary directory.
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as partial:
        package = pathlib.Path(partial) / directory.name
        package.mkdir(mode=0o700)
        (package / TOPOLOGY).write_text(topology.to_json() + "\n")
        model.save(package / MODEL)
        for number_format in number_formats:
            content = litert.convert(model, number_format, images)
            _check_agreement(model, number_format, content, images)
            (package / LITERT[number_format]).write_bytes(content)
        checksums.write(package)
        for path in package.iterdir():
            path.chmod(0o600)
        package.rename(directory)


def verify(directory: pathlib.Path) -> None:
    """Raises an InputError if a directory is no FEN package, or its files do not match their checksums."""
    checksums.check(directory, "FEN package")


def load_topology(directory: pathlib.Path) -> FenTopology:
    """The topology in a package; raises as ``verify`` does."""
    verify(directory)
    return FenTopology.from_json((directory / TOPOLOGY).read_text())


def load(directory: pathlib.Path) -> keras.Model:
    """The FEN in a package; raises as ``verify`` does, or if this Keras cannot read it."""
    verify(directory)
    try:
        return keras.saving.load_model(directory / MODEL)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{directory} is no FEN package: cannot read {MODEL}") from error


def transform(directory: pathlib.Path, number_format: str = KERAS) -> Callable[[np.ndarray], np.ndarray]:
    """The function from images [N, S, S, 3] uint8 to representations [N, H', W', D'] float32.

    Args:
        directory: of the package.
        number_format: one of ``FORMATS``: what computes it.

    Raises:
        InputError: as ``verify``, or if the package lacks the format.
    """
    if number_format == KERAS:
        return functools.partial(fen.apply, load(directory))
    verify(directory)
    path = directory / LITERT[number_format]
    if not path.exists():
        held = [name for name in FORMATS if name == KERAS or (directory / LITERT[name]).exists()]
        raise InputError(f"FEN package {directory} has no {path.name}. It can compute with: {held}")
    return litert.load(path.read_bytes())


def litert_bytes(directory: pathlib.Path) -> dict[str, int]:
    """Bytes of each LiteRT model of a package, by its format."""
    paths = {number_format: directory / name for number_format, name in LITERT.items()}
    return {number_format: path.stat().st_size for number_format, path in paths.items() if path.exists()}


def _check_agreement(
    model: keras.Model, number_format: str, content: bytes, images: np.ndarray | None
) -> None:
    if images is None:
        shape = (CHECKED_IMAGES, *model.input_shape[1:])
        images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    images = images[:CHECKED_IMAGES]
    expected, actual = fen.apply(model, images), litert.load(content)(images)
    if number_format == "int8":
        error, limit, what = litert.rms_error(expected, actual), INT8_RMS_ERROR, "root mean squares"
    else:
        error, limit = litert.largest_error(expected, actual), LARGEST_ERRORS[number_format]
        what = "largest error to largest value"
    if not error <= limit:
        raise InputError(
            f"the {number_format} LiteRT model of the FEN does not agree with its Keras model: {error:.2g} "
            f"({what}), allowed {limit:.2g}"
        )
