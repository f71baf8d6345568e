"""Scores of channels from repeated random draws of images, by discriminability and cheaper criteria.

Into a table of their own, for the study of pruning: figures 11 and 12 of the paper.
"""

import dataclasses
import pathlib
import time
import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import sklearn.feature_selection

from privynet_tf import csv_tables, fisher
from privynet_tf.csv_tables import Column
from privynet_tf.errors import InputError
from privynet_tf.feature_cache import Representations
from privynet_tf.studies import made_tables

DISCRIMINABILITY = "J"
RANDOM = "random"
BATCH_SIZE = 128


def anova_f(representations: np.ndarray, labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """[D] F of a one-way analysis of variance of each map's mean; 0 for a channel that never changes."""
    del seed
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constant channels, which are 0 here
        values, _ = sklearn.feature_selection.f_classif(_pooled(representations), labels)
    return np.nan_to_num(values, nan=0.0)


def mutual_information(representations: np.ndarray, labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """[D] mutual information, in nats, of each map's mean and the label, by nearest neighbours."""
    return sklearn.feature_selection.mutual_info_classif(_pooled(representations), labels, random_state=seed)


CRITERIA: Mapping[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    DISCRIMINABILITY: lambda representations, labels, seed: fisher.discriminability(representations, labels),
    "F of means": anova_f,
    "mutual information of means": mutual_information,
    RANDOM: lambda representations, labels, seed: np.random.default_rng(seed).random(
        representations.shape[-1]
    ),
}
"""Name -> function of representations [N, H', W', D'], labels [N] and a seed, to scores [D']."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """Scores of all channels of a layer, by one criterion on one draw of images.

    Attributes:
        criterion: a key of ``CRITERIA``.
        minibatches: of ``BATCH_SIZE`` images that were drawn.
        repeat: which draw, from 0; that of fewer minibatches is part of that of more.
        seconds: of the processor, which other processes do not blur; without the computation and reading
            of the representations.
        values: [D], larger is better.
    """

    criterion: str
    minibatches: int
    repeat: int
    seconds: float
    values: tuple[float, ...]


def measure(
    path: pathlib.Path,
    made: Mapping[str, object],
    representations: Representations | np.ndarray,
    labels: np.ndarray,
    minibatches: Sequence[int],
    repeats: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Scores]:
    """Scores channels on ``repeats`` random draws of images, into a table that a later call continues.

    ``J`` is taken from every number of minibatches (Fig. 12), the other criteria from the most.

    Args:
        path: of the table, which need not exist.
        made: what the representations are, stored in each row and compared with what is there.
        representations: [N, H', W', D] of all channels.
        labels: [N].
        minibatches: their numbers, of ``BATCH_SIZE`` images.
        repeats: draws without replacement, each from all N images.
        progress: takes repeats done and of all.

    Raises:
        InputError: if there are too few images, or the table was made from others.
    """
    if len(representations) != len(labels):
        raise InputError(
            "representations and labels must be equally many. "
            f"Received: {len(representations)} and {len(labels)}"
        )
    most = max(minibatches)
    if most * BATCH_SIZE > len(labels):
        raise InputError(
            f"{most} minibatches of {BATCH_SIZE} need {most * BATCH_SIZE:,} training images. "
            f"Received: {len(labels):,}"
        )
    made = dict(made) | {"images_drawn_from": len(labels)}
    scores = read(path, made)
    held = {(one.criterion, one.minibatches, one.repeat) for one in scores}
    for repeat in range(repeats):
        order = np.random.default_rng([repeat, len(labels)]).permutation(len(labels))
        for count in minibatches:
            rows = np.sort(order[: count * BATCH_SIZE])
            missing = [
                criterion
                for criterion in (CRITERIA if count == most else [DISCRIMINABILITY])
                if (criterion, count, repeat) not in held
            ]
            drawn = representations[rows] if missing else None
            for criterion in missing:
                start = time.process_time()
                values = CRITERIA[criterion](drawn, labels[rows], repeat)
                seconds = round(time.process_time() - start, 4)
                scores.append(Scores(criterion, count, repeat, seconds, tuple(map(float, values))))
        _write(path, made, scores)
        progress(repeat + 1, repeats)
    return scores


_COLUMNS = (
    Column("criterion", str, "a key of CRITERIA"),
    Column("minibatches", int, "a whole number"),
    Column("repeat", int, "a whole number"),
    Column("seconds", float, "a number"),
    Column("scores", csv_tables.numbers, "numbers"),
)


def read(path: pathlib.Path, made: Mapping[str, object] | None = None) -> list[Scores]:
    """The scores of a table that ``measure`` wrote; none if there is no such file.

    Raises:
        InputError: if it is no such table, or was made from something else than ``made``.
    """
    key = ("criterion", "minibatches", "repeat")
    rows = made_tables.read(path, made or {}, _COLUMNS, key, "channel scores")
    return [Scores(*(row[column.name] for column in _COLUMNS)) for row in rows]


def made_of(path: pathlib.Path) -> dict[str, str]:
    """What the representations of a table of scores were, as ``measure`` was told."""
    return made_tables.made_of(path, _COLUMNS)


def _write(path: pathlib.Path, made: Mapping[str, object], scores: Sequence[Scores]) -> None:
    names = [column.name for column in _COLUMNS]
    rows = [dict(made) | dict(zip(names, dataclasses.astuple(one), strict=True)) for one in scores]
    made_tables.write(path, _COLUMNS, rows)


def matrix(scores: Sequence[Scores], criterion: str, minibatches: int) -> np.ndarray:
    """[R, D]: the scores of one criterion and number of minibatches, a row a repeat.

    Raises:
        InputError: if there are none.
    """
    found = [one for one in scores if (one.criterion, one.minibatches) == (criterion, minibatches)]
    if not found:
        raise InputError(f"there are no scores by {criterion} from {minibatches} minibatches")
    return np.array([one.values for one in sorted(found, key=lambda one: one.repeat)])


def _pooled(representations: np.ndarray) -> np.ndarray:
    """[N, H', W', D'] to the maps' means [N, D']; summed in float64, which no float16 overflows."""
    return representations.mean(axis=(1, 2), dtype=np.float64)
