import pytest

from privynet_tf.device import cost_figures
from privynet_tf.topology import FenTopology


def _row(m=1, **changes):
    return {
        "network": "vgg16",
        "m": m,
        "D'": FenTopology("vgg16", m).output_depth,
        "intermediate": None,
        "image_size": 32,
        "format": "float32",
        "bytes": 4_000_000 * m,
        "runtime": "litert",
        "threads": 1,
        "latency_ms": 2.0 * m,
        "latency_ms_p10": 1.5 * m,
        "latency_ms_p90": 4.0 * m,
        "device": "phone",
        "batch": 1,
        **changes,
    }


def _lines(panel):
    return {
        container.get_label(): list(zip(*container.lines[0].get_data(), strict=True))
        for container in panel.containers
    }


def test_latency_and_storage_against_the_number_of_layers():
    rows = [_row(m) for m in (2, 1, 3)]
    rows += [_row(1, runtime="keras", threads=4, latency_ms=9.0, latency_ms_p90=9.5)]
    rows += [_row(1, format="int8", bytes=1_000_000)]
    figure = cost_figures.figure_20(rows, "vgg16", 32)
    latency, storage = figure.axes
    assert _lines(latency) == {
        "LiteRT float32, 1 thread": [(1, 2.0), (2, 4.0), (3, 6.0)],
        "LiteRT int8, 1 thread": [(1, 2.0)],
        "Keras, 4 threads": [(1, 9.0)],
    }
    drawn = {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in storage.lines}
    assert drawn == {"LiteRT float32": [(1, 4.0), (2, 8.0), (3, 12.0)], "LiteRT int8": [(1, 1.0)]}
    assert latency.get_title() == "(a) latency on phone"
    assert storage.get_title() == "(c) storage"
    assert latency.get_ylabel() == "latency of an image (ms)"
    assert [text.get_text() for text in latency.texts] == ["block1"]


def test_bars_are_percentiles():
    figure = cost_figures.figure_20([_row(2)], "vgg16", 32)
    (container,) = figure.axes[0].containers
    (bar,) = container.lines[2][0].get_segments()
    assert bar[:, 1].tolist() == [3.0, 8.0]


def test_a_panel_for_each_device():
    figure = cost_figures.figure_20([_row(4), _row(5, device="server")], "vgg16", 32)
    assert [panel.get_title() for panel in figure.axes] == [
        "(a) latency on phone",
        "(b) latency on server",
        "(c) storage",
    ]
    assert [text.get_text() for text in figure.axes[1].texts] == ["block1", "block2"]


@pytest.mark.parametrize(
    "change",
    [
        {"D'": 8},
        {"intermediate": ()},
        {"intermediate": (32,)},
        {"image_size": 64},
        {"batch": 8},
        {"network": "vgg19"},
        {"latency_ms": None},
    ],
)
def test_only_complete_layers_of_one_kind(change):
    assert cost_figures.figure_20([_row(2, **change)], "vgg16", 32) is None
    figure = cost_figures.figure_20([_row(2), _row(2, **change)], "vgg16", 32)
    assert _lines(figure.axes[0]) == {"LiteRT float32, 1 thread": [(2, 4.0)]}
