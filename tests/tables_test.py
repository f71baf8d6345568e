import concurrent.futures

import pytest

from privynet_tf import tables
from privynet_tf.errors import InputError


def _row(**changes):
    """A row of which both sides are measured."""
    cell = {
        "network": "vgg16",
        "m": 6,
        "D'": 2,
        "channels": (3, 40),
        "intermediate_channels": (),
        "seed": 0,
        "images": "digits",
        "train_images": 64,
        "augmented_copies": 0,
        "irn_clusters": 2,
    }
    conditions = {
        "weights": "sha256:1",
        "preprocessing": "caffe",
        "image_size": 32,
        "train_split": "train[:90%]",
        "validation_split": "train[90%:]",
        "test_split": "test",
    }
    icn = {
        "icn_epochs": 250,
        "icn_learning_rate": 0.05,
        "icn_batch_size": 128,
        "icn_optimizer": "sgd",
        "icn_schedule": "steps",
        "icn_drop_epochs": (100, 200),
        "icn_average_weights": False,
        "icn_precision": "float32",
    }
    irn = {
        "irn_epochs": 100,
        "irn_learning_rate": 0.003,
        "irn_batch_size": 128,
        "irn_optimizer": "sgd",
        "irn_schedule": "constant",
        "irn_drop_epochs": None,
        "irn_average_weights": False,
        "irn_precision": "float32",
        "irn_blocks": 8,
        "irn_width": 64,
        "irn_max_images": None,
        "irn_test_images": None,
    }
    utility = {"utility": 0.1 + 0.2, "train_accuracy": 0.7, "class_prior": 0.1, "icn_seconds": 1.5}
    privacy = {"psnr": 18.3, "psnr_std": 2.0, "psnr_p95": 21.0, "ssim": 0.4, "train_psnr": 18.5}
    privacy |= {"irn_images": 64, "ridge_psnr": 16.0, "ridge_pairs": 64, "irn_seconds": 2.5}
    errors = {"icn_error": None, "irn_error": None}
    return {**cell, **conditions, **icn, **irn, **utility, **privacy, **errors, **changes}


def _without(row, side):
    return row | dict.fromkeys(column.name for column in tables.SIDES[side])


def test_columns_are_distinct_and_explained():
    names = [column.name for column in tables.COLUMNS]
    assert len(set(names)) == len(names)
    assert set(_row()) == set(names)
    assert all(column.meaning for column in tables.COLUMNS)


def test_values_are_read_back_exactly(tmp_path):
    path = tmp_path / "table.csv"
    tables.update(path, [_row(images="photos, two", icn_error='Error: a, "b"')])
    assert tables.read(path) == [_row(images="photos, two", icn_error='Error: a, "b"')]
    assert tables.read(path)[0]["utility"] == 0.1 + 0.2


def test_no_file_is_an_empty_table(tmp_path):
    assert tables.read(tmp_path / "table.csv") == []


def test_a_row_is_filled_side_after_side(tmp_path):
    path = tmp_path / "table.csv"
    tables.update(path, [_without(_row(), "irn")])
    (row,) = tables.read(path)
    assert tables.is_measured(row, "icn")
    assert not tables.is_measured(row, "irn")
    cell = {column.name: _row()[column.name] for column in tables.CELL}
    privacy = {column.name: _row()[column.name] for column in tables.SIDES["irn"]}
    tables.update(path, [cell | privacy])
    assert tables.read(path) == [_row()]


def test_order_of_rows_does_not_depend_on_the_order_of_measurement(tmp_path):
    rows = [_row(m=m, seed=seed) for m in (10, 6) for seed in (1, 0)]
    for index, order in enumerate((rows, rows[::-1])):
        for row in order:
            tables.update(tmp_path / f"{index}.csv", [row])
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()
    assert [(row["m"], row["seed"]) for row in tables.read(tmp_path / "0.csv")] == [
        (6, 0),
        (6, 1),
        (10, 0),
        (10, 1),
    ]


def test_writers_at_the_same_time_lose_no_row(tmp_path):
    path = tmp_path / "table.csv"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: tables.update(path, [_row(seed=seed)]), range(40)))
    assert [row["seed"] for row in tables.read(path)] == list(range(40))


def test_what_a_kill_leaves_is_not_read(tmp_path):
    path = tmp_path / "table.csv"
    tables.update(path, [_row()])
    (tmp_path / ".table.csv.partial").write_text("network,m,D'")
    tables.update(path, [_row(seed=1)])
    assert len(tables.read(path)) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_foreign_columns_are_named(tmp_path):
    path = tmp_path / "table.csv"
    tables.update(path, [_row()])
    path.write_text(path.read_text().replace("psnr_p95", "psnr_p90", 1))
    with pytest.raises(InputError, match=r"table.csv is no table .* lack \['psnr_p95'\] .* \['psnr_p90'\]"):
        tables.read(path)


