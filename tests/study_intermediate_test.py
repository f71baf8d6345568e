"""``eval.study_intermediate`` from the command line to its report; continued, and on bad input."""

import pathlib

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from eval import characterize, study_intermediate
from privynet_tf import feature_cache, figures, fisher, grid, images, tables
from privynet_tf.device import cost_measurement, cost_tables
from privynet_tf.errors import InputError
from privynet_tf.studies import intermediate_scores, intermediate_study

ROOT = pathlib.Path(__file__).absolute().parent.parent

BUDGET = (
    "--fen_weights=random",
    "--train_split=train[:40]",
    "--validation_split=train[300:316]",
    "--test_split=test[:16]",
    "--icn_epochs=1",
    "--irn_epochs=1",
    "--irn_clusters=1",
    "--irn_blocks=1",
    "--irn_width=4",
)
STUDY = (
    "--draws=2",
    "--intermediate_depths=5,64,128,2",
    "--latency_repeats=2",
    "--latency_warmup=1",
    "--latency_device=chip",
    "--score_images=30",
)


def call(*arguments):
    """Runs the binary's ``main`` in this process."""
    with flagsaver.flagsaver():
        flags.FLAGS(["study_intermediate", *BUDGET, *STUDY, *arguments])
        study_intermediate.main()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("study_intermediate")


@pytest.fixture(scope="module")
def study(root):
    """Flags of a study that is done, in the directory of a sweep with the whole FENs."""
    places = f"--cache_dir={root / 'cache'}", f"--workdir={root / 'run'}"
    with flagsaver.flagsaver():
        sweep = "--layers=6", "--depths=2", "--random_sets=2"
        flags.FLAGS(["characterize", *BUDGET, *sweep, *places])
        characterize.main()
    (root / "earlier.csv").write_bytes((root / "run" / "table.csv").read_bytes())
    arguments = (*places, f"--out={root / 'out'}")
    call(*arguments)
    return arguments


def test_rows_of_whole_fens_are_taken_from_the_sweep(study, root):
    earlier, rows = tables.read(root / "earlier.csv"), tables.read(root / "run" / "table.csv")
    assert [row for row in rows if row["intermediate_channels"] == ()] == earlier
    assert {row["channels"] for row in rows} == set(grid.random_channel_sets("vgg16", 6, 2, 2, 0))
    assert len(rows) == 2 * (1 + 2)
    assert {len(kept) for row in rows for _, kept in row["intermediate_channels"]} == {5}


def test_discriminative_channels_are_those_of_the_cached_layer(study, root):
    cache = root / "cache" / "train"
    order = np.sort(np.random.default_rng([0, 40]).permutation(40)[:30])
    layer, labels = np.load(cache / "vgg16_m1.npy"), np.load(cache / f"{feature_cache.LABELS}.npy")
    expected = fisher.discriminability(layer[order], labels[order])
    path = root / "run" / "intermediate_scores.csv"
    found = intermediate_scores.read(path, {"weights": "random:seed=0"}, ["block1_conv1"])
    np.testing.assert_allclose(found["block1_conv1"], expected, rtol=1e-6)
    best = tuple(sorted(np.argsort(-expected, kind="stable")[:5].tolist()))
    rows = tables.read(root / "run" / "table.csv")
    kept = [dict(row["intermediate_channels"]).get("block1_conv1") for row in rows]
    assert kept.count(best) == 2  # in each draw


def test_costs_and_report(study, root):
    rows = cost_tables.read(root / "run" / "cost.csv")
    assert [(row["intermediate"], row["device"], row["threads"]) for row in rows] == [
        (None, "chip", 1),
        ((5, 64, 128), "chip", 1),
    ]
    text = (root / "out" / "intermediate.md").read_text()
    measured = [row["utility"] for row in tables.read(root / "earlier.csv")]
    assert f"| 64, 64, 128, 2 | whole | {np.mean(measured):.3f} ±" in text
    assert "| 5, 64, 128, 2 | discriminative |" in text
    assert f"{rows[1]['macs'] / rows[0]['macs']:.0%}" in text
    assert "With no more images than pixels" in text
    assert "rarely change" not in text  # the settings are not the paper's
    assert {path.name for path in (root / "out").iterdir()} == {
        "intermediate.md",
        "settings.png",
        "settings.svg",
    }


