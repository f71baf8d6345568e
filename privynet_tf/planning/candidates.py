"""The topologies that a plan can choose from, and what the tables say of each.

A characterization table has a row a channel set; a topology here is a number of layers and an output
depth, with the mean and the spread over its channel sets. Nothing is interpolated unless asked.
"""

import collections
import dataclasses
import itertools
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence

from privynet_tf import cost, tables
from privynet_tf.errors import InputError
from privynet_tf.grid import BASELINE
from privynet_tf.planning import cost_profile
from privynet_tf.planning.selection import Selection, pick
from privynet_tf.topology import FenTopology

_OF_CHARACTERIZATION = ("network", "images", "train_images", "augmented_copies", "irn_clusters")


@dataclasses.dataclass(frozen=True)
class Spread:
    """A quantity over the channel sets of a topology.

    Attributes:
        mean: over channel sets, each the mean of its repeats.
        std: sample standard deviation; None for fewer than two sets.
        sets: how many were measured; 0 for an interpolated quantity.
    """

    mean: float
    std: float | None
    sets: int


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A topology whose released channels are not chosen yet.

    Attributes:
        num_layers: ``m``.
        output_depth: ``D'``.
        utility: test accuracy, from 0 to 1.
        privacy_loss: the stronger attacker's PSNR in dB.
        macs: multiply-accumulates of an image, all channels of intermediate convolutions kept.
        parameters: of the same.
        latency_ms: of an image on the device, median; None where it was not measured.
        bytes: of the FEN's file; None where it was not measured.
        interpolated: what was interpolated, and between what.
    """

    num_layers: int
    output_depth: int
    utility: Spread
    privacy_loss: Spread
    macs: int
    parameters: int
    latency_ms: float | None = None
    bytes: int | None = None
    interpolated: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"m={self.num_layers}, D'={self.output_depth}"


@dataclasses.dataclass(frozen=True)
class Candidates:
    """What there is to choose from.

    Attributes:
        network: of all.
        conditions: how utility and privacy loss were measured, by column of the characterization.
        platform: how latency and bytes were measured, by column of the cost table; empty without one.
        topologies: by ``m``, then ``D'``.
        incomplete: number of topologies that lack utility or privacy loss, and are not among them.
    """

    network: str
    conditions: Mapping[str, object]
    platform: Mapping[str, object]
    topologies: tuple[Candidate, ...]
    incomplete: int


def from_tables(
    characterization: Iterable[Mapping[str, object]],
    cost_rows: Iterable[Mapping[str, object]] = (),
    selection: Selection | None = None,
    *,
    interpolate: bool = False,
) -> Candidates:
    """Brings the two tables together.

    Rows with pruned intermediate convolutions and the unsplit baseline are left out.

    Args:
        characterization: rows as ``tables.read`` gives them.
        cost_rows: rows of a cost table; none if there is none.
        selection: which rows are meant.
        interpolate: also offers every ``D'`` between two measured ones of an ``m``, with utility and
            privacy loss linear in log2 D', and latency and bytes between two measured ones of an ``m``,
            linear in MACs. Nothing is extrapolated.

    Raises:
        InputError: if nothing is left, a table mixes what cannot be compared (naming the flag that picks),
            or the cost table is of another network or image size.
    """
    selection = selection or Selection()
    rows = characterized(characterization, selection)
    network, image_size = rows[0]["network"], rows[0]["image_size"]
    profile = cost_profile.of_rows(cost_rows, network, image_size, selection)
    measured, incomplete = _topologies(rows)
    if not measured:
        raise InputError(
            f"the characterization table has no topology of {network} with both utility and privacy loss; "
            "measure them with eval.characterize --measure=both"
        )
    found = []
    for num_layers, depths in sorted(measured.items()):
        both = _with_depths_between(depths) if interpolate else {d: (*depths[d], ()) for d in depths}
        for depth, (utility, privacy_loss, how) in sorted(both.items()):
            counted = cost.of_topology(FenTopology(network, num_layers, range(depth)), image_size)
            latency, size, how_cost = profile.at(num_layers, counted.macs, interpolate)
            found.append(
                Candidate(
                    num_layers,
                    depth,
                    utility,
                    privacy_loss,
                    counted.macs,
                    counted.parameters,
                    latency,
                    size,
                    (*how, *how_cost),
                )
            )
    names = (*_OF_CHARACTERIZATION[1:], "weights", "preprocessing", "image_size")
    conditions = {name: rows[0][name] for name in names}
    return Candidates(network, conditions, profile.platform, tuple(found), incomplete)


def characterized(
    characterization: Iterable[Mapping[str, object]], selection: Selection
) -> list[Mapping[str, object]]:
    """The rows of a characterization that a plan goes by: at least one, of one dataset and one budget.

    Raises:
        InputError: as ``from_tables``.
    """
    rows = [
        row
        for row in characterization
        if row["network"] != BASELINE and row["intermediate_channels"] == () and row["D'"]
    ]
    if not rows:
        raise InputError("the characterization table has no row of a FEN with all intermediate channels")
    for column in _OF_CHARACTERIZATION:
        rows = pick(rows, column, getattr(selection, column), "characterization")
    tables.check_conditions(rows, "the characterization table")
    return rows


def _topologies(
    rows: Sequence[Mapping[str, object]],
) -> tuple[dict[int, dict[int, tuple[Spread, Spread]]], int]:
    """``m`` -> ``D'`` -> utility and privacy loss; and the number of topologies that lack one."""
    by_topology = collections.defaultdict(list)
    for row in rows:
        by_topology[row["m"], row["D'"]].append(row)
    measured, incomplete = collections.defaultdict(dict), 0
    for (num_layers, depth), group in by_topology.items():
        utility = _spread((row["channels"], row["utility"]) for row in group)
        privacy_loss = _spread((row["channels"], tables.privacy_loss(row)) for row in group)
        if utility is None or privacy_loss is None:
            incomplete += 1
        else:
            measured[num_layers][depth] = utility, privacy_loss
    return measured, incomplete


def _spread(values: Iterable[tuple[tuple[int, ...], float | None]]) -> Spread | None:
    """Repeats of a channel set are averaged first: the sets are what a data owner draws from."""
    by_set = collections.defaultdict(list)
    for channels, value in values:
        if value is not None:
            by_set[channels].append(value)
    if not by_set:
        return None
    means = [statistics.fmean(repeats) for repeats in by_set.values()]
    std = statistics.stdev(means) if len(means) > 1 else None
    return Spread(statistics.fmean(means), std, len(means))


def _with_depths_between(
    depths: Mapping[int, tuple[Spread, Spread]],
) -> dict[int, tuple[Spread, Spread, tuple[str, ...]]]:
    """Adds the depths between measured ones; how far apart two are shows in their ratio (Fig. 3)."""
    filled = {depth: (*spreads, ()) for depth, spreads in depths.items()}
    for below, above in itertools.pairwise(sorted(depths)):
        how = (f"utility and privacy loss between D'={below} and D'={above}",)
        for depth in range(below + 1, above):
            part = math.log2(depth / below) / math.log2(above / below)
            filled[depth] = *_between(depths[below], depths[above], part), how
    return filled


def _between(below: Sequence[Spread], above: Sequence[Spread], part: float) -> Iterator[Spread]:
    for one, other in zip(below, above, strict=True):
        yield Spread(one.mean + part * (other.mean - one.mean), None, 0)
