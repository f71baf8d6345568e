import numpy as np
import pytest
import tensorflow as tf

from privynet_tf import ridge


def _pairs(count, seed, noise=0.0):
    """Representations [4, 4, 3] that are a rotation of their images' pixels, and noise."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    rotation = np.linalg.qr(np.random.default_rng(99).normal(size=(48, 48)))[0]
    flat = 100 + images.reshape(count, 48) @ rotation
    flat += noise * generator.normal(size=flat.shape)
    return flat.reshape(count, 4, 4, 3).astype(np.float32), images


def _direct(training_data, data, penalty):
    """Mean PSNR of the solution of the normal equations, which leave the intercept unpenalized.

    The penalty is a fraction of the number of training images, on representations of unit deviation.
    """
    x, y = (array.reshape(len(array), -1).astype(float) for array in training_data)
    mean, scale = x.mean(axis=0), x.std()
    x = np.column_stack([(x - mean) / scale, np.ones(len(x))])
    penalties = np.diag([penalty * len(x)] * (x.shape[1] - 1) + [0.0])
    weights = np.linalg.solve(x.T @ x + penalties, x.T @ (y / 255))
    inputs = (data[0].reshape(len(data[0]), -1) - mean) / scale
    guess = np.column_stack([inputs, np.ones(len(inputs))]) @ weights
    guess = np.clip(guess, 0, 1).reshape(data[1].shape)
    return float(np.mean(tf.image.psnr(data[1] / 255, guess, 1.0)))


def test_recovers_a_linear_relation():
    train, validation, test = _pairs(400, 1), _pairs(50, 2), _pairs(60, 3)
    found = ridge.privacy_loss(train, validation, test)
    assert found.psnr > 45
    assert 0 < found.psnr_std < 10
    assert found.ssim is None  # of images this small
    # Against the wrong images it knows nothing: below the 10.8 dB of always answering mid-grey.
    assert ridge.privacy_loss(train, validation, (test[0], _pairs(60, 4)[1])).psnr < 10.8


@pytest.mark.parametrize("count", [30, 200])  # fewer and more images than values of a representation
@pytest.mark.parametrize("penalty", ridge.PENALTIES)
def test_equals_the_normal_equations(monkeypatch, count, penalty):
    monkeypatch.setattr(ridge, "PENALTIES", (penalty,))
    train, test = _pairs(count, 1, noise=40), _pairs(60, 3, noise=40)
    found = ridge.privacy_loss(train, test, test)
    assert found.psnr == pytest.approx(_direct(train, test, penalty), abs=2e-3)


@pytest.mark.parametrize(("noise", "best"), [(0, min(ridge.PENALTIES)), (600, max(ridge.PENALTIES))])
def test_penalty_is_chosen_on_the_validation_split(noise, best):
    """Validation pairs as clean, or much noisier, than those of training and test."""
    train, test = _pairs(200, 1, noise=40), _pairs(60, 3, noise=40)
    validation = _pairs(60, 2, noise=noise)
    on_validation = {penalty: _direct(train, validation, penalty) for penalty in ridge.PENALTIES}
    on_test = {penalty: _direct(train, test, penalty) for penalty in ridge.PENALTIES}
    assert max(on_validation, key=on_validation.get) == best != max(on_test, key=on_test.get)
    found = ridge.privacy_loss(train, validation, test)
    assert found.psnr == pytest.approx(on_test[best], abs=2e-3)


def test_types_of_a_release():
    train, test = _pairs(100, 1), _pairs(30, 3)
    halves = [(pairs[0].astype(np.float16), pairs[1]) for pairs in (train, test)]
    found = ridge.privacy_loss(halves[0], halves[1], halves[1])
    assert found.psnr == pytest.approx(ridge.privacy_loss(train, test, test).psnr, abs=1)
