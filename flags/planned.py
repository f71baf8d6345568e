"""Flags: a run of the whole flow whose topology comes from limits."""

from collections.abc import Sequence

from absl import flags

from flags import characterized
from flags import fen as fen_flags
from flags import images as image_flags
from flags import planning as planning_flags
from privynet_tf import pruning, tables
from privynet_tf.errors import InputError
from privynet_tf.planning import planned_flow
from privynet_tf.planning.selection import Selection
from privynet_tf.topology import FenTopology


def request() -> planned_flow.Request | None:
    """What the limits ask for; None if no flag asks for a plan.

    ``--characterization`` is by default the table shipped for ``--fen_weights``.

    Raises:
        InputError: also if the table was made with another FEN than that of the flags, or if no topology
            meets the limits that can be judged before anything is measured.
    """
    if not planning_flags.asked():
        return None
    limits = planning_flags.limits()
    fen_flags.reject_topology()
    selection = planning_flags.selection()
    _check_platform(selection)
    weights = flags.FLAGS.fen_weights
    asked = planned_flow.Request(
        limits,
        tables.read(characterized.needed(default=weights)),
        planning_flags.cost_rows(),
        selection,
        planning_flags.STRATEGY.value,
        planning_flags.INTERPOLATE.value,
        planning_flags.TOLERANCE.value,
        flags.FLAGS.channel_seed,
    )
    _check_fen(asked.rows, characterized.name(default=weights))
    planned_flow.check(asked)
    return asked


def not_settings(asked: planned_flow.Request | None) -> tuple[str, ...]:
    """Names of the flags that do not count: those of the topology with a plan, of the plan without."""
    return fen_flags.OF_THE_TOPOLOGY if asked else planning_flags.NAMES


def _check_platform(selection: Selection) -> None:
    if selection.runtime != "litert":
        raise InputError(
            "--plan_runtime must be litert, as the delivered model's latency is. "
            f"Received: {selection.runtime!r}"
        )
    if selection.format not in fen_flags.litert_formats():
        raise InputError(
            f"--plan_format={selection.format} must be one of --litert_formats, so that it is delivered. "
            f"Received: --litert_formats={','.join(fen_flags.litert_formats())}"
        )


def _check_fen(rows: Sequence[tables.Row], name: str) -> None:
    """Unusable weights are found here, before anything is written."""
    network = rows[0]["network"]
    fen_flags.build(FenTopology(network, max(row["m"] for row in rows)))
    made = {
        "weights": fen_flags.weights_identity(network),
        "preprocessing": flags.FLAGS.preprocessing,
        "image_size": image_flags.image_size(),
    }
    pruning.check_made(rows, made, name)
