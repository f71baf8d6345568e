import math

import pytest

from privynet_tf import cost, fen
from privynet_tf.networks import NETWORKS
from privynet_tf.topology import FenTopology


@pytest.mark.parametrize(
    ("num_layers", "parameters", "millions_of_macs"),
    [
        (1, 1_792, "1.77"),
        (2, 38_720, "39.5"),
        (3, 38_720, "39.5"),
        (4, 112_576, "58.4"),
        (5, 260_160, "96.1"),
        (6, 260_160, "96.1"),
    ],
)
def test_vgg16_at_32_pixels(num_layers, parameters, millions_of_macs):
    found = cost.of_topology(FenTopology("vgg16", num_layers), 32)
    assert found.parameters == parameters
    assert found.weight_bytes == 4 * parameters
    assert f"{found.macs / 1e6:.3g}" == millions_of_macs


@pytest.mark.parametrize(
    ("depths", "millions_of_macs"),
    [
        ((64, 64, 128, 8), 60.8),
        ((48, 64, 128, 8), 50.9),
        ((32, 64, 128, 8), 41.0),
        ((16, 64, 128, 8), 31.1),
        ((32, 32, 128, 8), 22.1),
        ((32, 32, 64, 8), 16.2),
    ],
)
def test_intermediate_channels_of_figures_14_and_15(depths, millions_of_macs):
    topology = _with_depths(depths)
    found = cost.of_topology(topology, 32)
    assert round(found.macs / 1e6, 1) == millions_of_macs

    a, b, c, d = depths
    assert found.macs == 9 * (32 * 32 * (3 * a + a * b) + 16 * 16 * (b * c + c * d))
    assert found.parameters == 9 * (3 * a + a * b + b * c + c * d) + a + b + c + d


def _with_depths(depths):
    names = ("block1_conv1", "block1_conv2", "block2_conv1")
    return FenTopology(
        "vgg16",
        6,
        output_channels=range(depths[-1]),
        intermediate_channels={name: range(depth) for name, depth in zip(names, depths[:-1], strict=True)},
    )


@pytest.mark.parametrize(
    ("topology", "image_size"),
    [
        (_with_depths((5, 7, 3, 2)), 32),
        (_with_depths((5, 7, 3, 2)), 27),
        (FenTopology("vgg16", 13, (1, 2, 3)), 64),
        (FenTopology("vgg19", 11), 33),
    ],
)
def test_counts_of_the_built_network(topology, image_size):
    """Every value of a convolution's output costs one product with each value of its kernel."""
    model = fen.build(topology, "random", image_size=image_size)
    macs = parameters = 0
    for layer in model.layers:
        if layer.name in [convolution.name for convolution in topology.convolutions]:
            kernel, bias = layer.get_weights()
            _, height, width, _ = layer.output.shape
            macs += kernel.size * height * width
            parameters += kernel.size + bias.size
    found = cost.of_topology(topology, image_size)
    assert (found.parameters, found.macs, found.weight_bytes) == (parameters, macs, 4 * parameters)
    inner = model.layers[1:]  # "caffe" takes and gives an image, the layers the rest
    volumes = [(_volume(layer.input), _volume(layer.output)) for layer in inner]
    assert found.peak_activation_bytes == max(4 * (before + after) for before, after in volumes)


def _volume(tensor):
    return math.prod(tensor.shape[1:])


def test_peak_activations_by_hand():
    # The two convolutions of block 1 on either side of 32 x 32 x 64 values.
    topology = FenTopology("vgg16", 6)
    assert cost.peak_activation_bytes(topology, 32) == 2 * 65_536 * 4
    assert cost.peak_activation_bytes(topology, 32, "float16") == 2 * 65_536 * 4
    assert cost.peak_activation_bytes(topology, 32, "int8") == 2 * 65_536
    # What an int8 FEN gives is float32; with one channel the image is larger than all that follows.
    first = FenTopology("vgg16", 1)
    assert cost.peak_activation_bytes(first, 32) == (3 * 1024 + 65_536) * 4
    assert cost.peak_activation_bytes(first, 32, "int8") == 65_536 * (1 + 4)
    one = FenTopology("vgg16", 1, (9,))
    assert cost.peak_activation_bytes(one, 32) == 2 * 3 * 1024 * 4
    assert cost.peak_activation_bytes(one, 32, "int8") == 2 * 3 * 1024


def test_all_of_vgg16(vgg16):
    depth = len(NETWORKS["vgg16"].layers)
    found = cost.of_topology(FenTopology("vgg16", depth), 224)
    assert found.parameters == vgg16.model.count_params()
