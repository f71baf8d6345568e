"""Utility and privacy loss of cells of a grid (section 2 of the paper), from a feature cache."""

import collections
import dataclasses
import pathlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence

import keras
import numpy as np

from privynet_tf import feature_cache, irn, measurement, reconstructions, tables, training
from privynet_tf.errors import InputError
from privynet_tf.feature_cache import Examples, Fen, Representations, Split
from privynet_tf.grid import BASELINE, Cell
from privynet_tf.topology import FenTopology


@dataclasses.dataclass(frozen=True)
class Budget:
    """How much is trained for a cell; one for a whole table.

    Attributes:
        icn: training of the ICN; the seed is the cell's.
        irn: training of the IRN; the seed is the cell's.
        irn_blocks: ResNet blocks in a cluster of the IRN.
        irn_width: channels inside the IRN.
        irn_max_images: the IRN trains on the first so many of a cell's training images; None for all.
        irn_test_images: IRN and ridge decoder are measured on the first so many test images; None for all.
    """

    icn: training.Settings
    irn: training.Settings
    irn_blocks: int = 8
    irn_width: int = 64
    irn_max_images: int | None = None
    irn_test_images: int | None = None

    def __post_init__(self):
        self.architecture(1)
        for field in ("irn_max_images", "irn_test_images"):
            value = getattr(self, field)
            if value is not None and value < 1:
                raise InputError(f"{field} must be at least 1. Received: {value}")

    def architecture(self, clusters: int) -> irn.Architecture:
        return irn.Architecture(clusters, self.irn_blocks, self.irn_width)

    def irn_images(self, train_images: int) -> int:
        """How many of a cell's training images the IRN sees."""
        return train_images if self.irn_max_images is None else min(train_images, self.irn_max_images)

    def columns(self, side: str) -> dict[str, object]:
        """The budget columns of a side of a row; see ``tables.ICN_BUDGET`` and ``IRN_BUDGET``."""
        settings = dataclasses.asdict(getattr(self, side))
        del settings["seed"]
        columns = {f"{side}_{name}": value for name, value in settings.items()}
        if side == "irn":
            columns |= {
                "irn_blocks": self.irn_blocks,
                "irn_width": self.irn_width,
                "irn_max_images": self.irn_max_images,
                "irn_test_images": self.irn_test_images,
            }
        return columns


@dataclasses.dataclass(frozen=True)
class Cache:
    """What a sweep is fed from.

    Attributes:
        train: training images, with the most augmented copies that a cell asks for.
        validation: chooses the ridge decoder's penalty.
        test: what is reported on.
        num_classes: K.
        weights: network -> identity of its weights.
        preprocessing: of the FEN; None if there is none.
    """

    train: Split
    validation: Split
    test: Split
    num_classes: int
    weights: Mapping[str, str]
    preprocessing: str | None

    def conditions(self, network: str) -> dict[str, object]:
        """The condition columns of a row; see ``tables.CONDITIONS``."""
        return {
            "weights": self.weights.get(network),
            "preprocessing": self.preprocessing,
            "image_size": self.train.made["image_size"],
            "train_split": self.train.made["split"],
            "validation_split": self.validation.made["split"],
            "test_split": self.test.made["split"],
        }


