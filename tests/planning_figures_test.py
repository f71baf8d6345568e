import dataclasses

import pytest

from privynet_tf.planning import planning_figures
from privynet_tf.planning.candidates import Candidate, Spread
from privynet_tf.planning.plans import Limits


def topology(num_layers, depth, utility, psnr, latency=None, size=None, **changes):
    return Candidate(
        num_layers,
        depth,
        Spread(utility, 0.01, 3),
        Spread(psnr, 0.5, 3),
        1_000_000 * num_layers,
        2000 * depth,
        latency,
        size,
        **changes,
    )


TOPOLOGIES = [
    topology(1, 4, 0.6, 24.0, 0.1, 4_000),
    topology(6, 4, 0.5, 16.0, 2.0, 400_000),
    topology(6, 8, 0.7, 18.0, 3.0, 500_000),
    topology(5, 8, 0.65, 19.0, 3.5, 500_000),  # beaten by the one before
]
UNMEASURED = [dataclasses.replace(one, latency_ms=None, bytes=None) for one in TOPOLOGIES]
LIMITS = Limits(18.5, max_latency_ms=2.5, max_bytes=450_000, max_macs=7_000_000)


def markers(panel):
    """Points drawn as (x, y, filled); not the ring."""
    return {
        (line.get_xdata()[0], round(line.get_ydata()[0], 6), line.get_markerfacecolor() != "white")
        for line in panel.lines
        if line.get_linestyle() == "None" and line.get_markerfacecolor() != "none"
    }


def rings(panel):
    return [
        (line.get_xdata()[0], line.get_ydata()[0])
        for line in panel.lines
        if line.get_markerfacecolor() == "none"
    ]


def limits(panel):
    """Where dashed lines stand: x of vertical ones, y of level ones."""
    dashed = [line for line in panel.lines if line.get_linestyle() == "--"]
    vertical = [line.get_xdata()[0] for line in dashed if line.get_xdata()[0] == line.get_xdata()[1]]
    level = [line.get_ydata()[0] for line in dashed if line.get_ydata()[0] == line.get_ydata()[1]]
    return vertical, level


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_figure_8():
    figure = planning_figures.privacy_against_cost(TOPOLOGIES, LIMITS, TOPOLOGIES[1])
    time, storage = figure.axes
    assert time.get_xlabel() == "latency of an image (ms)"
    assert storage.get_xlabel() == "file of the FEN (kB)"
    assert time.get_ylabel() == "privacy loss: PSNR (dB)"
    losses = (24.0, 16.0, 18.0, 19.0)
    filled = (False, True, False, False)  # the third is too slow and too large
    assert markers(time) == set(zip((0.1, 2.0, 3.0, 3.5), losses, filled, strict=True))
    assert markers(storage) == set(zip((4.0, 400.0, 500.0, 500.0), losses, filled, strict=True))
    assert limits(time) == ([2.5], [18.5])
    assert limits(storage) == ([450.0], [18.5])
    assert (rings(time), rings(storage)) == ([(2.0, 16.0)], [(400.0, 16.0)])
    assert legend(figure) == ["m=1", "m=5", "m=6", "exceeds a limit", "limit", "the plan: m=6, D'=4"]


def test_without_costs_macs_and_parameters_are_drawn():
    figure = planning_figures.privacy_against_cost(UNMEASURED, Limits(18.5, max_macs=7_000_000))
    time, storage = figure.axes
    assert time.get_xlabel() == "multiply-accumulates of an image (millions)"
    assert storage.get_xlabel() == "parameters (thousands)"
    assert {x for x, _, _ in markers(time)} == {1.0, 5.0, 6.0}
    assert {x for x, _, _ in markers(storage)} == {8.0, 16.0}
    assert limits(time) == ([7.0], [18.5])
    assert limits(storage) == ([], [18.5])
    assert rings(time) == []
    assert not any(text.startswith("the plan") for text in legend(figure))


def test_topologies_without_a_cost_are_left_out_where_others_have_one():
    mixed = [*TOPOLOGIES[:2], UNMEASURED[2]]
    for draw in (planning_figures.privacy_against_cost, planning_figures.pareto_front):
        assert len(markers(draw(mixed, LIMITS).axes[0])) == 2


def test_interpolated_topologies_are_drawn_only_if_chosen():
    loss = Spread(17.0, None, 0)
    guess = dataclasses.replace(TOPOLOGIES[1], output_depth=6, privacy_loss=loss, latency_ms=2.2)
    for draw in (planning_figures.privacy_against_cost, planning_figures.pareto_front):
        for chosen, count in ((None, 4), (TOPOLOGIES[1], 4), (guess, 5)):
            figure = draw([*TOPOLOGIES, guess], LIMITS, chosen)
            assert [len(markers(panel)) for panel in figure.axes[:2]] == [count, count]


def test_pareto_front():
    figure = planning_figures.pareto_front(TOPOLOGIES, LIMITS, TOPOLOGIES[1])
    privacy, time, *bars = figure.axes
    assert privacy.get_xlabel() == "privacy loss: PSNR (dB)"
    assert time.get_xlabel() == "latency of an image (ms)"
    assert privacy.get_ylabel() == "utility: test accuracy (%)"
    assert markers(privacy) == {
        (24.0, 60.0, False),
        (16.0, 50.0, True),
        (18.0, 70.0, False),
        (19.0, 65.0, False),
    }
    assert (limits(privacy), limits(time)) == (([18.5], []), ([2.5], []))
    assert (rings(privacy), rings(time)) == ([(16.0, 50.0)], [(2.0, 50.0)])
    assert len(bars) == 2
    for panel in (privacy, time):
        assert [text.get_text() for text in panel.texts] == ["4", "4", "8"]  # D' of what no other beats
        grey = [line.get_ydata()[0] for line in panel.lines if line.get_color() == "0.75"]
        assert grey == [65.0]


@pytest.mark.parametrize("limits", [Limits(18.5), Limits(10)])
def test_one_topology(limits):
    """A colour bar of one value, and no choice."""
    for draw in (planning_figures.privacy_against_cost, planning_figures.pareto_front):
        figure = draw(TOPOLOGIES[1:2], limits)
        figure.canvas.draw()
        assert len(markers(figure.axes[0])) == 1
