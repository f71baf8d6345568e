import keras
import numpy as np
import pytest
import tensorflow as tf

from privynet_tf import irn, metrics, training
from privynet_tf.errors import InputError

BLOCK = [
    ("Conv2D", 3, 1),
    ("BatchNormalization",),
    ("ReLU",),
    ("Conv2D", 3, 1),
    ("BatchNormalization",),
    ("Add",),
]
START = [("InputLayer",), ("Normalization",), ("Conv2D", 1, 1)]
END = [("Conv2D", 3, 1)]


def _upsampling(*strides):
    return [("Conv2DTranspose", 3, stride) for stride in strides]


def _described(model):
    """Each layer's type, and a convolution's kernel size and stride."""
    described = []
    for layer in model.layers:
        sizes = ()
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose):
            (size, other_size), (stride, other_stride) = layer.kernel_size, layer.strides
            assert (size, stride) == (other_size, other_stride)
            assert layer.padding == "same" or size == 1
            sizes = size, stride
        described.append((type(layer).__name__, *sizes))
    return described


@pytest.mark.parametrize(
    ("side", "strides"), [(32, (1,)), (16, (2,)), (8, (2, 2)), (4, (2, 2, 2)), (1, (2,) * 5)]
)
def test_deconvolutions_bring_representations_to_the_size_of_the_images(side, strides):
    model = irn.build((side, side, 8), clusters=2, blocks=2, width=6)
    assert _described(model) == START + 2 * BLOCK + _upsampling(*strides) + 2 * BLOCK + END
    assert model.input_shape == (None, side, side, 8)
    assert model.output_shape == (None, 32, 32, 3)


@pytest.mark.parametrize(
    ("clusters", "side", "expected"),
    [
        (1, 16, [*BLOCK, *_upsampling(2)]),
        (1, 32, [*BLOCK, *_upsampling(1)]),
        (3, 8, [*BLOCK, *_upsampling(2, 2), *BLOCK, *_upsampling(1), *BLOCK]),
        (3, 32, [*BLOCK, *_upsampling(1), *BLOCK, *_upsampling(1), *BLOCK]),
    ],
)
def test_clusters(clusters, side, expected):
    model = irn.build((side, side, 4), clusters=clusters, blocks=1, width=6)
    assert _described(model) == START + expected + END
    assert model.output_shape == (None, 32, 32, 3)


def test_paper_size_is_the_default():
    """Two clusters of eight blocks (Fig. 18) of SRGAN's width."""
    model = irn.build((8, 8, 8))
    assert _described(model) == START + 8 * BLOCK + _upsampling(2, 2) + 8 * BLOCK + END
    widths = {
        layer.filters
        for layer in model.layers[:-1]
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose)
    }
    assert widths == {64}
    assert irn.Architecture() == irn.Architecture(clusters=2, blocks=8, width=64)
    convolution = 64 * 64 * 9 + 64
    expected = 8 * 64 + 64 + 16 * 2 * (convolution + 2 * 64) + 2 * convolution + 64 * 27 + 3
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == expected


def test_deconvolutions_have_relu_and_the_output_is_not_clipped():
    model = irn.build((8, 8, 4), clusters=3, blocks=1, width=6)
    deconvolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert len(deconvolutions) == 3
    for layer in deconvolutions:
        assert layer.activation == keras.activations.relu
    assert model.layers[-1].activation == keras.activations.linear


def test_block_adds_its_input():
    """With gamma of the last normalization at 0, a block is the identity."""
    keras.utils.set_random_seed(0)
    model = irn.build((16, 16, 4), image_size=16, clusters=1, blocks=2, width=6)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms[1::2]:
        norm.gamma.assign(np.zeros(6))
    adds = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    inner = keras.Model(model.inputs[0], [model.get_layer("conv_in").output, adds[-1].output])
    before, after = inner(np.random.default_rng(0).normal(size=(2, 16, 16, 4)).astype(np.float32))
    assert np.any(before)
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    ("shape", "image_size"),
    [((8, 8, 4), 48), ((8, 8, 4), 12), ((5, 5, 4), 32), ((8, 4, 4), 32), ((8, 8, 4), 4), ((64, 64, 4), 32)],
)
def test_images_must_be_larger_by_a_power_of_2(shape, image_size):
    message = (
        r"must be square and the images larger by a power of 2\. "
        rf"Received: representations \({shape[0]}, {shape[1]}, 4\), images of {image_size} pixels"
    )
    with pytest.raises(InputError, match=message):
        irn.build(shape, image_size, clusters=1, blocks=1, width=2)


@pytest.mark.parametrize("field", ["clusters", "blocks", "width"])
@pytest.mark.parametrize("value", [0, -1])
def test_architecture_out_of_range(field, value):
    with pytest.raises(InputError, match=rf"the IRN's {field} must be at least 1\. Received: {value}"):
        irn.Architecture(**{field: value})