def prepare_cache(
    directory: pathlib.Path,
    splits: Mapping[str, Examples],
    num_classes: int,
    cells: Sequence[Cell],
    build_fen: Callable[[FenTopology], Fen],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Cache:
    """Computes what cells need and is not in the cache yet.

    Args:
        directory: of the cache; a directory each for ``train``, ``validation`` and ``test``.
        splits: the images of these three.
        num_classes: K.
        cells: whose layers are needed.
        build_fen: topology -> FEN.
        progress: takes images done and total, in each pass over a split.

    Raises:
        InputError: if the directory holds a cache of other images or weights.
    """
    layers, reduced = collections.defaultdict(set), []
    for cell in cells:
        if cell.intermediate_channels:
            reduced.append(cell.topology)
        elif cell.network != BASELINE:
            layers[cell.network].add(cell.num_layers)
    fens = [build_fen(FenTopology(network, max(depths))) for network, depths in layers.items()]
    reduced = [build_fen(topology) for topology in dict.fromkeys(reduced)]
    stored = {
        name: feature_cache.store_images(directory / name, examples) for name, examples in splits.items()
    }
    for split in stored.values():
        for fen in fens:
            feature_cache.compute(split, fen, layers[fen.topology.network], progress=progress)
        for fen in reduced:
            feature_cache.compute_reduced(split, fen, progress=progress)
    fens += reduced
    return Cache(
        **stored,
        num_classes=num_classes,
        weights={fen.topology.network: fen.weights for fen in fens},
        preprocessing=fens[0].preprocessing if fens else None,
    )


@dataclasses.dataclass(frozen=True)
class Task:
    """What is measured at a time.

    Attributes:
        side: ``icn`` (utility) or ``irn`` (privacy loss).
        cells: one; or, for ``icn``, several of one layer, training set and seed, whose ICNs train together.
    """

    side: str
    cells: tuple[Cell, ...]


def measure(
    task: Task,
    cache: Cache,
    budget: Budget,
    rows: Collection[Mapping[str, object]],
    directory: pathlib.Path,
) -> list[dict[str, object]]:
    """Measures the cells of a task, or records why they failed; several that fail are tried one by one.

    Args:
        task: whose layer and training set the cache has.
        cache: of the representations.
        budget: of every cell.
        rows: of the table so far; what they have is not measured again.
        directory: of reconstructions; see ``reconstructions.save``.

    Returns:
        What changes in the table, for each cell.
    """
    start = time.monotonic()
    try:
        if task.side == "icn":
            results = _utilities(task.cells, cache, budget, rows)
        else:
            (cell,) = task.cells
            results = [_privacy_loss(cell, cache, budget, rows, directory)]
    except Exception as error:  # whatever it is, the other cells can go on
        if len(task.cells) > 1:
            alone = [Task(task.side, (cell,)) for cell in task.cells]
            return [row for one in alone for row in measure(one, cache, budget, rows, directory)]
        results = [{f"{task.side}_error": " ".join(f"{type(error).__name__}: {error}".split())}]
    finally:
        # Hundreds of models are built in a sweep, and Keras keeps what it can of each.
        keras.utils.clear_session()
    seconds = (time.monotonic() - start) / len(task.cells)
    return [
        cell.columns()
        | cache.conditions(cell.network)
        | dict.fromkeys(column.name for column in tables.SIDES[task.side])
        | budget.columns(task.side)
        | {f"{task.side}_seconds": seconds}
        | result
        for cell, result in zip(task.cells, results, strict=True)
    ]


def _utilities(cells: Sequence[Cell], cache: Cache, budget: Budget, rows: Collection[Mapping]) -> list[dict]:
    """Of cells that train together; those that differ in the IRN alone share an ICN."""
    held = {
        _icn_key(row): {column.name: row[column.name] for column in tables.UTILITY}
        for row in rows
        if tables.is_measured(row, "icn")
    }
    missing = {}
    for cell in cells:
        if _icn_key(cell.columns()) not in held:
            missing.setdefault(_icn_key(cell.columns()), cell)
    if missing:
        first = cells[0]
        channels = [channel for cell in missing.values() for channel in cell.channels]
        train_rows = cache.train.rows(first.train_images, first.augmented_copies)
        test_rows = cache.test.rows()
        results = measurement.utilities(
            (_in_memory(cache.train, first, channels, train_rows), cache.train.labels[train_rows]),
            (_in_memory(cache.test, first, channels, test_rows), cache.test.labels[test_rows]),
            [len(cell.channels) for cell in missing.values()],
            cache.num_classes,
            dataclasses.replace(budget.icn, seed=first.seed),
        )
        held |= dict(zip(missing, results, strict=True))
    return [{**held[_icn_key(cell.columns())], "icn_error": None} for cell in cells]


def _privacy_loss(
    cell: Cell, cache: Cache, budget: Budget, rows: Collection[Mapping], directory: pathlib.Path
) -> dict[str, object]:
    """The ridge decoder's is taken from a row that has it."""
    count = budget.irn_images(cell.train_images)

    def pairs(split, positions):
        return _in_memory(split, cell, cell.channels, positions), split.images[positions]

    train = pairs(cache.train, cache.train.rows(count, cell.augmented_copies))
    test = pairs(cache.test, cache.test.rows()[: budget.irn_test_images])
    result, guesses = measurement.privacy_loss(
        train, test, budget.architecture(cell.irn_clusters), dataclasses.replace(budget.irn, seed=cell.seed)
    )
    reconstructions.save(directory, cell.columns(), test[1], guesses)
    floors = [
        {"ridge_psnr": row["ridge_psnr"], "ridge_pairs": row["ridge_pairs"]}
        for row in rows
        if row["ridge_psnr"] is not None and _ridge_key(row) == _ridge_key(cell.columns())
    ]
    floor = (
        floors[0]
        if floors
        else measurement.ridge_floor(train, pairs(cache.validation, cache.validation.rows()), test)
    )
    return result | floor | {"irn_images": count}


def _icn_key(row: Mapping[str, object]) -> tuple:
    """What an ICN depends on."""
    return tuple(row[column.name] for column in tables.CELL if column.name != "irn_clusters")


def _ridge_key(row: Mapping[str, object]) -> tuple:
    """What a linear decoder depends on."""
    return tuple(row[column.name] for column in tables.CELL if column.name not in ("irn_clusters", "seed"))


def _in_memory(
    split: Split, cell: Cell, channels: Sequence[int], rows: np.ndarray
) -> np.ndarray | Representations:
    """Channels of the layer of a cell; the baseline's are the images."""
    if cell.network == BASELINE:
        return split.images[rows]
    if cell.intermediate_channels:
        return split.reduced_representations(cell.topology, rows).in_memory()
    return split.representations(cell.network, cell.num_layers, channels, rows).in_memory()
