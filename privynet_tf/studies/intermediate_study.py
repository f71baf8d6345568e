"""The study of intermediate channel selection: figures 14 and 15 of the paper, section 4.

A draw is a set of released channels. All settings of kept channels and both strategies are measured on
each, so a difference from the whole FEN is not blurred by two independent draws.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from privynet_tf import grid, intermediate, tables
from privynet_tf.device import cost_measurement
from privynet_tf.device.cost_tables import Row as CostRow
from privynet_tf.errors import InputError
from privynet_tf.grid import Cell, Grid
from privynet_tf.studies import pruning_study
from privynet_tf.studies.pruning_sets import Measured
from privynet_tf.studies.pruning_study import Interval
from privynet_tf.topology import FenTopology

DRAWN, DISCRIMINATIVE = "drawn", "discriminative"
STRATEGIES = (DRAWN, DISCRIMINATIVE)
"""Kept at random, as in the paper, or those of the largest J."""

SETTINGS = tuple(dict.fromkeys(intermediate.FIGURE_14 + intermediate.FIGURE_15))

TRAINING_SEED = 0
"""Of ICN and IRN: a grid's default, so that the rows of whole FENs are those of its random sets."""

Depths = tuple[int, ...]
"""Kept channels of every convolution; the last number is ``D'``."""
Key = tuple[str, Depths]
"""Strategy and setting."""


@dataclasses.dataclass(frozen=True)
class Study:
    """What is measured.

    Attributes:
        network: a key of ``networks.NETWORKS``.
        num_layers: ``m``.
        settings: kept channels of every convolution, with the same ``D'``; the whole FEN is put first if
            it is not among them.
        strategies: of ``STRATEGIES``.
        draws: sets of released channels, as ``grid.random_channel_sets`` draws them.
        channel_seed: of released and of drawn intermediate channels.

    Raises:
        InputError: if settings do not fit the network, or there are not so many sets.
    """

    network: str = "vgg16"
    num_layers: int = 6
    settings: Sequence[Depths] = SETTINGS
    strategies: Sequence[str] = STRATEGIES
    draws: int = 5
    channel_seed: int = 0

    def __post_init__(self):
        filters = tuple(layer.filters for layer in self.convolutions)
        settings = [tuple(depths) for depths in self.settings]
        for depths in settings:
            if len(depths) != len(filters) or not all(map(lambda n, most: 1 <= n <= most, depths, filters)):
                raise InputError(
                    f"m={self.num_layers} of {self.network} has convolutions of {list(filters)} channels; a "
                    f"setting keeps from 1 to all of each. Received: {list(depths)}"
                )
        if len({depths[-1] for depths in settings}) != 1:
            raise InputError(
                "settings must release equally many channels, the last number of each. "
                f"Received: {', '.join(map(str, map(list, settings))) or 'none'}"
            )
        whole = (*filters[:-1], settings[0][-1])
        object.__setattr__(self, "settings", tuple(dict.fromkeys([whole, *settings])))
        unknown = [name for name in self.strategies if name not in STRATEGIES]
        if unknown or not self.strategies:
            raise InputError(f"strategies must be of {list(STRATEGIES)}. Received: {unknown or 'none'}")
        object.__setattr__(self, "strategies", tuple(dict.fromkeys(self.strategies)))
        if len(self.released()) < self.draws:
            raise InputError(f"there are only {len(self.released())} sets of {whole[-1]} channels to draw")

    @property
    def convolutions(self):
        """Of the whole FEN."""
        return FenTopology(self.network, self.num_layers).convolutions

    @property
    def whole(self) -> Depths:
        """The setting that leaves no intermediate channel out."""
        return self.settings[0]

    @property
    def keys(self) -> list[Key]:
        return [(strategy, depths) for depths in self.settings for strategy in self.strategies]

    def released(self) -> list[tuple[int, ...]]:
        """The released channels of each draw."""
        return grid.random_channel_sets(
            self.network, self.num_layers, self.whole[-1], self.draws, self.channel_seed
        )

    def scored_layers(self) -> dict[str, int]:
        """Convolutions that discriminability must tell of, and the ``m`` that ends with each."""
        if DISCRIMINATIVE not in self.strategies:
            return {}
        names = [layer.name for layer in FenTopology(self.network, self.num_layers).layers]
        return {
            layer.name: names.index(layer.name) + 1
            for position, layer in enumerate(self.convolutions[:-1])
            if any(depths[position] < layer.filters for depths in self.settings)
        }


def topologies(
    study: Study, discriminability: Mapping[str, np.ndarray] | None = None
) -> dict[Key, list[FenTopology]]:
    """The FENs of every strategy and setting, by draw.

    Args:
        study: which.
        discriminability: J of all channels of ``study.scored_layers()``.
    """
    found = {}
    for strategy, depths in study.keys:
        wholes = [FenTopology(study.network, study.num_layers, channels) for channels in study.released()]
        if depths == study.whole:
            found[strategy, depths] = wholes
        elif strategy == DRAWN:
            found[strategy, depths] = [
                intermediate.drawn(whole, depths[:-1], f"{study.channel_seed}/{draw}")
                for draw, whole in enumerate(wholes)
            ]
        else:
            # Where a setting keeps all channels, no order of them is needed.
            scores = {layer.name: np.zeros(layer.filters) for layer in study.convolutions}
            scores |= discriminability
            found[strategy, depths] = [
                intermediate.discriminative(whole, depths[:-1], scores) for whole in wholes
            ]
    return found


