import random

import pytest

from privynet_tf import tables
from privynet_tf.errors import InputError
from privynet_tf.planning import planner
from privynet_tf.planning.candidates import Candidate, Candidates, Spread
from privynet_tf.planning.plans import Limits, Plan, PruningNumbers
from privynet_tf.planning.selection import Selection

FIGURE_22 = {
    1: {64: 28.7, 32: 28.2, 16: 26.1, 8: 24.7, 4: 24.1, 2: 20.7},
    2: {64: 28.9, 32: 28.0, 16: 25.9, 8: 23.9, 4: 22.4, 2: 19.9},
    3: {64: 25.2, 32: 26.7, 16: 24.8, 8: 22.8, 4: 21.2, 2: 19.3},
    4: {128: 26.8, 64: 25.5, 32: 24.5, 16: 22.0, 8: 19.9, 4: 18.1, 2: 16.7},
    5: {128: 23.0, 64: 22.9, 32: 20.3, 16: 19.2, 8: 18.3, 4: 16.7, 2: 13.9},
    6: {128: 20.4, 64: 19.4, 32: 18.1, 16: 18.1, 8: 16.8, 4: 15.8, 2: 13.5},
}
"""m -> D' -> PSNR in dB of one test image, figure 22 of the paper."""

FIGURE_8_M1 = {64: 34.0, 32: 33.0, 16: 31.5, 8: 29.5, 4: 27.5, 2: 24.0}
"""TEST VALUES for means over images at m=1, which the paper has only as points of figure 8. Its text takes
D'=4 at m=1 for 28 dB: so D'=4 is within and D'=8 is not, and its axis goes up to 35 dB."""

TABLE_13 = {"utility": 0.684, "psnr": 18.3}
"""Means over 20 channel sets at m=6, D'=8, table 13(b)."""

UTILITY = {
    1: {64: 0.82, 32: 0.82, 16: 0.81, 8: 0.81, 4: 0.80, 2: 0.78},
    2: {64: 0.82, 32: 0.82, 16: 0.81, 8: 0.80, 4: 0.79, 2: 0.76},
    3: {64: 0.82, 32: 0.81, 16: 0.80, 8: 0.78, 4: 0.76, 2: 0.72},
    4: {128: 0.82, 64: 0.82, 32: 0.81, 16: 0.79, 8: 0.75, 4: 0.68, 2: 0.58},
    5: {128: 0.82, 64: 0.81, 32: 0.80, 16: 0.77, 8: 0.71, 4: 0.60, 2: 0.50},
    6: {128: 0.81, 64: 0.80, 32: 0.78, 16: 0.74, 8: TABLE_13["utility"], 4: 0.62, 2: 0.45},
}
"""TEST VALUES but for m=6, D'=8: the paper has them only as curves of figure 3. They follow its text: a large
PSNR gives similar utilities, a small one better ones to more layers; utility falls with D' the more the
deeper (m=4, D'=1 has .57 and m=6, D'=1 .36, table 4(c))."""


def row(num_layers, depth, utility, psnr, **changes):
    return dict.fromkeys(column.name for column in tables.COLUMNS) | {
        "network": "vgg16",
        "m": num_layers,
        "D'": depth,
        "channels": tuple(range(depth)),
        "intermediate_channels": (),
        "seed": 0,
        "images": "cifar10",
        "train_images": 50_000,
        "augmented_copies": 0,
        "irn_clusters": 2,
        "image_size": 32,
        "utility": utility,
        "psnr": psnr,
        **changes,
    }


def cost_row(num_layers, depth, latency, size):
    return {
        "network": "vgg16",
        "m": num_layers,
        "D'": depth,
        "intermediate": "",
        "image_size": 32,
        "format": "float32",
        "bytes": size,
        "runtime": "litert",
        "threads": 1,
        "latency_ms": latency,
        "device": "phone",
        "batch": 1,
    }


def rows_of(losses):
    return [
        row(num_layers, depth, UTILITY[num_layers][depth], psnr)
        for num_layers, depths in losses.items()
        for depth, psnr in depths.items()
    ]


@pytest.fixture(scope="module")
def single_image():
    """The paper's PSNRs of one image."""
    return rows_of(FIGURE_22)


