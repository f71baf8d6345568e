import ast
import importlib.util
import itertools
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from privynet_tf import (
    characterization,
    feature_cache,
    fen,
    icn,
    icn_branches,
    irn,
    measurement,
    reconstructions,
    ridge,
    sweep,
    tables,
    training,
)
from privynet_tf.characterization import Budget
from privynet_tf.errors import InputError
from privynet_tf.feature_cache import Examples, Fen
from privynet_tf.grid import Cell, Grid, random_channel_sets, shard

ROOT = pathlib.Path(__file__).absolute().parent.parent

BUDGET = Budget(training.Settings(2, 0.05), training.Settings(3, 0.003), irn_blocks=1, irn_width=4)


def _grid(**changes):
    return Grid(**{"images": "noise", "train_images": [4]} | changes)


def test_grid_is_the_product_of_what_it_varies():
    grid = _grid(
        train_images=[2, 4],
        networks=["vgg16", "vgg19"],
        layers=[3, 6],
        depths=[2, 8],
        random_sets=5,
        seeds=[0, 1, 2],
        augmented_copies=[0, 4],
        irn_clusters=[1, 2, 3],
    )
    cells = grid.cells()
    assert len(cells) == len(set(cells)) == 2 * 2 * 2 * 2 * 5 * 3 * 2 * 3
    for field, values in (
        ("train_images", {2, 4}),
        ("network", {"vgg16", "vgg19"}),
        ("num_layers", {3, 6}),
        ("seed", {0, 1, 2}),
        ("augmented_copies", {0, 4}),
        ("irn_clusters", {1, 2, 3}),
    ):
        assert {getattr(cell, field) for cell in cells} == values


def test_single_channels():
    cells = _grid(layers=[4, 1], single_channels=True).cells()
    assert [cell.channels for cell in cells if cell.num_layers == 1] == [(channel,) for channel in range(64)]
    assert [cell.channels for cell in cells if cell.num_layers == 4] == [(channel,) for channel in range(128)]


def test_explicit_sets_keep_their_order_and_a_set_asked_for_twice_is_one_cell():
    cells = _grid(channel_sets=[(7, 3), (5,)], single_channels=True).cells()
    assert cells[0].channels == (7, 3)
    assert len(cells) == 1 + 128


def test_baselines_come_first_once_for_each_seed_and_training_set():
    cells = _grid(layers=[5, 6], depths=[2], irn_clusters=[1, 2], seeds=[0, 1], baseline=True).cells()
    assert [cell.network for cell in cells] == ["none"] * 2 + ["vgg16"] * 8
    assert cells[1] == Cell("none", 0, (0, 1, 2), 1, "noise", 4, irn_clusters=0)


def test_random_sets_depend_on_seed_network_layer_depth_and_index_alone():
    def sets(**changes):
        grid = _grid(**{"layers": [6], "depths": [8], "random_sets": 20, "channel_seed": 3} | changes)
        return [c.channels for c in grid.cells() if c.num_layers == 6 and len(c.channels) == 8]

    expected = sets()
    assert len(set(expected)) == 20
    assert all(len(set(channels)) == 8 and max(channels) < 128 for channels in expected)
    assert sets(layers=[1, 6], depths=[2, 8, 64], train_images=[2], seeds=[5]) == expected
    assert sets(random_sets=5) == expected[:5]
    assert sets(channel_seed=4) != expected
    assert sets(networks=["vgg19"]) != expected


def test_random_sets_are_pinned():
    """They must not change: tables hold results of them."""
    expected = [(23, 47, 85, 100), (2, 51, 93, 102)]
    assert random_channel_sets("vgg16", 6, 4, 2, 0) == expected


