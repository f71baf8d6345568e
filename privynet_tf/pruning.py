"""Which channels to drop, and which of the rest to release (section 3.4 of the paper)."""

import dataclasses
import random
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from privynet_tf import tables
from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS
from privynet_tf.topology import FenTopology, depth_of

_SAME_DATA = ("images", "train_images", "augmented_copies", "irn_clusters")
"""Cell columns in which the single channels of a layer must agree; what is left are repeats."""


@dataclasses.dataclass(frozen=True)
class Pruning:
    """What is dropped and what is left.

    Attributes:
        worst: dropped for their discriminability (or whatever they were scored by), the worst first.
        leakiest: dropped for their privacy loss, the leakiest first. A channel may stand in both.
        kept: all others, ascending.
    """

    worst: tuple[int, ...]
    leakiest: tuple[int, ...]
    kept: tuple[int, ...]


def prune(scores: np.ndarray, privacy_loss: np.ndarray | None, num_worst: int, num_leakiest: int) -> Pruning:
    """Drops the channels with the lowest score and those with the largest privacy loss.

    Each list is drawn up over all channels and their union is dropped, so neither comes first and what
    is dropped for one reason does not hang on the other: from ``max`` to the sum of the two numbers of
    channels. Of equal channels the lower number is dropped first.

    Args:
        scores: [D], the larger the better: ``fisher.discriminability`` on the private data.
        privacy_loss: [D] in dB, from a characterization on public data; None if ``num_leakiest`` is 0.
        num_worst: how many to drop for their score.
        num_leakiest: how many to drop for their privacy loss.

    Raises:
        InputError: if the two are of different length, not numbers, or nothing is left.
    """
    depth = len(scores)
    if privacy_loss is None:
        if num_leakiest:
            raise InputError(
                f"pruning the {num_leakiest} leakiest channels needs a privacy loss of every channel; "
                "Received: none"
            )
        privacy_loss = np.zeros(depth)
    if len(privacy_loss) != depth:
        raise InputError(
            f"scores and privacy loss must be of equally many channels. Received: {depth} and "
            f"{len(privacy_loss)}"
        )
    for name, values in (("scores", scores), ("privacy loss", privacy_loss)):
        if np.isnan(values).any():
            raise InputError(f"{name} must be numbers. Received: NaN of {np.flatnonzero(np.isnan(values))}")
    for name, count in (("worst", num_worst), ("leakiest", num_leakiest)):
        if not 0 <= count < depth:
            raise InputError(
                f"the number of {name} channels to prune must be from 0 to {depth - 1}, one less than the "
                f"channels. Received: {count}"
            )
    worst = _first(scores, num_worst)
    leakiest = _first(-np.asarray(privacy_loss), num_leakiest)
    kept = tuple(channel for channel in range(depth) if channel not in {*worst, *leakiest})
    if not kept:
        raise InputError(
            f"pruning the {num_worst} worst and the {num_leakiest} leakiest of {depth} channels leaves none"
        )
    return Pruning(worst, leakiest, kept)


def draw(kept: Sequence[int], output_depth: int, seed: int | None = None) -> tuple[int, ...]:
    """Draws the channels to release; any ``D'`` of the kept are equally likely, in any order.

    Args:
        kept: channels that may be released.
        output_depth: ``D'``.
        seed: for a study. None draws from the operating system's entropy, as a real selection must:
            the attacker is assumed not to know the channels, and a seed can be guessed.

    Raises:
        InputError: if there are fewer channels.
    """
    if not 1 <= output_depth <= len(kept):
        raise InputError(
            f"the output depth D' must be from 1 to {len(kept)}, the channels that are left to draw from. "
            f"Received: {output_depth}"
        )
    generator = random.SystemRandom() if seed is None else random.Random(seed)
    return tuple(generator.sample(list(kept), output_depth))


def single_channels(rows: Iterable[tables.Row], topology: FenTopology) -> list[tables.Row]:
    """The rows of a characterization in which one channel of a layer is released alone.

    Args:
        rows: of a table.
        topology: its network, number of layers and intermediate channels are those of the rows.

    Raises:
        InputError: if they are of different data, such as two numbers of training images.
    """
    intermediate = tuple((topology.intermediate_channels or {}).items())
    layer = topology.network, topology.num_layers, intermediate
    found = [
        row
        for row in rows
        if (row["network"], row["m"], row["intermediate_channels"]) == layer and len(row["channels"]) == 1
    ]
    for name in _SAME_DATA:
        values = {row[name] for row in found}
        if len(values) > 1:
            raise InputError(
                f"the single channels at m={topology.num_layers} of {topology.network} must be measured "
                f"with one {name}. Received: {', '.join(map(str, sorted(values)))}"
            )
    return found


def check_made(rows: Iterable[tables.Row], made: Mapping[str, object], name: str) -> None:
    """Raises an InputError if rows were made with another FEN than ``made`` says, by column.

    Args:
        rows: of a table.
        made: ``weights``, ``preprocessing`` and ``image_size``; others are not looked at.
        name: of the table, with its flag.
    """
    for column in ("weights", "preprocessing", "image_size"):
        others = {str(row[column]) for row in rows} - {str(made[column])}
        if others:
            raise InputError(
                f"{name} was made with another FEN: {column} is {', '.join(sorted(others))} there and "
                f"{made[column]} here"
            )


def by_channel(
    rows: Iterable[tables.Row], topology: FenTopology, value: Callable[[Mapping[str, object]], float | None]
) -> np.ndarray:
    """[D] mean over repeats of a value of each single channel; NaN where there is none.

    Args:
        rows: of a table.
        topology: as in ``single_channels``.
        value: of a row, such as ``tables.privacy_loss``; None where it was not measured.
    """
    depth = depth_of(NETWORKS[topology.network], topology.num_layers)
    measured = [[] for _ in range(depth)]
    for row in single_channels(rows, topology):
        if value(row) is not None:
            measured[row["channels"][0]].append(value(row))
    return np.array([np.mean(values) if values else np.nan for values in measured])


def require_all(values: np.ndarray, name: str) -> np.ndarray:
    """The values [D], or an InputError that says of which channels ``name`` is missing."""
    missing = np.flatnonzero(np.isnan(values)).tolist()
    if missing:
        shown = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        raise InputError(f"{name} is missing for {len(missing)} of {len(values)} single channels: {shown}")
    return values


def _first(keys: np.ndarray, count: int) -> tuple[int, ...]:
    return tuple(int(channel) for channel in np.argsort(keys, kind="stable")[:count])
