"""Weights of pre-trained layers, read by layer name from Keras's HDF5 files.

The layout is the one of Keras's own ``*_notop.h5`` files: one group a layer, listed in the
attribute ``layer_names``, with the names of its arrays in ``weight_names``. A file may hold only
the layers that are needed. (Keras 3's ``.weights.h5`` keys layers by index, which cannot be cut.)
"""

import hashlib
import importlib.resources
import os
import pathlib
from collections.abc import Mapping, Sequence

import h5py
import keras
import numpy as np

from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS, Layer

Kernels = dict[str, tuple[np.ndarray, np.ndarray]]
"""Layer name -> (kernel [3, 3, C_in, C_out], bias [C_out]), float32."""

EMBEDDED = {"vgg16": "vgg16_cifar10_m6.h5"}
"""The weights shipped in ``privynet_tf/weights``; its README says how they were made."""


def kernels(
    network: str, convolutions: Sequence[Layer], weights: str, *, download: bool = False, seed: int = 0
) -> Kernels:
    """Kernels and biases of complete (unpruned) convolutions.

    Args:
        network: a key of ``NETWORKS``.
        convolutions: the first convolutions of that network, without gaps.
        weights: ``imagenet`` (Keras's file, from its cache), ``embedded`` (shipped with this
            package), ``random`` (Glorot-uniform kernels, zero biases), or a path to an HDF5 file.
        download: whether ``imagenet`` may be downloaded when it is not in the cache.
        seed: of ``random``.

    Raises:
        InputError: if the file is absent, lacks a layer or holds one of another shape.
    """
    if weights == "random":
        return _random(convolutions, seed)
    if weights == "imagenet":
        path = _imagenet_path(network, download)
    elif weights == "embedded":
        path = _embedded_path(network)
    else:
        path = pathlib.Path(weights)
        if not path.is_file():
            raise InputError(
                "weights must be 'imagenet', 'embedded', 'random' or the path of a Keras HDF5 weights "
                f"file. Received: {weights!r}, which is no file"
            )
    return _read(path, convolutions)


def write(path: pathlib.Path, arrays: Mapping[str, Sequence[np.ndarray]], dtype: str) -> None:
    """Writes kernels and biases in the layout that ``kernels`` reads.

    Args:
        path: of the new file.
        arrays: layer name -> (kernel, bias).
        dtype: to store, ``float16`` or ``float32``.
    """
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = list(arrays)
        for name, (kernel, bias) in arrays.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = ["kernel", "bias"]
            group.create_dataset("kernel", data=kernel.astype(dtype))
            group.create_dataset("bias", data=bias.astype(dtype))


def identity(network: str, weights: str, seed: int = 0) -> str:
    """A name for what the weights are, for records: the file's SHA-256, or the way they are drawn."""
    if weights == "random":
        return f"random:seed={seed}"
    if weights == "embedded":
        path = _embedded_path(network)
    elif weights == "imagenet":
        path = _imagenet_path(network, download=False)
    else:
        path = pathlib.Path(weights)
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def _imagenet_path(network: str, download: bool) -> pathlib.Path:
    """The file in Keras's own cache; checked before ``get_file``, which may delete it on failure."""
    url = NETWORKS[network].weights_url
    name = url.rsplit("/", 1)[1]
    home = pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    path = home / "models" / name
    if path.is_file():
        return path
    if not download:
        raise InputError(
            f"the ImageNet weights of {network} are not in Keras's cache ({path}); pass --download "
            "to fetch them, --fen_weights=PATH for a copy, or --fen_weights=embedded"
        )
    try:
        # get_file turns to the temporary directory where the cache does not exist.
        home.mkdir(parents=True, exist_ok=True)
        return pathlib.Path(
            keras.utils.get_file(
                name,
                url,
                cache_dir=str(home),
                cache_subdir="models",
                file_hash=NETWORKS[network].weights_md5,
            )
        )
    except Exception as error:  # get_file raises bare Exception for every failure
        reason = " ".join(str(error).split())
        raise InputError(f"cannot download {url}: {reason}") from error


def _embedded_path(network: str) -> pathlib.Path:
    if network not in EMBEDDED:
        raise InputError(
            f"weights='embedded' exist for {sorted(EMBEDDED)}, not for {network!r}; pass "
            "'imagenet', 'random' or a path"
        )
    return pathlib.Path(importlib.resources.files("privynet_tf") / "weights" / EMBEDDED[network])


def _random(convolutions: Sequence[Layer], seed: int) -> Kernels:
    arrays, depth = {}, 3
    for index, layer in enumerate(convolutions):
        initializer = keras.initializers.GlorotUniform(seed=1000 * seed + index)
        kernel = keras.ops.convert_to_numpy(initializer((3, 3, depth, layer.filters)))
        arrays[layer.name] = kernel, np.zeros(layer.filters, np.float32)
        depth = layer.filters
    return arrays


def _read(path: pathlib.Path, convolutions: Sequence[Layer]) -> Kernels:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path} is not an HDF5 weights file: {error}") from error
    with file:
        layers = file["model_weights"] if "model_weights" in file else file
        if "layer_names" not in layers.attrs:
            raise InputError(
                f"{path} does not name its layers; it must be in the layout of Keras's *_notop.h5 "
                "(a .weights.h5 file keys layers by index and cannot be used)"
            )
        arrays, depth = {}, 3
        for layer in convolutions:
            if layer.name not in layers:
                held = [_text(name) for name in layers.attrs["layer_names"]]
                raise InputError(f"{path} lacks layer {layer.name}; it holds {held}")
            group = layers[layer.name]
            found = tuple(np.asarray(group[_text(name)]) for name in group.attrs["weight_names"])
            expected = (3, 3, depth, layer.filters), (layer.filters,)
            if tuple(array.shape for array in found) != expected:
                raise InputError(
                    f"{path}: layer {layer.name} has shapes {[array.shape for array in found]}, "
                    f"expected {list(expected)}"
                )
            arrays[layer.name] = tuple(array.astype(np.float32) for array in found)
            depth = layer.filters
        return arrays


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
