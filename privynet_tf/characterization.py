"""Utility and privacy loss of the cells of a grid (section 2 of the paper), into a table.

``run`` feeds the measurements from a feature cache and keeps the table.
"""

import collections
import dataclasses
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import numpy as np

from privynet_tf import feature_cache, irn, measurement, reconstructions, tables, training
from privynet_tf.errors import InputError
from privynet_tf.feature_cache import Examples, Fen, Representations, Split
from privynet_tf.grid import BASELINE, Cell
from privynet_tf.topology import FenTopology

MEASURES = {"icn": ("icn",), "irn": ("irn",), "both": ("icn", "irn")}
"""What can be measured -> the sides of a row that it fills."""

BRANCH_CHANNELS = 16
"""Only so many channels train as branches of one model: with more, a step is bound by arithmetic and
nothing is gained."""

RECONSTRUCTIONS = "reconstructions"
"""Directory beside the table; see ``reconstructions.save``."""


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


def run(
    cells: Sequence[Cell],
    cache: Cache,
    budget: Budget,
    path: pathlib.Path,
    measure: str = "both",
    branches: int = 8,
    progress: Callable[[int, int, float], None] = lambda done, total, seconds: None,
) -> list[Cell]:
    """Measures the cells that a table does not have yet; each goes into the table when it is measured.

    A cell that fails is recorded with its error, and measured again by the next run.

    Args:
        cells: of a grid or a shard of one.
        cache: with every layer of the cells.
        budget: of every cell.
        path: of the table, which need not exist.
        measure: ``icn`` (utility), ``irn`` (privacy loss) or ``both``.
        branches: at most so many ICNs of one layer train as branches of one model.
        progress: takes cells done, all cells and the expected seconds left, after each measurement.

    Returns:
        The cells that failed.

    Raises:
        InputError: before anything is trained, if the table is not ours, was made with other budgets or
            conditions, or the cache lacks what a cell asks for.
    """
    if measure not in MEASURES:
        raise InputError(f"measure must be one of {sorted(MEASURES)}. Received: {measure!r}")
    if branches < 1:
        raise InputError(f"branches must be at least 1. Received: {branches}")
    sides = MEASURES[measure]
    if sides == ("irn",):
        cells = [cell for cell in cells if cell.network != BASELINE]
    if not cells:
        raise InputError("there is no cell to measure")
    _check_cells(cells, cache)
    table = {tables.key(row): row for row in tables.read(path)}
    asked = [_new_row(cell, cache, budget, sides) for cell in cells]
    tables.check_conditions([*table.values(), *asked], str(path))

    sweep = _Sweep(cells, cache, budget, path, sides, table, progress)
    for group in _groups([cell for cell in cells if sweep.open_sides(cell)], branches):
        sweep.measure_group(group)
    return sweep.failed()


