import keras
import numpy as np
import pytest
import tensorflow as tf

from privynet_tf.layers import BatchNormalization, LocalResponseNormalization, PerImageStandardization


def _inputs(channels):
    return np.random.default_rng(0).normal(0, 30, (2, 3, 5, channels)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 3, 9, 64])
@pytest.mark.parametrize(
    "parameters",
    [
        {"depth_radius": 4, "bias": 1.0, "alpha": 0.001 / 9.0, "beta": 0.75},
        {"depth_radius": 2, "bias": 2.0, "alpha": 0.1, "beta": 0.5},
        {"depth_radius": 1, "bias": 0.5, "alpha": 1.0, "beta": 1.0},
    ],
)
class TestLocalResponseNormalization:
    def test_equals_tensorflow(self, channels, parameters):
        inputs = _inputs(channels)
        expected = tf.nn.local_response_normalization(inputs, **parameters)
        actual = LocalResponseNormalization(**parameters)(inputs)
        assert abs(expected - inputs).numpy().max() > 0.1
        np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=1e-6)

    def test_gradient_equals_tensorflow(self, channels, parameters):
        inputs = tf.constant(_inputs(channels))
        weights = np.random.default_rng(1).normal(size=inputs.shape).astype(np.float32)
        layer = LocalResponseNormalization(**parameters)

        def gradient(normalize):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                total = tf.reduce_sum(weights * normalize(inputs))
            return tape.gradient(total, inputs)

        expected = gradient(lambda x: tf.nn.local_response_normalization(x, **parameters))
        np.testing.assert_allclose(
            gradient(layer), expected, rtol=1e-3, atol=1e-5 * abs(expected).numpy().max()
        )


def test_defaults_are_those_of_the_tutorial():
    inputs = _inputs(64)
    expected = tf.nn.lrn(inputs, depth_radius=4, bias=1.0, alpha=0.001 / 9.0, beta=0.75)
    np.testing.assert_allclose(LocalResponseNormalization()(inputs), expected, rtol=2e-5, atol=1e-6)


def test_formula():
    """One pixel, three channels, radius 1, by hand."""
    layer = LocalResponseNormalization(depth_radius=1, bias=2.0, alpha=0.5, beta=1.0)
    outputs = layer(np.array([1.0, 2.0, 3.0], np.float32).reshape(1, 1, 1, 3))
    np.testing.assert_allclose(np.ravel(outputs), [1 / 4.5, 2 / 9.0, 3 / 8.5], rtol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        LocalResponseNormalization(depth_radius=2, bias=3.0, alpha=0.25, beta=0.5),
        PerImageStandardization(),
    ],
)
def test_round_trip(layer, tmp_path):
    model = keras.Sequential([keras.Input((3, 5, 9)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    inputs = _inputs(9)
    np.testing.assert_array_equal(model(inputs), loaded(inputs))
    assert abs(np.asarray(loaded(inputs)) - inputs).max() > 0.1
    assert loaded.layers[0].get_config() == layer.get_config()
    assert loaded.output_shape == (None, 3, 5, 9)


class TestPerImageStandardization:
    def test_equals_tensorflow(self, photos):
        inputs = photos.astype(np.float32)
        expected = tf.image.per_image_standardization(inputs)
        np.testing.assert_allclose(PerImageStandardization()(inputs), expected, rtol=0, atol=2e-6)

    def test_mean_and_variance_of_each_image(self, photos):
        inputs = photos * np.array([1.0, 0.1], np.float32)[:, None, None, None]
        outputs = np.asarray(PerImageStandardization()(inputs))
        np.testing.assert_allclose(outputs.mean(axis=(1, 2, 3)), 0, atol=1e-5)
        np.testing.assert_allclose(outputs.std(axis=(1, 2, 3)), 1, atol=1e-5)

    @pytest.mark.parametrize("value", [0, 1, 77, 255])
    def test_constant_image_becomes_zero(self, value):
        outputs = PerImageStandardization()(np.full((1, 32, 32, 3), value, np.float32))
        np.testing.assert_allclose(outputs, 0, atol=1e-4)

    def test_almost_constant_image_is_not_blown_up(self):
        """The deviation counts as at least 1 / sqrt(3072), which it is not here."""
        inputs = np.zeros((1, 32, 32, 3), np.float32)
        inputs[0, 0, 0, 0] = 0.01
        outputs = np.asarray(PerImageStandardization()(inputs))
        np.testing.assert_allclose(outputs.max(), 0.01 * 3072**0.5, rtol=1e-3)
        np.testing.assert_allclose(outputs, tf.image.per_image_standardization(inputs), rtol=1e-4, atol=1e-6)


def _trained(layer, inputs, trainable=True):
    """Output, gradients and moving statistics of a step."""
    layer.build(inputs.shape)
    layer.trainable = trainable
    layer.gamma.assign(np.linspace(0.5, 2, inputs.shape[-1]))
    layer.beta.assign(np.linspace(-1, 1, inputs.shape[-1]))
    with tf.GradientTape() as tape:
        values = tf.convert_to_tensor(inputs)
        tape.watch(values)
        outputs = layer(values, training=True)
        loss = tf.reduce_sum(outputs**3)
    gradients = tape.gradient(loss, [values, layer.gamma.value, layer.beta.value])
    return [outputs, *gradients, layer.moving_mean, layer.moving_variance]


@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_batch_normalization_equals_keras(trainable, dtype):
    inputs = _inputs(9) + 5
    expected = _trained(keras.layers.BatchNormalization(momentum=0.9, dtype=dtype), inputs, trainable)
    actual = _trained(BatchNormalization(momentum=0.9, dtype=dtype), inputs, trainable)
    assert abs(np.asarray(expected[0], np.float32) - inputs).max() > 1
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(
            np.asarray(one, np.float32), np.asarray(other, np.float32), rtol=1e-4, atol=1e-4
        )


def test_batch_normalization_is_one_operation_in_training():
    layer = BatchNormalization()
    step = tf.function(lambda inputs: layer(inputs, training=True))
    operations = {node.type for node in step.get_concrete_function(_inputs(3)).graph.get_operations()}
    assert "FusedBatchNormV3" in operations