@pytest.fixture(scope="module")
def papers():
    """Means: the paper's where it has them, and those of one image where they suit its text."""
    return rows_of(FIGURE_22 | {1: FIGURE_8_M1, 6: FIGURE_22[6] | {8: TABLE_13["psnr"]}})


def random_candidates(generator):
    """Any utilities; privacy loss grows with D' and cost with m."""
    found = tuple(
        Candidate(
            num_layers,
            depth,
            Spread(generator.uniform(0.3, 0.8), None, 1),
            Spread(20 - num_layers + depth + generator.uniform(-0.5, 0.5), None, 1),
            1000 * num_layers + depth,
            1,
            num_layers + generator.random(),
            100 * num_layers + depth,
        )
        for num_layers in range(1, 7)
        for depth in (1, 2, 4, 8)
        if generator.random() < 0.7
    )
    return Candidates("vgg16", {}, {"device": "phone"}, found, 0)


def random_limits(generator):
    return Limits(
        generator.uniform(13, 30),
        generator.choice((None, generator.uniform(1, 8))),
        generator.choice((None, generator.uniform(90, 700))),
        generator.choice((None, generator.uniform(900, 7000))),
    )


def meets(one, limits):
    return (
        one.privacy_loss.mean <= limits.max_psnr
        and (limits.max_latency_ms is None or one.latency_ms <= limits.max_latency_ms)
        and (limits.max_bytes is None or one.bytes <= limits.max_bytes)
        and (limits.max_macs is None or one.macs <= limits.max_macs)
    )


def step(plan, what):
    (found,) = (step for step in plan.steps if step.what == what)
    return found


def test_paper_allows_28_db(papers):
    """Section 3.3: "we choose a shadow FEN, i.e., m = 1 and D' = 4"."""
    plan = planner.plan(Limits(28), papers)
    assert (plan.num_layers, plan.output_depth, plan.requirement) == (1, 4, "low")


def test_paper_allows_17_db(papers):
    """Section 3.3: "although FENs with 4, 5, and 6 layers can all achieve it, we choose m = 6 and D' = 4"."""
    plan = planner.plan(Limits(17), papers)
    assert (plan.num_layers, plan.output_depth, plan.requirement) == (6, 4, "high")
    over = step(plan, "number of layers m").over
    assert [text[:4] for text in over if "within the limits up to" in text] == ["m=4:", "m=5:"]
    assert [text[:4] for text in over if "no output depth meets the limits" in text] == [
        "m=1:",
        "m=2:",
        "m=3:",
    ]
    assert any(
        text.startswith("D'=8: 18.30 dB, above 17.00 dB") for text in step(plan, "output depth D'").over
    )


def test_high_ends_between_the_papers_examples(papers):
    """Below 27.5 dB, where m=1 comes to D'=4."""
    for limit in range(16, 36):
        plan = planner.plan(Limits(limit), papers)
        assert plan.requirement == ("high" if limit < 27.5 else "low")
        assert "never high from 27.50 dB on" in plan.steps[0].why


def test_numbers_of_figure_22_alone(single_image):
    """One image leaks less than the mean at m=6, D'=8 and m=1, D'=8; the number of layers is the paper's."""
    low, high = (planner.plan(Limits(limit), single_image) for limit in (28, 17))
    assert (low.num_layers, low.output_depth) == (1, 16)
    assert (high.num_layers, high.output_depth) == (6, 8)


def test_monotone_tables():
    """Depth pays at every level, so m is the deepest that fits and D' the largest: by brute force."""
    generator = random.Random(0)
    for _ in range(100):
        offset, slope = generator.uniform(0, 3), generator.uniform(0.5, 2)
        rows = [
            row(m, depth, 0.1 * m + 0.001 * depth, 20 + offset - slope * m + depth / 8)
            for m in range(1, 7)
            for depth in (2, 8, 32)
        ]
        costs = [cost_row(m, depth, m + depth / 100, 1000 * m) for m in range(1, 7) for depth in (2, 8, 32)]
        limits = Limits(20 + generator.uniform(0, 5), generator.uniform(1.5, 8))
        fits = [
            (m, depth)
            for m in range(1, 7)
            for depth in (2, 8, 32)
            if 20 + offset - slope * m + depth / 8 <= limits.max_psnr
            and m + depth / 100 <= limits.max_latency_ms
        ]
        if fits:
            plan = planner.plan(limits, rows, costs)
            assert (plan.num_layers, plan.output_depth) == max(fits)
            assert plan.regret == 0


