import math
import statistics

import pytest

from privynet_tf import cost, tables
from privynet_tf.errors import InputError
from privynet_tf.planning import candidates
from privynet_tf.planning.candidates import Spread
from privynet_tf.planning.selection import Selection
from privynet_tf.topology import FenTopology


def row(num_layers, depth, utility=0.6, psnr=18.0, first=0, **changes):
    """A row of a characterization; its channels are ``first`` and those that follow."""
    return dict.fromkeys(column.name for column in tables.COLUMNS) | {
        "network": "vgg16",
        "m": num_layers,
        "D'": depth,
        "channels": tuple(range(first, first + depth)),
        "intermediate_channels": (),
        "seed": 0,
        "images": "cifar10",
        "train_images": 1000,
        "augmented_copies": 0,
        "irn_clusters": 2,
        "weights": "sha256:1",
        "preprocessing": "caffe",
        "image_size": 32,
        "utility": utility,
        "psnr": psnr,
        **changes,
    }


def cost_row(num_layers, depth, latency=1.0, size=1000, **changes):
    return {
        "network": "vgg16",
        "m": num_layers,
        "D'": depth,
        "intermediate": "",
        "image_size": 32,
        "format": "float32",
        "bytes": size,
        "runtime": "litert",
        "threads": 1,
        "latency_ms": latency,
        "device": "phone",
        "batch": 1,
        **changes,
    }


def only(found):
    (topology,) = found.topologies
    return topology


def test_channel_sets_are_averaged_and_repeats_within_them_first():
    rows = [
        row(6, 2, 0.50, 17.0, seed=0),
        row(6, 2, 0.60, 18.0, seed=1),  # 0.55 and 17.5 with the first: one set of channels
        row(6, 2, 0.65, 19.5, first=7),
        row(6, 2, 0.70, 20.5, first=9),
    ]
    found = only(candidates.from_tables(rows))
    for spread, values in ((found.utility, [0.55, 0.65, 0.70]), (found.privacy_loss, [17.5, 19.5, 20.5])):
        assert spread.mean == pytest.approx(sum(values) / 3)
        assert spread.std == pytest.approx(statistics.stdev(values))
        assert spread.sets == 3
    assert (found.name, found.interpolated) == ("m=6, D'=2", ())


def test_one_set_has_no_spread():
    assert only(candidates.from_tables([row(6, 2, seed=0), row(6, 2, seed=1)])).utility == Spread(
        0.6, None, 1
    )


def test_privacy_loss_is_the_stronger_attackers():
    rows = [row(6, 2, psnr=17.0, ridge_psnr=17.4), row(6, 2, psnr=18.0, ridge_psnr=15.0, first=5)]
    assert only(candidates.from_tables(rows)).privacy_loss.mean == pytest.approx(17.7)


def test_counts_are_of_the_topology():
    found = only(candidates.from_tables([row(6, 8, image_size=64)]))
    expected = cost.of_topology(FenTopology("vgg16", 6, range(8)), 64)
    assert (found.macs, found.parameters) == (expected.macs, expected.parameters)
    assert (found.latency_ms, found.bytes) == (None, None)


def test_a_topology_needs_both_sides():
    rows = [
        row(5, 1),
        row(6, 2, utility=None),
        row(6, 4, psnr=None),
        row(6, 8, psnr=None),  # the other side stands in another row
        row(6, 8, utility=None, first=1),
    ]
    found = candidates.from_tables(rows)
    assert [one.name for one in found.topologies] == ["m=5, D'=1", "m=6, D'=8"]
    assert found.incomplete == 2


def test_baseline_and_pruned_intermediate_convolutions_are_left_out():
    pruned = (("block1_conv1", (0, 1)),)
    rows = [
        row(0, 3, network="none", irn_clusters=0),
        row(6, 2, 0.1, intermediate_channels=pruned),
        row(6, 2),
    ]
    assert only(candidates.from_tables(rows)).utility.mean == 0.6


def test_conditions_and_platform_are_told():
    found = candidates.from_tables([row(6, 2)], [cost_row(6, 2, 3.5, 1234)])
    assert (found.topologies[0].latency_ms, found.topologies[0].bytes) == (3.5, 1234)
    assert found.platform == {
        "format": "float32",
        "runtime": "litert",
        "threads": 1,
        "device": "phone",
        "batch": 1,
    }
    assert found.conditions["weights"] == "sha256:1"
    assert found.conditions["train_images"] == 1000
    assert candidates.from_tables([row(6, 2)]).platform == {}


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("network", "vgg19"),
        ("images", "cifar100"),
        ("train_images", 50),
        ("augmented_copies", 2),
        ("irn_clusters", 1),
    ],
)
def test_mixed_characterization_must_be_picked_from(column, other):
    rows = [row(6, 2), row(6, 2, 0.3, **{column: other})]
    usual = rows[0][column]
    with pytest.raises(
        InputError, match=f"characterization table mixes {column}: .*{usual}.*--plan_{column}"
    ):
        candidates.from_tables(rows)
    for value, utility in ((usual, 0.6), (other, 0.3)):
        found = candidates.from_tables(rows, selection=Selection(**{column: value}))
        assert only(found).utility.mean == utility
    with pytest.raises(
        InputError, match=rf"--plan_{column} must be in the .* one of .*{usual}.* Received: 7"
    ):
        candidates.from_tables(rows, selection=Selection(**{column: 7}))