def test_random_sets_stop_where_there_are_no_more():
    assert random_channel_sets("vgg16", 6, 128, 20, 0) == [tuple(range(128))]
    singles = random_channel_sets("vgg16", 1, 1, 100, 0)
    assert sorted(singles) == [(channel,) for channel in range(64)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depths": [65], "layers": [3]}, "D' must be from 1 to 64 at m=3 of vgg16. Received: 65"),
        ({"depths": [0]}, "D' must be from 1 to 128 at m=6 of vgg16. Received: 0"),
        ({"depths": [2], "random_sets": 0}, "random sets must be at least 1. Received: 0"),
        ({"depths": [2], "layers": [19]}, "num_layers must be an integer from 1 to 18"),
        ({"depths": [2], "networks": ["lenet"]}, "network must be one of .* Received: 'lenet'"),
        ({"channel_sets": [(128,)]}, "output_channels must be distinct integers from 0 to 127"),
        ({}, "the grid is empty: it has no single channels, depths or channel sets"),
        ({"depths": [2], "layers": []}, "the grid is empty: it has no layers"),
        ({"depths": [2], "seeds": [], "train_images": []}, "it has no seeds, train_images"),
    ],
)
def test_bad_grids(changes, message):
    with pytest.raises(InputError, match=message):
        _grid(**changes).cells()


def test_shards_deal_the_cells_in_turn():
    cells = _grid(depths=[2], random_sets=7).cells()
    shards = [shard(cells, index, 3) for index in (1, 2, 3)]
    assert [len(part) for part in shards] == [3, 2, 2]
    assert [cell for turn in itertools.zip_longest(*shards) for cell in turn if cell] == cells


@pytest.mark.parametrize(("index", "count"), [(0, 2), (3, 2), (1, 0), (1, 8)])
def test_bad_shards(index, count):
    cells = _grid(depths=[2], random_sets=7).cells()
    with pytest.raises(InputError, match=f"at most the number of cells, 7. Received: {index}/{count}"):
        shard(cells, index, count)


def test_bad_budgets():
    with pytest.raises(InputError, match="irn_max_images must be at least 1. Received: 0"):
        Budget(BUDGET.icn, BUDGET.irn, irn_max_images=0)
    with pytest.raises(InputError, match="irn_test_images must be at least 1. Received: -1"):
        Budget(BUDGET.icn, BUDGET.irn, irn_test_images=-1)
    with pytest.raises(InputError, match="the IRN's width must be at least 1. Received: 0"):
        Budget(BUDGET.icn, BUDGET.irn, irn_width=0)


def _split(directory, name, count, copies=0):
    generator = np.random.default_rng(len(name))
    pixels = generator.integers(0, 256, (count * (1 + copies), 16, 16, 3), dtype=np.uint8)
    made = {"images": "noise", "split": name, "image_size": 16, "augmented_copies": copies}
    examples = Examples(
        made | {"augmentation_seed": None},
        len(pixels),
        lambda: zip(pixels, np.arange(len(pixels)) % 3, strict=True),
    )
    split = feature_cache.store_images(directory / name, examples)
    for layer, channels in ((3, 64), (6, 128)):  # no FEN is needed to test what uses its output
        side = {3: 8, 6: 4}[layer]
        values = generator.normal(0, 50, (len(pixels), side, side, channels)).astype(np.float16)
        np.save(split.directory / f"vgg16_m{layer}.npy", values)
    return split


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    root = tmp_path_factory.mktemp("cache")
    return characterization.Cache(
        train=_split(root, "train", 40, copies=1),
        validation=_split(root, "validation", 8),
        test=_split(root, "test", 12),
        num_classes=3,
        weights={"vgg16": "random:seed=0"},
        preprocessing="caffe",
    )


