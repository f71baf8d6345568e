import math

import numpy as np
import pytest

from privynet_tf import reconstructions
from privynet_tf.errors import InputError
from privynet_tf.grid import Grid
from privynet_tf.paper_figures import reconstruction_figures, series

ERRORS = {(1, 64): 5, (1, 2): 26, (6, 128): 13, (6, 2): 51}


@pytest.fixture(scope="module")
def originals():
    return np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def rows(tmp_path_factory, measured, originals):
    """Rows whose reconstructions are off by a constant, towards mid-grey."""
    directory = tmp_path_factory.mktemp("table") / "reconstructions"
    made = []
    for (m, depth), error in ERRORS.items():
        (cell,) = Grid("cifar10", (100,), layers=(m,), depths=(depth,)).cells()
        made.append(measured(cell) | {series.RECONSTRUCTIONS: directory})
        pixels = originals / 255
        reconstructions.save(
            directory, made[-1], originals, pixels + error / 255 * np.where(pixels < 0.5, 1, -1)
        )
    return made


def _shown(axis):
    (image,) = axis.get_images()
    return image.get_array()


def test_a_sheet_has_a_row_for_m_and_a_column_for_depth(rows, originals, check_legible):
    drawing = reconstruction_figures.topologies(rows, 3, 21)
    axes = np.array(drawing.figure.axes).reshape(2, 4)
    assert [axis.get_title() for axis in axes[0]] == ["original", "D' = 128", "D' = 64", "D' = 2"]
    assert [axis.get_ylabel() for axis in axes[:, 0]] == ["m = 1", "m = 6"]
    for point, place in (((1, 64), (0, 2)), ((1, 2), (0, 3)), ((6, 128), (1, 1)), ((6, 2), (1, 3))):
        axis = axes[place]
        assert axis.get_xlabel() == f"{-20 * math.log10(ERRORS[point] / 255):.1f} dB"
        shown = _shown(axis).astype(int)
        assert (np.abs(shown - originals[3]) == ERRORS[point]).all()
    for row in axes:
        np.testing.assert_array_equal(_shown(row[0]), originals[3])
    assert not axes[0, 1].get_images()
    assert "Test image 3" in drawing.caption
    check_legible(drawing.figure)


def test_figure22_has_the_papers_values(rows, check_legible):
    drawing = reconstruction_figures.topologies(rows, 0, 22)
    labels = [axis.get_xlabel() for axis in drawing.figure.axes]
    assert [label.partition("\n")[2] for label in labels] == [
        "",
        "",
        "(28.7)",
        "(20.7)",
        "",
        "(20.4)",
        "",
        "(13.5)",
    ]
    assert "the paper's values, of another image" in drawing.caption
    check_legible(drawing.figure)


def test_the_first_set_with_pictures_stands_for_its_point(measured, rows, originals):
    sets = [measured(cell) for cell in Grid("cifar10", (100,), depths=(2,), random_sets=4).cells()]
    sets = [row | {series.RECONSTRUCTIONS: rows[0][series.RECONSTRUCTIONS]} for row in sets]
    drawn = [row for row in sets if row["channels"] != rows[-1]["channels"]] + [rows[-1]]
    figure = reconstruction_figures.topologies(drawn, 0, 21).figure
    assert np.abs(_shown(figure.axes[1]).astype(int) - originals[0]).max() == 51


def test_selections_stand_side_by_side(tmp_path, measured, originals, check_legible):
    sets = []
    for index, cell in enumerate(Grid("cifar10", (100,), depths=(4,), random_sets=8).cells()):
        sets.append(measured(cell) | {series.RECONSTRUCTIONS: tmp_path})
        if index:  # the first has no pictures
            reconstructions.save(tmp_path, sets[-1], originals, np.full(originals.shape, index / 10))
    drawing = reconstruction_figures.selections(sets, 5, 23)
    axes = np.array(drawing.figure.axes).reshape(3, 7)  # images 5, 6 and 7; the original and six sets
    for down, row in enumerate(axes):
        np.testing.assert_array_equal(_shown(row[0]), originals[5 + down])
        for index, axis in enumerate(row[1:], start=1):
            level = np.round(255 * index / 10)
            assert (_shown(axis) == level).all()
            error = np.mean((originals[5 + down].astype(float) - level) ** 2) / 255**2
            assert axis.get_xlabel() == f"{-10 * math.log10(error):.1f} dB"
    check_legible(drawing.figure)


def test_missing_rows_and_pictures(tmp_path, measured, rows):
    with pytest.raises(InputError, match="figure 24 needs rows with m=6, D'=16 .* reconstructions/"):
        reconstruction_figures.selections(rows, 0, 24)
    with pytest.raises(InputError, match="figure 21 needs rows with D' of 2 or more .* reconstructions/"):
        reconstruction_figures.topologies(
            [row | {series.RECONSTRUCTIONS: tmp_path / "none"} for row in rows], 0, 21
        )
