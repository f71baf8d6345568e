import numpy as np
import pytest

from privynet_tf import cost, intermediate
from privynet_tf.errors import InputError
from privynet_tf.topology import FenTopology

WHOLE = FenTopology("vgg16", 6, (3, 17, 40, 55, 70, 88, 101, 120))


@pytest.mark.parametrize(
    ("depths", "macs"),
    [
        ((64, 64, 128, 8), 60.8),
        ((48, 64, 128, 8), 50.9),
        ((32, 64, 128, 8), 41.0),
        ((16, 64, 128, 8), 31.1),
        ((32, 32, 128, 8), 22.1),
        ((32, 32, 64, 8), 16.2),
    ],
)
def test_settings_of_the_paper(depths, macs):
    """Multiply-accumulates in millions, from the closed form of appendix D."""
    assert depths in intermediate.FIGURE_14 + intermediate.FIGURE_15
    topology = intermediate.drawn(WHOLE, depths[:-1], seed=0)
    assert [len(topology.kept_channels(layer.name)) for layer in topology.convolutions] == list(depths)
    assert cost.of_topology(topology, 32).macs / 1e6 == pytest.approx(macs, abs=0.05)


def test_draws_are_nested_and_depend_on_the_seed():
    def kept(depth, seed):
        return intermediate.drawn(WHOLE, (depth, 64, 128), seed).kept_channels("block1_conv1")

    assert set(kept(16, 0)) < set(kept(32, 0)) < set(kept(48, 0)) < set(kept(64, 0))
    assert kept(16, 0) != kept(16, 1)
    assert kept(16, 0) == tuple(sorted(kept(16, 0)))
    assert intermediate.drawn(WHOLE, (16, 64, 128), 0).output_channels == WHOLE.output_channels


def test_nothing_left_out_is_the_whole_fen():
    assert intermediate.drawn(WHOLE, (64, 64, 128), 0) == WHOLE


def test_most_discriminative():
    scores = {
        "block1_conv1": np.arange(64.0),
        "block1_conv2": -np.arange(64.0),
        "block2_conv1": np.zeros(128),
    }
    topology = intermediate.discriminative(WHOLE, (2, 3, 128), scores)
    assert topology.intermediate_channels == {"block1_conv1": (62, 63), "block1_conv2": (0, 1, 2)}


@pytest.mark.parametrize(
    ("depths", "message"),
    [
        ((64, 64), "has 3 convolutions before its last, .* Received: \\[64, 64\\]"),
        ((65, 64, 128), "kept channels of block1_conv1 must be from 1 to 64. Received: 65"),
        ((64, 0, 128), "kept channels of block1_conv2 must be from 1 to 64. Received: 0"),
    ],
)
def test_numbers_that_do_not_fit(depths, message):
    with pytest.raises(InputError, match=message):
        intermediate.drawn(WHOLE, depths, 0)