def test_flat_tables():
    """Depth never pays: m is the shallowest that can meet the limits."""
    rows = [row(m, depth, 0.7, 20 - m + depth / 8) for m in range(1, 7) for depth in (2, 8, 32)]
    for limit, expected in ((30, (1, 32)), (21, (1, 8)), (18.3, (2, 2)), (16.9, (4, 2)), (15.3, (5, 2))):
        plan = planner.plan(Limits(limit), rows)
        assert (plan.num_layers, plan.output_depth) == expected


def test_strategies_against_brute_force():
    generator = random.Random(1)
    regrets, infeasible = [], 0
    for _ in range(300):
        available, limits = random_candidates(generator), random_limits(generator)
        feasible = [one for one in available.topologies if meets(one, limits)]
        if not feasible:
            with pytest.raises(planner.InfeasibleLimits):
                planner.choose(limits, available)
            infeasible += 1
            continue
        best = max(one.utility.mean for one in feasible)
        pareto = planner.choose(limits, available, "pareto")
        assert pareto.promised.utility.mean == best
        assert meets(pareto.promised, limits)
        plan = planner.choose(limits, available)
        assert meets(plan.promised, limits)
        assert plan.regret == pareto.regret == best - plan.promised.utility.mean
        assert plan.num_layers in {
            min(one.num_layers for one in feasible),
            max(one.num_layers for one in feasible),
        }
        assert plan.output_depth == max(
            one.output_depth for one in feasible if one.num_layers == plan.num_layers
        )
        regrets.append(plan.regret)
    assert infeasible > 10
    assert min(regrets) == 0
    assert max(regrets) > 0.1


def test_pareto_strategy(papers):
    plan = planner.plan(Limits(17), papers, strategy="pareto")
    assert (plan.num_layers, plan.output_depth, plan.regret) == (6, 4, 0)
    changed = [one | {"utility": 0.66} if (one["m"], one["D'"]) == (5, 4) else one for one in papers]
    plan = planner.plan(Limits(17), changed, strategy="pareto")
    assert (plan.promised.name, plan.hierarchical.name) == ("m=5, D'=4", "m=6, D'=4")
    assert plan.regret == pytest.approx(0.66 - 0.62)
    assert planner.plan(Limits(17), changed).promised.name == "m=6, D'=4"
    assert "best utility of the 5 topologies" in step(plan, "topology").why


def test_nearest_feasible_by_brute_force():
    """Of one limit alone: the least value of those that meet all others."""
    generator = random.Random(2)
    sizes = set()
    for _ in range(300):
        available, limits = random_candidates(generator), random_limits(generator)
        given = limits.given()
        if any(meets(one, limits) for one in available.topologies):
            continue
        with pytest.raises(planner.InfeasibleLimits) as caught:
            planner.choose(limits, available)
        expected = {}
        for name in given:
            without = Limits(**(given | {name: None if name != "max_psnr" else 1e9}))
            met = [one for one in available.topologies if meets(one, without)]
            if met:
                expected[name] = min(Limits(**given).values(one)[name] for one in met)
        bindings = caught.value.bindings
        if expected:
            assert {binding.names[0]: binding.needed[binding.names[0]] for binding in bindings} == expected
        for binding in bindings:
            assert meets(binding.nearest, Limits(**(given | dict(binding.needed))))
            assert not meets(binding.nearest, limits)
            sizes.add(len(binding.names))
    assert sizes >= {1, 2}


def test_infeasible_privacy_names_the_binding_limit(papers):
    with pytest.raises(planner.InfeasibleLimits) as caught:
        planner.plan(Limits(13, max_macs=100_000_000), papers)
    assert str(caught.value) == (
        "none of 39 topologies of vgg16 meets --max_psnr=13, --max_macs=1e+08; --max_psnr binds: the nearest "
        "feasible is 13.50 dB (m=6, D'=2)"
    )