def test_branches_end_with_the_weights_of_separate_trainings(cache):
    settings = training.Settings(epochs=3, learning_rate=0.05, batch_size=16, seed=5)
    rows = cache.train.rows()
    labels = cache.train.labels[rows]
    depths, channels = (1, 1, 3), (4, 90, 7, 8, 100)
    lazy = cache.train.representations("vgg16", 6, channels, rows)
    joint, branches = icn_branches.train((lazy, labels), depths, 3, settings)
    array, starts = lazy.in_memory(), (0, 1, 2)
    separate = [
        icn.train((array[..., start : start + depth], labels), None, 3, settings)
        for start, depth in zip(starts, depths, strict=True)
    ]
    for one, branch in zip(separate, branches, strict=True):
        for expected, actual in zip(one.get_weights(), branch.get_weights(), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
    assert np.abs(branches[0].get_weights()[3] - branches[1].get_weights()[3]).max() > 1e-5
    accuracies = icn_branches.accuracies(joint, (lazy, labels))
    expected = [
        icn.evaluate(one, (array[..., start : start + depth], labels))
        for one, start, depth in zip(separate, starts, depths, strict=True)
    ]
    np.testing.assert_allclose(accuracies, expected)


def test_a_cell_from_arrays(cache):
    """A row's privacy loss is that of an IRN and a ridge decoder on exactly its pairs."""
    cell = Cell("vgg16", 6, (4, 90), 1, "noise", 30, augmented_copies=1, irn_clusters=1)
    rows = cache.train.rows(30, 1)
    train = np.load(cache.train.directory / "vgg16_m6.npy")[:60][..., [4, 90]], cache.train.images[:60]
    assert list(rows) == list(range(60))
    test = np.load(cache.test.directory / "vgg16_m6.npy")[..., [4, 90]], cache.test.images[:]
    settings = training.Settings(2, 0.003, batch_size=20, seed=1)
    found, guesses = measurement.privacy_loss(train, test, irn.Architecture(1, 1, 4), settings)
    model = irn.train(train, None, irn.Architecture(1, 1, 4), settings)
    assert found["psnr"] == pytest.approx(irn.evaluate(model, test).psnr, abs=1e-3)
    assert found["psnr"] == irn.privacy_loss(test[1], guesses).psnr
    assert found["train_psnr"] == pytest.approx(irn.evaluate(model, train).psnr, abs=1e-3)
    assert cell.columns()["D'"] == 2


def test_ridge_is_bounded_by_pairs_and_values(cache, monkeypatch):
    seen = []

    def privacy_loss(train, validation, test):
        seen.append([len(part[0]) for part in (train, validation, test)])
        return irn.PrivacyLoss(15.0, 1.0, 17.0, None)

    monkeypatch.setattr(ridge, "privacy_loss", privacy_loss)
    data = np.zeros((100, 4, 4, 2), np.float16), np.zeros((100, 16, 16, 3), np.uint8)
    some = tuple(part[:50] for part in data)
    assert measurement.ridge_floor(data, some, data) == {"ridge_psnr": 15.0, "ridge_pairs": 100}
    monkeypatch.setattr(measurement, "RIDGE_VALUES", 32 * 70)
    assert measurement.ridge_floor(data, some, data)["ridge_pairs"] == 70
    monkeypatch.setattr(measurement, "RIDGE_PAIRS", 60)
    assert measurement.ridge_floor(data, some, data)["ridge_pairs"] == 60
    assert seen == [[100, 50, 100], [70, 50, 70], [60, 50, 60]]


@pytest.fixture
def fakes(monkeypatch):
    """Measurements that cost nothing, say what they were given, and fail for channel 13."""
    calls = []

    def utilities(train, test, depths, num_classes, settings):
        assert train[0].shape[-1] == test[0].shape[-1] == sum(depths)
        calls.append(("icn", train[0].shape, settings.seed))
        # What a cell gets must not depend on the cells beside it.
        sums = np.split(np.abs(train[0]).sum(axis=(0, 1, 2), dtype=np.float64), np.cumsum(depths)[:-1])
        if any(part.sum() == 0 for part in sums):
            raise InputError("training diverged:\nlower the rate")
        return [{"utility": float(part.sum()), "train_accuracy": 0.5, "class_prior": 0.1} for part in sums]

    def privacy(train, test, architecture, settings):
        calls.append(("irn", train[0].shape, settings.seed, architecture.clusters))
        values = {"psnr": float(np.abs(train[0]).sum(dtype=np.float64)), "psnr_std": 1.0}
        return values | {"psnr_p95": 2.0, "ssim": None, "train_psnr": 3.0}, test[1] / 255

    def floor(train, validation, test):
        calls.append(("ridge", train[0].shape))
        return {"ridge_psnr": 9.0, "ridge_pairs": len(train[0])}

    monkeypatch.setattr(characterization.keras.utils, "clear_session", lambda: None)  # collects garbage
    monkeypatch.setattr(measurement, "utilities", utilities)
    monkeypatch.setattr(measurement, "privacy_loss", privacy)
    monkeypatch.setattr(measurement, "ridge_floor", floor)
    return calls


def _timeless(path):
    seconds = {"icn_seconds": None, "irn_seconds": None}
    return [row | seconds for row in tables.read(path)]


def test_cells_of_a_layer_train_in_branches(fakes, cache, tmp_path):
    cells = _grid(layers=[3, 6], depths=[2], random_sets=5, train_images=[30], seeds=[0, 1]).cells()
    assert not sweep.run(cells, cache, BUDGET, tmp_path / "t.csv", "icn", branches=4)
    assert fakes == [
        ("icn", (30, side, side, width), seed) for seed in (0, 1) for side in (8, 4) for width in (8, 2)
    ]
    sweep.run(cells, cache, BUDGET, tmp_path / "alone.csv", "icn", branches=1)
    assert len(fakes) == 8 + 20
    assert _timeless(tmp_path / "t.csv") == _timeless(tmp_path / "alone.csv")


def test_wide_cells_train_alone(fakes, cache, tmp_path):
    cells = _grid(depths=[64], random_sets=2, train_images=[30]).cells()
    sweep.run(cells, cache, BUDGET, tmp_path / "t.csv", "icn", branches=4)
    assert [call[1][-1] for call in fakes] == [64, 64]


def test_a_row_says_all_of_a_cell(fakes, cache, tmp_path):
    cells = _grid(channel_sets=[(7, 3)], train_images=[30], augmented_copies=[1]).cells()
    sweep.run(cells, cache, BUDGET, tmp_path / "t.csv")
    (row,) = tables.read(tmp_path / "t.csv")
    train = np.load(cache.train.directory / "vgg16_m6.npy")[:60][..., [7, 3]]
    assert row["utility"] == pytest.approx(np.abs(train).sum(dtype=np.float64))
    expected = {
        "network": "vgg16",
        "m": 6,
        "D'": 2,
        "channels": (7, 3),
        "images": "noise",
        "train_images": 30,
        "augmented_copies": 1,
        "weights": "random:seed=0",
        "train_split": "train",
        "test_split": "test",
        "image_size": 16,
        "icn_epochs": 2,
        "irn_epochs": 3,
        "irn_blocks": 1,
        "irn_images": 30,
        "ridge_psnr": 9.0,
        "icn_error": None,
    }
    assert {name: row[name] for name in expected} == expected


def test_a_cell_with_intermediate_channels_has_its_own_representations(fakes, cache, tmp_path):
    reduced = Cell("vgg16", 6, (7, 3), 0, "noise", 30, intermediate_channels=(("block1_conv1", (0, 5)),))
    whole = Cell("vgg16", 6, (7, 3), 0, "noise", 30)
    for split in (cache.train, cache.test, cache.validation):
        model = fen.build(reduced.topology, "random", image_size=16)
        made = Fen(reduced.topology, model, "random:seed=0", "caffe")
        feature_cache.compute_reduced(split, made)
    sweep.run([whole, reduced], cache, BUDGET, tmp_path / "t.csv")
    assert [call[:2] for call in fakes if call[0] == "icn"] == [("icn", (30, 4, 4, 2))] * 2
    rows = {row["intermediate_channels"]: row for row in tables.read(tmp_path / "t.csv")}
    expected = fen.apply(model, cache.train.images[::2][:30])
    assert rows[reduced.intermediate_channels]["utility"] == pytest.approx(expected.sum(), rel=1e-3)
    assert rows[()]["utility"] != rows[reduced.intermediate_channels]["utility"]


def test_irn_images_are_limited(fakes, cache, tmp_path):
    cells = _grid(channel_sets=[(7, 3)], train_images=[30]).cells()
    budget = Budget(BUDGET.icn, BUDGET.irn, irn_max_images=20, irn_test_images=5)
    sweep.run(cells, cache, budget, tmp_path / "t.csv", "irn")
    assert fakes == [("irn", (20, 4, 4, 2), 0, 2), ("ridge", (20, 4, 4, 2))]
    (row,) = tables.read(tmp_path / "t.csv")
    assert (row["irn_images"], row["irn_test_images"]) == (20, 5)
    originals, guesses = reconstructions.load(tmp_path / "reconstructions", row)
    np.testing.assert_array_equal(originals, cache.test.images[:5])
    np.testing.assert_array_equal(guesses, originals)  # what the fake gives


def test_nothing_is_computed_twice(fakes, cache, tmp_path):
    """The ICN does not depend on the IRN's clusters, nor the ridge decoder on them and the seed."""
    cells = _grid(depths=[2], irn_clusters=[1, 2, 3], seeds=[0, 1]).cells()
    sweep.run(cells, cache, BUDGET, tmp_path / "t.csv", branches=1)
    kinds = [call[0] for call in fakes]
    assert (kinds.count("icn"), kinds.count("irn"), kinds.count("ridge")) == (2, 6, 1)
    rows = tables.read(tmp_path / "t.csv")
    assert len({row["utility"] for row in rows}) == 1
    assert {row["ridge_psnr"] for row in rows} == {9.0}
    fakes.clear()
    assert not sweep.run(cells, cache, BUDGET, tmp_path / "t.csv")
    assert fakes == []


def test_the_baseline_is_an_icn_on_the_images(fakes, cache, tmp_path):
    cells = _grid(depths=[2], baseline=True, train_images=[30]).cells()
    sweep.run(cells, cache, BUDGET, tmp_path / "t.csv")
    assert [call[:2] for call in fakes][:2] == [("icn", (30, 16, 16, 3)), ("icn", (30, 4, 4, 2))]
    baseline, _ = tables.read(tmp_path / "t.csv")
    assert (baseline["network"], baseline["m"], baseline["D'"], baseline["psnr"]) == ("none", 0, 3, None)
    pixels = cache.train.images[::2][:30].sum(dtype=np.float64)
    assert baseline["utility"] == pixels


def test_sides_can_be_measured_one_after_the_other(fakes, cache, tmp_path):
    cells = _grid(depths=[2], random_sets=3, baseline=True).cells()
    for measure in ("icn", "irn"):
        assert not sweep.run(cells, cache, BUDGET, tmp_path / "sides.csv", measure)
    sweep.run(cells, cache, BUDGET, tmp_path / "both.csv")
    assert _timeless(tmp_path / "sides.csv") == _timeless(tmp_path / "both.csv")


def test_a_failing_cell_does_not_stop_the_rest_and_is_tried_again(fakes, cache, tmp_path):
    # Channel 13 alone fails, also where it trains beside others.
    values = np.load(cache.train.directory / "vgg16_m6.npy")
    np.save(cache.train.directory / "vgg16_m6.npy", np.where(np.arange(128) == 13, 0, values))
    cells = _grid(channel_sets=[(12,), (13,), (14,)]).cells()
    path = tmp_path / "t.csv"
    failed = sweep.run(cells, cache, BUDGET, path)
    assert [cell.channels for cell in failed] == [(13,)]
    rows = tables.read(path)
    assert [row["icn_error"] for row in rows] == [
        None,
        "InputError: training diverged: lower the rate",
        None,
    ]
    assert [row["utility"] is None for row in rows] == [False, True, False]
    assert all(row["psnr"] is not None for row in rows)

    np.save(cache.train.directory / "vgg16_m6.npy", values)
    fakes.clear()
    assert sweep.run(cells, cache, BUDGET, path) == []
    assert [call[0] for call in fakes] == ["icn"]
    assert [row["icn_error"] for row in tables.read(path)] == [None] * 3


def test_an_interrupted_sweep_continues(fakes, cache, tmp_path, monkeypatch):
    cells = _grid(layers=[3, 6], depths=[2], random_sets=3).cells()
    measure = measurement.privacy_loss

    def interrupted(*arguments):
        if [call[0] for call in fakes].count("irn") == 4:
            raise KeyboardInterrupt
        return measure(*arguments)

    monkeypatch.setattr(measurement, "privacy_loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep.run(cells, cache, BUDGET, tmp_path / "t.csv", branches=3)
    monkeypatch.setattr(measurement, "privacy_loss", measure)
    fakes.clear()
    sweep.run(cells, cache, BUDGET, tmp_path / "t.csv", branches=3)
    assert [call[0] for call in fakes] == ["irn", "ridge"] * 2
    sweep.run(cells, cache, BUDGET, tmp_path / "whole.csv", branches=3)
    assert _timeless(tmp_path / "t.csv") == _timeless(tmp_path / "whole.csv")


def test_progress(fakes, cache, tmp_path):
    cells = _grid(depths=[2], random_sets=2).cells()
    seen = []
    sweep.run(cells, cache, BUDGET, tmp_path / "t.csv", progress=lambda *done: seen.append(done))
    assert [done[:2] for done in seen] == [(0, 2), (1, 2), (2, 2)]
    assert [done[2] > 0 for done in seen] == [True, True, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": Budget(training.Settings(9, 0.05), BUDGET.irn, 1, 4)}, "icn_epochs is '2' and '9'"),
        ({"budget": Budget(BUDGET.icn, BUDGET.irn, 1, 8)}, "irn_width is '4' and '8'"),
        ({"measure": "all"}, r"measure must be one of \['both', 'icn', 'irn'\]. Received: 'all'"),
        ({"branches": 0}, "branches must be at least 1. Received: 0"),
        ({"processes": 0}, "processes must be at least 1. Received: 0"),
        ({"cells": []}, "no cell to measure"),
        ({"cells": _grid(depths=[2], train_images=[41]).cells()}, "from 1 to 40. Received: 41"),
        ({"cells": _grid(depths=[2], augmented_copies=[2]).cells()}, "copies .* from 0 to 1. Received: 2"),
        ({"cells": _grid(depths=[2], images="cats").cells()}, "the cache holds 'noise', not 'cats'"),
    ],
)
def test_bad_input_of_a_run_measures_nothing(arguments, message, fakes, cache, tmp_path):
    cells = _grid(depths=[2]).cells()
    sweep.run(cells, cache, BUDGET, tmp_path / "t.csv")
    before = (tmp_path / "t.csv").read_bytes()
    fakes.clear()
    more = _grid(depths=[4]).cells()
    with pytest.raises(InputError, match=message):
        sweep.run(**{"cells": more, "cache": cache, "budget": BUDGET, "path": tmp_path / "t.csv"} | arguments)
    assert fakes == []
    assert (tmp_path / "t.csv").read_bytes() == before


def _imported(module, seen):
    """Adds the names of all modules that are imported with a module of the library, directly or not."""
    for node in ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text()).body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in set(names) - seen:
            seen.add(name)
            if (ROOT / f"{name.replace('.', '/')}.py").is_file():
                _imported(name, seen)