class _Sweep:
    """The state of ``run``: the table so far, and how long what took."""

    def __init__(self, cells, cache, budget, path, sides, table, progress):
        self.cells, self.cache, self.budget, self.path = cells, cache, budget, path
        self.sides, self.table, self.progress = sides, table, progress
        self.seconds = collections.defaultdict(list)
        self.attempted = set()

    def open_sides(self, cell: Cell) -> tuple[str, ...]:
        """The sides of a cell that are to be measured still."""
        row = self.table.get(tables.key(cell.columns()), {})
        sides = ("icn",) if cell.network == BASELINE else self.sides
        return tuple(side for side in sides if not tables.is_measured(row, side))

    def failed(self) -> list[Cell]:
        return [cell for cell in self.cells if self.open_sides(cell)]

    def measure_group(self, group: Sequence[Cell]) -> None:
        """Measures cells of one layer and training set: the ICNs together, then IRN after IRN."""
        utility = [cell for cell in group if "icn" in self.open_sides(cell)]
        if utility:
            self._measure("icn", utility, self._utilities)
        for cell in group:
            if "irn" in self.open_sides(cell):
                self._measure("irn", [cell], self._privacy_loss)

    def _measure(self, side, cells, function) -> None:
        """Records what a function measures of cells, or their errors; a group that fails, one by one."""
        start = time.monotonic()
        try:
            results = function(cells)
        except Exception as error:  # whatever it is, the other cells can go on
            if len(cells) > 1:
                for cell in cells:
                    self._measure(side, [cell], function)
                return
            results = [{f"{side}_error": " ".join(f"{type(error).__name__}: {error}".split())}]
        finally:
            # Hundreds of models are built in a sweep, and Keras keeps what it can of each.
            keras.utils.clear_session()
        seconds = (time.monotonic() - start) / len(cells)
        self.seconds[side, cells[0].num_layers] += [seconds] * len(cells)
        self.attempted.update((side, cell) for cell in cells)
        self.table = tables.update(
            self.path,
            [
                cell.columns()
                | self.cache.conditions(cell.network)
                | dict.fromkeys(column.name for column in tables.SIDES[side])
                | self.budget.columns(side)
                | {f"{side}_seconds": round(seconds, 3)}
                | result
                for cell, result in zip(cells, results, strict=True)
            ],
        )
        self._tell()

    def _tell(self) -> None:
        """Expects each measurement to take what others of its side and layer took, or of its side."""
        left = [
            (side, cell.num_layers)
            for cell in self.cells
            for side in self.open_sides(cell)
            if (side, cell) not in self.attempted
        ]
        seconds = 0.0
        for side, num_layers in left:
            taken = self.seconds.get((side, num_layers)) or [
                value for (other, _), values in self.seconds.items() for value in values if other == side
            ]
            taken = taken or [value for values in self.seconds.values() for value in values]
            seconds += sum(taken) / len(taken)
        pending = {
            cell
            for cell in self.cells
            if any((side, cell) not in self.attempted for side in self.open_sides(cell))
        }
        self.progress(len(self.cells) - len(pending), len(self.cells), seconds)

    def _utilities(self, cells: Sequence[Cell]) -> list[dict]:
        """Of cells of one layer and training set; those that differ in the IRN alone share an ICN."""
        held = {
            _icn_key(row): {column.name: row[column.name] for column in tables.UTILITY}
            for row in self.table.values()
            if tables.is_measured(row, "icn")
        }
        missing = {}
        for cell in cells:
            if _icn_key(cell.columns()) not in held:
                missing.setdefault(_icn_key(cell.columns()), cell)
        if missing:
            first = cells[0]
            channels = [channel for cell in missing.values() for channel in cell.channels]
            rows = self.cache.train.rows(first.train_images, first.augmented_copies)
            test_rows = self.cache.test.rows()
            results = measurement.utilities(
                (_in_memory(self.cache.train, first, channels, rows), self.cache.train.labels[rows]),
                (_in_memory(self.cache.test, first, channels, test_rows), self.cache.test.labels[test_rows]),
                [len(cell.channels) for cell in missing.values()],
                self.cache.num_classes,
                dataclasses.replace(self.budget.icn, seed=first.seed),
            )
            held |= dict(zip(missing, results, strict=True))
        return [{**held[_icn_key(cell.columns())], "icn_error": None} for cell in cells]

    def _privacy_loss(self, cells: Sequence[Cell]) -> list[dict]:
        """Of one cell; the ridge decoder's is taken from a row that has it."""
        (cell,) = cells
        cache, count = self.cache, self.budget.irn_images(cell.train_images)

        def pairs(split, rows):
            return _in_memory(split, cell, cell.channels, rows), split.images[rows]

        train = pairs(cache.train, cache.train.rows(count, cell.augmented_copies))
        test = pairs(cache.test, cache.test.rows()[: self.budget.irn_test_images])
        result, guesses = measurement.privacy_loss(
            train,
            test,
            self.budget.architecture(cell.irn_clusters),
            dataclasses.replace(self.budget.irn, seed=cell.seed),
        )
        reconstructions.save(self.path.parent / RECONSTRUCTIONS, cell.columns(), test[1], guesses)
        floors = [
            {"ridge_psnr": row["ridge_psnr"], "ridge_pairs": row["ridge_pairs"]}
            for row in self.table.values()
            if row["ridge_psnr"] is not None and _ridge_key(row) == _ridge_key(cell.columns())
        ]
        floor = (
            floors[0]
            if floors
            else measurement.ridge_floor(train, pairs(cache.validation, cache.validation.rows()), test)
        )
        return [result | floor | {"irn_images": count}]


def _icn_key(row: Mapping[str, object]) -> tuple:
    """What an ICN depends on."""
    return tuple(row[column.name] for column in tables.CELL if column.name != "irn_clusters")


def _ridge_key(row: Mapping[str, object]) -> tuple:
    """What a linear decoder depends on."""
    return tuple(row[column.name] for column in tables.CELL if column.name not in ("irn_clusters", "seed"))


def _new_row(cell: Cell, cache: Cache, budget: Budget, sides: Sequence[str]) -> dict[str, object]:
    """What a cell's row will say of how it was made."""
    row = dict.fromkeys(column.name for column in tables.COLUMNS)
    row |= cell.columns() | cache.conditions(cell.network)
    for side in sides:
        row |= budget.columns(side)
    return row


def _in_memory(
    split: Split, cell: Cell, channels: Sequence[int], rows: np.ndarray
) -> np.ndarray | Representations:
    """Channels of the layer of a cell; the baseline's are the images."""
    if cell.network == BASELINE:
        return split.images[rows]
    if cell.intermediate_channels:
        return split.reduced_representations(cell.topology, rows).in_memory()
    return split.representations(cell.network, cell.num_layers, channels, rows).in_memory()


def _groups(cells: Sequence[Cell], branches: int) -> Iterator[list[Cell]]:
    """Cells whose ICNs may train together: same layer, training set and seed, as the data's order has."""
    together = collections.defaultdict(list)
    for cell in cells:
        layer = cell.network, cell.num_layers
        if cell.intermediate_channels:  # its channels are not those of the layer
            layer = cell.topology
        together[layer, cell.seed, cell.train_images, cell.augmented_copies].append(cell)
    for same in together.values():
        group = []
        for cell in same:
            channels = sum(len(other.channels) for other in group) + len(cell.channels)
            if group and (len(group) == branches or channels > BRANCH_CHANNELS):
                yield group
                group = []
            group.append(cell)
        yield group


def _check_cells(cells: Sequence[Cell], cache: Cache) -> None:
    for cell in cells:
        if cell.images != cache.train.made["images"]:
            raise InputError(f"the cache holds {cache.train.made['images']!r}, not {cell.images!r}")
        cache.train.rows(cell.train_images, cell.augmented_copies)