def test_infeasible_together(papers):
    """17 dB needs m=4 at least, with 39.8 million MACs at D'=2; 10 million allow m=2, 3 with D'=16."""
    with pytest.raises(planner.InfeasibleLimits) as caught:
        planner.plan(Limits(17, max_macs=10_000_000), papers)
    privacy, computation = caught.value.bindings
    assert (privacy.names, privacy.nearest.name) == (("max_psnr",), "m=3, D'=2")
    assert privacy.needed == {"max_psnr": 19.3}
    assert (computation.names, computation.nearest.name) == (("max_macs",), "m=4, D'=2")
    assert computation.needed == {"max_macs": 9 * (1024 * (3 * 64 + 64 * 64) + 256 * 64 * 2)}
    assert "; or --max_macs binds: the nearest feasible is 39,813,120 MACs (m=4, D'=2)" in str(caught.value)


def test_two_limits_that_bind_together(papers):
    costs = [cost_row(m, depth, 10.0 * m, 1000 * m) for m in UTILITY for depth in UTILITY[m]]
    with pytest.raises(
        planner.InfeasibleLimits, match="--max_latency_ms and --max_bytes bind together"
    ) as caught:
        planner.plan(Limits(30, max_latency_ms=5, max_bytes=100), papers, costs)
    (binding,) = caught.value.bindings
    assert binding.needed == {"max_latency_ms": 10.0, "max_bytes": 1000}


def test_a_limit_set_to_what_is_needed_is_feasible(papers):
    with pytest.raises(planner.InfeasibleLimits) as caught:
        planner.plan(Limits(13), papers)
    plan = planner.plan(Limits(**caught.value.bindings[0].needed), papers)
    assert (plan.promised.name, plan.requirement) == ("m=6, D'=2", "either")


def test_latency_and_bytes_limit(papers):
    """2 ms an m and 1,000 bytes a channel."""
    costs = [cost_row(m, depth, 2.0 * m, 1000 * depth) for m in UTILITY for depth in UTILITY[m]]
    plan = planner.plan(Limits(17, max_latency_ms=10), papers, costs)
    assert plan.promised.name == "m=5, D'=4"
    assert plan.platform["device"] == "phone"
    assert "m=6: no output depth meets the limits" in step(plan, "number of layers m").over[-1]
    assert planner.plan(Limits(17, max_bytes=2000), papers, costs).output_depth == 2


def test_topologies_without_a_measured_cost_are_not_chosen(papers):
    costs = [cost_row(6, 2, 1.0, 1000), cost_row(6, 64, 9.0, 9000), cost_row(4, 2, 1.0, 500)]
    plan = planner.plan(Limits(17, max_latency_ms=10), papers, costs, utility_tolerance=0)
    assert plan.promised.name == "m=4, D'=2"
    assert (plan.considered, plan.left_out) == (3, 36)
    plan = planner.plan(Limits(17, max_latency_ms=10), papers, costs, interpolate=True)
    assert plan.num_layers == 6
    assert plan.promised.latency_ms == pytest.approx(1 + 8 * (plan.output_depth - 2) / 62)
    # Between 15.8 dB at D'=4 and 18.3 at D'=8: 17 dB are at 5.58.
    assert plan.output_depth == 5
    assert (
        "Interpolated: utility and privacy loss between D'=4 and D'=8; latency"
        in step(plan, "output depth D'").why
    )
    assert "18.00" not in step(plan, "output depth D'").over


def test_without_interpolation_only_measured_depths(papers):
    assert planner.plan(Limits(17), papers).promised.interpolated == ()
    assert planner.plan(Limits(17), papers, interpolate=True).output_depth == 5


def test_margin():
    rows = [row(m, 4, 0.1 * m, 16.0 + shift, channels=(first,) * 4) for m, size in ((5, 0.1), (6, 1.0))
            for first, shift in ((0, -size), (1, size))]  # fmt: skip
    assert planner.plan(Limits(17), rows).num_layers == 6
    assert planner.plan(Limits(17, margin_sigmas=1), rows).num_layers == 5  # 16 + 1.41 is above
    with pytest.raises(
        planner.InfeasibleLimits, match="with --margin_sigmas=10; .* nearest feasible is 17.42"
    ):
        planner.plan(Limits(17, margin_sigmas=10), rows)


def test_margin_needs_a_spread(papers):
    with pytest.raises(InputError, match="--margin_sigmas needs a spread .* Received: 1"):
        planner.plan(Limits(17, margin_sigmas=1), papers)


