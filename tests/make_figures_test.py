"""``eval.make_figures`` from the command line to its files."""

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from eval import make_figures
from privynet_tf import reconstructions, tables
from privynet_tf.errors import InputError

ALL = (3, 4, 5, 7, 9, 10, 19, 21, 22, 23, 24)


def call(*arguments):
    """Runs the binary's ``main`` in this process."""
    with flagsaver.flagsaver():
        flags.FLAGS(["make_figures", *map(str, arguments)])
        make_figures.main()


@pytest.fixture(scope="module")
def paths(tmp_path_factory, sweep):
    """A table with pictures beside it, and one of another budget."""
    root = tmp_path_factory.mktemp("tables")
    parts = {"grid": [], "attacker": []}
    for row in sweep:
        parts["attacker" if row["irn_epochs"] == 30 else "grid"].append(row)
    for name, rows in parts.items():
        tables.update(root / name / "table.csv", rows)
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3)).astype(np.uint8)
    for row in parts["grid"]:
        if row["m"] == 6 and row["D'"] in (4, 16):
            reconstructions.save(root / "grid" / "reconstructions", row, images, images / 255 + 0.1)
    return [root / name / "table.csv" for name in parts]


def test_every_figure_is_written_and_printed(paths, tmp_path, capsys):
    call(f"--tables={paths[0]},{paths[1]}", f"--out={tmp_path}")
    names = [f"figure{number}.{kind}" for number in ALL for kind in ("png", "svg")]
    names.insert(names.index("figure4.svg") + 1, "figure4.md")
    names.append("figures.md")
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / name) for name in names]
    assert all((tmp_path / name).stat().st_size > 200 for name in names)
    index = (tmp_path / "figures.md").read_text()
    assert index.count("\n- Figure ") == len(ALL)
    assert "Test image 0 as" in index
    assert "Test image 1 as" in index


def test_what_tables_cannot_give_is_left_out(paths, tmp_path, capsys):
    call(f"--tables={paths[1]}", f"--out={tmp_path}")
    out = capsys.readouterr().out
    for number in (4, 9, 10, 21, 22, 23, 24):
        assert f"left out: figure {number} needs " in out
        assert f"Figure {number} is left out: " in (tmp_path / "figures.md").read_text()
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        "figure19.png",
        "figure3.png",
        "figure5.png",
        "figure7.png",
    ]


def test_figures_asked_for(paths, tmp_path):
    call(f"--tables={paths[0]}", "--figures=10,4", f"--out={tmp_path}")
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == ["figure10.svg", "figure4.svg"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--figures=3,19", "--tables={0}"), "figure 19 needs rows"),
        (("--figures=3,6", "--tables={0}"), "--figures must be of 3,4,5,.*,24. Received: 6"),
        (
            ("--tables={0}", "--dataset=digits"),
            r"--dataset=digits: the tables have .*\['cifar10', 'cifar100'\]",
        ),
        (("--tables={0}.none",), "no table .*table.csv.none"),
        ((), "--tables must name"),
    ],
)
def test_bad_input_writes_nothing(paths, tmp_path, arguments, message):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=message):
        call(*(argument.format(*paths) for argument in arguments), f"--out={out}")
    assert not out.exists()
    with pytest.raises(InputError, match="--out must name"):
        call(f"--tables={paths[0]}")


def test_another_dataset(paths, tmp_path):
    call(
        f"--tables={paths[0]}",
        "--dataset=cifar100",
        "--other_dataset=cifar10",
        "--figures=3,7",
        f"--out={tmp_path}",
    )
    assert "images of cifar100" in (tmp_path / "figures.md").read_text().splitlines()[2]
