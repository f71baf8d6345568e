import random

import pytest

from privynet_tf.planning import strategies
from privynet_tf.planning.candidates import Candidate, Spread
from privynet_tf.planning.plans import Limits


def topology(num_layers, depth, utility, psnr=16.0, std=None, latency=1.0):
    macs = 1000 * num_layers + depth
    sets = 1 if std is None else 5
    return Candidate(
        num_layers, depth, Spread(utility, std, sets), Spread(psnr, std, sets), macs, 1, latency, 1
    )


def random_topologies(generator, spread=True):
    """A table in which the privacy loss grows with D' and falls with m, and the utility is anything."""
    return [
        topology(
            num_layers,
            depth,
            generator.uniform(0.3, 0.8),
            20 - num_layers + depth + generator.uniform(-0.5, 0.5),
            generator.uniform(0.0, 0.1) if spread and generator.random() < 0.7 else None,
            generator.choice((1.0, 2.0, 3.0)),
        )
        for num_layers in range(1, 7)
        for depth in (1, 2, 4, 8)
        if generator.random() < 0.7
    ] or [topology(1, 1, 0.5)]


@pytest.mark.parametrize(
    ("shallow_std", "deep_std", "gain", "level"),
    [
        (0.02, 0.01, 0.021, "high"),
        (0.02, 0.01, 0.019, "low"),  # the larger spread counts
        (0.01, 0.02, 0.019, "low"),
        (0.03, None, 0.025, "low"),  # and the only one
        (None, 0.001, 0.005, "high"),
        (None, None, 0.020, "high"),  # with none, the paper's 1.9 points
        (None, None, 0.018, "low"),
        (0.0, 0.0, -0.3, "low"),
    ],
)
def test_requirement_is_high_where_depth_buys_more_than_the_draw_of_channels(
    shallow_std, deep_std, gain, level
):
    feasible = [topology(2, 4, 0.5, std=shallow_std), topology(6, 4, 0.5 + gain, std=deep_std)]
    found = strategies.requirement(feasible)
    assert found.level == level
    assert found.choice == feasible[1 if level == "high" else 0]
    assert found.gain == pytest.approx(gain)


def test_largest_output_depths_are_compared():
    feasible = [topology(2, 2, 0.1), topology(2, 8, 0.7), topology(6, 4, 0.72), topology(6, 1, 0.9)]
    found = strategies.requirement(feasible)
    assert (found.shallow, found.deep) == (feasible[1], feasible[2])


def test_tolerance_can_be_given():
    feasible = [topology(2, 4, 0.5, std=0.2), topology(6, 4, 0.55, std=0.2)]
    assert strategies.requirement(feasible).level == "low"
    assert strategies.requirement(feasible, tolerance=0.04).level == "high"
    assert strategies.requirement(feasible, tolerance=0.0).level == "high"


def test_one_number_of_layers_leaves_no_question():
    found = strategies.requirement([topology(6, 4, 0.5), topology(6, 8, 0.7)])
    assert (found.level, found.choice.output_depth) == ("either", 8)


def test_never_worse_than_the_better_of_its_two_candidates_by_more_than_the_tolerance():
    generator = random.Random(0)
    levels = set()
    for _ in range(200):
        found = strategies.requirement(random_topologies(generator))
        better = max(found.shallow.utility.mean, found.deep.utility.mean)
        assert found.choice.utility.mean >= better - found.tolerance
        levels.add(found.level)
    assert levels >= {"high", "low"}


def test_where_high_ends():
    """Deep topologies are better up to 20 dB; above, all reach 0.8."""
    known = [
        topology(num_layers, depth, min(0.8, 0.5 + 0.03 * num_layers + 0.02 * depth), psnr)
        for num_layers, depth, psnr in (
            (1, 1, 15.0),
            (1, 4, 20.0),
            (1, 16, 25.0),
            (6, 4, 15.0),
            (6, 8, 20.0),
            (6, 16, 25.0),
        )
    ]
    assert strategies.low_from(known, Limits(99)) == 25.0
    assert strategies.low_from(known, Limits(1)) == 25.0  # whatever is allowed now
    assert strategies.low_from(known, Limits(99), tolerance=0.3) == 15.0
    assert strategies.low_from(known, Limits(99, max_macs=6004)) == 25.0  # D'=8 at m=6 is out, D'=4 is in
    assert strategies.low_from(known, Limits(99, max_macs=5000)) == 15.0
    assert strategies.low_from(known[:2] + known[3:5], Limits(99)) is None


def test_boundary_is_found_by_asking_at_every_level():
    generator = random.Random(1)
    found = []
    for _ in range(50):
        known = random_topologies(generator)
        levels = {
            limit / 10: strategies.requirement(feasible).level
            for limit in range(100, 310)
            if (feasible := [one for one in known if one.privacy_loss.mean <= limit / 10])
        }
        highs = [limit for limit, level in levels.items() if level == "high"]
        low_from = strategies.low_from(known, Limits(1))
        if low_from is None:
            assert max(highs) == 30.9
        elif highs:
            assert low_from - 0.1 <= max(highs) < low_from
        else:
            assert low_from == min(one.privacy_loss.mean for one in known)
        found.append((low_from is None, bool(highs)))
    assert len(set(found)) == 3


def test_order_by_utility():
    ranked = [
        topology(6, 8, 0.7, 15.0),
        topology(2, 4, 0.6, 14.0),
        topology(1, 4, 0.6, 15.0),
        topology(3, 4, 0.6, 15.0),
    ]
    assert strategies.by_utility(ranked[::-1]) == ranked


def test_front_by_brute_force():
    generator = random.Random(2)
    for _ in range(50):
        topologies = random_topologies(generator)
        front = strategies.front(topologies, lambda one: one.latency_ms)
        for one in topologies:
            beaten = any(
                other.utility.mean >= one.utility.mean
                and other.privacy_loss.mean <= one.privacy_loss.mean
                and other.latency_ms <= one.latency_ms
                and (
                    other.utility.mean > one.utility.mean
                    or other.privacy_loss.mean < one.privacy_loss.mean
                    or other.latency_ms < one.latency_ms
                )
                for other in topologies
            )
            assert (one in front) == (not beaten)


def test_equal_topologies_are_both_on_the_front():
    topologies = [topology(5, 4, 0.6), topology(6, 4, 0.6), topology(4, 4, 0.5)]
    assert strategies.front(topologies, lambda one: 0.0) == topologies[:2]