@pytest.mark.parametrize(
    ("limits", "costs", "message"),
    [
        (Limits(17, max_latency_ms=5), [], "--max_latency_ms must have a cost table to go by; pass --cost"),
        (Limits(17, max_latency_ms=5, max_bytes=5), [], "--max_latency_ms and --max_bytes must have a cost"),
        (
            Limits(17, max_latency_ms=5),
            [cost_row(6, 100, 1.0, 1)],
            "--max_latency_ms must have a measured row to go by, and no topology .*or pass --interpolate",
        ),
        (
            Limits(17, max_bytes=5),
            [cost_row(6, 4, 1.0, None)],
            "--max_bytes must have a measured row to go by",
        ),
    ],
)
def test_limits_without_a_row(papers, limits, costs, message):
    with pytest.raises(InputError, match=message) as caught:
        planner.plan(limits, papers, costs)
    assert not isinstance(caught.value, planner.InfeasibleLimits)
    assert "\n" not in str(caught.value)


def test_macs_need_no_row(papers):
    # m=6, D'=4 takes 9 * (1024 * (3*64 + 64*64) + 256 * (64*128 + 128*4)) of them.
    plan = planner.plan(Limits(17, max_macs=59_572_224), papers)
    assert (plan.promised.name, plan.promised.macs) == ("m=6, D'=4", 59_572_224)
    assert planner.plan(Limits(17, max_macs=59_572_223), papers).promised.name == "m=4, D'=2"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "best"}, r"--strategy must be one of \['hierarchical', 'pareto'\]. Received: 'best'"),
        ({"utility_tolerance": -0.1}, "--utility_tolerance must be from 0 to 1. Received: -0.1"),
        ({"utility_tolerance": 2}, "--utility_tolerance must be from 0 to 1. Received: 2"),
        ({"selection": Selection(network="vgg19")}, "--plan_network must be in the characterization table"),
    ],
)
def test_bad_options(papers, options, message):
    with pytest.raises(InputError, match=message):
        planner.plan(Limits(17), papers, **options)


@pytest.mark.parametrize(
    ("num_layers", "depth", "numbers"),
    [
        (6, 8, PruningNumbers(128, 64, 32)),  # the paper's
        (4, 16, PruningNumbers(128, 64, 32)),
        (1, 4, PruningNumbers(64, 32, 16)),
        (6, 32, PruningNumbers(128, 42, 21)),
        (6, 63, PruningNumbers(128, 1, 0)),
        (6, 100, PruningNumbers(128, 0, 0)),
        (1, 64, PruningNumbers(64, 0, 0)),
    ],
)
def test_pruning_numbers(num_layers, depth, numbers):
    candidate = Candidate(num_layers, depth, Spread(0.5, None, 1), Spread(17, None, 1), 1, 1)
    assert planner.prune("vgg16", candidate) == numbers


@pytest.mark.parametrize("depth", range(1, 129))
def test_pruning_leaves_enough_to_draw_from(depth):
    candidate = Candidate(6, depth, Spread(0.5, None, 1), Spread(17, None, 1), 1, 1)
    assert planner.prune("vgg16", candidate).left >= min(128, 2 * depth)


def test_steps_say_what_over_what_and_why(papers):
    plan = planner.plan(Limits(17), papers)
    assert [one.what for one in plan.steps] == [
        "privacy requirement",
        "number of layers m",
        "output depth D'",
        "pruning",
        "selection",
    ]
    requirement = step(plan, "privacy requirement")
    assert (requirement.chosen, requirement.over) == ("high", ("low",))
    assert "4.0 points more utility" in requirement.why
    assert "62.0% against 58.0%" in requirement.why
    assert "tolerance of 1.9 points (the spread over channel sets in table 13(b)" in requirement.why
    assert "15.80 dB of 17.00 dB allowed" in step(plan, "output depth D'").why
    assert "at least 35,960 sets (15 bits)" in step(plan, "selection").why  # 32 over 4
    for one in plan.steps:
        assert one.over
        assert one.why


def test_all_channels_leave_nothing_to_prune_or_to_draw():
    plan = planner.plan(Limits(30), [row(1, 64, 0.8, 25.0)])
    assert step(plan, "pruning").chosen == "none of 64 channels"
    assert "All channels of the layer are released" in step(plan, "selection").why


def test_plan_survives_json(papers):
    for strategy in ("hierarchical", "pareto"):
        plan = planner.plan(Limits(17, max_macs=10**8), papers, strategy=strategy)
        assert Plan.from_json(plan.to_json()) == plan