class TestLoss:
    def test_is_the_norm_of_each_images_error(self):
        generator = np.random.default_rng(0)
        images, guesses = generator.random((2, 5, 8, 8, 3)).astype(np.float32)
        expected = [np.linalg.norm((a - b).ravel()) for a, b in zip(images, guesses, strict=True)]
        np.testing.assert_allclose(irn.loss(images, guesses), expected, rtol=1e-5)
        assert np.std(expected) > 0

    def test_keras_averages_it_over_the_batch(self):
        generator = np.random.default_rng(0)
        images, guesses = generator.random((2, 5, 8, 8, 3)).astype(np.float32)
        model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Identity()])
        model.compile(loss=irn.loss)
        expected = np.linalg.norm((images - guesses).reshape(5, -1), axis=1).mean()
        assert model.evaluate(guesses, images, verbose=0) == pytest.approx(expected, rel=1e-5)

    def test_gradient(self):
        images = np.zeros((2, 4, 4, 3), np.float32)
        guesses = tf.constant(np.random.default_rng(0).normal(size=images.shape).astype(np.float32))
        with tf.GradientTape() as tape:
            tape.watch(guesses)
            total = tf.reduce_sum(irn.loss(images, guesses))
        norms = np.linalg.norm(guesses.numpy().reshape(2, -1), axis=1)
        expected = guesses.numpy() / norms[:, None, None, None]
        np.testing.assert_allclose(tape.gradient(total, guesses), expected, rtol=1e-5, atol=1e-7)

    def test_gradient_at_no_error_is_finite(self):
        images = np.full((2, 4, 4, 3), 0.25, np.float32)
        guesses = tf.constant(images)
        with tf.GradientTape() as tape:
            tape.watch(guesses)
            loss = irn.loss(images, guesses)
        np.testing.assert_array_equal(tape.gradient(loss, guesses), np.zeros_like(images))
        np.testing.assert_allclose(loss, 0, atol=1e-3)


class TestPrivacyLoss:
    @pytest.fixture(scope="class")
    def pairs(self):
        """More images than are measured at once, each noisier than the one before."""
        generator = np.random.default_rng(0)
        images = generator.integers(0, 256, (601, 12, 12, 3), dtype=np.uint8)
        noise = np.linspace(0.01, 1, 601)[:, None, None, None] * generator.normal(size=images.shape)
        return images, (images / 255 + noise).astype(np.float32)

    def test_fields(self, pairs):
        images, guesses = pairs
        originals = images.astype(np.float32) / 255
        psnr = tf.image.psnr(originals, np.clip(guesses, 0, 1), 1.0).numpy().astype(float)
        ssim = tf.image.ssim(originals, np.clip(guesses, 0, 1), 1.0).numpy()
        found = irn.privacy_loss(images, guesses)
        assert found.psnr == pytest.approx(psnr.mean(), abs=1e-3)
        assert found.psnr_std == pytest.approx(psnr.std(), abs=1e-3)
        assert found.psnr_p95 == pytest.approx(np.percentile(psnr, 95), abs=1e-3)
        assert found.ssim == pytest.approx(ssim.mean(), abs=1e-4)
        assert found.psnr_p95 > found.psnr + found.psnr_std  # the fields are not one another

    def test_small_images_have_no_ssim(self, pairs):
        images, guesses = pairs[0][:3, :10, :10], pairs[1][:3, :10, :10]
        found = irn.privacy_loss(images, guesses)
        assert found.ssim is None
        assert found.psnr == pytest.approx(
            float(np.mean(metrics.psnr(images.astype(np.float32) / 255, guesses))), abs=1e-4
        )


def test_paper_settings():
    settings = training.Settings(**irn.PAPER_SETTINGS)
    assert (settings.epochs, settings.batch_size, settings.optimizer) == (100, 128, "sgd")
    assert settings.rate(0) == settings.rate(99) == 0.003


def test_round_trip(tmp_path):
    model = irn.build((4, 4, 2), 8, clusters=2, blocks=1, width=4)
    model.save(tmp_path / "irn.keras")
    loaded = keras.models.load_model(tmp_path / "irn.keras")
    inputs = np.random.default_rng(0).normal(size=(3, 4, 4, 2)).astype(np.float32)
    assert np.any(model(inputs))
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


class TestTrain:
    """Plain images, whose representation is their colour, far from 0 and from 1."""

    @pytest.fixture(scope="class")
    def data(self):
        colours = np.random.default_rng(0).integers(0, 256, (64, 1, 1, 3), dtype=np.uint8)
        images = np.broadcast_to(colours, (64, 8, 8, 3)).copy()
        return 500 + 2 * images[:, ::2, ::2].astype(np.float32), images

    @pytest.fixture(scope="class")
    def model(self, data):
        return self.train(data, epochs=20)

    @staticmethod
    def train(data, **changes):
        settings = {"epochs": 1, "learning_rate": 1e-2, "batch_size": 16, "optimizer": "adam"} | changes
        return irn.train(data, None, irn.Architecture(1, 1, 8), training.Settings(**settings))

    def test_learns(self, model, data):
        """Answering the mean colour has 10.8 dB: the variance of uniform values is 1/12."""
        assert irn.evaluate(model, data).psnr > 15

    def test_normalization_is_that_of_the_training_representations(self, model, data):
        layer = model.get_layer("normalization")
        np.testing.assert_allclose(np.ravel(layer.mean), data[0].mean(axis=(0, 1, 2)), rtol=1e-4)
        np.testing.assert_allclose(np.ravel(layer.variance), data[0].var(axis=(0, 1, 2)), rtol=1e-3)

    def test_evaluate_measures_the_models_reconstructions(self, model, data):
        found = irn.evaluate(model, data)
        assert found == irn.privacy_loss(data[1], model.predict(data[0], batch_size=500, verbose=0))
        shuffled = irn.evaluate(model, (data[0][::-1], data[1]))
        assert shuffled.psnr < found.psnr - 3  # images and representations belong together

    def test_seed_decides_the_result(self, model, data):
        one = model.layers[-1].get_weights()[0]
        same, other = (self.train(data, epochs=20, seed=seed).layers[-1].get_weights()[0] for seed in (0, 1))
        np.testing.assert_array_equal(one, same)
        assert (one != other).all()
