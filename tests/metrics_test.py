import math

import numpy as np
import pytest
import tensorflow as tf

from privynet_tf import metrics


def _pairs(count=5, size=32, noise=0.1):
    """Images and noisy copies, the later ones noisier, the noise beyond [0, 1] clipped."""
    generator = np.random.default_rng(0)
    images = generator.random((count, size, size, 3)).astype(np.float32)
    scale = noise * np.arange(1, count + 1)[:, None, None, None]
    guesses = np.clip(images + scale * generator.normal(size=images.shape), 0, 1).astype(np.float32)
    return images, guesses


class TestPsnr:
    def test_by_hand(self):
        """Errors of 0.1 everywhere, of 0.5 in one value of four, of 1 everywhere."""
        images = np.zeros((3, 2, 2, 1), np.float32)
        guesses = images.copy()
        guesses[0] = 0.1
        guesses[1, 0, 0] = 0.5
        guesses[2] = 1
        expected = [20.0, 10 * math.log10(4 / 0.25), 0.0]
        np.testing.assert_allclose(metrics.psnr(images, guesses), expected, rtol=1e-5, atol=1e-6)

    def test_equals_tensorflow(self):
        images, guesses = _pairs()
        expected = tf.image.psnr(images, guesses, max_val=1.0)
        assert metrics.psnr(images, guesses).shape == (5,)
        np.testing.assert_allclose(metrics.psnr(images, guesses), expected, rtol=1e-5)

    def test_mean_over_images_is_not_that_of_the_mean_error(self):
        images, guesses = _pairs()
        values = np.asarray(metrics.psnr(images, guesses))
        of_the_mean = 10 * math.log10(1 / np.mean((images - guesses) ** 2, dtype=np.float64))
        expected = np.mean(
            [10 * math.log10(1 / np.mean((a - b) ** 2)) for a, b in zip(images, guesses, strict=True)]
        )
        assert values.mean() == pytest.approx(expected, abs=1e-4)
        assert values.mean() > of_the_mean + 1

    def test_reconstructions_are_clipped(self):
        images, guesses = _pairs()
        wild = guesses.copy()
        wild[guesses == 0] = -7
        wild[guesses == 1] = 9
        assert (wild != guesses).any()
        np.testing.assert_array_equal(metrics.psnr(images, wild), metrics.psnr(images, guesses))

    def test_identical_images_have_the_stated_maximum(self):
        images, guesses = _pairs(2)
        values = np.asarray(metrics.psnr(images, np.stack([images[0], guesses[1]])))
        assert values[0] == pytest.approx(metrics.MAX_PSNR, abs=1e-4)
        assert metrics.MAX_PSNR == 100
        assert values[1] < 20

    def test_one_wrong_value_of_an_image_is_below_the_maximum(self):
        images = np.zeros((1, 32, 32, 3), np.float32)
        guesses = images.copy()
        guesses[0, 3, 4, 1] = 1 / 255
        expected = 10 * math.log10(32 * 32 * 3 * 255**2)
        assert float(metrics.psnr(images, guesses)[0]) == pytest.approx(expected, abs=1e-3)
        assert expected < metrics.MAX_PSNR


class TestSsim:
    @pytest.mark.parametrize("size", [11, 16, 32])
    @pytest.mark.parametrize("noise", [0.01, 0.1, 0.5])
    def test_equals_tensorflow(self, size, noise):
        images, guesses = _pairs(size=size, noise=noise)
        expected = tf.image.ssim(images, guesses, max_val=1.0).numpy()
        assert expected.min() < 0.99
        np.testing.assert_allclose(metrics.ssim(images, guesses), expected, rtol=0, atol=2e-5)

    def test_smooth_images_equal_tensorflow(self):
        """Where variances are small, so that rounding matters most."""
        ramp = np.linspace(0.3, 0.7, 32, dtype=np.float32)
        images = np.broadcast_to(ramp[None, :, None, None], (1, 32, 32, 3))
        guesses = images * np.float32(0.9) + np.float32(0.02)
        expected = tf.image.ssim(images, guesses, max_val=1.0)
        np.testing.assert_allclose(metrics.ssim(images, guesses), expected, rtol=0, atol=2e-4)

    def test_identical_images_have_one(self):
        images, _ = _pairs(2)
        np.testing.assert_allclose(metrics.ssim(images, images), 1, atol=1e-6)

    def test_reconstructions_are_clipped(self):
        images, guesses = _pairs()
        wild = np.where(guesses == 1, 5, guesses).astype(np.float32)
        assert (wild != guesses).any()
        np.testing.assert_array_equal(metrics.ssim(images, wild), metrics.ssim(images, guesses))


def test_accuracy():
    logits = np.array([[0.1, 0.9, -3], [5, 2, 1], [0, 1, 7], [3, 2, 1]])
    assert metrics.accuracy(logits, np.array([1, 0, 2, 2])) == 0.75
    assert metrics.accuracy(logits, np.array([0, 1, 1, 2])) == 0.0
    assert isinstance(metrics.accuracy(logits, np.array([1, 0, 2, 0])), float)


def test_class_prior_is_of_the_class_most_frequent_in_training():
    train = np.array([2, 2, 2, 0, 1, 1])
    labels = np.array([0, 0, 0, 2, 1])
    assert metrics.class_prior(labels, train) == pytest.approx(1 / 5)
    assert metrics.class_prior(np.array([2, 2, 0, 2]), train) == pytest.approx(3 / 4)