def test_the_report_can_be_redrawn_from_tables_alone(study, root, tmp_path):
    call(*study, "--step=report", "--images=no such", "--cache_dir=", f"--out={tmp_path}")
    for name in ("intermediate.md", "settings.svg"):
        assert (tmp_path / name).read_bytes() == (root / "out" / name).read_bytes()


def test_costs_of_another_table(study, root, tmp_path, monkeypatch, undrawn):
    monkeypatch.setattr(cost_measurement, "measure", None)  # which is not called
    rows = cost_tables.read(root / "run" / "cost.csv")
    cost_tables.write(tmp_path / "phone.csv", [row | {"device": "phone"} for row in rows])
    given = "--step=cost", "--step=report", f"--out={tmp_path}", f"--cost={tmp_path / 'phone.csv'}"
    with pytest.raises(InputError, match=r"phone.csv lacks float32 FENs .* on 'chip'"):
        call(*study, *given)
    call(*study, *given, "--latency_device=phone")
    assert "batch 1, on phone:" in (tmp_path / "intermediate.md").read_text()


@pytest.fixture
def undrawn(monkeypatch):
    """Leaves out the figures, which take long and are looked at elsewhere."""
    monkeypatch.setattr(figures, "save", lambda figure, path: None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out="], "--out must name"),
        (["--workdir="], "--workdir must name"),
        (["--step=draw"], "--step must be of scores,sets,cost,report. Received: draw"),
        (["--strategies=best"], r"strategies must be of .*Received: \['best'\]"),
        (["--intermediate_depths=5,64,128,3"], "settings must release equally many channels"),
        (["--output_depth=3"], "--output_depth is not for this study; see --intermediate_depths"),
        (["--depths=3"], "--depths is not for this study; see --intermediate_depths"),
        (["--step=report", "--cost={}/none.csv"], "--cost must be the path of a cost table"),
        (["--step=report", "--draws=3"], "table.csv lacks 3 of the 9 FENs; measure them first"),
        (
            ["--step=report", "--workdir={}/none"],
            r"no scores of \['block1_conv1'\]; take --step=scores first",
        ),
        (["--step=report", "--network=vgg19"], "scores.csv was made with network=vgg16, not vgg19"),
        (["--step=sets", "--preprocessing=per_image"], "was made with preprocessing=caffe, not per_image"),
        (["--step=scores", "--score_images=20"], "was made with scored_images=30, not 20"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_bad_input(arguments, message, study, root):
    with pytest.raises(InputError, match=message):
        call(*study, *(text.format(root) for text in arguments))


@pytest.mark.parametrize(("name", "draws"), [("cpu", 5), ("paper", 20)])
def test_presets(name, draws):
    """But for what is varied, they are those of figure 5, whose rows are to be found."""
    presets = ROOT / "flags" / "presets"
    source = images.LabelledImages("cifar10", (), {"train": 50_000, "test": 10_000}, None)
    with flagsaver.flagsaver():
        flags.FLAGS(["study", f"--flagfile={presets / f'{name}_intermediate.flags'}"])
        study_intermediate.study_flags.steps()
        study = study_intermediate.study_flags.of_flags()
        product = study_intermediate.characterization_flags.product(source)
        budget = study_intermediate.characterization_flags.budget()
    assert study == intermediate_study.Study(draws=draws)
    assert study.settings == intermediate_study.SETTINGS
    with flagsaver.flagsaver():
        flags.FLAGS(["study", f"--flagfile={presets / f'{name}_fig5.flags'}"])
        assert study_intermediate.characterization_flags.budget() == budget
        cells = study_intermediate.characterization_flags.product(source).cells()
    drawn = intermediate_study.topologies(intermediate_study.Study(strategies=["drawn"], draws=draws))
    whole = {cell for cell in intermediate_study.cells(drawn, product) if not cell.intermediate_channels}
    assert len(whole) == draws
    assert whole <= set(cells)
