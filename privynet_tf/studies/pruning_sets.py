"""Random sets of channels with and without pruning, measured and compared (Fig. 13 and table 13(b)).

The sets of an experiment are paired over the settings: they come from one random order of all channels,
of which each setting takes the first ``D'`` that it keeps. So each set is as likely as any other of its
setting, and a difference between settings is not blurred by two independent draws.
"""

import csv
import dataclasses
import io
import pathlib
import random
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from privynet_tf import pruning, tables, workdir
from privynet_tf.errors import InputError
from privynet_tf.grid import Cell, Grid
from privynet_tf.pruning import Pruning
from privynet_tf.studies import pruning_study
from privynet_tf.studies.pruning_study import Interval

ALL = "all channels"
CHARACTERIZED = "after pruning by characterization"
DISCRIMINATED = "after pruning by discriminability"
SETTINGS = (ALL, CHARACTERIZED, DISCRIMINATED)

COMPARISONS = ((CHARACTERIZED, ALL), (DISCRIMINATED, ALL), (DISCRIMINATED, CHARACTERIZED))
"""Whose differences are told: first minus second."""

Sets = Mapping[str, Sequence[tuple[int, ...]]]
"""Setting -> released channels of its experiments, ascending."""


def prunings(
    utility: np.ndarray, privacy_loss: np.ndarray, scores: np.ndarray, num_worst: int, num_leakiest: int
) -> dict[str, Pruning]:
    """The three settings of Fig. 13; ``scores`` are J, all are [D]."""
    return {
        ALL: pruning.prune(scores, privacy_loss, 0, 0),
        CHARACTERIZED: pruning.prune(utility, privacy_loss, num_worst, num_leakiest),
        DISCRIMINATED: pruning.prune(scores, privacy_loss, num_worst, num_leakiest),
    }


def draw(kept: Mapping[str, Sequence[int]], output_depth: int, experiments: int) -> Sets:
    """Draws the paired sets; the n-th depends on n and on the setting's channels alone.

    Args:
        kept: setting -> channels that may be released.
        output_depth: ``D'``.
        experiments: how many sets of each setting.

    Raises:
        InputError: if a setting keeps fewer channels, naming it.
    """
    for setting, channels in kept.items():
        if not 1 <= output_depth <= len(channels):
            raise InputError(
                f"the output depth D' must be from 1 to {len(channels)}, the channels left in setting "
                f"{setting!r}. Received: {output_depth}"
            )
    everything = sorted(set().union(*kept.values()))
    orders = [
        random.Random(experiment).sample(everything, len(everything)) for experiment in range(experiments)
    ]
    return {
        setting: [
            tuple(sorted([channel for channel in order if channel in set(channels)][:output_depth]))
            for order in orders
        ]
        for setting, channels in kept.items()
    }


def check(path: pathlib.Path, kept: Mapping[str, Sequence[int]], output_depth: int) -> None:
    """Raises an InputError if a file holds other sets than ``draw`` gives, or of other kept channels."""
    for setting, channels in read(path).items():
        same_kept = _read_column(path, "kept")[setting][0] == tuple(kept[setting])
        if not same_kept or draw(kept, output_depth, len(channels))[setting] != channels:
            raise InputError(
                f"{path} holds other sets of {setting!r}, drawn with another table, other scores or flags; "
                "choose another --workdir"
            )


def write(path: pathlib.Path, kept: Mapping[str, Sequence[int]], output_depth: int, experiments: int) -> Sets:
    """Draws the sets and writes them, in place of those of an earlier, smaller study.

    Raises:
        InputError: as ``draw``, or if others stand there.
    """
    check(path, kept, output_depth)
    sets = draw(kept, output_depth, experiments)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("setting", "experiment", "channels", "kept"))
    for setting, channels in sets.items():
        left = " ".join(map(str, kept[setting]))
        for experiment, one in enumerate(channels):
            writer.writerow((setting, experiment, " ".join(map(str, one)), left))
    path.parent.mkdir(parents=True, exist_ok=True)
    workdir.write_atomically(path, text.getvalue())
    return sets


def read(path: pathlib.Path) -> dict[str, list[tuple[int, ...]]]:
    """The sets that ``write`` wrote; none if there is no such file."""
    return _read_column(path, "channels")


def _read_column(path: pathlib.Path, name: str) -> dict[str, list[tuple[int, ...]]]:
    values = {}
    if path.exists():
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                values.setdefault(row["setting"], []).append(tuple(map(int, row[name].split())))
    return values


def cells(sets: Sets, grid: Grid) -> list[Cell]:
    """The cells of the sets; the seed of the n-th experiment's trainings is n.

    Args:
        sets: by setting.
        grid: everything else about the cells; its channel sets and seeds do not matter.
    """
    return [
        cell
        for experiment, channels in enumerate(zip(*sets.values(), strict=True))
        for cell in dataclasses.replace(grid, channel_sets=channels, seeds=(experiment,)).cells()
    ]


@dataclasses.dataclass(frozen=True)
class Measured:
    """What was measured of the sets of one setting.

    Attributes:
        utility: [n] test accuracy.
        privacy_loss: [n] of the stronger attacker, dB.
    """

    utility: np.ndarray
    privacy_loss: np.ndarray


def measured(sets: Sets, rows: Sequence[tables.Row], name: str) -> dict[str, Measured]:
    """Looks the sets up in a table.

    Args:
        sets: by setting.
        rows: of the table that the sets were measured into.
        name: of that table.

    Raises:
        InputError: if sets are not measured yet.
    """
    found = {}
    for row in rows:
        key = row["channels"], row["seed"]
        if row["utility"] is None or tables.privacy_loss(row) is None:
            continue
        if key in found:
            raise InputError(f"{name} holds channels {key[0]} with seed {key[1]} twice, on different data")
        found[key] = row["utility"], tables.privacy_loss(row)
    wanted = {
        setting: [(one, experiment) for experiment, one in enumerate(channels)]
        for setting, channels in sets.items()
    }
    every = {key for keys in wanted.values() for key in keys}
    if every - found.keys():
        raise InputError(
            f"{name} lacks {len(every - found.keys())} of the {len(every)} sets; measure them first"
        )
    return {
        setting: Measured(*np.array([found[key] for key in keys], float).T)
        for setting, keys in wanted.items()
    }


def difference(
    results: Mapping[str, Measured], first: str, second: str, side: Callable[[Measured], np.ndarray]
) -> Interval:
    """Mean over experiments of first minus second, with a bootstrap interval over the pairs."""
    return pruning_study.bootstrap((side(results[first]) - side(results[second]),), np.mean)
