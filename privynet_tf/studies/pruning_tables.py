"""The results of the study of pruning as Markdown tables, the paper's numbers beside ours."""

from collections.abc import Mapping, Sequence

import numpy as np

from privynet_tf.studies import channel_scores, pruning_sets, pruning_study
from privynet_tf.studies.channel_scores import DISCRIMINABILITY, Scores
from privynet_tf.studies.pruning_sets import Measured
from privynet_tf.studies.pruning_study import Interval, Relation

_PAPER_RECALL = {"J": 0.697, "random": 0.503}
_PAPER_OVERLAP = {6: 4}
_PAPER_SETS = {
    pruning_sets.ALL: ("0.684 ± 0.019", "18.3 ± 0.389"),
    pruning_sets.CHARACTERIZED: ("0.701 ± 0.013", "17.5 ± 0.437"),
    pruning_sets.DISCRIMINATED: ("0.696 ± 0.016", "17.05 ± 0.634"),
}
_PAPER_DIFFERENCES = {
    (pruning_sets.CHARACTERIZED, pruning_sets.ALL): ("+0.017", "-0.80"),
    (pruning_sets.DISCRIMINATED, pruning_sets.ALL): ("+0.012", "-1.25"),
    (pruning_sets.DISCRIMINATED, pruning_sets.CHARACTERIZED): ("-0.005", "-0.45"),
}


