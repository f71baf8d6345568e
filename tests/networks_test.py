import inspect
import re

import keras
import pytest
from keras.src.applications import vgg16 as keras_vgg16
from keras.src.applications import vgg19 as keras_vgg19

from privynet_tf.networks import NETWORKS, Layer


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_layers_are_those_of_keras(name, request):
    ours = NETWORKS[name].layers
    theirs = request.getfixturevalue(name).model.layers[1:]
    assert [layer.name for layer in ours] == [layer.name for layer in theirs]
    for our, their in zip(ours, theirs, strict=True):
        if our.is_pool:
            assert isinstance(their, keras.layers.MaxPooling2D)
            assert (their.pool_size, their.strides, their.padding) == ((2, 2), (2, 2), "valid")
        else:
            assert isinstance(their, keras.layers.Conv2D)
            assert (their.filters, their.kernel_size, their.strides) == (our.filters, (3, 3), (1, 1))
            assert (their.padding, their.activation) == ("same", keras.activations.relu)


def test_convolutions_and_pools_both_count():
    assert len(NETWORKS["vgg16"].layers) == 13 + 5
    assert len(NETWORKS["vgg19"].layers) == 16 + 5
    assert Layer("a pool", 0).is_pool
    assert not Layer("a convolution", 64).is_pool


@pytest.mark.parametrize(("name", "module"), [("vgg16", keras_vgg16), ("vgg19", keras_vgg19)])
def test_weights_are_those_that_keras_downloads(name, module):
    assert NETWORKS[name].weights_url == module.WEIGHTS_PATH_NO_TOP
    # The checksums in the order of Keras's source: with the classifier, without it.
    checksums = re.findall(r'file_hash="(\w{32})"', inspect.getsource(module))
    assert NETWORKS[name].weights_md5 == checksums[1]
