"""The report of the study of pruning: Markdown with figures, from tables alone."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from privynet_tf import pruning, ranking, ranking_figures, tables, workdir
from privynet_tf.studies import channel_scores, pruning_figures, pruning_sets, pruning_study, pruning_tables
from privynet_tf.studies.pruning_inputs import Inputs
from privynet_tf.studies.pruning_sets import Measured
from privynet_tf.studies.pruning_study import Relation
from privynet_tf.topology import FenTopology

REPORT = "pruning.md"

_PAPER = {"network": "vgg16", "num_layers": 6, "counts": (64, 32), "output_depth": 8}
"""Of the study; its numbers stand beside ours where these are the same."""


def write(
    directory: pathlib.Path,
    inputs: Inputs,
    rows: Sequence[tables.Row],
    output_depth: int,
    results: Mapping[str, Measured] | None,
) -> None:
    """Writes ``REPORT`` and the figures.

    Args:
        directory: made if absent.
        inputs: of one layer.
        rows: the table of single channels; other layers in it get their numbers of Fig. 10 too.
        output_depth: ``D'`` of the sets of channels.
        results: of the sets, by setting; None leaves Fig. 13 out.
    """
    directory.mkdir(parents=True, exist_ok=True)
    topology, scores, utility = inputs.topology, inputs.scores, inputs.utility
    with_paper = (topology.network, topology.num_layers) == (_PAPER["network"], _PAPER["num_layers"])
    ranked = ranking.Ranking(
        inputs.discriminability, inputs.privacy_loss, inputs.prunings[pruning_sets.DISCRIMINATED]
    )
    ranking_figures.discriminability(ranked.rows(), directory / "discriminability")
    pruning_figures.recall(scores, utility, directory / "fig11", with_paper)
    pruning_figures.recall_by_images(scores, utility, directory / "fig12")
    extra_macs = ranking.extra_macs(
        topology,
        output_depth,
        int(inputs.made["image_size"]),
        inputs.most_minibatches * channel_scores.BATCH_SIZE,
        int(inputs.made["num_classes"]),
    )
    sections = [
        _heading(inputs),
        pruning_tables.relation(_relations(topology, rows)),
        [*pruning_tables.recall(scores, utility, with_paper), "", "![Figure 11](fig11.png)"],
        [*pruning_tables.samples(scores, utility, with_paper), "", "![Figure 12](fig12.png)"],
        pruning_tables.price(scores, utility, extra_macs),
    ]
    if results:
        pruning_figures.settings(results, directory / "fig13")
        the_same = with_paper and (inputs.counts, output_depth) == (_PAPER["counts"], _PAPER["output_depth"])
        kept = {setting: len(channels) for setting, channels in inputs.kept.items()}
        sections.append([*pruning_tables.sets(results, kept, the_same), "", "![Figure 13](fig13.png)"])
    lines = [line for section in sections for line in [*section, ""]]
    workdir.write_atomically(directory / REPORT, "\n".join(lines))


def _heading(inputs: Inputs) -> list[str]:
    topology, made = inputs.topology, inputs.made
    available = int(made["images_drawn_from"])
    share = inputs.most_minibatches * channel_scores.BATCH_SIZE / available
    lines = [
        f"# Pruning of channels: m={topology.num_layers} of {topology.network}",
        "",
        f"Scores of channels from {made['images']}, split {made['train_split']}; weights {made['weights']}. "
        "Privacy loss is the stronger attacker's PSNR, of the IRN and the ridge decoder. Utility and privacy "
        "loss of single channels are means over the repeats in the table, if it has any.",
    ]
    if share < 1:
        lines[-1] += (
            f" Draws of {share:.0%} of the {available:,} images overlap: between separate images, the "
            f"deviations over draws would be about {1 / math.sqrt(1 - share):.1f} times as large."
        )
    return [*lines, "", "![J of every channel](discriminability.png)"]


def _relations(topology: FenTopology, rows: Sequence[tables.Row]) -> dict[int, Relation]:
    relations = {}
    for layer in sorted({row["m"] for row in rows if row["network"] == topology.network}):
        cut = dataclasses.replace(topology, num_layers=layer, output_channels=None)
        utility = pruning.by_channel(rows, cut, lambda row: row["utility"])
        loss = pruning.by_channel(rows, cut, tables.privacy_loss)
        if np.sum(~np.isnan(utility + loss)) >= pruning_study.LEAST_CHANNELS:
            relations[layer] = pruning_study.relation(utility, loss)
    return relations
