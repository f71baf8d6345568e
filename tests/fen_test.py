"""The FEN against ``keras.applications``, TensorFlow's own operations and the table of the design."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from privynet_tf import cost, fen
from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS
from privynet_tf.topology import FenTopology, depth_of

PRUNED = FenTopology(
    num_layers=6,
    output_channels=(100, 3, 17, 40),
    intermediate_channels={"block1_conv1": (60, 2, 31), "block2_conv1": (5, 99, 0, 64, 127)},
)


def _activations(model, images):
    """What every layer of a network of ``keras.applications`` makes of images in [0, 255]."""
    inputs = keras.applications.vgg16.preprocess_input(images.astype(np.float32))
    outputs = [layer.output for layer in model.layers[1:]]
    return [array.numpy() for array in keras.Model(model.inputs[0], outputs)(inputs, training=False)]


@pytest.fixture(scope="module")
def activations(vgg16, photos):
    return _activations(vgg16.model, photos)


def _some_channels(count, of, seed):
    return tuple(np.random.default_rng(seed).permutation(of)[:count].tolist())


def _assert_same_sums(actual, desired):
    """Equal but for the order in which float32 products are summed.

    A convolution with fewer output channels is another shape to the library below TensorFlow, which
    may then sum in another order. With oneDNN on AVX2 or later the results are equal to the last bit;
    elsewhere the rounding errors of a sum of K products, each up to 2^-24, walk about sqrt(K) * 2^-24:
    4e-6 for the largest K, 9 * 512.
    """
    assert actual.shape == desired.shape
    assert desired.max() > 0
    np.testing.assert_allclose(actual, desired, rtol=0, atol=4e-6 * desired.max())


@pytest.mark.parametrize("num_layers", range(1, 19))
def test_equals_vgg16(vgg16, activations, photos, num_layers):
    model = fen.build(FenTopology("vgg16", num_layers), vgg16.path)
    expected = activations[num_layers - 1]
    assert model.layers[-1].name == vgg16.model.layers[num_layers].name
    assert expected.max() > 0
    np.testing.assert_array_equal(fen.apply(model, photos), expected)


@pytest.mark.parametrize("num_layers", range(1, 19))
def test_output_channels_are_those_of_vgg16(vgg16, activations, photos, num_layers):
    channels = _some_channels(5, depth_of(NETWORKS["vgg16"], num_layers), seed=num_layers)
    topology = FenTopology("vgg16", num_layers, channels)
    model = fen.build(topology, vgg16.path)
    last = topology.convolutions[-1].name
    kernel, bias = vgg16.model.get_layer(last).get_weights()
    np.testing.assert_array_equal(model.get_layer(last).get_weights()[0], np.take(kernel, channels, axis=-1))
    np.testing.assert_array_equal(model.get_layer(last).get_weights()[1], np.take(bias, channels))
    _assert_same_sums(fen.apply(model, photos), np.take(activations[num_layers - 1], channels, axis=-1))


@pytest.mark.parametrize("num_layers", [2, 3, 4, 5, 6, 9, 14, 18])
def test_intermediate_channels_act_as_if_the_others_were_zero(vgg16, photos, num_layers):
    network = NETWORKS["vgg16"].layers[:num_layers]
    convolutions = [layer for layer in network if not layer.is_pool]
    kept = {
        layer.name: _some_channels(layer.filters // 2 + 1, layer.filters, seed=number)
        for number, layer in enumerate(convolutions)
    }
    released = kept.pop(convolutions[-1].name)
    model = fen.build(FenTopology("vgg16", num_layers, released, kept), vgg16.path)

    def reference(kept):
        """All channels of VGG16, those that are not kept set to zero."""
        x = tf.constant(keras.applications.vgg16.preprocess_input(photos.astype(np.float32)))
        for layer in vgg16.model.layers[1 : num_layers + 1]:
            if "pool" in layer.name:
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
                continue
            kernel, bias = layer.get_weights()
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)
            if layer.name in kept:
                x *= np.isin(np.arange(layer.filters), kept[layer.name]).astype(np.float32)
        return tf.gather(x, released, axis=-1).numpy()

    expected = reference(kept)
    _assert_same_sums(fen.apply(model, photos), expected)
    assert abs(expected - reference({})).max() > 0.1 * expected.max()  # the channels do matter


@pytest.mark.parametrize("num_layers", [10, 16])
def test_equals_vgg19(vgg19, photos, num_layers):
    expected = _activations(vgg19.model, photos)[num_layers - 1]
    model = fen.build(FenTopology("vgg19", num_layers), vgg19.path)
    assert model.layers[-1].name == vgg19.model.layers[num_layers].name
    np.testing.assert_array_equal(fen.apply(model, photos), expected)
    channels = _some_channels(7, expected.shape[-1], seed=0)
    model = fen.build(FenTopology("vgg19", num_layers, channels), vgg19.path)
    _assert_same_sums(fen.apply(model, photos), expected[..., list(channels)])


class TestImageNetWeights:
    @pytest.fixture(scope="class")
    def model(self, imagenet_weights):
        model = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
        model.load_weights(imagenet_weights, by_name=True)
        return model

    @pytest.mark.parametrize("num_layers", range(1, 7))
    def test_equals_vgg16(self, imagenet_weights, model, photos, num_layers):
        built = fen.build(FenTopology("vgg16", num_layers), str(imagenet_weights))
        expected = _activations(model, photos)[num_layers - 1]
        np.testing.assert_array_equal(fen.apply(built, photos), expected)
        channels = _some_channels(8, expected.shape[-1], seed=num_layers)
        built = fen.build(FenTopology("vgg16", num_layers, channels), str(imagenet_weights))
        _assert_same_sums(fen.apply(built, photos), expected[..., list(channels)])

    def test_published_values(self, imagenet_weights):
        model = fen.build(FenTopology("vgg16", 1), str(imagenet_weights))
        kernel, bias = model.get_layer("block1_conv1").get_weights()
        assert kernel[0, 0, 0, 0] == np.float32(0.42947057)
        np.testing.assert_allclose(bias[:4], [0.73429835, 0.09340367, 0.06775674, 0.8862966], rtol=1e-6)

    def test_raw_representations_reach_several_hundred(self, imagenet_weights, photos):
        """Why the cloud's networks normalize their inputs."""
        model = fen.build(FenTopology("vgg16", 6), str(imagenet_weights))
        assert 200 < fen.apply(model, photos).max() < 20_000


