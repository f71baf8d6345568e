import keras
import numpy as np
import pytest
import tensorflow as tf

from privynet_tf import icn, training
from privynet_tf.layers import LocalResponseNormalization


def _count(model):
    """Parameters without those of the Normalization, which are not trained."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.parametrize(
    ("shape", "parameters"),
    [
        ((8, 8, 8), 289_866),  # m = 6, D' = 8
        ((8, 8, 128), 481_866),
        ((16, 16, 128), 776_778),  # m = 4
        ((32, 32, 64), 1_854_026),  # m = 1
        ((24, 24, 3), 1_068_298),  # the tutorial's images
    ],
)
def test_parameters(shape, parameters):
    model = icn.build(shape, 10)
    assert _count(model) == parameters
    assert model.output_shape == (None, 10)
    assert model.count_params() == parameters + 2 * shape[-1] + 1


def test_number_of_classes():
    assert icn.build((4, 4, 2), 7).output_shape == (None, 7)
    # 193 values for each class: 192 weights and a bias.
    assert _count(icn.build((4, 4, 2), 7)) - _count(icn.build((4, 4, 2), 3)) == 4 * 193


def test_layers_are_in_the_order_of_the_tutorial():
    model = icn.build((8, 8, 8), 10)
    assert [(type(layer).__name__, layer.name) for layer in model.layers] == [
        ("InputLayer", "representation"),
        ("Normalization", "normalization"),
        ("Conv2D", "conv1"),
        ("MaxPooling2D", "pool1"),
        ("LocalResponseNormalization", "norm1"),
        ("Conv2D", "conv2"),
        ("LocalResponseNormalization", "norm2"),
        ("MaxPooling2D", "pool2"),
        ("Flatten", "flatten"),
        ("Dense", "local3"),
        ("Dense", "local4"),
        ("Dense", "logits"),
    ]


@pytest.mark.parametrize("shape", [(8, 8, 5), (7, 9, 3)])
def test_computes_what_the_tutorial_does(shape):
    """The tutorial's code on the same weights, with TensorFlow's operations."""
    keras.utils.set_random_seed(0)
    model = icn.build(shape, 10)
    for layer in model.layers:  # larger than their initial values, so that every layer matters
        if layer.trainable_weights:
            kernel, bias = layer.get_weights()
            layer.set_weights([20 * kernel / kernel.shape[-2] ** 0.5, bias + 0.2])
    inputs = np.random.default_rng(0).normal(3, 10, (4, *shape)).astype(np.float32)
    model.get_layer("normalization").adapt(inputs)
    weights = {layer.name: layer.get_weights() for layer in model.layers}

    def convolved(x, name):
        kernel, bias = weights[name]
        return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME"), bias))

    def pooled(x):
        return tf.nn.max_pool2d(x, [1, 3, 3, 1], [1, 2, 2, 1], "SAME")

    def normalized(x):
        return tf.nn.lrn(x, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75)

    def dense(x, name):
        kernel, bias = weights[name]
        return tf.matmul(x, kernel) + bias

    x = (inputs - inputs.mean(axis=(0, 1, 2))) / inputs.std(axis=(0, 1, 2))
    x = normalized(pooled(convolved(x, "conv1")))
    x = pooled(normalized(convolved(x, "conv2")))
    x = tf.reshape(x, [4, -1])
    x = tf.nn.relu(dense(x, "local3"))
    x = tf.nn.relu(dense(x, "local4"))
    expected = dense(x, "logits").numpy()
    assert expected.std() > 0.1
    np.testing.assert_allclose(model(inputs), expected, rtol=1e-3, atol=1e-4 * abs(expected).max())


@pytest.mark.parametrize(
    ("name", "deviation", "bias"),
    [
        ("conv1", 5e-2, 0.0),
        ("conv2", 5e-2, 0.1),
        ("local3", 0.04, 0.1),
        ("local4", 0.04, 0.1),
        ("logits", 1 / 192, 0.0),
    ],
)
def test_initial_values(name, deviation, bias):
    keras.utils.set_random_seed(0)
    kernel, biases = icn.build((8, 8, 8), 10).get_layer(name).get_weights()
    # A normal distribution cut at 2 deviations has 0.8796 of the deviation.
    assert 1.9 * deviation < abs(kernel).max() <= 2 * deviation * (1 + 1e-6)
    tolerance = 4 / (2 * kernel.size) ** 0.5  # 4 standard errors
    assert kernel.std() == pytest.approx(0.8796 * deviation, rel=tolerance)
    assert abs(kernel.mean()) < 4 * deviation / kernel.size**0.5
    np.testing.assert_allclose(biases, bias)


def test_local_response_normalization_is_the_tutorials():
    for name in ("norm1", "norm2"):
        layer = icn.build((8, 8, 8), 10).get_layer(name)
        assert isinstance(layer, LocalResponseNormalization)
        assert (layer.depth_radius, layer.bias, layer.beta) == (4, 1.0, 0.75)
        assert layer.alpha == pytest.approx(0.001 / 9)


def test_weight_decay_is_on_the_kernels_of_the_two_dense_layers():
    model = icn.build((8, 8, 8), 10)
    kernels = [model.get_layer(name).kernel for name in ("local3", "local4")]
    expected = sum(0.004 * tf.nn.l2_loss(kernel.value) for kernel in kernels)
    assert len(model.losses) == 2
    assert float(sum(model.losses)) == pytest.approx(float(expected), rel=1e-5)


def test_paper_settings():
    settings = training.Settings(**icn.PAPER_SETTINGS)
    assert (settings.epochs, settings.batch_size, settings.optimizer) == (250, 128, "sgd")
    assert not settings.average_weights
    rates = [settings.rate(epoch) for epoch in (0, 99, 100, 199, 200, 249)]
    np.testing.assert_allclose(rates, [0.05, 0.05, 0.005, 0.005, 0.0005, 0.0005])


def test_round_trip(tmp_path):
    model = icn.build((4, 4, 2), 3)
    inputs = np.random.default_rng(0).normal(size=(5, 4, 4, 2)).astype(np.float32)
    model.get_layer("normalization").adapt(inputs)
    model.save(tmp_path / "icn.keras")
    loaded = keras.models.load_model(tmp_path / "icn.keras")
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


class TestTrain:
    """Two classes that differ in one channel's mean, of which raw values would be far off."""

    @pytest.fixture(scope="class")
    def data(self):
        generator = np.random.default_rng(0)
        labels = generator.integers(0, 2, 128)
        inputs = generator.normal(0, 30, (128, 4, 4, 2)).astype(np.float32)
        inputs[..., 1] += 300 + 100 * labels[:, None, None]
        return inputs, labels

    @pytest.fixture(scope="class")
    def model(self, data):
        return icn.train(data, data, 2, self.settings())

    @staticmethod
    def settings(**changes):
        default = {"epochs": 6, "learning_rate": 1e-3, "batch_size": 16, "optimizer": "adam"}
        return training.Settings(**default | changes)

    def test_learns(self, model, data):
        assert icn.evaluate(model, data) > 0.95

    def test_normalization_is_that_of_the_training_representations(self, model, data):
        layer = model.get_layer("normalization")
        np.testing.assert_allclose(np.ravel(layer.mean), data[0].mean(axis=(0, 1, 2)), rtol=1e-4)
        np.testing.assert_allclose(np.ravel(layer.variance), data[0].var(axis=(0, 1, 2)), rtol=1e-4)

    def test_utility_is_the_share_of_right_answers(self, model, data):
        logits = model.predict(data[0], verbose=0)
        wrong = data[1].copy()
        wrong[:32] = 1 - wrong[:32]
        expected = np.mean(np.argmax(logits, axis=1) == wrong)
        assert icn.evaluate(model, (data[0], wrong)) == pytest.approx(expected)
        assert 0.6 < expected < 0.85

    def test_seed_decides_the_result(self, model, data):
        one = model.get_layer("logits").get_weights()[0]
        same, other = (
            icn.train(data, None, 2, self.settings(seed=seed)).get_layer("logits").get_weights()[0]
            for seed in (0, 1)
        )
        np.testing.assert_array_equal(one, same)
        assert (one != other).all()
