import statistics

import pytest

from privynet_tf import tables
from privynet_tf.errors import InputError
from privynet_tf.grid import Cell
from privynet_tf.paper_figures import series


def _cells(*channels, **changes):
    data = {"seed": 0, "images": "cifar10", "train_images": 100} | changes
    return [Cell("vgg16", data.pop("m", 6), one, **data) for one in channels]


@pytest.fixture
def row(measured):
    def make(*channels, cell=None, **changes):
        return measured(*_cells(channels or (3, 40), **(cell or {})), **changes)

    return make


def test_tables_are_read_in_their_order_without_pruned_layers(tmp_path, row):
    pruned = row(1, 2, cell={"intermediate_channels": (("block1_conv1", (0, 5)),)})
    tables.update(tmp_path / "b" / "table.csv", [row(), pruned])
    tables.update(tmp_path / "a" / "table.csv", [row(psnr=30.0)])
    first, second = series.read([tmp_path / "b" / "table.csv", tmp_path / "a" / "table.csv"])
    assert first == row() | {"reconstructions": tmp_path / "b" / "reconstructions"}
    assert second["psnr"] == 30.0
    with pytest.raises(InputError, match="no table .*none.csv"):
        series.read([tmp_path / "a" / "table.csv", tmp_path / "none.csv"])


def test_value_of_a_side(row):
    assert series.value(row(utility=0.5), "icn") == 0.5
    assert series.value(row(psnr=15.0, ridge_psnr=16.0), "irn") == 16.0
    assert series.value(row(utility=None), "icn") is None


def test_released_are_neither_single_channels_nor_the_baseline(row, measured):
    baseline = measured(Cell("none", 0, (0, 1, 2), 0, "cifar10", 100, irn_clusters=0))
    assert series.released([baseline, row(7), row()]) == [row()]


def test_comparable_rows_are_of_the_same_data(row):
    few = [row(channel, 9) for channel in range(3)]
    many = [row(*range(depth), cell={"train_images": 200}) for depth in (2, 3)]
    assert series.comparable(few + many, "icn") == many  # more (m, D'), though fewer rows
    assert series.comparable(few + many[:1], "icn") == few
    assert series.comparable([], "icn") == []


def test_comparable_rows_have_the_side(row):
    rows = [row(1, 2, utility=None), row(3, 4, psnr=None, ridge_psnr=None)]
    assert series.comparable(rows, "icn") == rows[1:]
    assert series.comparable(rows, "irn") == rows[:1]


def test_the_first_table_counts(row):
    rows = [row(utility=0.5, psnr=None, ridge_psnr=None), row(utility=0.6, psnr=17.0, icn_epochs=20)]
    assert series.comparable(rows, "icn") == rows[:1]
    assert series.comparable(rows, "irn") == rows[1:]


def test_one_budget_keeps_a_line_apart_from_other_tables(row):
    line = [row(cell={"irn_clusters": clusters}, irn_epochs=30) for clusters in (1, 2, 3)]
    elsewhere = [row(), *(row(*range(depth)) for depth in (3, 4, 5))]
    rows = elsewhere + line
    assert series.comparable(rows, "irn", ("irn_clusters",), one_budget=True) == line
    split = [one | {"train_split": f"train[:{index}]"} for index, one in enumerate(line)]
    assert series.comparable(split, "irn", ("irn_clusters",), one_budget=True) == split


def test_sides_measured_on_other_data_are_joined(row):
    utilities = [row(3, 40, utility=0.5), row(1, 2, utility=0.4), row(5, 6)]
    losses = [
        row(*pair, cell={"train_images": 50}, psnr=psnr, ridge_psnr=9.0)
        for pair, psnr in (((1, 2), 14.0), ((3, 40), 15.0), ((7, 8), 16.0))
    ]
    joined = series.joined(utilities, losses)
    assert joined == [series.Both(6, (1, 2), 0.4, 14.0), series.Both(6, (3, 40), 0.5, 15.0)]
    assert joined[0].depth == 2
    assert series.joined(utilities, [losses[0] | {"seed": 1}]) == []


def test_repeats_stand_in_order(row):
    rows = [row(m, 9, cell={"m": m}, utility=m / 10) for m in (6, 4)] + [
        row(1, 2, cell={"m": 6}, utility=0.7)
    ]
    found = series.repeats(rows, "icn", lambda one: one["m"])
    assert list(found.items()) == [(4, [0.4]), (6, [0.6, 0.7])]


def test_std():
    assert series.std([0.4, 0.5, 0.9]) == pytest.approx(statistics.stdev([0.4, 0.5, 0.9]))
    assert series.std([0.4]) != series.std([0.4])  # NaN: no bar is drawn


def test_conditions_name_what_differs(row):
    rows = [row(), row(1, 2, icn_epochs=20, icn_batch_size=128, cell={"train_images": 5000})]
    assert series.conditions(rows[:1], "icn") == "ICN: 10 epochs on 100 images of cifar10"
    assert series.conditions(rows, "icn") == (
        "ICN: 10 and 20 epochs on 100 and 5,000 images of cifar10; icn_batch_size 64 and 128"
    )
    rows = [
        row(cell={"augmented_copies": 2, "train_images": images}, irn_optimizer=optimizer)
        for images, optimizer in ((10, "sgd"), (30, "sgd"), (1000, "adam"))
    ]
    assert series.conditions(rows, "irn") == (
        "IRN: 15 epochs on 10 to 1,000 images of cifar10, 2 x 2 ResNet blocks of width 32, with 2 "
        "augmented copies of each; irn_optimizer adam and sgd"
    )
    averaged = [row(), row(1, 2, irn_average_weights=True, irn_max_images=None)]
    assert series.conditions(averaged, "irn").endswith(
        "; irn_average_weights False and True; irn_max_images 2000 and none"
    )


def test_budgets_name_panels_where_they_differ(row):
    other = row(icn_epochs=20)
    said = series.budgets(
        [("a", [row()], "icn"), ("b", [row()], "irn"), ("c", [row()], "icn"), ("d", [], "irn")]
    )
    assert said.startswith("ICN: 10 epochs on 100 images of cifar10. IRN: 15 epochs")
    assert said.count("ICN") == said.count("IRN") == 1
    said = series.budgets([("a", [row()], "icn"), ("b", [other], "icn"), ("c", [row()], "icn")])
    assert said == (
        "ICN: 10 epochs on 100 images of cifar10 (a, c). ICN: 20 epochs on 100 images of cifar10 (b)."
    )
