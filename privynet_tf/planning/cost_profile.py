"""Latency and bytes of the FENs of one network on one platform, from a cost table."""

import bisect
import collections
import dataclasses
from collections.abc import Iterable, Mapping

from privynet_tf import cost
from privynet_tf.errors import InputError
from privynet_tf.planning.selection import Selection, pick
from privynet_tf.topology import FenTopology

_OF_MEASUREMENT = ("runtime", "threads", "device", "batch")


@dataclasses.dataclass(frozen=True)
class Point:
    """A row of a cost table; ``D'`` and MACs order the points of an ``m`` alike."""

    macs: int
    output_depth: int
    latency_ms: float | None
    bytes: int


@dataclasses.dataclass(frozen=True)
class Profile:
    """What was measured on a platform.

    Attributes:
        platform: by column of the cost table; empty without one.
        points: ``m`` -> points in the order of their MACs.
    """

    platform: Mapping[str, object]
    points: Mapping[int, list[Point]]

    def at(
        self, num_layers: int, macs: int, interpolate: bool
    ) -> tuple[float | None, int | None, tuple[str, ...]]:
        """Latency and bytes of a topology, None where not measured; and what was interpolated.

        Args:
            num_layers: ``m``.
            macs: of the topology.
            interpolate: whether also linearly in MACs, between two points of this ``m``.
        """
        points = self.points.get(num_layers, [])
        place = bisect.bisect_left(points, macs, key=lambda point: point.macs)
        if place < len(points) and points[place].macs == macs:
            return points[place].latency_ms, points[place].bytes, ()
        if not interpolate or place in (0, len(points)):
            return None, None, ()
        low, high = points[place - 1], points[place]
        part = (macs - low.macs) / (high.macs - low.macs)
        latency = None
        if low.latency_ms is not None and high.latency_ms is not None:
            latency = low.latency_ms + part * (high.latency_ms - low.latency_ms)
        size = round(low.bytes + part * (high.bytes - low.bytes))
        return latency, size, (f"latency and bytes between D'={low.output_depth} and D'={high.output_depth}",)


def of_rows(
    rows: Iterable[Mapping[str, object]], network: str, image_size: int, selection: Selection
) -> Profile:
    """The profile of a network with all channels of intermediate convolutions.

    Args:
        rows: of a cost table; none if there is none.
        network: of the characterization.
        image_size: of the characterization.
        selection: which rows are meant.

    Raises:
        InputError: if the table is of other networks or image sizes, or mixes platforms.
    """
    rows = list(rows)
    if not rows:
        return Profile({}, {})
    for column, value in (("network", network), ("image_size", image_size)):
        found = sorted({row[column] for row in rows}, key=str)
        if value not in found:
            raise InputError(
                f"the cost table must be of {column} {value}, as the characterization is. Received: {found}"
            )
        rows = [row for row in rows if row[column] == value]
    rows = [row for row in rows if not row["intermediate"]]
    if not rows:
        raise InputError(f"the cost table has no row of {network} with all intermediate channels")
    rows = pick(rows, "format", selection.format, "cost")
    # Models that were exported to be measured on another device have a size alone.
    timed = [row for row in rows if row["latency_ms"] is not None]
    for column in _OF_MEASUREMENT if timed else ():
        timed = rows = pick(timed, column, getattr(selection, column), "cost")
    points = collections.defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["m"], row["D'"])):
        num_layers, depth = row["m"], row["D'"]
        macs = cost.of_topology(FenTopology(network, num_layers, range(depth)), image_size).macs
        if points[num_layers] and points[num_layers][-1].macs == macs:
            raise InputError(f"the cost table has m={num_layers}, D'={depth} twice on one platform")
        points[num_layers].append(Point(macs, depth, row["latency_ms"], row["bytes"]))
    columns = ("format", *_OF_MEASUREMENT) if timed else ("format",)
    return Profile({column: rows[0][column] for column in columns}, points)
