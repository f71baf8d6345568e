"""Utility and image quality. Written with ``keras.ops``, so they run on every Keras backend."""

import keras
import numpy as np

MAX_PSNR = 100.0
"""PSNR in dB that is reported for identical images, where the definition gives infinity; a mean over
images stays finite. Eight-bit images that differ in one value of 32x32x3 have 83 dB."""


def psnr(images, reconstructions):
    """Peak signal-to-noise ratio of each image, eq. (5) of the paper before its mean.

    Args:
        images: [N, H, W, C] in [0, 1].
        reconstructions: [N, H, W, C]; clipped to [0, 1].

    Returns:
        [N] in dB, at most ``MAX_PSNR``.
    """
    error = keras.ops.mean(
        keras.ops.square(images - keras.ops.clip(reconstructions, 0.0, 1.0)), axis=(1, 2, 3)
    )
    return -10.0 * keras.ops.log10(keras.ops.maximum(error, 10.0 ** (-MAX_PSNR / 10.0)))


def ssim(images, reconstructions):
    """Structural similarity of each image (Wang et al., 2004), as ``tf.image.ssim`` computes it.

    Gaussian window of 11 pixels (deviation 1.5), k1 = 0.01, k2 = 0.03, peak 1.

    Args:
        images: [N, H, W, C] in [0, 1], H and W at least 11.
        reconstructions: [N, H, W, C]; clipped to [0, 1].

    Returns:
        [N], at most 1, which identical images reach.
    """
    reconstructions = keras.ops.clip(reconstructions, 0.0, 1.0)
    offsets = np.arange(11) - 5.0
    window = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(window, window) / np.sum(window) ** 2
    channels = images.shape[-1]
    kernel = np.repeat(window[:, :, None, None], channels, axis=2).astype("float32")

    def blur(x):
        return keras.ops.depthwise_conv(x, kernel, padding="valid")

    mean_x, mean_y = blur(images), blur(reconstructions)
    # E[xy] and E[x^2 + y^2] are all that luminance and contrast-structure need.
    product = mean_x * mean_y
    squares = keras.ops.square(mean_x) + keras.ops.square(mean_y)
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * product + c1) / (squares + c1)
    covariance = 2 * (blur(images * reconstructions) - product)
    variances = blur(keras.ops.square(images) + keras.ops.square(reconstructions)) - squares
    structure = (covariance + c2) / (variances + c2)
    return keras.ops.mean(luminance * structure, axis=(1, 2, 3))


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Utility, eq. (2): the share of images [N, K] whose largest logit is their label's [N]."""
    return float(np.mean(np.argmax(logits, axis=-1) == labels))


def class_prior(labels: np.ndarray, train_labels: np.ndarray) -> float:
    """Accuracy on ``labels`` of always answering the class most frequent in ``train_labels``."""
    return float(np.mean(labels == np.bincount(train_labels).argmax()))