def test_caffe_preprocessing_equals_keras(vgg16, photos):
    model = fen.build(FenTopology(num_layers=1), vgg16.path)
    preprocess = keras.Model(model.inputs[0], model.get_layer("caffe").output)
    expected = keras.applications.vgg16.preprocess_input(photos.astype(np.float32))
    np.testing.assert_array_equal(fen.apply(preprocess, photos), expected)


def test_per_image_preprocessing_equals_tensorflow(vgg16, photos):
    model = fen.build(FenTopology(num_layers=1), vgg16.path, "per_image")
    preprocess = keras.Model(model.inputs[0], model.get_layer("per_image").output)
    expected = tf.image.per_image_standardization(photos.astype(np.float32)).numpy()
    np.testing.assert_allclose(fen.apply(preprocess, photos), expected, rtol=0, atol=2e-6)

    kernel, bias = vgg16.model.get_layer("block1_conv1").get_weights()
    activations = tf.nn.relu(tf.nn.conv2d(expected, kernel, 1, "SAME") + bias).numpy()
    np.testing.assert_allclose(fen.apply(model, photos), activations, rtol=0, atol=2e-5)


@pytest.mark.parametrize("preprocessing", fen.PREPROCESSING)
def test_integer_and_float_images_agree(photos, preprocessing):
    model = fen.build(FenTopology(num_layers=2, output_channels=(1, 2)), "random", preprocessing)
    kept = photos.copy()
    from_integers = fen.apply(model, photos)
    floats = photos.astype(np.float32)
    np.testing.assert_array_equal(from_integers, fen.apply(model, floats))
    assert from_integers.dtype == np.float32
    assert from_integers.any()
    # preprocess_input of Keras changes its argument.
    np.testing.assert_array_equal(photos, kept)
    np.testing.assert_array_equal(floats, kept)


@pytest.mark.parametrize(
    ("num_layers", "shape"),
    [
        (1, (32, 32, 64)),
        (2, (32, 32, 64)),
        (3, (16, 16, 64)),
        (4, (16, 16, 128)),
        (5, (16, 16, 128)),
        (6, (8, 8, 128)),
    ],
)
def test_output_shapes_at_32_pixels(num_layers, shape):
    topology = FenTopology("vgg16", num_layers)
    model = fen.build(topology, "random")
    assert model.input_shape == (None, 32, 32, 3)
    assert model.output_shape == (None, *shape)
    assert topology.output_shape(32) == shape


@pytest.mark.parametrize("image_size", [4, 27, 48])
def test_other_image_sizes(image_size):
    model = fen.build(PRUNED, "random", image_size=image_size)
    images = np.random.default_rng(0).integers(0, 256, (3, image_size, image_size, 3), dtype=np.uint8)
    assert fen.apply(model, images).shape == (3, *PRUNED.output_shape(image_size))


@pytest.mark.parametrize(
    "topology",
    [FenTopology("vgg16", m) for m in range(1, 8)]
    + [
        FenTopology("vgg16", 6, (1,)),
        FenTopology("vgg16", 3, (1, 9)),
        FenTopology("vgg19", 9, range(9), {"block3_conv2": range(3), "block1_conv1": (7,)}),
        PRUNED,
    ],
)
def test_model_is_as_small_as_its_topology(topology):
    model = fen.build(topology, "random")
    assert model.count_params() == cost.of_topology(topology, 32).parameters


def test_nothing_can_be_trained():
    model = fen.build(PRUNED, "random")
    assert not model.trainable_weights
    assert len(model.non_trainable_weights) == 8


def test_seed_of_random_weights(photos):
    outputs = [fen.apply(fen.build(PRUNED, "random", seed=seed), photos) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert (outputs[0] != outputs[2]).mean() > 0.5


def test_unknown_preprocessing():
    message = r"preprocessing must be one of \('caffe', 'per_image'\)\. Received: 'tf'"
    with pytest.raises(InputError, match=message):
        fen.build(FenTopology(), "random", "tf")


def test_image_too_small_for_the_pools():
    with pytest.raises(InputError, match=r"image_size must be at least 4 .*Received: 3"):
        fen.build(FenTopology(num_layers=6), "random", image_size=3)
