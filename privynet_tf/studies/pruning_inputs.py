"""What the study of pruning starts from: measurements of single channels, scores, and what is pruned."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from privynet_tf import pruning, tables
from privynet_tf.errors import InputError
from privynet_tf.pruning import Pruning
from privynet_tf.studies import channel_scores, pruning_sets
from privynet_tf.studies.channel_scores import DISCRIMINABILITY, Scores
from privynet_tf.topology import FenTopology


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Of one layer.

    Attributes:
        topology: with all output channels.
        utility: [D] of each channel alone.
        privacy_loss: [D] of each channel alone, dB.
        scores: of all channels, on repeated draws of images.
        made: what the scores were made from; see ``channel_scores.measure``.
        counts: how many channels are pruned: the worst, the leakiest.
        prunings: by setting of Fig. 13; discriminability is that of the first draw of the most images,
            because a data owner has one.
    """

    topology: FenTopology
    utility: np.ndarray
    privacy_loss: np.ndarray
    scores: Sequence[Scores]
    made: Mapping[str, str]
    counts: tuple[int, int]
    prunings: Mapping[str, Pruning]

    @property
    def most_minibatches(self) -> int:
        return max(one.minibatches for one in self.scores)

    @property
    def discriminability(self) -> np.ndarray:
        """[D] J that channels are pruned by."""
        return channel_scores.matrix(self.scores, DISCRIMINABILITY, self.most_minibatches)[0]

    @property
    def kept(self) -> dict[str, tuple[int, ...]]:
        """Setting -> channels that may be released."""
        return {setting: found.kept for setting, found in self.prunings.items()}


def load(
    topology: FenTopology,
    rows: Sequence[tables.Row],
    name: str,
    scores_path: pathlib.Path,
    counts: tuple[int, int],
) -> Inputs:
    """Reads the inputs from tables.

    Args:
        topology: with all output channels.
        rows: of a characterization with every channel alone.
        name: of that table, for messages.
        scores_path: of the table of ``channel_scores.measure``.
        counts: how many channels to prune: the worst, the leakiest.

    Raises:
        InputError: if a channel is missing in a table, there are no scores, or they are of another layer
            or FEN than the table.
    """
    scores = channel_scores.read(scores_path, {"network": topology.network, "m": topology.num_layers})
    if not scores:
        raise InputError(f"{scores_path} holds no scores; take --step=scores first")
    made = channel_scores.made_of(scores_path)
    singles = pruning.single_channels(rows, topology)
    pruning.check_made(singles, made, name)
    utility, loss = (
        pruning.require_all(
            pruning.by_channel(singles, topology, value), f"{name}: the {side} at m={topology.num_layers}"
        )
        for side, value in (("utility", lambda row: row["utility"]), ("privacy loss", tables.privacy_loss))
    )
    inputs = Inputs(topology, utility, loss, scores, made, counts, {})
    prunings = pruning_sets.prunings(utility, loss, inputs.discriminability, *counts)
    return dataclasses.replace(inputs, prunings=prunings)
