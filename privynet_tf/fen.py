"""The feature extraction network (FEN): topology and weights -> a small frozen Keras model.

The FEN is built as small as its topology says (section 4 of the paper): unselected channels are cut
out of the kernels and never computed.
"""

import keras
import numpy as np

from privynet_tf import pretrained
from privynet_tf.errors import InputError
from privynet_tf.layers import PerImageStandardization
from privynet_tf.topology import FenTopology

PREPROCESSING = ("caffe", "per_image")

CAFFE_MEANS_BGR = (103.939, 116.779, 123.68)
"""ImageNet means that ``keras.applications.vgg16.preprocess_input`` subtracts."""


def build(
    topology: FenTopology,
    weights: str = "imagenet",
    preprocessing: str = "caffe",
    image_size: int = 32,
    *,
    download: bool = False,
    seed: int = 0,
) -> keras.Model:
    """Builds ``t(x; m, f)`` of section 2.

    Args:
        topology: what to keep of which network.
        weights: ``imagenet``, ``embedded``, ``random`` or a path; see ``pretrained.kernels``.
        preprocessing: ``caffe`` (RGB to BGR minus the ImageNet means, what VGG expects) or
            ``per_image`` (zero mean, unit variance for each image).
        image_size: height and width of the images in pixels.
        download: whether missing ImageNet weights may be downloaded.
        seed: of ``random`` weights.

    Returns:
        A frozen model from RGB images [N, image_size, image_size, 3] in [0, 255] (uint8 or float) to
        representations [N, H', W', D'], float32, at least 0.

    Raises:
        InputError: for an unknown ``preprocessing``, unusable weights or images too small for the
            pools.
    """
    if preprocessing not in PREPROCESSING:
        raise InputError(f"preprocessing must be one of {PREPROCESSING}. Received: {preprocessing!r}")
    topology.output_shape(image_size)  # checks the size
    arrays = pretrained.kernels(
        topology.network, topology.convolutions, weights, download=download, seed=seed
    )

    inputs = keras.Input((image_size, image_size, 3), name="image")
    x = _preprocess(inputs, preprocessing)
    kept_before = range(3)
    for layer in topology.layers:
        if layer.is_pool:
            x = keras.layers.MaxPooling2D(2, strides=2, name=layer.name)(x)
            continue
        kept = topology.kept_channels(layer.name)
        kernel, bias = arrays[layer.name]
        convolution = keras.layers.Conv2D(len(kept), 3, padding="same", activation="relu", name=layer.name)
        x = convolution(x)
        convolution.set_weights([kernel[:, :, kept_before][..., kept], bias[list(kept)]])
        kept_before = kept
    model = keras.Model(inputs, x, name="fen")
    model.trainable = False
    return model


def apply(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Representations [N, H', W', D'] float32 of images [N, H, W, 3] in [0, 255]."""
    return keras.ops.convert_to_numpy(model(images, training=False))


def _preprocess(inputs, preprocessing: str):
    if preprocessing == "per_image":
        return PerImageStandardization(name="per_image")(inputs)
    bgr = keras.ops.flip(inputs, axis=-1)
    offset = [-mean for mean in CAFFE_MEANS_BGR]
    return keras.layers.Rescaling(scale=1.0, offset=offset, name="caffe")(bgr)
