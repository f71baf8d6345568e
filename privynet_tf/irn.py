"""The image reconstruction network (IRN): the attacker (Fig. 18, after SRGAN's generator)."""

import dataclasses
import math
import pathlib
from collections.abc import Sequence

import keras
import numpy as np

from privynet_tf import layers, metrics, training
from privynet_tf.errors import InputError

PAPER_SETTINGS = {"epochs": 100, "learning_rate": 0.003}
"""Appendix B: plain SGD, minibatches of 128, constant rate."""

PIXEL_SCALE = 1 / 255


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Size of an IRN; the defaults are the paper's (appendix C).

    Attributes:
        clusters: of ResNet blocks, at least 1 (Fig. 19).
        blocks: in each cluster.
        width: channels inside (SRGAN's 64; the paper gives none).
    """

    clusters: int = 2
    blocks: int = 8
    width: int = 64

    def __post_init__(self):
        for field, value in dataclasses.asdict(self).items():
            if value < 1:
                raise InputError(f"the IRN's {field} must be at least 1. Received: {value}")


@dataclasses.dataclass(frozen=True)
class PrivacyLoss:
    """Quality of reconstructions of a set of images; larger is worse for privacy.

    Attributes:
        psnr: mean of the images' PSNR in dB: ``Priv`` of eq. (5).
        psnr_std: standard deviation over images.
        psnr_p95: 95th percentile over images, the badly protected end that the mean hides.
        ssim: mean structural similarity; None for images under 11 pixels.
    """

    psnr: float
    psnr_std: float
    psnr_p95: float
    ssim: float | None


def build(
    input_shape: tuple[int, int, int],
    image_size: int = 32,
    clusters: int = 2,
    blocks: int = 8,
    width: int = 64,
) -> keras.Model:
    """Builds ``g`` of eq. (3).

    The deconvolution after the first cluster upsamples to the images' size: one 3x3 kernel of stride 2
    for each factor of 2, or of stride 1 where there is nothing to upsample. Further clusters follow
    deconvolutions of stride 1. The first layer, a ``Normalization``, must be adapted to the training
    representations.

    Args:
        input_shape: (H', W', D') of the representations.
        image_size: height and width of the images, H' times a power of 2.
        clusters: of ResNet blocks.
        blocks: in each cluster.
        width: channels inside.

    Returns:
        A model from representations [N, H', W', D'] to images [N, image_size, image_size, 3], about
        [0, 1]; not clipped.

    Raises:
        InputError: if the image size is not H' times a power of 2.
    """
    doublings = max(0, round(math.log2(image_size / input_shape[0])))
    if input_shape[0] != input_shape[1] or input_shape[0] * 2**doublings != image_size:
        raise InputError(
            "representations must be square and the images larger by a power of 2. Received: "
            f"representations {tuple(input_shape)}, images of {image_size} pixels"
        )
    inputs = keras.Input(input_shape, name="representation")
    x = keras.layers.Normalization(name="normalization", dtype="float32")(inputs)
    x = keras.layers.Conv2D(width, 1, name="conv_in")(x)
    for cluster in range(clusters):
        for _ in range(blocks):
            x = _resnet_block(x, width)
        if cluster == 0:
            for _ in range(doublings):
                x = _deconvolution(x, width, strides=2)
        if (cluster == 0 and doublings == 0) or 0 < cluster < clusters - 1:
            x = _deconvolution(x, width, strides=1)
    images = keras.layers.Conv2D(3, 3, padding="same", name="conv_out", dtype="float32")(x)
    return keras.Model(inputs, images, name="irn")


def loss(images, reconstructions):
    """Eq. (4), literally: the Euclidean norm of each image's error; [N]."""
    squares = keras.ops.sum(keras.ops.square(images - reconstructions), axis=(1, 2, 3))
    # The square root has no gradient at 0.
    return keras.ops.sqrt(keras.ops.maximum(squares, keras.config.epsilon()))


def train(
    training_data: tuple[np.ndarray, np.ndarray],
    validation_data: tuple[np.ndarray, np.ndarray] | None,
    architecture: Architecture,
    settings: training.Settings,
    directory: pathlib.Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 0,
) -> keras.Model:
    """Trains an IRN, then re-estimates its batch statistics: an attacker who gives up nothing.

    Args:
        training_data: representations [N, H', W', D'] and images [N, S, S, 3] uint8.
        validation_data: the same, reported on after each epoch; None for no report.
        architecture: size of the network.
        settings: how to train; seeds Keras's global generator.
        directory: for resuming; see ``training.fit``.
        callbacks: more of them.
        verbose: as in ``keras.Model.fit``.
    """
    keras.utils.set_random_seed(settings.seed)
    representations, images = training_data
    with training.precision(settings):
        model = build(representations.shape[1:], images.shape[1], **dataclasses.asdict(architecture))
    training.adapt_normalization(model.get_layer("normalization"), representations)
    batches = _batches(training_data, settings.batch_size, seed=settings.seed)
    training.fit(
        model,
        batches,
        validation_data and _batches(validation_data, settings.batch_size),
        settings,
        loss,
        [metrics.psnr, *([metrics.ssim] if images.shape[1] >= 11 else [])],
        directory,
        callbacks,
        verbose,
    )
    training.reestimate_batch_norm(model, batches)
    return model


def evaluate(model: keras.Model, data: tuple[np.ndarray, np.ndarray]) -> PrivacyLoss:
    """Privacy loss, eq. (5), on representations [N, H', W', D'] and images [N, S, S, 3] uint8."""
    return privacy_loss(data[1], reconstruct(model, data[0]))


def reconstruct(model: keras.Model, representations: np.ndarray) -> np.ndarray:
    """Images [N, S, S, 3], about [0, 1], from representations [N, H', W', D']."""
    unused = np.zeros(len(representations), np.uint8)
    return model.predict(training.Batches(representations, unused, 500), verbose=0)


def privacy_loss(images: np.ndarray, reconstructions: np.ndarray) -> PrivacyLoss:
    """Measures reconstructions [N, S, S, 3] (about [0, 1]) of images [N, S, S, 3] uint8."""
    psnr, ssim = [], []
    for start in range(0, len(images), 500):
        part = images[start : start + 500].astype(np.float32) * np.float32(PIXEL_SCALE)
        guess = reconstructions[start : start + 500]
        psnr.append(keras.ops.convert_to_numpy(metrics.psnr(part, guess)))
        if images.shape[1] >= 11:
            ssim.append(keras.ops.convert_to_numpy(metrics.ssim(part, guess)))
    values = np.concatenate(psnr).astype(np.float64)
    return PrivacyLoss(
        psnr=float(values.mean()),
        psnr_std=float(values.std()),
        psnr_p95=float(np.percentile(values, 95)),
        ssim=float(np.concatenate(ssim).mean()) if ssim else None,
    )


def _batches(data, batch_size, seed=None) -> training.Batches:
    return training.Batches(*data, batch_size, seed=seed, target_scale=PIXEL_SCALE)


def _resnet_block(x, width):
    """3x3 convolution, BN, ReLU, 3x3 convolution, BN, sum (Fig. 18)."""
    y = keras.layers.Conv2D(width, 3, padding="same")(x)
    y = layers.BatchNormalization(momentum=0.9)(y)
    y = keras.layers.ReLU()(y)
    y = keras.layers.Conv2D(width, 3, padding="same")(y)
    y = layers.BatchNormalization(momentum=0.9)(y)
    return keras.layers.Add()([x, y])


def _deconvolution(x, width, strides):
    return keras.layers.Conv2DTranspose(width, 3, strides=strides, padding="same", activation="relu")(x)