def test_columns_in_another_order(tmp_path):
    path = tmp_path / "table.csv"
    tables.update(path, [_row()])
    path.write_text(path.read_text().replace("network,m", "m,network", 1))
    with pytest.raises(InputError, match="stand in another order"):
        tables.read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-30], r"line 2 has \d+ values, expected 51"),
        (
            lambda text: text.replace("250", "many"),
            "line 2: icn_epochs is 'many', expected epochs of the ICN",
        ),
        (lambda text: text.replace("False", "no"), "icn_average_weights is 'no'"),
        (lambda text: text.replace("digits", ""), r"line 2: \['images'\] must not be empty"),
        (lambda text: text + text.splitlines()[1] + "\n", "line 3: .* twice"),
        (lambda text: "", "is no table"),
    ],
)
def test_bad_tables(change, message, tmp_path):
    path = tmp_path / "table.csv"
    tables.update(path, [_row()])
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=message):
        tables.read(path)


def test_a_picture_is_no_table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    with pytest.raises(InputError, match="cannot read table"):
        tables.read(path)


def test_budgets_do_not_mix():
    with pytest.raises(
        InputError, match=r"\(old.csv\): icn_epochs is '250' and '60'; irn_width is '64' and '32'"
    ):
        tables.check_conditions([_row(), _row(m=4, icn_epochs=60, irn_width=32)], "old.csv")


def test_a_side_that_was_not_tried_has_no_budget():
    tables.check_conditions([_row(), _without(_row(m=4), "irn"), _without(_row(m=5), "icn")], "")


def test_weights_are_one_for_each_network():
    tables.check_conditions([_row(), _row(network="vgg19", weights="sha256:2")], "")
    with pytest.raises(InputError, match="weights is 'sha256:1' and 'sha256:2'"):
        tables.check_conditions([_row(), _row(m=4, weights="sha256:2")], "")


def test_merge_gives_the_table_of_one_run(tmp_path):
    rows = [_row(seed=seed, icn_seconds=float(seed)) for seed in range(5)]
    tables.update(tmp_path / "whole.csv", rows)
    for index in (1, 2):
        tables.update(tmp_path / f"{index}.csv", rows[index - 1 :: 2])
    for order in ((1, 2), (2, 1)):
        merged = tmp_path / f"merged{order[0]}.csv"
        tables.merge([tmp_path / f"{index}.csv" for index in order], merged)
        assert merged.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_merge_joins_the_sides_of_a_row(tmp_path):
    tables.update(tmp_path / "icn.csv", [_without(_row(), "irn")])
    tables.update(tmp_path / "irn.csv", [_without(_row(), "icn")])
    rows = tables.merge([tmp_path / "icn.csv", tmp_path / "irn.csv"], tmp_path / "table.csv")
    assert rows == tables.read(tmp_path / "table.csv") == [_row()]


def test_merge_prefers_results_to_errors(tmp_path):
    failed = _row(utility=None, train_accuracy=None, icn_error="InputError: diverged")
    tables.update(tmp_path / "1.csv", [failed])
    tables.update(tmp_path / "2.csv", [_row(icn_seconds=9.0)])
    for order in ((1, 2), (2, 1)):
        paths = [tmp_path / f"{index}.csv" for index in order]
        assert tables.merge(paths, tmp_path / "table.csv") == [_row(icn_seconds=9.0)]


def test_merge_of_tables_that_disagree(tmp_path):
    tables.update(tmp_path / "1.csv", [_row()])
    tables.update(tmp_path / "2.csv", [_row(psnr=18.4, irn_seconds=9.0)])
    with pytest.raises(
        InputError, match="1.csv and .*2.csv disagree on psnr of network=vgg16, m=6,.*18.3.*18.4"
    ):
        tables.merge([tmp_path / "1.csv", tmp_path / "2.csv"], tmp_path / "table.csv")
    assert not (tmp_path / "table.csv").exists()


def test_merge_of_other_budgets(tmp_path):
    tables.update(tmp_path / "1.csv", [_row()])
    tables.update(tmp_path / "2.csv", [_row(seed=1, icn_epochs=60)])
    with pytest.raises(InputError, match="icn_epochs is '250' and '60'"):
        tables.merge([tmp_path / "1.csv", tmp_path / "2.csv"], tmp_path / "table.csv")
    assert not (tmp_path / "table.csv").exists()
