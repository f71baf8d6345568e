"""The grid of a characterization: what is varied, and the cells that come of it.

A cell is one topology, repeat and amount of data.
"""

import dataclasses
import itertools
import math
import random
from collections.abc import Iterator, Sequence

from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS
from privynet_tf.topology import FenTopology, depth_of

BASELINE = "none"
"""Network of the unsplit baseline: an ICN on the images themselves, ``m = 0``, ``D' = 3``."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One topology, repeat and amount of data.

    Attributes:
        network: a key of ``networks.NETWORKS``, or ``BASELINE``.
        num_layers: ``m``.
        channels: the released ones.
        seed: of the initial weights and of the order of the data, of ICN and IRN.
        images: name of the dataset.
        train_images: the first so many of the training split, before augmentation.
        augmented_copies: of each training image, beside the image itself.
        irn_clusters: clusters of ResNet blocks of the IRN (Fig. 19); 0 for the baseline, which has none.
        intermediate_channels: (convolution, kept channels), in the network's order, of those before the
            last that do not keep all of theirs.
    """

    network: str
    num_layers: int
    channels: tuple[int, ...]
    seed: int
    images: str
    train_images: int
    augmented_copies: int = 0
    irn_clusters: int = 2
    intermediate_channels: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def topology(self) -> FenTopology:
        """Of the FEN; the unsplit baseline has none."""
        return FenTopology(self.network, self.num_layers, self.channels, dict(self.intermediate_channels))

    def columns(self) -> dict[str, object]:
        """The cell columns of its row; see ``tables.CELL``."""
        return {
            "network": self.network,
            "m": self.num_layers,
            "D'": len(self.channels),
            "channels": self.channels,
            "intermediate_channels": self.intermediate_channels,
            "seed": self.seed,
            "images": self.images,
            "train_images": self.train_images,
            "augmented_copies": self.augmented_copies,
            "irn_clusters": self.irn_clusters,
        }


@dataclasses.dataclass(frozen=True)
class Grid:
    """A product of what characterizations vary.

    The channel sets of a layer are those that ``single_channels``, ``depths`` with ``random_sets`` and
    ``channel_sets`` ask for together; one that comes up twice is one cell.

    Attributes:
        images: name of the dataset.
        train_images: numbers of training images.
        networks: of ``networks.NETWORKS``.
        layers: numbers of layers ``m``.
        depths: output depths ``D'`` of random channel sets.
        random_sets: sets for each depth, where there are as many.
        channel_seed: of the random sets.
        single_channels: whether every channel alone is a set.
        channel_sets: explicit sets, of every layer.
        seeds: of trainings.
        augmented_copies: numbers of copies of each training image.
        irn_clusters: numbers of clusters of the IRN.
        baseline: whether the unsplit baseline is measured too.
    """

    images: str
    train_images: Sequence[int]
    networks: Sequence[str] = ("vgg16",)
    layers: Sequence[int] = (6,)
    depths: Sequence[int] = ()
    random_sets: int = 1
    channel_seed: int = 0
    single_channels: bool = False
    channel_sets: Sequence[Sequence[int]] = ()
    seeds: Sequence[int] = (0,)
    augmented_copies: Sequence[int] = (0,)
    irn_clusters: Sequence[int] = (2,)
    baseline: bool = False

    def cells(self) -> list[Cell]:
        """The cells, without repetition; the baselines come first.

        Raises:
            InputError: if there is none, or a set asks for channels that a layer does not have.
        """
        data = list(itertools.product(self.seeds, self.train_images, self.augmented_copies))
        baselines = [
            Cell(BASELINE, 0, (0, 1, 2), seed, self.images, count, copies, irn_clusters=0)
            for seed, count, copies in data
            if self.baseline
        ]
        layers = [
            (network, num_layers, channels)
            for network, num_layers in itertools.product(self.networks, self.layers)
            for channels in self._channel_sets(network, num_layers)
        ]
        cells = [
            Cell(*layer, seed, self.images, count, copies, clusters)
            for (seed, count, copies), layer, clusters in itertools.product(data, layers, self.irn_clusters)
        ]
        if not baselines + cells:
            empty = [
                name
                for name in (
                    "networks",
                    "layers",
                    "seeds",
                    "train_images",
                    "augmented_copies",
                    "irn_clusters",
                )
                if not getattr(self, name)
            ]
            reason = f"no {', '.join(empty)}" if empty else "no single channels, depths or channel sets"
            raise InputError(f"the grid is empty: it has {reason}")
        return list(dict.fromkeys(baselines + cells))

    def _channel_sets(self, network: str, num_layers: int) -> Iterator[tuple[int, ...]]:
        for channels in self.channel_sets:
            yield FenTopology(network, num_layers, tuple(channels)).output_channels
        if not self.single_channels and not self.depths:
            return
        available = FenTopology(network, num_layers).output_depth
        if self.single_channels:
            yield from ((channel,) for channel in range(available))
        for depth in self.depths:
            yield from random_channel_sets(network, num_layers, depth, self.random_sets, self.channel_seed)


def random_channel_sets(
    network: str, num_layers: int, depth: int, count: int, seed: int
) -> list[tuple[int, ...]]:
    """Draws distinct sets of ``D'`` channels; the n-th depends on the arguments before ``count`` and seed.

    Args:
        network: a key of ``networks.NETWORKS``.
        num_layers: ``m``.
        depth: ``D'``.
        count: how many; fewer are returned where there are no more.
        seed: of the draw.

    Raises:
        InputError: if the layer has fewer channels, naming it.
    """
    available = depth_of(NETWORKS[network], num_layers)
    if not 1 <= depth <= available:
        raise InputError(
            f"the output depth D' must be from 1 to {available} at m={num_layers} of {network}. "
            f"Received: {depth}"
        )
    if count < 1:
        raise InputError(f"random sets must be at least 1. Received: {count}")
    generator = random.Random(f"{seed}/{network}/{num_layers}/{depth}")
    sets = {}
    while len(sets) < min(count, math.comb(available, depth)):
        sets[tuple(sorted(generator.sample(range(available), depth)))] = None
    return list(sets)


def shard(cells: Sequence[Cell], index: int, count: int) -> list[Cell]:
    """The cells of shard ``index`` (from 1) of ``count``, dealt in turn.

    Raises:
        InputError: if there is no such shard, or it gets no cell.
    """
    if not 1 <= index <= count <= len(cells):
        raise InputError(
            f"shard must be i/n with i from 1 to n and n at most the number of cells, {len(cells)}. "
            f"Received: {index}/{count}"
        )
    return list(cells[index - 1 :: count])
