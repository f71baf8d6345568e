"""The closed-form linear (ridge) decoder: a floor under every privacy loss that an IRN reports.

An IRN that does worse than this on the same pairs is under-fitted and overstates the privacy.
"""

from collections.abc import Callable

import numpy as np
import scipy.linalg

from privynet_tf import irn

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Candidates for the ridge penalty, as fractions of the number of training images."""

_CHUNK = 500


def privacy_loss(
    training_data: tuple[np.ndarray, np.ndarray],
    validation_data: tuple[np.ndarray, np.ndarray],
    test_data: tuple[np.ndarray, np.ndarray],
) -> irn.PrivacyLoss:
    """Fits pixels linearly to representations, and measures the reconstructions of the test images.

    Args:
        training_data: representations [N, H', W', D'] and images [N, S, S, 3] uint8.
        validation_data: the same, to choose the penalty on.
        test_data: the same, to measure on.
    """
    decoder = fit(*training_data)

    def measured(penalty, data):
        return irn.privacy_loss(data[1], decoder(data[0], penalty))

    best = max(PENALTIES, key=lambda penalty: measured(penalty, validation_data).psnr)
    return measured(best, test_data)


def fit(representations: np.ndarray, images: np.ndarray) -> Callable[[np.ndarray, float], np.ndarray]:
    """Decomposes the training data once, for every penalty.

    With N images and d = H'W'D' values each, the smaller of the two Gram matrices is decomposed: that of
    the values [d, d], or that of the images [N, N], whose weights are those of training images and need
    no [d, pixels] matrix.

    Args:
        representations: [N, H', W', D'].
        images: [N, S, S, 3] uint8.

    Returns:
        The decoder: representations and a penalty of ``PENALTIES`` -> images, about [0, 1].
    """
    flat = representations.reshape(len(representations), -1).astype(np.float32)
    center, scale = flat.mean(axis=0), np.maximum(flat.std(), 1e-6)
    flat -= center
    flat /= scale
    pixels = images.reshape(len(images), -1).astype(np.float32) * np.float32(irn.PIXEL_SCALE)
    mean = pixels.mean(axis=0)
    pixels -= mean

    by_image = len(flat) < flat.shape[1]
    gram = flat @ flat.T if by_image else flat.T @ flat
    values, vectors = scipy.linalg.eigh(gram.astype(np.float64))
    projected = vectors.T @ (pixels if by_image else flat.T @ pixels)

    def decode(others, penalty):
        weights = vectors @ (projected / (np.maximum(values, 0) + penalty * len(flat))[:, None])
        weights = weights.astype(np.float32)
        guesses = np.empty((len(others), *images.shape[1:]), np.float32)
        for start in range(0, len(others), _CHUNK):
            part = others[start : start + _CHUNK]
            part = (part.reshape(len(part), -1).astype(np.float32) - center) / scale
            part = part @ flat.T if by_image else part
            guesses[start : start + _CHUNK] = (part @ weights + mean).reshape(-1, *images.shape[1:])
        return guesses

    return decode