def cells(chosen: Mapping[Key, Sequence[FenTopology]], product: Grid) -> list[Cell]:
    """The cells of the FENs, each once, draw after draw.

    Args:
        chosen: from ``topologies``.
        product: everything else about the cells; its layers, channel sets and seeds do not matter.
    """
    found = []
    for topology in (one for draw in zip(*chosen.values(), strict=True) for one in draw):
        part = dataclasses.replace(
            product,
            networks=[topology.network],
            layers=[topology.num_layers],
            channel_sets=[topology.output_channels],
            seeds=(TRAINING_SEED,),
        )
        found += [
            dataclasses.replace(cell, intermediate_channels=_intermediate(topology)) for cell in part.cells()
        ]
    return list(dict.fromkeys(found))


@dataclasses.dataclass(frozen=True)
class Results:
    """What was measured.

    Attributes:
        by_key: utility and privacy loss [draws] of every strategy and setting.
        rows: of the table, each once.
    """

    by_key: Mapping[Key, Measured]
    rows: Sequence[tables.Row]

    def difference(self, first: Key, second: Key, side: Callable[[Measured], np.ndarray]) -> Interval:
        """Mean over draws of first minus second, with a bootstrap interval over the pairs."""
        one, other = (side(self.by_key[key]) for key in (first, second))
        return pruning_study.bootstrap((one - other,), np.mean)


def measured(chosen: Mapping[Key, Sequence[FenTopology]], rows: Sequence[tables.Row], name: str) -> Results:
    """Looks the FENs up in a table, which may hold others.

    Args:
        chosen: from ``topologies``.
        rows: of the table.
        name: of the table.

    Raises:
        InputError: if FENs are not measured on both sides yet, or are on different data.
    """
    wanted = {_row_key(topology): None for drawn in chosen.values() for topology in drawn}
    found = {}
    for row in rows:
        key = tuple(row[column] for column in ("network", "m", "channels", "intermediate_channels"))
        if key not in wanted or row["seed"] != TRAINING_SEED:
            continue
        if row["utility"] is None or tables.privacy_loss(row) is None:
            continue
        if key in found:
            raise InputError(
                f"{name} holds channels {key[2]} with the same intermediate channels twice, on different data"
            )
        found[key] = row
    if len(found) < len(wanted):
        raise InputError(
            f"{name} lacks {len(wanted) - len(found)} of the {len(wanted)} FENs; measure them first"
        )
    return Results(
        {
            key: Measured(
                np.array([found[_row_key(topology)]["utility"] for topology in drawn]),
                np.array([tables.privacy_loss(found[_row_key(topology)]) for topology in drawn]),
            )
            for key, drawn in chosen.items()
        },
        list(found.values()),
    )


def costs(
    study: Study, rows: Sequence[CostRow], image_size: int, device: str | None, name: str
) -> dict[Depths, CostRow]:
    """The cost of every setting: float32 in LiteRT on one thread, an image at a time.

    Args:
        study: whose settings.
        rows: of a table of costs.
        image_size: of the FENs, in pixels.
        device: which, where the table has several; None for the only one.
        name: of the table.

    Raises:
        InputError: if the table lacks a setting, or has several devices and none is picked.
    """
    wanted = {key: depths for depths, key in zip(study.settings, _cost_keys(study, image_size), strict=True)}
    found = {}
    for row in rows:
        key = tuple(row[column] for column in _COST_COLUMNS)
        if key in wanted and row["latency_ms"] is not None and device in (None, row["device"]):
            found.setdefault(row["device"], {})[wanted[key]] = row
    if len(found) > 1:
        raise InputError(f"{name} has several devices {sorted(found)}; pick one with --latency_device")
    by_depths = next(iter(found.values()), {})
    missing = [depths for depths in study.settings if depths not in by_depths]
    if missing:
        raise InputError(
            f"{name} lacks float32 FENs of {image_size}x{image_size} images, m={study.num_layers} of "
            f"{study.network}, in LiteRT on one thread at batch 1: kept channels {missing}"
            + (f" on {device!r}" if device else "")
        )
    return {depths: by_depths[depths] for depths in study.settings}


_COST_COLUMNS = ("network", "m", "D'", "intermediate", "image_size", "format", "runtime", "threads", "batch")


def _cost_keys(study: Study, image_size: int):
    for topology in cost_topologies(study):
        kept = cost_measurement.intermediate(topology)
        head = topology.network, topology.num_layers, topology.output_depth, kept, image_size
        yield (*head, "float32", "litert", 1, 1)


def cost_topologies(study: Study) -> list[FenTopology]:
    """A FEN of each setting; no cost depends on which channels it keeps."""
    return cost_measurement.topologies([study.network], [study.num_layers], (), study.settings)


def _intermediate(topology: FenTopology) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((topology.intermediate_channels or {}).items())


def _row_key(topology: FenTopology) -> tuple:
    return topology.network, topology.num_layers, topology.output_channels, _intermediate(topology)
