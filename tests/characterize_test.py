"""``eval.characterize`` from the command line to its table; killed, in shards, and on bad input."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from absl.testing import flagsaver

from eval import characterize
from privynet_tf import fen, icn, images, measurement, tables, training
from privynet_tf.errors import InputError
from privynet_tf.topology import FenTopology

ROOT = pathlib.Path(__file__).absolute().parent.parent

DATA = ("--train_split=train[:64]", "--validation_split=train[64:96]", "--test_split=test[:32]")
SMALL = ("--icn_epochs=1", "--irn_epochs=1", "--irn_clusters=1", "--irn_blocks=1", "--irn_width=4")
GRID = ("--fen_weights=random", "--layers=6", "--depths=2", "--random_sets=3", "--branches=2")


def call(*arguments):
    """Runs the binary's ``main`` in this process."""
    with flagsaver.flagsaver():
        flags.FLAGS(["characterize", *DATA, *SMALL, *arguments])
        characterize.main()


def timeless(path):
    """A table without the columns that may differ from run to run."""
    return [row | {"icn_seconds": None, "irn_seconds": None} for row in tables.read(path)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    tf.config.experimental.enable_op_determinism()  # as ``program.run`` does
    return tmp_path_factory.mktemp("characterize")


@pytest.fixture(scope="module")
def cache(root):
    return f"--cache_dir={root / 'cache'}"


@pytest.fixture(scope="module")
def whole(root, cache):
    """The table of an uninterrupted run in one process."""
    call(*GRID, cache, f"--workdir={root / 'whole'}")
    return root / "whole" / "table.csv"


def test_every_cell_is_measured(whole):
    rows = tables.read(whole)
    assert len(rows) == 3
    for row in rows:
        assert (row["images"], row["train_images"], row["m"], row["D'"]) == ("digits", 64, 6, 2)
        assert all(tables.is_measured(row, side) for side in tables.SIDES)
        assert row["psnr"] <= row["psnr_p95"]
        assert row["ridge_psnr"] > 0
        assert row["icn_seconds"] > 0
    assert "--random_sets=3" in whole.with_suffix(".flags").read_text()


def test_utility_is_that_of_the_plain_way(whole):
    """FEN built with the released channels, its representations rounded, an ICN on its own."""
    row = tables.read(whole)[2]
    source = images.load("digits")
    model = fen.build(FenTopology("vgg16", 6, row["channels"]), "random")
    splits = []
    for split in ("train[:64]", "test[:32]"):
        pixels, labels = images.arrays(source, images.Selection(split))
        splits.append((fen.apply(model, pixels).astype(np.float16), labels))
    settings = training.Settings(1, 0.05, schedule="steps", drop_epochs=(100, 200))
    trained = icn.train(splits[0], None, 10, settings)
    assert row["utility"] == pytest.approx(icn.evaluate(trained, splits[1]), abs=1 / 32)
    assert row["train_accuracy"] == pytest.approx(icn.evaluate(trained, splits[0]), abs=1 / 64)


def test_finished_cells_are_not_measured_again(whole, cache, monkeypatch, capsys):
    monkeypatch.setattr(measurement, "utilities", None)
    before = whole.read_bytes()
    call(*GRID, cache, f"--workdir={whole.parent}")
    assert whole.read_bytes() == before
    assert capsys.readouterr().out == f"3 rows: {whole}\n"


def test_two_shards_merge_to_the_table_of_one_run(whole, cache, root):
    for index in (2, 1):
        call(*GRID, cache, f"--workdir={root / 'shards'}", f"--shard={index}/2")
    parts = [tables.read(root / "shards" / f"table-{index}-of-2.csv") for index in (1, 2)]
    assert [len(part) for part in parts] == [2, 1]
    assert timeless(root / "shards" / "table.csv") == timeless(whole)
    merged = (root / "shards" / "table.csv").read_bytes()
    (root / "shards" / "table.csv").unlink()
    call("--merge", f"--workdir={root / 'shards'}")
    assert (root / "shards" / "table.csv").read_bytes() == merged


def test_processes_side_by_side_give_the_table_of_one(whole, cache, root):
    call(*GRID, cache, f"--workdir={root / 'side_by_side'}", "--processes=2")
    found, expected = (timeless(path) for path in (root / "side_by_side" / "table.csv", whole))
    for row, other in zip(found, expected, strict=True):
        for name, value in other.items():
            # The order of a sum depends on the number of threads.
            assert row[name] == (pytest.approx(value, abs=1e-3) if isinstance(value, float) else value), name


def test_killed_sweep_resumes_to_the_table_of_an_uninterrupted_one(whole, cache, root):
    arguments = (*DATA, *SMALL, *GRID, cache, f"--workdir={root / 'killed'}")
    path = root / "killed" / "table.csv"
    process = subprocess.Popen(
        [sys.executable, "-m", "eval.characterize", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    measured = [(row["utility"], row["psnr"]) for row in tables.read(path)]
    assert 2 <= len(measured) < 3
    assert measured != [(row["utility"], row["psnr"]) for row in tables.read(whole)]
    call(*GRID, cache, f"--workdir={root / 'killed'}")
    assert timeless(path) == timeless(whole)


def test_a_failing_cell_is_in_the_table_and_in_the_exit_code(cache, tmp_path):
    grid = ("--fen_weights=random", "--channel_set=5", "--icn_learning_rate=1e30", "--measure=icn")
    with pytest.raises(SystemExit) as exit_code:
        call(*grid, cache, f"--workdir={tmp_path}")
    assert exit_code.value.code == "error: 1 of 1 cells failed; their rows say why"
    (row,) = tables.read(tmp_path / "table.csv")
    assert row["icn_error"].startswith("InputError: training diverged")
    assert row["utility"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--depths=200"], "D' must be from 1 to 128 at m=6 of vgg16. Received: 200"),
        (["--depths="], "the grid is empty: it has no single channels, depths or channel sets"),
        (["--depths=x"], "--depths must be whole numbers. Received: x"),
        (["--layers=2,"], "--layers must be whole numbers"),
        (["--shard=3/2"], "Received: 3/2"),
        (["--shard=1/5"], "at most the number of cells, 3. Received: 1/5"),
        (["--shard=half"], "--shard must be i/n, e.g. 1/4. Received: 'half'"),
        (["--num_layers=4"], "--num_layers is not for a grid; see --layers"),
        (["--train_images=65"], "must be from 1 to 64. Received: 65"),
        (["--icn_epochs=9"], "table.csv.* icn_epochs is '1' and '9'"),
        (["--preprocessing=per_image"], "preprocessing is 'caffe' there and 'per_image' here"),
        (["--seed=1"], "weights is 'random:seed=0' there and 'random:seed=1' here"),
        (["--test_split=test[:16]"], "cache .*test was made from other images.* split is"),
        (["--cache_dir="], "--cache_dir must name"),
        (["--workdir="], "--workdir must name"),
    ],
)
def test_bad_input(arguments, message, whole, cache):
    before, names = whole.read_bytes(), sorted(path.name for path in whole.parent.iterdir())
    with pytest.raises(InputError, match=message):
        call(*GRID, cache, f"--workdir={whole.parent}", *arguments)
    assert whole.read_bytes() == before
    assert sorted(path.name for path in whole.parent.iterdir()) == names


def test_foreign_table(cache, tmp_path):
    (tmp_path / "table.csv").write_text("network,accuracy\nvgg16,0.7\n")
    with pytest.raises(InputError, match=r"is no table of a characterization.* have \['accuracy'\]"):
        call(*GRID, cache, f"--workdir={tmp_path}")


def test_presets_are_grids():
    """Every preset of a figure or table can be read, and gives cells."""
    presets = sorted((ROOT / "flags" / "presets").glob("*_[ft][ai][bg]*.flags"))
    assert {path.name.split("_")[0] for path in presets} == {"paper", "cpu"}
    presets.append(ROOT / "flags" / "presets" / "embedded_digits.flags")
    source = images.LabelledImages("cifar10", (), {"train": 50_000, "test": 10_000}, None)
    for path in presets:
        with flagsaver.flagsaver():
            flags.FLAGS(["characterize", f"--flagfile={path}"])
            cells = characterize.characterization_flags.cells(source)
            characterize.characterization_flags.budget()
            assert len(cells) > 1, path
