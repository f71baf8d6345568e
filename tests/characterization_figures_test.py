import statistics

import pytest

from privynet_tf import tables
from privynet_tf.errors import InputError
from privynet_tf.grid import Cell, Grid
from privynet_tf.paper_figures import characterization_figures


def _values(sweep, m, depth, side):
    """The repeats of a point, picked from the table by hand."""
    rows = [row for row in sweep if (row["images"], row["irn_epochs"]) == ("cifar10", 15)]
    rows = [row for row in rows if (row["m"], row["D'"]) == (m, depth)]
    return [row["utility"] if side == "icn" else max(row["psnr"], row["ridge_psnr"]) for row in rows]


@pytest.fixture(scope="module")
def cifar10(sweep):
    return [row for row in sweep if row["images"] == "cifar10"]


@pytest.mark.parametrize(("panel", "side"), [(0, "icn"), (1, "irn")])
def test_figure3_draws_the_means_of_the_table(sweep, cifar10, line, panel, side):
    axis = characterization_figures.figure3(cifar10).figure.axes[panel]
    for depth, layers in ((2, range(1, 7)), (64, range(1, 7)), (128, (4, 5, 6))):
        x, y = line(axis, f"D' = {depth}")
        assert [round(m) for m in x] == list(layers)
        expected = [statistics.mean(_values(sweep, m, depth, side)) for m in layers]
        assert y == pytest.approx(expected)
    assert len(_values(sweep, 3, 8, side)) == 5
    assert not any(container.get_label() == "D' = 1" for container in axis.containers)


def test_figure3_shows_the_baseline_and_the_papers_numbers(cifar10, line):
    utility, loss, trade = characterization_figures.figure3(cifar10).figure.axes
    assert line(utility, "unsplit baseline, 0.770")[1] == [0.77, 0.77]
    assert line(trade, "unsplit baseline, 0.770")[0] == [0.77, 0.77]
    assert line(utility, "paper, table 13(b)") == ([6], [0.684])
    assert line(loss, "paper, table 13(b)") == ([6], [18.3])
    assert line(trade, "paper, table 13(b)") == ([0.684], [18.3])
    (normalized,) = utility.child_axes
    utility.figure.draw_without_rendering()
    assert normalized.get_ylim() == pytest.approx([end / 0.77 for end in utility.get_ylim()])


def test_figure3_trades_a_point_a_depth(sweep, cifar10, line):
    axis = characterization_figures.figure3(cifar10).figure.axes[2]
    x, y = line(axis, "m = 5")
    depths = (2, 4, 8, 16, 32, 64, 128)
    assert x == pytest.approx([statistics.mean(_values(sweep, 5, depth, "icn")) for depth in depths])
    assert y == pytest.approx([statistics.mean(_values(sweep, 5, depth, "irn")) for depth in depths])


def test_bars_are_the_standard_deviation_over_sets(sweep, cifar10):
    axis = characterization_figures.figure3(cifar10).figure.axes[0]
    (container,) = [one for one in axis.containers if one.get_label() == "D' = 4"]
    (bars,) = container.lines[2]
    bottom, top = bars.get_segments()[2][:, 1]  # of m = 3
    assert (top - bottom) / 2 == pytest.approx(statistics.stdev(_values(sweep, 3, 4, "icn")))


def test_figure5_draws_means_and_every_set(sweep, cifar10, line):
    axes = characterization_figures.figure5(cifar10).figure.axes
    for axis, label, points, side in (
        (axes[0], "D' = 8", [(m, 8) for m in range(1, 7)], "icn"),
        (axes[1], "D' = 2", [(m, 2) for m in range(1, 7)], "irn"),
        (axes[2], "m = 4", [(4, depth) for depth in (2, 4, 8, 16, 32)], "icn"),
        (axes[3], "m = 6", [(6, depth) for depth in (2, 4, 8, 16, 32)], "irn"),
    ):
        x, y = line(axis, label)
        varied = 0 if axis in axes[:2] else 1
        assert x == [point[varied] for point in points]
        expected = [_values(sweep, *point, side) for point in points]
        assert y == pytest.approx([statistics.mean(values) for values in expected])
        dots = sorted(
            value for dots in axis.lines if len(dots.get_ydata()) == 5 * len(x) for value in dots.get_ydata()
        )
        assert {value for values in expected for value in values} <= set(dots)
        low, high = axis.get_ylim()
        assert low < min(dots)
        assert max(dots) < high
    assert "5 a point" in characterization_figures.figure5(cifar10).caption


def test_the_table_named_first_counts(measured, line):
    cell = Cell("vgg16", 6, (1, 2), 0, "cifar10", 100)
    rows = [measured(cell, utility=0.5), measured(cell, utility=0.9, icn_epochs=20)]
    for first, second in (rows, rows[::-1]):
        drawing = characterization_figures.figure3([first, second])
        assert line(drawing.figure.axes[0], "D' = 2")[1] == [first["utility"]]
        assert f"ICN: {first['icn_epochs']} epochs" in drawing.caption


def test_budgets_that_are_pooled_are_named(measured):
    cells = Grid("cifar10", (100,), layers=(4, 6), depths=(2,)).cells()
    rows = [measured(cell, icn_epochs=epochs) for cell, epochs in zip(cells, (10, 20), strict=True)]
    assert "ICN: 10 and 20 epochs" in characterization_figures.figure3(rows).caption


def test_the_baseline_is_that_of_the_same_data(measured):
    cell = Cell("vgg16", 6, (1, 2), 0, "cifar10", 100)
    baseline = Cell("none", 0, (0, 1, 2), 0, "cifar10", 50, irn_clusters=0)
    drawing = characterization_figures.figure3([measured(cell), measured(baseline)])
    assert not drawing.figure.axes[0].child_axes
    assert "no unsplit baseline on the same data" in drawing.caption


@pytest.mark.parametrize("draw", [characterization_figures.figure3, characterization_figures.figure5])
def test_a_side_that_was_not_measured_is_said(cifar10, draw, check_legible):
    rows = [row | dict.fromkeys(column.name for column in tables.SIDES["icn"]) for row in cifar10]
    drawing = draw(rows)
    assert "not measured" in drawing.figure.axes[0].texts[0].get_text()
    assert not drawing.figure.axes[1].texts
    assert "ICN" not in drawing.caption
    check_legible(drawing.figure)


@pytest.mark.parametrize("draw", [characterization_figures.figure3, characterization_figures.figure5])
def test_text_is_legible(cifar10, draw, check_legible):
    check_legible(draw(cifar10).figure)


def test_missing_rows(measured):
    single = [measured(Cell("vgg16", 6, (3,), 0, "cifar10", 100))]
    with pytest.raises(InputError, match="figure 3 needs rows with D' of 2 or more"):
        characterization_figures.figure3(single)
    wide = [measured(Cell("vgg16", 5, tuple(range(16)), 0, "cifar10", 100))]
    with pytest.raises(InputError, match="figure 5 needs rows with D' of 2 or 8, .* at m=4 or m=6"):
        characterization_figures.figure5(wide)
