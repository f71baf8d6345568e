"""Flags: limits of a plan, the tables that it is made from, and where it goes."""

from absl import flags

from flags import characterized, cost_table
from privynet_tf import tables
from privynet_tf.device import cost_tables
from privynet_tf.errors import InputError
from privynet_tf.planning import candidates, plans
from privynet_tf.planning.selection import Selection

_MAX_PSNR = flags.DEFINE_float("max_psnr", None, "Privacy loss allowed: mean PSNR of reconstructions, dB.")
_MAX_LATENCY = flags.DEFINE_float("max_latency_ms", None, "Milliseconds an image allowed on the device.")
_MAX_BYTES = flags.DEFINE_integer("max_bytes", None, "Bytes allowed for the FEN's file on the device.")
_MAX_MACS = flags.DEFINE_integer("max_macs", None, "Multiply-accumulates an image allowed.")
_MARGIN = flags.DEFINE_float(
    "margin_sigmas", 0.0, "Standard deviations over channel sets to stay below --max_psnr."
)

_DEFAULT = Selection()
_SELECTION = (
    flags.DEFINE_string("plan_network", None, "Which rows, where the tables have several networks."),
    flags.DEFINE_string("plan_images", None, "Which rows, where the characterization has several datasets."),
    flags.DEFINE_integer("plan_train_images", None, "Which rows, where the characterization has several."),
    flags.DEFINE_integer("plan_augmented_copies", None, "Which rows, where the table has several."),
    flags.DEFINE_integer("plan_irn_clusters", None, "Which rows, where the characterization has several."),
    flags.DEFINE_string("plan_format", _DEFAULT.format, "Rows of the cost table: weights of the FEN's file."),
    flags.DEFINE_string("plan_runtime", _DEFAULT.runtime, "Rows of the cost table: litert or keras."),
    flags.DEFINE_integer("plan_threads", _DEFAULT.threads, "Rows of the cost table: threads."),
    flags.DEFINE_string("plan_device", None, "Rows of the cost table, where it has several devices."),
    flags.DEFINE_integer("plan_batch", _DEFAULT.batch, "Rows of the cost table: images in a call."),
)

STRATEGY = flags.DEFINE_enum(
    "strategy", "hierarchical", plans.STRATEGIES, "Section 3.3 of the paper, or the best measured utility."
)
INTERPOLATE = flags.DEFINE_bool(
    "interpolate", False, "Also choose among output depths and costs between measured ones."
)
TOLERANCE = flags.DEFINE_float(
    "utility_tolerance",
    None,
    "Differences of utility up to it do not count, e.g. 0.01; the spread over channel sets if unset.",
)

NAMES = (
    *(holder.name for holder in (_MAX_PSNR, _MAX_LATENCY, _MAX_BYTES, _MAX_MACS, _MARGIN)),
    *(holder.name for holder in (*_SELECTION, STRATEGY, INTERPOLATE, TOLERANCE)),
    "characterization",
    "cost",
)
"""All flags of a plan."""


def limits() -> plans.Limits:
    if _MAX_PSNR.value is None:
        raise InputError("--max_psnr must say what privacy loss is allowed, in dB")
    return plans.Limits(_MAX_PSNR.value, _MAX_LATENCY.value, _MAX_BYTES.value, _MAX_MACS.value, _MARGIN.value)


def asked() -> bool:
    """Whether any flag here is given, so that a plan is wanted; ``limits`` says if its limit is missing."""
    return any(flags.FLAGS[name].present for name in NAMES)


def selection() -> Selection:
    """Which rows of the tables are meant."""
    return Selection(**{holder.name.removeprefix("plan_"): holder.value for holder in _SELECTION})


def cost_rows() -> list[cost_tables.Row] | None:
    """The rows of ``--cost``; None if it is unset."""
    path = cost_table.path()
    rows = cost_tables.read(path) if path else None
    if rows == []:
        raise InputError(f"--cost={path} has no rows; measure with eval.measure_cost first")
    return rows


def available() -> candidates.Candidates:
    """The topologies to choose from, by the tables and the flags that pick rows of them."""
    return candidates.from_tables(
        tables.read(characterized.needed()), cost_rows() or [], selection(), interpolate=INTERPOLATE.value
    )
