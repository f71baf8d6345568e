r"""Draws the paper's figures on characterization from tables, with the paper's own numbers.

python -m eval.make_figures --tables=runs/fig3/table.csv,runs/fig7/table.csv --out=runs/figures

Leaves each figure as PNG and SVG, table 4(c) as figure4.md, and an index with captions, figures.md. Trains
nothing. Figures 21 to 24 show the pictures that eval.characterize keeps beside its table.
"""

from collections.abc import Callable

from flags import figures as figure_flags
from flags import program
from privynet_tf.errors import InputError
from privynet_tf.paper_figures import (
    attacker_figures,
    channel_figures,
    characterization_figures,
    drawings,
    reconstruction_figures,
    series,
)
from privynet_tf.paper_figures.drawings import Drawing
from privynet_tf.tables import Row


def drawers(rows: list[Row], other_rows: list[Row]) -> dict[int, Callable[[], Drawing]]:
    image, following = figure_flags.image(), figure_flags.next_image()
    return {
        3: lambda: characterization_figures.figure3(rows),
        4: lambda: channel_figures.figure4(rows),
        5: lambda: characterization_figures.figure5(rows),
        7: lambda: attacker_figures.figure7(rows, other_rows),
        9: lambda: channel_figures.figure9(rows),
        10: lambda: channel_figures.figure10(rows),
        19: lambda: attacker_figures.figure19(rows),
        21: lambda: reconstruction_figures.topologies(rows, image, 21),
        22: lambda: reconstruction_figures.topologies(rows, following, 22),
        23: lambda: reconstruction_figures.selections(rows, image, 23),
        24: lambda: reconstruction_figures.selections(rows, image, 24),
    }


def main():
    out = figure_flags.out()
    dataset, other = figure_flags.DATASET.value, figure_flags.OTHER_DATASET.value
    everything = series.read(figure_flags.tables())
    rows, other_rows = ([row for row in everything if row["images"] == name] for name in (dataset, other))
    if not rows:
        held = sorted({row["images"] for row in everything})
        raise InputError(f"--dataset={dataset}: the tables have rows of {held} alone; name one of them")
    drawn, left_out = {}, {}
    known = drawers(rows, other_rows)
    wanted = figure_flags.numbers(list(known))
    for number in wanted or known:
        try:
            drawn[number] = known[number]()
        except InputError as error:
            if wanted:
                raise
            left_out[number] = str(error)
            print(f"left out: {error}")
    if not drawn:
        raise InputError("the tables give no figure")
    for path in drawings.write(out, drawn, left_out):
        print(path)


if __name__ == "__main__":
    program.run(main)