def test_nothing_that_a_cell_needs_imports_tensorflow():
    seen = set()
    _imported("privynet_tf.characterization", seen)
    assert {"privynet_tf.training", "privynet_tf.layers", "keras"} <= seen
    assert not [name for name in seen if name.startswith("tensorflow")]


# Trains with any import of TensorFlow refused.
_ON_JAX = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "tensorflow_datasets"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import numpy as np
from privynet_tf import irn, measurement, training
g = np.random.default_rng(0)
x = g.random((20, 4, 4, 3)).astype(np.float16)
images, labels = g.integers(0, 256, (20, 16, 16, 3), dtype=np.uint8), np.arange(20) % 3
settings = training.Settings(1, 0.01, batch_size=10)
utilities = measurement.utilities((x, labels), (x, labels), [1, 2], 3, settings)
assert all(0 <= part["utility"] <= 1 for part in utilities)
pairs = x, images
loss, _ = measurement.privacy_loss(pairs, pairs, irn.Architecture(1, 1, 4), settings)
assert np.isfinite([loss["psnr"], loss["ssim"]]).all()
assert "tensorflow" not in sys.modules
"""


def test_a_cell_trains_on_jax_without_tensorflow():
    if not importlib.util.find_spec("jax"):
        pytest.skip("jax is not installed")
    subprocess.run(
        [sys.executable, "-c", _ON_JAX],
        env=os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=300,
    )
