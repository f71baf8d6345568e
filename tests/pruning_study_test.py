import numpy as np
import pytest
import scipy.stats

from privynet_tf.errors import InputError
from privynet_tf.studies import pruning_study


def test_recall_is_the_fraction_of_the_worst_that_is_pruned():
    generator = np.random.default_rng(0)
    scores, utility = generator.normal(size=(3, 12)), generator.normal(size=12)
    found = pruning_study.recall(scores, utility, 5)
    assert found.shape == (3, 13)
    worst = sorted(range(12), key=lambda channel: utility[channel])[:5]
    for repeat in range(3):
        for pruned in range(13):
            lowest = sorted(range(12), key=lambda channel: scores[repeat, channel])[:pruned]
            expected = sum(channel in worst for channel in lowest) / 5
            assert found[repeat, pruned] == pytest.approx(expected)


def test_random_recall_is_hypergeometric_and_what_random_orders_give():
    mean, deviation = pruning_study.random_recall(16, 4)
    for pruned in range(1, 16):
        exact = scipy.stats.hypergeom(16, 4, pruned)
        assert mean[pruned] == pytest.approx(exact.mean() / 4)
        assert deviation[pruned] == pytest.approx(exact.std() / 4)
    orders = np.random.default_rng(0).random((4000, 16))
    drawn = pruning_study.recall(orders, np.arange(16), 4)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(drawn.std(axis=0), deviation, atol=0.02)


def test_reduction_that_the_papers_recalls_give():
    assert pruning_study.bad_channel_reduction(0.697, 0.503) == pytest.approx(0.390, abs=1e-3)
    assert pruning_study.bad_channel_reduction(0.5, 0.5) == 0


def test_rank_correlation_is_spearmans():
    one, other = np.random.default_rng(0).integers(0, 5, (2, 3, 20))  # with ties
    expected = [scipy.stats.spearmanr(*pair).statistic for pair in zip(one, other, strict=True)]
    np.testing.assert_allclose(pruning_study.rank_correlation(one, other), expected)


def test_stability_over_pairs_of_repeats():
    ascending, reverse = np.arange(8.0), np.arange(8.0)[::-1]
    assert pruning_study.stability(np.stack([ascending, 2 * ascending]), 4) == pytest.approx((1, 1))
    correlation, overlap = pruning_study.stability(np.stack([ascending, ascending, reverse]), 4)
    assert correlation == pytest.approx((1 - 1 - 1) / 3)
    assert overlap == pytest.approx(1 / 3)


def test_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(1).normal(2, 1, 400)
    found = pruning_study.bootstrap((values,), np.mean)
    half = 1.96 * values.std() / 20
    assert found.value == values.mean()
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.012)
    assert found == pruning_study.bootstrap((values,), np.mean)


def test_interval_of_equal_values_is_a_point():
    assert pruning_study.bootstrap((np.full(5, 0.25),), np.mean) == pruning_study.Interval(0.25, 0.25, 0.25)


def test_relation_of_opposite_orders():
    utility = np.arange(16.0)
    found = pruning_study.relation(utility, 20 - utility)  # the worst are the leakiest
    np.testing.assert_array_equal(found.counts, 4 * np.eye(4, dtype=int))
    assert found.expected == 1.0
    assert found.correlation.value == pytest.approx(-1)


def test_relation_of_what_is_measured():
    generator = np.random.default_rng(0)
    utility, loss = generator.normal(size=42), generator.normal(size=42)
    loss[3] = utility[17] = np.nan
    found = pruning_study.relation(utility, loss)
    measured = [channel for channel in range(42) if channel not in (3, 17)]
    leakiest = sorted(measured, key=lambda channel: -loss[channel])[:10]
    worst = sorted(measured, key=lambda channel: utility[channel])[:10]
    assert found.channels == 40
    assert found.counts[0, 0] == len(set(leakiest) & set(worst))
    assert found.counts.sum() == 40
    assert found.expected == 2.5
    low, high = found.expected_range
    chance = scipy.stats.hypergeom(40, 10, 10)
    assert chance.cdf(high) - chance.cdf(low - 1) >= 0.95
    expected = scipy.stats.spearmanr(utility[measured], loss[measured]).statistic
    assert found.correlation.value == pytest.approx(expected)
    assert found.correlation.low < expected < found.correlation.high


def test_too_few_channels_for_quarters():
    with pytest.raises(InputError, match="at least 8 channels with both measures. Received: 7"):
        pruning_study.relation(np.append(np.arange(7.0), np.nan), np.arange(8.0))
