import re
import statistics

import numpy as np
import pytest
import scipy.stats

from privynet_tf.errors import InputError
from privynet_tf.grid import Cell, Grid
from privynet_tf.paper_figures import channel_figures
from privynet_tf.paper_figures.series import Both


@pytest.fixture(scope="module")
def cifar10(sweep):
    return [row for row in sweep if row["images"] == "cifar10"]


def _points(rows, m, depth):
    rows = [row for row in rows if (row["m"], row["D'"], row["train_images"]) == (m, depth, 10000)]
    return [(row["utility"], max(row["psnr"], row["ridge_psnr"])) for row in rows]


def test_figure4_draws_every_channel_and_the_papers_numbers(cifar10, line):
    axes = channel_figures.figure4(cifar10).figure.axes
    for axis, m, count, mean in ((axes[0], 4, 48, ([0.57], [16.21])), (axes[1], 6, 128, ([0.36], [14.02]))):
        x, y = line(axis, f"m = {m}, D' = 1: {count} channels")
        assert sorted(zip(x, y, strict=True)) == sorted(_points(cifar10, m, 1))
        assert line(axis, "paper, table 4(c): mean, std") == mean
    x, y = line(axes[1], "paper: min to max")
    assert (min(x), max(x), min(y), max(y)) == (0.29, 0.43, 12.95, 16.20)


def test_table4c_stands_beside_the_papers(cifar10):
    lines = [
        [cell.strip() for cell in one.split("|")[1:-1]] for one in channel_figures.figure4(cifar10).table
    ]
    assert lines[0][:5] == ["", "m=4 utility", "paper", "m=4 privacy loss, dB", "paper"]
    assert {len(one) for one in lines} == {9}
    utilities, losses = zip(*_points(cifar10, 6, 1), strict=True)
    for label, of, digits, theirs in (
        ("max", max, 2, ("0.430", "16.20")),
        ("min", min, 2, ("0.290", "12.95")),
        ("mean", statistics.mean, 2, ("0.360", "14.02")),
        ("std", statistics.stdev, 2, ("0.040", "0.78")),
    ):
        (found,) = [one for one in lines if one[0] == label]
        assert found[5:] == [f"{of(utilities):.3f}", theirs[0], f"{of(losses):.{digits}f}", theirs[1]]
    assert lines[-1] == ["channels", "48", "128", "48", "128", *["128"] * 4]


def test_figure4_of_one_layer(cifar10, check_legible):
    drawing = channel_figures.figure4([row for row in cifar10 if row["m"] == 6])
    assert "single channels at m=4" in drawing.figure.axes[0].texts[0].get_text()
    assert "m=4" not in "".join(drawing.table)
    check_legible(drawing.figure)


def test_figure9_is_relative_to_the_mean_of_the_sets(cifar10, line):
    layers, depths = channel_figures.figure9(cifar10).figure.axes
    for axis, label, m, depth in ((layers, "m = 2", 2, 8), (depths, "D' = 32", 6, 32)):
        x, y = line(axis, label)
        utilities, losses = np.array(_points(cifar10, m, depth)).T
        assert sorted(x) == pytest.approx(sorted(utilities / utilities.mean()))
        assert sorted(y) == pytest.approx(sorted(losses / losses.mean()))
        assert len(x) == 5
    assert not [one for one in depths.lines if one.get_label() == "D' = 128"]  # a single set
    (star,) = [one for one in layers.containers if one.get_label() == "paper, table 13(b): std"]
    (left, _), (right, _) = star.lines[2][0].get_segments()[0]
    assert (right - left) / 2 == pytest.approx(0.019 / 0.684)


def test_quarters_rank_from_the_leakiest_and_the_worst():
    both = [Both(6, (index,), utility, loss) for index, (utility, loss) in enumerate(
        [(0.4, 11.0), (0.1, 15.0), (0.3, 15.0), (0.2, 13.0), (0.5, 12.0)]
    )]  # fmt: skip
    leaky, poor = channel_figures.quarters(both)
    assert [part.tolist() for part in leaky] == [[1, 2], [3], [4], [0]]
    assert [part.tolist() for part in poor] == [[1, 3], [2], [0], [4]]


def test_figure10_counts_the_overlap(cifar10, line):
    figure = channel_figures.figure10(cifar10).figure
    points = _points(cifar10, 6, 1)
    leaky = set(sorted(points, key=lambda point: -point[1])[:32])
    poor = set(sorted(points)[:32])
    count = len(leaky & poor)
    scatter = figure.axes[3]
    assert set(zip(*line(scatter, f"both: {count}"), strict=True)) == leaky & poor
    assert set(zip(*line(scatter, "leakiest 32"), strict=True)) == leaky - poor
    assert set(zip(*line(scatter, "worst utility 32"), strict=True)) == poor - leaky
    assert len(line(scatter, "others")[0]) == 128 - len(leaky | poor)
    correlation = scipy.stats.spearmanr(*zip(*points, strict=True)).statistic
    label = scatter.get_xlabel().replace("\n", " ")
    assert f"{count} of the 32 leakiest are among the 32 worst (8.0 if independent)" in label
    assert label.endswith(f"{correlation:+.2f}")
    bars = figure.axes[1]
    assert [tick.get_text() for tick in bars.get_xticklabels()] == ["0-31", "32-63", "64-95", "96-127"]
    heights = np.array([[bar.get_height() for bar in part] for part in bars.containers])
    assert heights[0, 0] == count
    assert (heights.sum(axis=0) == 32).all()
    assert (heights.sum(axis=1) == 32).all()
    assert figure.axes[0].get_xticklabels()[0].get_text() == "0-11"


def test_text_is_legible(cifar10, check_legible):
    for draw in (channel_figures.figure4, channel_figures.figure9, channel_figures.figure10):
        check_legible(draw(cifar10).figure)


def test_missing_rows(measured):
    rows = [measured(cell) for cell in Grid("cifar10", (100,), depths=(1, 2, 4)).cells()]
    one_sided = [row | {"utility": None} for row in rows]
    with pytest.raises(InputError, match="figure 4 needs rows with D'=1 and m=4 or m=6"):
        channel_figures.figure4(one_sided)
    with pytest.raises(InputError, match=re.escape("figure 9 needs several channel sets with D'=8 or m=6")):
        channel_figures.figure9(rows)
    with pytest.raises(InputError, match="figure 10 needs 4 or more rows with D'=1"):
        channel_figures.figure10(rows)
    elsewhere = [measured(Cell("vgg16", 5, (channel,), 0, "cifar10", 100)) for channel in range(9)]
    with pytest.raises(InputError, match="figure 10 needs"):
        channel_figures.figure10(elsewhere)
