"""Discriminability of the channels of intermediate convolutions, kept in a file: CSV, a row a convolution."""

import pathlib
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from privynet_tf import csv_tables, fisher
from privynet_tf.characterization import Cache
from privynet_tf.csv_tables import Column, Row
from privynet_tf.errors import InputError
from privynet_tf.feature_cache import Representations
from privynet_tf.studies import made_tables
from privynet_tf.studies.intermediate_study import Study

_COLUMNS = (
    Column("convolution", str, "a name"),
    Column("seconds", float, "a number"),
    Column("scores", csv_tables.numbers, "numbers"),
)
_BATCH_SIZE = 256


def of_cache(
    path: pathlib.Path,
    study: Study,
    cache: Cache,
    max_images: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Computes J of the convolutions that a study needs it of, on the training images of a cache.

    Args:
        path: of the file; see ``measure``, also for the other arguments and the errors.
        study: whose ``scored_layers`` the cache has.
        cache: of the representations.
        max_images: at most so many are used.
        progress: takes convolutions done and of all.
    """
    rows, filters = cache.train.rows(), {layer.name: layer.filters for layer in study.convolutions}
    made = {"network": study.network, "images": cache.train.made["images"]}
    measure(
        path,
        made | cache.conditions(study.network) | {"sha256": cache.train.made["sha256"]},
        {
            name: cache.train.representations(study.network, num_layers, range(filters[name]), rows)
            for name, num_layers in study.scored_layers().items()
        },
        cache.train.labels[rows],
        max_images,
        progress,
    )


def measure(
    path: pathlib.Path,
    made: Mapping[str, object],
    layers: Mapping[str, Representations | np.ndarray],
    labels: np.ndarray,
    max_images: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Computes J of all channels of convolutions, and adds what the file does not have.

    Images are drawn at random, always the same, as those of a folder may stand class by class. With fewer
    than the pixels of a map, J says nothing; see ``fisher.discriminability``.

    Args:
        path: of the file, which need not exist.
        made: what the representations are, stored in each row and compared with what is there.
        layers: name of a convolution -> [N, H', W', D] of all its channels.
        labels: [N].
        max_images: at most so many are used.
        progress: takes convolutions done and of all.

    Raises:
        InputError: if the file was made from something else.
    """
    rows = np.random.default_rng([0, len(labels)]).permutation(len(labels))[:max_images]
    rows.sort()
    made = dict(made) | {"scored_images": len(rows)}
    held = _read_rows(path, made)
    for done, (name, representations) in enumerate(layers.items(), start=1):
        if name not in {row["convolution"] for row in held}:
            start = time.process_time()
            values = fisher.discriminability(_minibatches(representations, rows), labels[rows])
            seconds = round(time.process_time() - start, 2)
            scores = tuple(map(float, values))
            held.append({**made, "convolution": name, "seconds": seconds, "scores": scores})
            made_tables.write(path, _COLUMNS, held)
        progress(done, len(layers))


def read(
    path: pathlib.Path, made: Mapping[str, object], names: Mapping[str, object]
) -> dict[str, np.ndarray]:
    """J [D] of convolutions by name.

    Args:
        path: of the file.
        made: what it must have been made from, as far as that is known.
        names: of the convolutions.

    Raises:
        InputError: if it lacks one, is no such file, or was made from something else.
    """
    found = {row["convolution"]: row["scores"] for row in _read_rows(path, made)}
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(f"{path} holds no scores of {missing}; take --step=scores first")
    return {name: np.array(found[name]) for name in names}


def made_of(path: pathlib.Path) -> dict[str, str]:
    """What a file with scores was made from, as ``measure`` was told, and ``scored_images``."""
    return made_tables.made_of(path, _COLUMNS)


def _minibatches(representations, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Early layers of all images are gigabytes."""
    for start in range(0, len(rows), _BATCH_SIZE):
        yield representations[rows[start : start + _BATCH_SIZE]]


def _read_rows(path: pathlib.Path, made: Mapping[str, object]) -> list[Row]:
    return made_tables.read(path, made, _COLUMNS, ["convolution"], "discriminability")
