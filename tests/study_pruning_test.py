"""``eval.study_pruning`` from the command line to its report; continued, and on bad input."""

import pathlib

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from eval import study_pruning
from privynet_tf import figures, images, tables
from privynet_tf.errors import InputError
from privynet_tf.grid import Cell
from privynet_tf.studies import channel_scores, pruning_sets

ROOT = pathlib.Path(__file__).absolute().parent.parent

DATA = ("--train_split=train[:300]", "--validation_split=train[300:332]", "--test_split=test[:32]")
BUDGET = ("--icn_epochs=1", "--irn_epochs=1", "--irn_clusters=1", "--irn_blocks=1", "--irn_width=4")
STUDY = ("--fen_weights=random", "--study_minibatches=1,2", "--repeats=2", "--output_depth=2")


def call(*arguments):
    """Runs the binary's ``main`` in this process."""
    with flagsaver.flagsaver():
        flags.FLAGS(["study_pruning", *DATA, *BUDGET, *STUDY, *arguments])
        study_pruning.main()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("study_pruning")


@pytest.fixture(scope="module")
def singles(root):
    """A table of single channels at m=6, and of some at m=4, with made-up results."""
    generator = np.random.default_rng(0)
    made = {"weights": "random:seed=0", "preprocessing": "caffe", "image_size": 32}
    made |= {"train_split": "train", "validation_split": "train", "test_split": "test"}
    rows = [
        Cell("vgg16", m, (channel,), 0, "digits", 64).columns()
        | made
        | {"utility": generator.random(), "psnr": 13.0, "ridge_psnr": 13 + generator.random()}
        for m, channels in ((6, 128), (4, 10))
        for channel in range(channels)
    ]
    tables.update(root / "singles.csv", rows)
    return f"--characterization={root / 'singles.csv'}"


@pytest.fixture(scope="module")
def study(root, singles):
    """Flags of a study that is done, of two experiments."""
    arguments = (
        singles,
        f"--cache_dir={root / 'cache'}",
        f"--workdir={root / 'run'}",
        f"--out={root / 'out'}",
    )
    call(*arguments, "--experiments=2")
    return arguments


def test_scores_sets_and_report(study, root):
    assert len(channel_scores.read(root / "run" / "scores.csv")) == 2 * (1 + len(channel_scores.CRITERIA))
    sets = pruning_sets.read(root / "run" / "sets.csv")
    assert {len(channels) for channels in sets.values()} == {2}
    rows = tables.read(root / "run" / "table.csv")
    wanted = {(one, seed) for channels in sets.values() for seed, one in enumerate(channels)}
    assert {(row["channels"], row["seed"]) for row in rows} == wanted
    assert {(row["m"], row["D'"], row["train_images"], row["images"]) for row in rows} == {
        (6, 2, 300, "digits")
    }

    text = (root / "out" / "pruning.md").read_text()
    for title in ("figure 10", "figure 11", "figure 12", "appendix E", "figure 13, table 13(b)"):
        assert f"({title})" in text
    all_channels = pruning_sets.measured(sets, rows, "")[pruning_sets.ALL]
    assert f"| {all_channels.utility.mean():.3f} ± {all_channels.utility.std(ddof=1):.3f} |" in text
    assert "| 4 | 10 |" in text  # another layer of the table
    assert "0.684" not in text  # the paper's sets have eight channels
    drawn = {path.name for path in (root / "out").iterdir()}
    stems = ("discriminability", "fig11", "fig12", "fig13")
    assert drawn == {"pruning.md"} | {f"{stem}.{suffix}" for stem in stems for suffix in ("png", "svg")}


def test_the_report_can_be_redrawn_from_tables_alone(study, root, tmp_path):
    call(*study, "--step=report", "--images=no such", "--cache_dir=", f"--out={tmp_path}")
    for path in sorted(tmp_path.iterdir()):
        if path.suffix in (".md", ".svg"):
            assert path.read_bytes() == (root / "out" / path.name).read_bytes()


@pytest.fixture
def undrawn(monkeypatch):
    """Leaves out the figures, which take long and are looked at elsewhere."""
    monkeypatch.setattr(figures, "save", lambda figure, path: None)


@pytest.mark.usefixtures("undrawn")
def test_a_larger_study_measures_what_is_new(study, root, tmp_path, capsys):
    before = tables.read(root / "run" / "table.csv")
    call(*study, "--experiments=3", "--step=sets", "--step=report", f"--out={tmp_path}")
    after = tables.read(root / "run" / "table.csv")
    assert [row for row in after if row["seed"] < 2] == before
    assert len({row["seed"] for row in after}) == 3
    assert "3 random sets in each setting" in (tmp_path / "pruning.md").read_text()
    assert capsys.readouterr().out.endswith(f"{tmp_path / 'pruning.md'}\n")


@pytest.mark.usefixtures("undrawn")
def test_scores_alone_give_a_report_without_sets(study, root, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "scores.csv").write_bytes((root / "run" / "scores.csv").read_bytes())
    call(*study, "--step=report", f"--workdir={tmp_path / 'run'}", f"--out={tmp_path / 'out'}")
    assert capsys.readouterr().out.endswith("pruning.md; no sets are measured yet\n")
    assert "figure 13" not in (tmp_path / "out" / "pruning.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--characterization="], "--characterization= must be a table of eval.characterize"),
        (["--out="], "--out must name"),
        (["--workdir="], "--workdir must name"),
        (["--study_minibatches=1,x"], "--study_minibatches must be whole numbers from 1. Received: 1,x"),
        (["--study_minibatches=3"], "3 minibatches of 128 need 384 training images. Received: 300"),
        (["--layers=4"], "--layers is not for this study; see --num_layers"),
        (["--num_layers=5"], "scores.csv was made with m=6, not 5"),
        (["--step=report", "--workdir={}/none"], "none/scores.csv holds no scores; take --step=scores first"),
        (["--step=report", "--prune_leakiest=31"], "sets.csv holds other sets of 'after pruning by"),
        (["--step=report", "--output_depth=3"], "sets.csv holds other sets of 'all channels'"),
        (["--step=sets", "--output_depth=65"], "from 1 to .*channels left in setting .* Received: 65"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_bad_input(arguments, message, study, root):
    with pytest.raises(InputError, match=message):
        call(*study, *(text.format(root) for text in arguments))


def test_presets():
    source = images.LabelledImages("cifar10", (), {"train": 50_000, "test": 10_000}, None)
    for name in ("cpu", "paper"):
        with flagsaver.flagsaver():
            flags.FLAGS(["study", f"--flagfile={ROOT / 'flags' / 'presets' / f'{name}_pruning.flags'}"])
            assert study_pruning.study_flags.steps() == {"scores", "sets", "report"}
            assert study_pruning.study_flags.minibatches() == [10, 20, 50]
            grid = study_pruning.grid(source, study_pruning.fen_flags.ranked())
            sets = pruning_sets.draw({"all": range(128)}, flags.FLAGS.output_depth, 2)
            assert len(pruning_sets.cells(sets, grid)) == 2
            study_pruning.characterization_flags.budget()
