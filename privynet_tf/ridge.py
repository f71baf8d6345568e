"""The closed-form linear (ridge) decoder: a floor under every privacy loss that an IRN reports.

An IRN that does worse than this on the same pairs is under-fitted and overstates the privacy.
"""

import numpy as np
import sklearn.linear_model

from privynet_tf import irn

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Candidates for the ridge penalty, as fractions of the number of training images."""


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
    representations, images = training_data
    flat = representations.reshape(len(representations), -1).astype(np.float32)
    center, scale = flat.mean(axis=0), np.maximum(flat.std(), 1e-6)
    flat = (flat - center) / scale
    pixels = images.reshape(len(images), -1).astype(np.float32) * np.float32(irn.PIXEL_SCALE)

    def reconstruct(model, data):
        inputs = (data[0].reshape(len(data[0]), -1).astype(np.float32) - center) / scale
        return model.predict(inputs).reshape(data[1].shape)

    def fitted(penalty):
        return sklearn.linear_model.Ridge(alpha=penalty * len(flat), solver="cholesky").fit(flat, pixels)

    def measured(penalty, data):
        return irn.privacy_loss(data[1], reconstruct(fitted(penalty), data))

    best = max(PENALTIES, key=lambda penalty: measured(penalty, validation_data).psnr)
    return measured(best, test_data)
