"""Flags: which figures are drawn, from which tables, and where they go."""

import pathlib

from absl import flags

from flags import output
from privynet_tf.errors import InputError
from privynet_tf.reconstructions import KEPT

_TABLES = flags.DEFINE_list(
    "tables", [], "Tables of characterizations. Where two hold the same cell, the one named first counts."
)
_FIGURES = flags.DEFINE_list(
    "figures", [], "Numbers of figures in the paper; if unset, all that the tables can give."
)
_IMAGE = flags.DEFINE_integer(
    "image",
    0,
    "Figures 21, 23 and 24: the first test image to show, of those kept; figure 22 shows the next.",
    lower_bound=0,
    upper_bound=KEPT - 1,
)
DATASET = flags.DEFINE_string("dataset", "cifar10", "Dataset of the figures, as the tables name it.")
OTHER_DATASET = flags.DEFINE_string(
    "other_dataset", "cifar100", "Dataset that figure 7(b, c) compares --dataset with."
)


def tables() -> list[pathlib.Path]:
    if not _TABLES.value:
        raise InputError("--tables must name tables of eval.characterize, e.g. runs/fig3/table.csv")
    return [pathlib.Path(text) for text in _TABLES.value]


def numbers(known: list[int]) -> list[int]:
    """The figures asked for, of those known; none if ``--figures`` is unset."""
    names = [str(number) for number in known]
    for text in _FIGURES.value:
        if text not in names:
            raise InputError(f"--figures must be of {','.join(names)}. Received: {text}")
    return sorted({int(text) for text in _FIGURES.value})


def out() -> pathlib.Path:
    return output.directory("the figures")


def image() -> int:
    return _IMAGE.value


def next_image() -> int:
    """The test image of figure 22; after the last comes the first."""
    return (_IMAGE.value + 1) % KEPT
