import pytest

from privynet_tf import cost
from privynet_tf.paper_figures import paper_numbers
from privynet_tf.topology import FenTopology


@pytest.mark.parametrize("kept", paper_numbers.MACS)
def test_macs_are_those_of_the_topology(kept):
    layers = "block1_conv1", "block1_conv2", "block2_conv1"
    depths = dict(zip(layers, kept, strict=False))
    topology = FenTopology(
        "vgg16",
        6,
        tuple(range(kept[-1])),
        {name: tuple(range(depth)) for name, depth in depths.items()},
    )
    assert cost.of_topology(topology, 32).macs == pytest.approx(paper_numbers.MACS[kept], abs=0.05e6)


def test_what_the_text_says_of_table_4c_and_11a():
    accuracy, psnr = paper_numbers.SINGLE_CHANNEL_ACCURACY[4], paper_numbers.SINGLE_CHANNEL_PSNR[4]
    assert accuracy.maximum / accuracy.minimum == pytest.approx(4)
    assert psnr.maximum - psnr.minimum == pytest.approx(5.23)
    gain = paper_numbers.PRUNED_BY_LDA.accuracy.mean - paper_numbers.WITHOUT_PRUNING.accuracy.mean
    assert gain == pytest.approx(0.012)
    gain = paper_numbers.WITHOUT_PRUNING.psnr.mean - paper_numbers.PRUNED_BY_LDA.psnr.mean
    assert gain == pytest.approx(1.25)
    escaped = 1 - paper_numbers.WORST_PRUNED_BY_LDA
    assert 1 - escaped / (1 - paper_numbers.WORST_PRUNED_AT_RANDOM) == pytest.approx(0.390, abs=5e-4)


@pytest.mark.parametrize("m", [4, 5, 6])
def test_rows_put_in_order_fall_with_the_depth(m):
    row = paper_numbers.SINGLE_IMAGE_PSNR[m]
    assert list(row) == [128, 64, 32, 16, 8, 4, 2]
    assert sorted(row.values(), reverse=True) == list(row.values())
