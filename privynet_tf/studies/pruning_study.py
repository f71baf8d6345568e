"""How well scores find bad channels, and whether useful channels leak (figures 10, 11 and 12 of the paper).

From tables alone: scores of channels, and measured utility and privacy loss of single channels.
"""

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import scipy.stats

from privynet_tf.errors import InputError

LEAST_CHANNELS = 8
"""That ``relation`` can cut into quarters."""


def recall(scores: np.ndarray, utility: np.ndarray, worst: int) -> np.ndarray:
    """How many of the worst channels are pruned with the lowest scores (figures 11 and 12).

    Args:
        scores: [R, D].
        utility: [D], measured; of equal ones the lower channel is worse.
        worst: how many channels count as such.

    Returns:
        [R, D + 1]: the fraction of the ``worst`` that is among the 0 to D channels with the lowest scores.
    """
    bad = np.zeros(len(utility))
    bad[np.argsort(utility, kind="stable")[:worst]] = 1 / worst
    found = np.cumsum(bad[np.argsort(scores, axis=1, kind="stable")], axis=1)
    return np.pad(found, ((0, 0), (1, 0)))


def random_recall(depth: int, worst: int) -> tuple[np.ndarray, np.ndarray]:
    """Exact mean and standard deviation [D + 1] of ``recall`` when 0 to D channels are pruned at random.

    The number of worst channels among the pruned ones is hypergeometric.
    """
    share = np.arange(depth + 1) / depth
    variance = share * (1 - share) * (depth - worst) / (depth - 1) / worst
    return share, np.sqrt(variance)


def bad_channel_reduction(recall: float, other: float) -> float:
    """By how much it lowers the probability to draw a bad channel from the rest (section 3.5).

    Args:
        recall: of the worst channels, pruned by scores.
        other: the same with another pruning of equally many channels, such as a random one.
    """
    return 1 - (1 - recall) / (1 - other)


def stability(scores: np.ndarray, pruned: int) -> tuple[float, float]:
    """How alike repeats [R, D] are: means over pairs of Spearman's correlation and of the overlap.

    The overlap is the fraction of the ``pruned`` channels with the lowest scores that two share.
    """
    ranks = np.corrcoef(scipy.stats.rankdata(scores, axis=1))
    lowest = [set(order[:pruned]) for order in np.argsort(scores, axis=1, kind="stable")]
    pairs = list(itertools.combinations(range(len(scores)), 2))
    overlaps = [len(lowest[i] & lowest[j]) / pruned for i, j in pairs]
    return float(np.mean([ranks[pair] for pair in pairs])), float(np.mean(overlaps))


def rank_correlation(one: np.ndarray, other: np.ndarray, axis: int = -1) -> np.ndarray:
    """Spearman's, over an axis; NaN where all values are equal."""
    ranks = [scipy.stats.rankdata(values, axis=axis) for values in (one, other)]
    x, y = (values - values.mean(axis=axis, keepdims=True) for values in ranks)
    return (x * y).sum(axis=axis) / np.sqrt((x**2).sum(axis=axis) * (y**2).sum(axis=axis))


@dataclasses.dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % confidence interval."""

    value: float
    low: float
    high: float


def bootstrap(samples: tuple[np.ndarray, ...], statistic: Callable, seed: int = 0) -> Interval:
    """A statistic of paired samples [n] and its bootstrap interval, from percentiles.

    With some ten pairs such intervals are a little too narrow.

    Args:
        samples: of equal length.
        statistic: function of them that takes ``axis``.
        seed: of the resampling.
    """
    found = scipy.stats.bootstrap(
        samples,
        statistic,
        paired=True,
        method="percentile",
        n_resamples=4999,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(statistic(*samples)), float(found.low), float(found.high))


@dataclasses.dataclass(frozen=True)
class Relation:
    """Utility and privacy loss of the single channels of a layer (Fig. 10).

    Attributes:
        channels: measured on both sides.
        counts: [4, 4]; of the i-th quarter by privacy loss, the leakiest first, how many are in the
            j-th by utility, the worst first.
        expected: of the first count, if the two were independent.
        expected_range: which would then hold the first count with 95 % probability.
        correlation: Spearman's, of utility and privacy loss.
    """

    channels: int
    counts: np.ndarray
    expected: float
    expected_range: tuple[int, int]
    correlation: Interval


def relation(utility: np.ndarray, privacy_loss: np.ndarray) -> Relation:
    """Of [D] utilities and privacy losses; channels with a NaN are left out.

    Raises:
        InputError: if fewer than ``LEAST_CHANNELS`` are left.
    """
    both = ~np.isnan(utility) & ~np.isnan(privacy_loss)
    utility, privacy_loss = utility[both], privacy_loss[both]
    if len(utility) < LEAST_CHANNELS:
        raise InputError(
            f"quarters need at least {LEAST_CHANNELS} channels with both measures. Received: {len(utility)}"
        )
    leaky = np.array_split(np.argsort(-privacy_loss, kind="stable"), 4)
    bad = np.array_split(np.argsort(utility, kind="stable"), 4)
    counts = np.array([[np.intersect1d(one, other).size for other in bad] for one in leaky])
    sizes = len(utility), len(leaky[0]), len(bad[0])
    low, high = scipy.stats.hypergeom(*sizes).interval(0.95)
    correlation = bootstrap((utility, privacy_loss), rank_correlation)
    return Relation(len(utility), counts, sizes[1] * sizes[2] / sizes[0], (int(low), int(high)), correlation)
