import xml.etree.ElementTree

import matplotlib.figure
import PIL.Image

from privynet_tf.grid import Grid
from privynet_tf.paper_figures import characterization_figures, drawings
from privynet_tf.paper_figures.drawings import Drawing


def _drawing(caption="Nothing.", table=()):
    figure = matplotlib.figure.Figure((1, 1))
    figure.subplots().plot([0, 1])
    return Drawing(figure, caption, table)


def test_files_and_index(tmp_path):
    out = tmp_path / "new" / "figures"
    made = {19: _drawing("The last."), 4: _drawing("Channels.", ("| a |", "| --- |"))}
    paths = drawings.write(out, made, {5: "figure 5 needs rows"})
    names = ["figure4.png", "figure4.svg", "figure4.md", "figure19.png", "figure19.svg", "figures.md"]
    assert paths == [out / name for name in names]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    assert PIL.Image.open(paths[0]).size == (150, 150)
    assert xml.etree.ElementTree.parse(paths[1]).getroot().tag.endswith("svg")
    assert paths[2].read_text() == "| a |\n| --- |\n"
    assert paths[-1].read_text().splitlines() == [
        "# Figures",
        "",
        "- Figure 4 ([PNG](figure4.png), [SVG](figure4.svg), [table](figure4.md)): Channels.",
        "- Figure 19 ([PNG](figure19.png), [SVG](figure19.svg)): The last.",
        "- Figure 5 is left out: figure 5 needs rows",
    ]


def test_the_same_table_gives_the_same_files(tmp_path, measured):
    rows = [measured(cell) for cell in Grid("cifar10", (100,), layers=(4, 6), depths=(2, 8)).cells()]
    for name in ("a", "b"):
        drawings.write(tmp_path / name, {3: characterization_figures.figure3(rows)}, {})
    for name in ("figure3.png", "figure3.svg", "figures.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
