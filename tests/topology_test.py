import json

import numpy as np
import pytest

from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS
from privynet_tf.topology import FenTopology, depth_of


def test_all_channels_are_kept_by_default():
    topology = FenTopology()
    assert (topology.network, topology.num_layers) == ("vgg16", 6)
    assert topology.output_channels == tuple(range(128))
    assert topology.output_depth == 128
    assert topology.intermediate_channels is None
    assert topology == FenTopology("vgg16", 6, range(128))


def test_layers_and_convolutions_end_with_layer_m():
    topology = FenTopology(num_layers=4)
    assert [layer.name for layer in topology.layers] == [
        "block1_conv1",
        "block1_conv2",
        "block1_pool",
        "block2_conv1",
    ]
    assert [layer.name for layer in topology.convolutions] == [
        "block1_conv1",
        "block1_conv2",
        "block2_conv1",
    ]


def test_a_pool_releases_the_channels_of_the_convolution_before_it():
    topology = FenTopology(num_layers=3, output_channels=(63, 0))
    assert topology.kept_channels("block1_conv2") == (63, 0)
    assert topology.output_depth == 2


def test_order_of_channels_is_kept():
    topology = FenTopology(
        num_layers=4, output_channels=[40, 3, 17], intermediate_channels={"block1_conv1": [9, 0, 5]}
    )
    assert topology.output_channels == (40, 3, 17)
    assert topology.kept_channels("block2_conv1") == (40, 3, 17)
    assert topology.kept_channels("block1_conv1") == (9, 0, 5)
    assert topology.kept_channels("block1_conv2") == tuple(range(64))
    assert topology != FenTopology(
        num_layers=4, output_channels=[3, 17, 40], intermediate_channels={"block1_conv1": [9, 0, 5]}
    )


@pytest.mark.parametrize(
    ("num_layers", "shape"),
    [
        (1, (32, 32, 64)),
        (2, (32, 32, 64)),
        (3, (16, 16, 64)),
        (4, (16, 16, 128)),
        (5, (16, 16, 128)),
        (6, (8, 8, 128)),
        (18, (1, 1, 512)),
    ],
)
def test_output_shape(num_layers, shape):
    topology = FenTopology(num_layers=num_layers)
    assert topology.output_shape(32) == shape


def test_output_shape_of_odd_sizes_is_rounded_down_by_each_pool():
    assert FenTopology(num_layers=6, output_channels=(1,)).output_shape(27) == (6, 6, 1)


def test_images_too_small_for_the_pools():
    topology = FenTopology(num_layers=6)
    assert topology.output_shape(4) == (1, 1, 128)
    with pytest.raises(
        InputError, match=r"image_size must be at least 4 for num_layers=6, .*2 pools\. Received: 3$"
    ):
        topology.output_shape(3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"network": "resnet"}, r"network must be one of \['vgg16', 'vgg19'\]\. Received: 'resnet'"),
        ({"num_layers": 0}, r"num_layers must be an integer from 1 to 18 for vgg16\. Received: 0"),
        ({"num_layers": 19}, r"num_layers must be .* from 1 to 18 for vgg16\. Received: 19"),
        ({"network": "vgg19", "num_layers": 22}, r"num_layers must be .* 1 to 21 for vgg19\. Received: 22"),
        ({"num_layers": 2.0}, r"num_layers must be an integer .*\. Received: 2\.0"),
        ({"num_layers": True}, r"num_layers must be an integer .*\. Received: True"),
        ({"num_layers": "4"}, r"num_layers must be an integer .*\. Received: '4'"),
        (
            {"output_channels": (0, 128)},
            r"output_channels must be distinct integers from 0 to 127 \(block2_conv2\)\. Received: 128",
        ),
        ({"num_layers": 1, "output_channels": (64,)}, r"output_channels .* 0 to 63 .*Received: 64"),
        ({"output_channels": (3, -1)}, r"output_channels must be .* 0 to 127 .*Received: -1"),
        ({"output_channels": (3, 5, 3)}, r"output_channels must be distinct .*Received: 3 twice"),
        ({"output_channels": (1.5,)}, r"output_channels must be distinct integers .*Received: 1\.5"),
        ({"output_channels": (True,)}, r"output_channels must be distinct integers .*Received: True"),
        ({"output_channels": "12"}, r"output_channels must be distinct integers .*Received: '1'"),
        ({"output_channels": ()}, r"output_channels .*at least one.* 0 to 127 .*Received: none"),
        (
            {"output_channels": [*range(128), 0]},
            r"output_channels holds 129 channels, but block2_conv2 has only 128",
        ),
        (
            {"intermediate_channels": {"block2_conv2": (0,)}},
            r"intermediate_channels may only name .*\['block1_conv1', 'block1_conv2', 'block2_conv1'\]"
            r"\. Received: 'block2_conv2'",
        ),
        (
            {"intermediate_channels": {"block1_pool": (0,)}},
            r"intermediate_channels may only name the convolutions .*Received: 'block1_pool'",
        ),
        (
            {"num_layers": 1, "intermediate_channels": {"block1_conv1": (0,)}},
            r"intermediate_channels may only name .*there are none.*Received: 'block1_conv1'",
        ),
        (
            {"intermediate_channels": {"block1_conv1": (64,)}},
            r"intermediate_channels\['block1_conv1'\] must be .* 0 to 63 \(block1_conv1\)\. Received: 64",
        ),
        (
            {"intermediate_channels": {"block1_conv2": ()}},
            r"intermediate_channels\['block1_conv2'\] .*at least one.*Received: none",
        ),
        (
            {"intermediate_channels": {"block2_conv1": (7, 7)}},
            r"intermediate_channels\['block2_conv1'\] must be distinct.*Received: 7 twice",
        ),
    ],
)
def test_error_names_field_value_and_what_is_allowed(fields, message):
    with pytest.raises(InputError, match=message):
        FenTopology(**fields)


