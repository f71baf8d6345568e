"""The FEN as a LiteRT model, for a device (section 3.2): conversion, and running it here.

A model takes uint8 images [N, S, S, 3] in RGB and gives float32 representations [N, H', W', D'], whatever
its number format, so that a device sends what its camera gives and the release is the same. N is 1 until
the input is resized. Only LiteRT's own operations are used, never TensorFlow's (``SELECT_TF_OPS``), which
would bring TensorFlow to the device.
"""

import contextlib
import dataclasses
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from privynet_tf import images
from privynet_tf.cost import FORMATS
from privynet_tf.errors import InputError
from privynet_tf.images import LabelledImages, Selection

REPRESENTATIVE_IMAGES = 200
MIN_REPRESENTATIVE_IMAGES = 50
"""How many images the ranges of int8 activations come from, and the fewest: an activation outside its range
is clipped."""


def representative_images(source: LabelledImages, selection: Selection) -> np.ndarray:
    """The first images of a selection, [N, S, S, 3] uint8, for the ranges of int8 activations."""
    chosen = dataclasses.replace(selection, max_images=REPRESENTATIVE_IMAGES, augmented_copies=0)
    return images.arrays(source, chosen)[0]


def convert(model: keras.Model, number_format: str, representative: np.ndarray | None = None) -> bytes:
    """Converts a FEN to a LiteRT model.

    Args:
        model: of ``fen.build``.
        number_format: one of ``FORMATS``.
        representative: images [N, S, S, 3] uint8, from whose activations int8 takes its ranges; of no
            use to the other formats.

    Returns:
        The content of a ``.tflite`` file.

    Raises:
        InputError: for an unknown format, or too few or unfit images for int8.
    """
    if number_format not in FORMATS:
        raise InputError(f"a LiteRT model's format must be one of {FORMATS}. Received: {number_format!r}")
    options = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    if number_format == "float16":
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
        options["target_spec"]["supported_types"] = [tf.float16]
    if number_format == "int8":
        _check_representative(model, representative)
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
        options["target_spec"]["supported_ops"] = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        options["representative_dataset"] = lambda: (
            [image[None].astype(np.float32)] for image in representative
        )
        options["inference_input_type"] = tf.uint8
    # The quantizer changes the type of the input itself.
    portable = _portable(model, "float32" if number_format == "int8" else "uint8")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "fen.tflite"
        with _quiet_converter():
            portable.export(path, format="litert", verbose=False, **options)
        return path.read_bytes()


def load(content: bytes, threads: int | None = None) -> Callable[[np.ndarray], np.ndarray]:
    """Makes a LiteRT model callable.

    Args:
        content: of a ``.tflite`` file that ``convert`` made.
        threads: to compute with; None for one a CPU.

    Returns:
        Function from images [N, S, S, 3] uint8 to representations [N, H', W', D'] float32, for any N.

    Raises:
        InputError: if it is no LiteRT model. The function raises it for images of another type or shape.
    """
    try:
        interpreter = Interpreter(model_content=content, num_threads=threads or os.cpu_count())
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise InputError(f"not a LiteRT model: {' '.join(str(error).split())}") from error
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    shape, dtype = tuple(taken["shape"][1:]), np.dtype(taken["dtype"])
    allocated = taken["shape"][0]

    def apply(batch: np.ndarray) -> np.ndarray:
        nonlocal allocated
        if batch.shape[1:] != shape or batch.dtype != dtype:
            raise InputError(
                f"this LiteRT model takes {dtype} images [N, {', '.join(map(str, shape))}]. "
                f"Received: {batch.dtype} {list(batch.shape)}"
            )
        if len(batch) != allocated:
            interpreter.resize_tensor_input(taken["index"], batch.shape)
            interpreter.allocate_tensors()
            allocated = len(batch)
        interpreter.set_tensor(taken["index"], batch)
        interpreter.invoke()
        return interpreter.get_tensor(given["index"])

    return apply


def largest_error(expected: np.ndarray, actual: np.ndarray) -> float:
    """Largest absolute difference, relative to the largest absolute value that is expected."""
    return _ratio(abs(actual - expected).max(), abs(expected).max())


def rms_error(expected: np.ndarray, actual: np.ndarray) -> float:
    """Root mean square of the difference, relative to that of what is expected."""
    return _ratio(np.sqrt(np.mean((actual - expected) ** 2)), np.sqrt(np.mean(expected**2)))


def _ratio(difference: np.floating, size: np.floating) -> float:
    if size == 0:
        return 0.0 if difference == 0 else np.inf
    return float(difference / size)


def _portable(model: keras.Model, input_dtype: str) -> keras.Model:
    """The same function without the reversal of the colours, which moves into the first kernel.

    It saves the device an operation; and TensorFlow 2.21 takes the range of a reversal's int8 output from
    what is computed in its place afterwards, and scales input and output apart, though only values that
    are scaled alike can be copied: representations would be half wrong.
    """
    inputs = keras.Input(model.input_shape[1:], dtype=input_dtype, name="image")
    x = inputs if input_dtype == "float32" else keras.ops.cast(inputs, "float32")
    names = [layer.name for layer in model.layers]
    reverses = "caffe" in names
    layers = model.layers[names.index("caffe") if reverses else 1 :]
    for layer in layers:
        config = layer.get_config()
        if layer.name == "caffe":
            config["offset"] = config["offset"][::-1]
        copy = type(layer).from_config(config)
        x = copy(x)
        copy.set_weights(layer.get_weights())
    portable = keras.Model(inputs, x, name="fen")
    if reverses:
        first = next(layer for layer in portable.layers if layer.weights)
        kernel, bias = first.get_weights()
        first.set_weights([kernel[:, :, ::-1], bias])
    return portable


@contextlib.contextmanager
def _quiet_converter() -> Iterator[None]:
    """Keeps the converter's native code from writing of each quantization; errors come as exceptions."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _check_representative(model: keras.Model, representative: np.ndarray | None) -> None:
    count = 0 if representative is None else len(representative)
    if count < MIN_REPRESENTATIVE_IMAGES:
        raise InputError(
            f"int8 takes the ranges of its activations from at least {MIN_REPRESENTATIVE_IMAGES} "
            f"representative images; give more training images, or leave int8 out "
            f"(--litert_formats=float32). Received: {count}"
        )
    shape = model.input_shape[1:]
    if representative.shape[1:] != shape or representative.dtype != np.uint8:
        raise InputError(
            f"representative images must be uint8 [N, {', '.join(map(str, shape))}]. "
            f"Received: {representative.dtype} {list(representative.shape)}"
        )
