import statistics

import pytest

from privynet_tf import tables
from privynet_tf.errors import InputError
from privynet_tf.grid import Cell, Grid
from privynet_tf.paper_figures import attacker_figures


@pytest.fixture(scope="module")
def cifar10(sweep):
    return [row for row in sweep if row["images"] == "cifar10"]


@pytest.fixture(scope="module")
def cifar100(sweep):
    return [row for row in sweep if row["images"] == "cifar100"]


def _losses(rows, **columns):
    return [
        max(row["psnr"], row["ridge_psnr"])
        for row in rows
        if all(row[name.replace("depth", "D'")] == value for name, value in columns.items())
    ]


def test_figure7a_draws_the_sizes_of_one_budget(cifar10, cifar100, line):
    axis = attacker_figures.figure7(cifar10, cifar100).figure.axes[0]
    for label, copies in (("no augmentation", 0), ("2 augmented copies of each", 2)):
        x, y = line(axis, label)
        # 2,000 images without copies are of figure 19's rows, made with the same budget.
        assert x == [size for size in (10, 30, 100, 300, 1000, 2000, 3000) if copies == 0 or size != 2000]
        losses = [
            _losses(cifar10, irn_epochs=30, irn_clusters=2, m=6, irn_images=size, augmented_copies=copies)
            for size in x
        ]
        assert y == pytest.approx([statistics.mean(repeats) for repeats in losses])
    assert axis.get_xscale() == "log"
    assert line(axis, "the paper: under 1,000 suffice with augmentation")[0] == [1000, 1000]


def test_figure7_compares_the_same_channels(cifar10, cifar100, line):
    _, layers, pairs = attacker_figures.figure7(cifar10, cifar100).figure.axes
    x, y = line(layers, "D' = 16")
    assert y == pytest.approx([_losses(cifar100, m=round(m), depth=16)[0] for m in x])
    others, ours = line(pairs, "m = 3")
    assert len(ours) == 6
    channels = next(row["channels"] for row in cifar100 if (row["m"], row["D'"]) == (3, 16))
    assert _losses(cifar100, m=3, channels=channels) == [others[3]]
    assert _losses(cifar10, m=3, channels=channels) == [ours[3]]
    assert len(_losses(cifar10, m=3, depth=16)) == 5
    assert pairs.get_ylabel().startswith("cifar10:")
    assert pairs.get_xlabel().startswith("cifar100:")


def test_figure7_says_what_was_not_measured(cifar10, cifar100, check_legible):
    grid = [row for row in cifar10 if row["train_images"] == 10000]
    sizes = [row for row in cifar10 if row["train_images"] != 10000]
    for rows, others, absent in ((grid, cifar100, [0]), (sizes, [], [1, 2]), ([], cifar100, [0, 2])):
        drawing = attacker_figures.figure7(rows, others)
        said = [bool(axis.texts) for axis in drawing.figure.axes]
        assert said == [index in absent for index in range(3)]
        check_legible(drawing.figure)


def test_figure19_draws_topologies_with_all_clusters(cifar10, line):
    axis = attacker_figures.figure19(cifar10).figure.axes[0]
    for m in (2, 4, 6):
        x, y = line(axis, f"m = {m}, D' = 8")
        assert x == [1, 2, 3]
        attacks = [
            [
                row["psnr"]
                for row in cifar10
                if (row["irn_epochs"], row["m"], row["irn_clusters"], row["train_images"])
                == (30, m, clusters, 2000)
            ]
            for clusters in x
        ]
        assert y == pytest.approx([statistics.mean(repeats) for repeats in attacks])
    assert line(axis, "the paper's choice: 2 clusters")[0] == [2, 2]


def test_every_point_of_a_line_is_of_the_same_sets(measured, line):
    rows = [
        measured(
            Cell("vgg16", 6, channels, 0, "cifar10", 100, irn_clusters=clusters), psnr=psnr, ridge_psnr=1.0
        )
        for channels, clusters, psnr in (((1, 2), 1, 10.0), ((1, 2), 2, 12.0), ((3, 4), 2, 40.0))
    ]
    axis = attacker_figures.figure19(rows).figure.axes[0]
    assert line(axis, "m = 6, D' = 2") == ([1, 2], [10.0, 12.0])


def test_text_is_legible(cifar10, cifar100, check_legible):
    check_legible(attacker_figures.figure7(cifar10, cifar100).figure)
    check_legible(attacker_figures.figure19(cifar10).figure)


def test_missing_rows(measured):
    rows = [measured(cell) for cell in Grid("cifar10", (100,), depths=(2, 4)).cells()]
    with pytest.raises(InputError, match="figure 7 needs rows of one topology with several train_images"):
        attacker_figures.figure7(rows, [])
    with pytest.raises(InputError, match="figure 19 needs rows of one topology with several irn_clusters"):
        attacker_figures.figure19(rows)
    nothing = dict.fromkeys(column.name for column in tables.SIDES["irn"])
    with pytest.raises(InputError, match="figure 7 needs"):
        attacker_figures.figure7(rows, [row | nothing for row in rows])