@pytest.mark.parametrize(
    "topology",
    [
        FenTopology(),
        FenTopology("vgg19", 17, (511, 3), {"block4_conv4": (8, 2)}),
        FenTopology("vgg16", 6, (9, 2, 5), {"block2_conv1": (5, 1), "block1_conv1": (0,)}),
    ],
)
def test_json_round_trip(topology):
    text = topology.to_json()
    assert FenTopology.from_json(text) == topology
    assert FenTopology.from_json(text).to_json() == text


def test_json_holds_every_field():
    topology = FenTopology("vgg16", 2, (9, 2), {"block1_conv1": (5, 1)})
    assert json.loads(topology.to_json()) == {
        "network": "vgg16",
        "num_layers": 2,
        "output_channels": [9, 2],
        "intermediate_channels": {"block1_conv1": [5, 1]},
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[6]",
        '{"depth": 6}',
        '{"output_channels": 5}',
        '{"network": ["vgg16"]}',
        '{"intermediate_channels": "ab"}',
        '{"intermediate_channels": {"block1_conv1": 3}}',
    ],
)
def test_bad_json(text):
    with pytest.raises(InputError, match="not a FEN topology: .+") as caught:
        FenTopology.from_json(text)
    assert "\n" not in str(caught.value)


def test_bad_value_in_json_is_named():
    with pytest.raises(InputError, match=r"^num_layers must be .* 1 to 18 for vgg16\. Received: 99"):
        FenTopology.from_json('{"num_layers": 99}')


def test_equal_topologies_hash_alike():
    one = FenTopology(intermediate_channels={"block1_conv1": [1], "block1_conv2": [2, 0]})
    same = FenTopology(intermediate_channels={"block1_conv2": (2, 0), "block1_conv1": (1,)})
    other = FenTopology(intermediate_channels={"block1_conv1": [1], "block1_conv2": [0, 2]})
    assert one == same
    assert hash(one) == hash(same)
    assert {one: "value"}[same] == "value"
    assert other not in {one}


def test_value_does_not_change_with_what_it_was_made_of():
    channels = [1, 2]
    topology = FenTopology(output_channels=channels)
    channels.append(3)
    assert topology.output_channels == (1, 2)
    with pytest.raises(AttributeError):
        topology.num_layers = 3


@pytest.mark.parametrize(("num_layers", "depth"), [(1, 64), (3, 64), (4, 128), (6, 128), (7, 256), (18, 512)])
def test_depth_of(num_layers, depth):
    assert depth_of(NETWORKS["vgg16"], num_layers) == depth


def test_numpy_integers_are_integers():
    drawn = np.array([3, 1])
    topology = FenTopology(num_layers=np.int64(6), output_channels=drawn)
    assert FenTopology.from_json(topology.to_json()) == FenTopology(output_channels=(3, 1))