@pytest.mark.parametrize(
    ("column", "other"),
    [("format", "int8"), ("runtime", "keras"), ("threads", 4), ("device", "server"), ("batch", 8)],
)
def test_mixed_costs_must_be_picked_from(column, other):
    costs = [cost_row(6, 2, 5.0), cost_row(6, 2, 2.0, **{column: other})]
    with pytest.raises(InputError, match=f"cost table mixes {column}: .*pick one with --plan_{column}"):
        candidates.from_tables([row(6, 2)], costs, Selection(**{column: None}))
    found = candidates.from_tables([row(6, 2)], costs, Selection(**{column: other}))
    assert only(found).latency_ms == 2.0
    assert found.platform[column] == other
    if column != "device":
        assert only(candidates.from_tables([row(6, 2)], costs)).latency_ms == 5.0
        with pytest.raises(InputError, match=f"--plan_{column} must be in the cost table"):
            candidates.from_tables([row(6, 2)], costs[1:])


def test_models_that_were_not_timed_have_a_size():
    untimed = {"latency_ms": None, "runtime": None, "threads": None, "device": None, "batch": None}
    costs = [cost_row(6, 2, size=1234, **untimed), cost_row(6, 2, size=5, format="int8", **untimed)]
    found = candidates.from_tables([row(6, 2)], costs)
    assert (only(found).latency_ms, only(found).bytes) == (None, 1234)
    assert found.platform == {"format": "float32"}
    found = candidates.from_tables([row(6, 2), row(6, 4)], [*costs, cost_row(6, 4, 3.0, 4321)])
    assert [(one.latency_ms, one.bytes) for one in found.topologies] == [(None, None), (3.0, 4321)]


def test_other_budgets_are_not_mixed():
    rows = [row(6, 2, icn_epochs=5), row(6, 4, icn_epochs=6)]
    with pytest.raises(InputError, match="icn_epochs is '5' and '6'"):
        candidates.from_tables(rows)


@pytest.mark.parametrize(
    ("rows", "costs", "message"),
    [
        ([], [], "no row of a FEN with all intermediate channels"),
        ([row(6, 2, utility=None)], [], "no topology of vgg16 with both utility and privacy loss"),
        (
            [row(6, 2)],
            [cost_row(6, 2, network="vgg19")],
            r"must be of network vgg16, .*Received: \['vgg19'\]",
        ),
        ([row(6, 2)], [cost_row(6, 2, image_size=64)], r"must be of image_size 32, .*Received: \[64\]"),
        ([row(6, 2)], [cost_row(6, 2, intermediate="64 8 128")], "cost table has no row of vgg16 with all"),
        ([row(6, 2)], [cost_row(6, 2), cost_row(6, 2)], "m=6, D'=2 twice on one platform"),
    ],
)
def test_tables_that_do_not_fit(rows, costs, message):
    with pytest.raises(InputError, match=message) as caught:
        candidates.from_tables(rows, costs)
    assert "\n" not in str(caught.value)


def test_costs_of_other_networks_sizes_and_layers_are_not_used():
    costs = [cost_row(6, 2, 5.0), cost_row(6, 2, 1.0, network="vgg19"), cost_row(6, 2, 2.0, image_size=64)]
    costs += [cost_row(5, 2, 3.0), cost_row(6, 2, 4.0, intermediate="64 8 128")]
    assert only(candidates.from_tables([row(6, 2)], costs)).latency_ms == 5.0


def test_nothing_is_interpolated_unless_asked():
    costs = [cost_row(6, 2, 4.0, 1000), cost_row(6, 128, 16.0, 9000)]
    found = candidates.from_tables([row(6, 2), row(6, 8)], costs)
    assert [(one.output_depth, one.latency_ms) for one in found.topologies] == [(2, 4.0), (8, None)]


def test_interpolation():
    rows = [row(6, 2, 0.5, 14.0), row(6, 8, 0.7, 18.0), row(5, 4, 0.6, 17.0)]
    costs = [cost_row(6, 4, 4.0, 1000), cost_row(6, 128, 16.0, 9000), cost_row(5, 8, 1.0)]
    found = {one.name: one for one in candidates.from_tables(rows, costs, interpolate=True).topologies}
    assert list(found) == ["m=5, D'=4", *(f"m=6, D'={depth}" for depth in range(2, 9))]
    # Half of the way from 2 to 8 in log2 D'.
    assert found["m=6, D'=4"].utility == Spread(pytest.approx(0.6), None, 0)
    assert found["m=6, D'=4"].privacy_loss == Spread(pytest.approx(16.0), None, 0)
    part = math.log(5 / 2) / math.log(4)
    assert found["m=6, D'=5"].utility.mean == pytest.approx(0.5 + 0.2 * part)
    # MACs, bytes and D' grow in step at one m.
    part = (8 - 4) / (128 - 4)
    assert found["m=6, D'=8"].latency_ms == pytest.approx(4.0 + 12.0 * part)
    assert found["m=6, D'=8"].bytes == round(1000 + 8000 * part)
    assert found["m=6, D'=8"].utility.mean == 0.7
    assert found["m=6, D'=8"].interpolated == ("latency and bytes between D'=4 and D'=128",)
    assert found["m=6, D'=4"].latency_ms == 4.0
    assert found["m=6, D'=4"].interpolated == ("utility and privacy loss between D'=2 and D'=8",)
    assert len(found["m=6, D'=5"].interpolated) == 2
    # Nothing is extrapolated, nor taken from another m.
    assert found["m=6, D'=2"].latency_ms is None
    assert found["m=5, D'=4"].latency_ms is None
    assert found["m=6, D'=2"].interpolated == ()
