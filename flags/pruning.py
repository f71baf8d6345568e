"""Flags: how channels are ranked and pruned (section 3.4); the defaults are the paper's at m=6."""

import pathlib

import numpy as np
from absl import flags

from flags import characterized, output
from flags import fen as fen_flags
from flags import images as image_flags
from privynet_tf import pruning, tables
from privynet_tf.errors import InputError
from privynet_tf.topology import FenTopology

_WORST = flags.DEFINE_integer(
    "prune_least_discriminative", None, "How many channels to prune for that; half of them if unset."
)
_LEAKIEST = flags.DEFINE_integer(
    "prune_leakiest",
    None,
    "How many channels to prune for their privacy loss; if unset, a quarter with --characterization, "
    "none without.",
)
MINIBATCHES = flags.DEFINE_integer(
    "minibatches", 50, "Minibatches of 128 images of --train_split to rank channels by.", lower_bound=1
)

BATCH_SIZE = 128


def out() -> pathlib.Path:
    return output.directory("the ranking")


def table() -> list[tables.Row]:
    """The rows of ``--characterization``."""
    path = characterized.path()
    rows = tables.read(path) if path else []
    if not rows:
        raise InputError(
            f"{characterized.name()} must be a table of eval.characterize, and is empty or not there"
        )
    return rows


def privacy_loss(topology: FenTopology) -> np.ndarray | None:
    """[D] of single channels, dB; None without ``--characterization``.

    Raises:
        InputError: if the table lacks a channel, or was made with another FEN than that of the flags.
    """
    if not characterized.path():
        return None
    rows = pruning.single_channels(table(), topology)
    made = {
        "weights": fen_flags.weights_identity(topology.network),
        "preprocessing": flags.FLAGS.preprocessing,
        "image_size": image_flags.image_size(),
    }
    pruning.check_made(rows, made, characterized.name())
    return pruning.require_all(
        pruning.by_channel(rows, topology, tables.privacy_loss),
        f"{characterized.name()}: the privacy loss at m={topology.num_layers}",
    )


def counts(depth: int) -> tuple[int, int]:
    """How many of ``depth`` channels to prune: the least discriminative, the leakiest."""
    if _LEAKIEST.value and not characterized.path():
        raise InputError("--prune_leakiest needs --characterization, a table with every channel alone")
    worst = depth // 2 if _WORST.value is None else _WORST.value
    by_default = depth // 4 if characterized.path() else 0
    return worst, by_default if _LEAKIEST.value is None else _LEAKIEST.value
