"""``eval.rank_channels`` from the command line to its directory, and on to a release."""

import pathlib

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from eval import rank_channels
from flags import fen as fen_flags
from privynet_tf import fen, fisher, images, pruning, tables
from privynet_tf.errors import InputError
from privynet_tf.grid import Cell
from privynet_tf.topology import FenTopology

SMALL = ("--fen_weights=random", "--train_split=train[:160]", "--minibatches=1", "--output_depth=3")


def call(*arguments):
    """Runs the binary's ``main`` in this process."""
    with flagsaver.flagsaver():
        flags.FLAGS(["rank_channels", *SMALL, *arguments])
        rank_channels.main()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A characterization in which a channel leaks the more, the higher its number."""
    path = tmp_path_factory.mktemp("characterization") / "table.csv"
    made = {"weights": "random:seed=0", "preprocessing": "caffe", "image_size": 32}
    made |= {"train_split": "train", "validation_split": "train", "test_split": "test"}
    cells = [Cell("vgg16", 6, (channel,), 0, "public", 64).columns() for channel in range(128)]
    tables.update(path, [cell | made | {"psnr": 13 + cell["channels"][0] / 100} for cell in cells])
    return path


def test_ranking_pruning_and_selection(table, tmp_path, capsys):
    call(f"--characterization={table}", f"--out={tmp_path / 'out'}")
    rows = [line.split(",") for line in (tmp_path / "out" / "ranking.csv").read_text().splitlines()[1:]]
    pixels, labels = images.arrays(images.load("digits"), images.Selection("train[:160]", max_images=128))
    scores = fisher.discriminability(fen.apply(fen.build(FenTopology("vgg16", 6), "random"), pixels), labels)
    order = np.argsort(-scores, kind="stable")
    assert [int(row[0]) for row in rows] == order.tolist()
    np.testing.assert_allclose([float(row[1]) for row in rows], scores[order], rtol=1e-6)
    for rank, (channel, *_, loss, pruned_by) in enumerate(rows, start=1):
        assert float(loss) == 13 + int(channel) / 100
        worst, leaky = rank > 64, int(channel) >= 96
        assert pruned_by == {0: "", 1: "discriminability", 2: "privacy loss", 3: "both"}[worst + 2 * leaky]
    kept = [int(row[0]) for row in rows if not row[4]]
    selected = FenTopology.from_json((tmp_path / "out" / "fen" / "topology.json").read_text())
    assert len(set(selected.output_channels)) == 3
    assert set(selected.output_channels) <= set(kept)

    printed = capsys.readouterr().out
    assert f"kept {len(kept)} of 128 channels; drew 3" in printed
    assert "images: 128;" in printed
    assert "Private" in printed

    # The package is what train.release takes, without a channel on the command line.
    with flagsaver.flagsaver():
        flags.FLAGS(["release", f"--fen_package={tmp_path / 'out' / 'fen'}"])
        transform = fen_flags.kept(None, None)
    np.testing.assert_allclose(
        transform(pixels[:4]), fen.apply(fen.build(selected, "random"), pixels[:4]), rtol=1e-6
    )


def test_a_study_draws_by_seed(tmp_path):
    call("--channel_seed=3", f"--out={tmp_path / 'out'}")
    rows = [line.split(",") for line in (tmp_path / "out" / "ranking.csv").read_text().splitlines()[1:]]
    assert {row[3] for row in rows} == {""}  # no characterization, so no privacy loss
    kept = sorted(int(row[0]) for row in rows if not row[4])
    assert len(kept) == 64
    selected = FenTopology.from_json((tmp_path / "out" / "fen" / "topology.json").read_text())
    assert selected.output_channels == pruning.draw(kept, 3, seed=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out="], "--out must name"),
        (["--out=."], "--out=. already exists"),
        (["--prune_leakiest=4"], "--prune_leakiest needs --characterization"),
        (["--prune_least_discriminative=126"], "D' must be from 1 to 2, .* left to draw from. Received: 3"),
        (
            ["--prune_least_discriminative=128"],
            "worst channels to prune must be from 0 to 127.*Received: 128",
        ),
        (["--output_depth=65"], "from 1 to 64, the channels that are left to draw from. Received: 65"),
        (["--output_channels=3,4"], "--output_channels is not for a ranking"),
        (["--fen_package=x"], "--fen_package is not for a ranking"),
        (["--train_split=train[:60]"], "needs at least 74 images, .* Received: 60"),
        (
            ["--characterization=none.csv"],
            "--characterization must be one of .* Received: 'none.csv', which is no file",
        ),
        (["--characterization={}", "--num_layers=4"], "privacy loss at m=4 is missing for 128 of 128 single"),
        (
            ["--characterization={}", "--seed=1"],
            "another FEN: weights is random:seed=0 there and random:seed=1",
        ),
        (["--characterization={}", "--prune_leakiest=128"], "leakiest channels to prune .* Received: 128"),
    ],
)
def test_bad_input(arguments, message, table, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=message):
        call(f"--out={out}", *(text.format(table) for text in arguments))
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_lacks_a_channel(table, tmp_path):
    partial = tmp_path / "table.csv"
    lines = pathlib.Path(table).read_text().splitlines(keepends=True)
    partial.write_text("".join(lines[:-2]))
    with pytest.raises(
        InputError, match="privacy loss at m=6 is missing for 2 of 128 single channels: 126, 127"
    ):
        call(f"--characterization={partial}", f"--out={tmp_path / 'out'}")