def relation(relations: Mapping[int, Relation]) -> list[str]:
    """Figure 10 in numbers, by ``m``."""
    lines = [
        "## Utility and privacy loss of single channels (figure 10)",
        "",
        "| m | channels | leakiest quarter among the worst quarter by utility | if independent | paper "
        "| Spearman's correlation of utility and privacy loss (95 % interval) |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for layer, found in relations.items():
        low, high = found.expected_range
        paper = _PAPER_OVERLAP.get(layer)
        lines.append(
            f"| {layer} | {found.channels} | {found.counts[0, 0]} of {found.counts[0].sum()} "
            f"| {found.expected:.1f} (95 %: {low} to {high}) | {'' if paper is None else f'{paper} of 32'} "
            f"| {_interval(found.correlation, 2)} |"
        )
    for layer, found in relations.items():
        lines += [
            "",
            f"Channels at m={layer}, by quarter of privacy loss (rows) and utility (columns):",
            "",
            "| | worst | second | third | best |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        names = ("leakiest", "second", "third", "least leaky")
        for name, counts in zip(names, found.counts, strict=True):
            lines.append(f"| {name} | {' | '.join(map(str, counts))} |")
    return lines


def recall(scores: Sequence[Scores], utility: np.ndarray, with_paper: bool) -> list[str]:
    """Figure 11: what pruning by each criterion finds of the worst quarter and half, against chance."""
    depth, most = len(utility), max(one.minibatches for one in scores)
    repeats = len({one.repeat for one in scores})
    criteria = [one for one in channel_scores.CRITERIA if one != channel_scores.RANDOM]
    lines = [
        "## Bad channels that are pruned (figure 11)",
        "",
        f"Mean and standard deviation over {repeats} draws of {most * channel_scores.BATCH_SIZE:,} images. "
        "'At random' is exact; beside it are as many random orders of the channels.",
    ]
    pruned_counts = [depth * share // 8 for share in (2, 3, 4, 5, 6)]
    for worst in (depth // 4, depth // 2):
        lines += [
            "",
            f"| pruned of {depth} | {' | '.join(f'{worst} worst by {name}' for name in criteria)} "
            "| at random | random orders | paper |",
            "| ---: |" + " ---: |" * (len(criteria) + 3),
        ]
        means, deviations = pruning_study.random_recall(depth, worst)
        recalls = {
            name: pruning_study.recall(channel_scores.matrix(scores, name, most), utility, worst)
            for name in channel_scores.CRITERIA
        }
        for pruned in pruned_counts:
            cells = [_spread(recalls[name][:, pruned]) for name in criteria]
            cells += [f"{means[pruned]:.1%} ± {deviations[pruned]:.1%}"]
            cells += [_spread(recalls[channel_scores.RANDOM][:, pruned])]
            stated = with_paper and (worst, pruned) == (32, 64)
            cells += [" / ".join(f"{name} {value:.1%}" for name, value in _PAPER_RECALL.items())] * stated
            lines.append(f"| {pruned} | {' | '.join(cells + [''] * (not stated))} |")
    half, quarter = depth // 2, depth // 4
    mean = pruning_study.recall(channel_scores.matrix(scores, DISCRIMINABILITY, most), utility, quarter).mean(
        axis=0
    )[half]
    reduction = pruning_study.bad_channel_reduction(mean, half / depth)
    paper = " (paper: 33.5 % in the text; its two recalls give 39.0 %)" * with_paper
    return [
        *lines,
        "",
        f"Drawing from the {depth - half} channels that J leaves instead of {depth - half} random ones, the "
        f"probability of one of the {quarter} worst is {reduction:.1%} lower{paper}.",
    ]


def samples(scores: Sequence[Scores], utility: np.ndarray, with_paper: bool) -> list[str]:
    """Figure 12: J from fewer images."""
    depth = len(utility)
    half, quarter = depth // 2, depth // 4
    lines = [
        "## Images that J needs (figure 12)",
        "",
        f"With {half} of {depth} channels pruned. Stability: over pairs of draws.",
        "",
        f"| minibatches | images | pruned of the {quarter} worst | pruned of the {half} worst "
        "| rank correlation of two draws | pruned by both | processor seconds | paper |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for count in sorted({one.minibatches for one in scores}):
        matrix = channel_scores.matrix(scores, DISCRIMINABILITY, count)
        correlation, overlap = pruning_study.stability(matrix, half)
        recalls = [pruning_study.recall(matrix, utility, worst)[:, half] for worst in (quarter, half)]
        lines.append(
            f"| {count} | {count * channel_scores.BATCH_SIZE:,} | {' | '.join(map(_spread, recalls))} "
            f"| {correlation:.3f} | {overlap:.1%} | {_seconds(scores, DISCRIMINABILITY, count):.2f} "
            f"| {'very similar' if with_paper else ''} |"
        )
    return lines


def price(scores: Sequence[Scores], utility: np.ndarray, extra_macs: tuple[int, int]) -> list[str]:
    """What each criterion costs, and how well it orders the channels.

    Args:
        scores: by all criteria.
        utility: [D].
        extra_macs: of the FEN and of J; see ``ranking.extra_macs``.
    """
    depth, most = len(utility), max(one.minibatches for one in scores)
    lines = [
        "## Price of a criterion (appendix E)",
        "",
        "Seconds are the processor's, of the scores alone; every criterion needs the representations of all "
        f"channels first. Those cost {extra_macs[0] / 1e9:,.1f} G multiply-accumulates more than the "
        f"released channels' alone, and J itself {extra_macs[1] / 1e9:,.1f} G by the paper's formula.",
        "",
        "| criterion | processor seconds | rank correlation with utility "
        f"| pruned of the {depth // 4} worst, {depth // 2} of {depth} pruned |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name in channel_scores.CRITERIA:
        matrix = channel_scores.matrix(scores, name, most)
        correlations = [pruning_study.rank_correlation(values, utility) for values in matrix]
        recalls = pruning_study.recall(matrix, utility, depth // 4)[:, depth // 2]
        lines.append(
            f"| {name} | {_seconds(scores, name, most):.2f} | {np.mean(correlations):.2f} ± "
            f"{np.std(correlations, ddof=1):.2f} | {_spread(recalls)} |"
        )
    return lines


def sets(results: Mapping[str, Measured], kept: Mapping[str, int], with_paper: bool) -> list[str]:
    """Figure 13 and table 13(b): sets of channels in the three settings.

    Args:
        results: by setting.
        kept: setting -> number of channels that the sets are drawn from.
        with_paper: whether the layer, the depth and the numbers of pruned channels are the paper's.
    """
    number = len(results[pruning_sets.ALL].utility)
    average = results[pruning_sets.ALL].privacy_loss.mean()
    lines = [
        "## Sets of channels with and without pruning (figure 13, table 13(b))",
        "",
        f"{number} random sets in each setting. 'Below' counts the sets that leak less than the average of "
        "unpruned ones. Pruning by characterization chooses channels by the same test images as the sets "
        "are measured on, which flatters it; discriminability never sees them.",
        "",
        "| setting | channels left | utility | paper | privacy loss (dB) | paper | below |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for setting, found in results.items():
        papers = _PAPER_SETS[setting] if with_paper else ("", "")
        lines.append(
            f"| {setting} | {kept[setting]} | {found.utility.mean():.3f} ± {found.utility.std(ddof=1):.3f} "
            f"| {papers[0]} | {found.privacy_loss.mean():.2f} ± {found.privacy_loss.std(ddof=1):.2f} "
            f"| {papers[1]} | {np.sum(found.privacy_loss < average)} of {number} |"
        )
    lines += [
        "",
        "Differences over pairs of sets, with 95 % bootstrap intervals:",
        "",
        "| difference | utility | paper | privacy loss (dB) | paper |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for first, second in pruning_sets.COMPARISONS:
        papers = _PAPER_DIFFERENCES[first, second] if with_paper else ("", "")
        utility = pruning_sets.difference(results, first, second, lambda found: found.utility)
        loss = pruning_sets.difference(results, first, second, lambda found: found.privacy_loss)
        lines.append(
            f"| {first} minus {second} | {_interval(utility, 3)} | {papers[0]} | {_interval(loss, 2)} "
            f"| {papers[1]} |"
        )
    return lines


def _seconds(scores: Sequence[Scores], criterion: str, minibatches: int) -> float:
    return float(
        np.mean(
            [one.seconds for one in scores if (one.criterion, one.minibatches) == (criterion, minibatches)]
        )
    )


def _spread(values: np.ndarray) -> str:
    return f"{values.mean():.1%} ± {values.std(ddof=1):.1%}"


def _interval(interval: Interval, digits: int) -> str:
    return f"{interval.value:+.{digits}f} ({interval.low:+.{digits}f} to {interval.high:+.{digits}f})"
