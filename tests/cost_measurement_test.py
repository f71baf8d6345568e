import pytest

from privynet_tf import litert
from privynet_tf.device import cost_measurement, cost_tables, latency
from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS
from privynet_tf.topology import FenTopology

QUICK = latency.Effort(repeats=2, warmup=1)
FIGURE_15 = [(64, 64, 128, 8), (32, 64, 128, 8), (32, 32, 128, 8), (32, 32, 64, 8)]


def _sizes(topology):
    return (
        topology.network,
        topology.num_layers,
        topology.output_depth,
        cost_measurement.intermediate(topology),
    )


def test_every_layer_of_every_network():
    found = cost_measurement.topologies(sorted(NETWORKS), (), ["all", 8])
    assert len(found) == 2 * (18 + 21)
    assert {_sizes(topology)[:2] for topology in found} == {
        *(("vgg16", m) for m in range(1, 19)),
        *(("vgg19", m) for m in range(1, 22)),
    }
    assert {_sizes(topology)[1:] for topology in found} >= {(1, 64, None), (6, 128, None), (18, 512, None)}


def test_depths_count_where_a_layer_has_as_many():
    found = cost_measurement.topologies(["vgg16"], [3, 4], [128, 2, "all"])
    assert list(map(_sizes, found)) == [
        ("vgg16", 3, 2, None),
        ("vgg16", 3, 64, None),
        ("vgg16", 4, 128, None),
        ("vgg16", 4, 2, None),
    ]


def test_intermediate_depths_of_figure_15():
    """All but the first leave channels out; m=5 and m=6 have four convolutions."""
    found = cost_measurement.topologies(["vgg16"], (), [8], FIGURE_15)
    assert [_sizes(topology) for topology in found if topology.num_layers == 6] == [
        ("vgg16", 6, 8, None),
        ("vgg16", 6, 8, (32, 64, 128)),
        ("vgg16", 6, 8, (32, 32, 128)),
        ("vgg16", 6, 8, (32, 32, 64)),
    ]
    assert {topology.num_layers for topology in found if _sizes(topology)[3]} == {5, 6}


@pytest.mark.parametrize(
    ("layers", "depths", "intermediate", "message"),
    [
        ([1], [65], [], r"no layer of vgg16 .* of \[65\]"),
        ([1], [0], [], r"of \[0\]"),
        ([1], [], [(64, 64, 128, 8)], r"of \[\(64, 64, 128, 8\)\]"),
        (
            [6],
            [],
            [(65, 64, 128, 8)],
            "block1_conv1 has 1 to 64 channels to keep. Received: .65, 64, 128, 8.",
        ),
        ([6], [], [(64, 64, 128, 0)], "block2_conv2 has 1 to 128 channels to keep"),
        ([19], ["all"], [], "num_layers must be an integer from 1 to 18 for vgg16"),
    ],
)
def test_topologies_out_of_range(layers, depths, intermediate, message):
    with pytest.raises(InputError, match=message):
        cost_measurement.topologies(["vgg16"], layers, depths, intermediate)


def test_rows(tmp_path):
    path = tmp_path / "cost.csv"
    wanted = cost_measurement.topologies(["vgg16"], [5], [], [(3, 4, 5, 2)])
    seen = []
    rows = cost_measurement.measure(
        path, wanted, 8, ["float32", "int8"], [1, 2], QUICK, "phone", progress=lambda *done: seen.append(done)
    )
    assert cost_tables.read(path) == sorted(
        rows, key=lambda row: (row["format"], row["runtime"], row["threads"])
    )
    assert seen == [(1, 1)]
    assert {(row["format"], row["runtime"]) for row in rows} == {
        ("float32", "litert"),
        ("float32", "keras"),
        ("int8", "litert"),
    }
    assert len(rows) == 5
    kernels = 9 * (3 * 3 + 3 * 4 + 4 * 5 + 5 * 2)
    for row in rows:
        assert (row["m"], row["D'"], row["intermediate"], row["image_size"]) == (5, 2, (3, 4, 5), 8)
        assert row["parameters"] == kernels + 3 + 4 + 5 + 2
        assert row["macs"] == 9 * (64 * (3 * 3 + 3 * 4) + 16 * (4 * 5 + 5 * 2))
        assert row["peak_activation_bytes"] == (64 * 7 if row["format"] == "int8" else 4 * 64 * 7)
        assert row["latency_ms_p10"] <= row["latency_ms"] <= row["latency_ms_p90"]
        assert (row["repeats"], row["batch"], row["device"]) == (2, 1, "phone")
    sizes = {(row["format"], row["runtime"]): row["bytes"] for row in rows}
    assert sizes["float32", "litert"] > 4 * kernels > sizes["int8", "litert"] - 3000
    assert sizes["float32", "keras"] > 4 * kernels


def test_what_the_table_has_is_not_measured_again(tmp_path, monkeypatch):
    path = tmp_path / "cost.csv"
    first = cost_measurement.topologies(["vgg16"], [1], [2])
    both = cost_measurement.topologies(["vgg16"], [1], [2, 3])
    converted = []
    convert = litert.convert

    def watched(model, *arguments):
        converted.append(model.output_shape[-1])
        return convert(model, *arguments)

    monkeypatch.setattr(litert, "convert", watched)

    def measure(wanted, threads=(1,), device="phone"):
        return cost_measurement.measure(
            path, wanted, 8, ["float32"], threads, QUICK, device, with_keras=False
        )

    before = measure(first)
    after = measure(both)
    assert converted == [2, 3]
    assert [row for row in after if row["D'"] == 2] == before
    measure(both)
    assert converted == [2, 3]
    measure(first, threads=(1, 2))
    measure(first, device="another phone")
    assert converted == [2, 3, 2, 2]
    assert len(cost_tables.read(path)) == 4


def test_export_is_whole_or_absent(tmp_path, monkeypatch):
    wanted = [FenTopology("vgg16", 1, (0,))]

    def failing(*arguments):
        raise InputError("cannot convert")

    monkeypatch.setattr(litert, "convert", failing)
    with pytest.raises(InputError, match="cannot convert"):
        cost_measurement.export(tmp_path / "models", wanted, 8, ["float32"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="already exists; choose another directory"):
        cost_measurement.export(tmp_path, wanted, 8, ["float32"])
