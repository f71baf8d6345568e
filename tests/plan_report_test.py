import dataclasses

import pytest

from privynet_tf.planning import plan_report, planner
from privynet_tf.planning.candidates import Candidate, Candidates, Spread
from privynet_tf.planning.plans import Limits


def topology(num_layers, depth, utility, psnr, **changes):
    return Candidate(
        num_layers, depth, Spread(utility, 0.01, 3), Spread(psnr, 0.5, 3), 1_000_000, 2000, **changes
    )


AVAILABLE = Candidates(
    "vgg16",
    {"images": "cifar10", "train_images": 1000},
    {"format": "float32", "device": "phone"},
    (
        topology(5, 4, 0.69, 16.5, latency_ms=2.0, bytes=300_000),
        topology(5, 2, 0.50, 14.0, latency_ms=1.9, bytes=290_000),
        topology(6, 4, 0.66, 16.0, latency_ms=2.5, bytes=400_000),
        topology(4, 2, 0.60, 16.9, latency_ms=1.5, bytes=100_000),
        topology(4, 1, 0.60, 16.9),
    ),
    incomplete=2,
)
LIMITS = Limits(17, max_latency_ms=3)


def text(**changes):
    return "\n".join(plan_report.lines(planner.choose(LIMITS, AVAILABLE, **changes)))


def test_promises_beside_limits():
    found = text()
    for line in (
        "# Plan: the first 6 layers of vgg16, 4 channels",
        "| utility (test accuracy) | 66.0% ± 1.0 over 3 channel sets |  |",
        "| privacy loss (PSNR) | 16.00 dB ± 0.50 over 3 channel sets | 17.00 dB |",
        "| latency of an image | 2.5 ms | 3 ms |",
        "| file | 400,000 bytes |  |",
        "| multiply-accumulates | 1,000,000 |  |",
        "- Platform: format float32, device phone.",
    ):
        assert line in found.splitlines()
    assert "Measured: images cifar10, train_images 1000." in found
    assert "from 4 topologies by the hierarchical strategy; 3 more were left out" in found
    assert plan_report.PRIVATE in found


def test_other_formats_were_not_characterized():
    other = dataclasses.replace(AVAILABLE, platform={"format": "int8"})
    warning = "measured with float32; int8 may change both"
    assert warning in "\n".join(plan_report.lines(planner.choose(LIMITS, other)))
    assert "may change both" not in text()


def test_every_step_stands_in_the_report():
    plan = planner.choose(LIMITS, AVAILABLE)
    found = "\n".join(plan_report.lines(plan))
    for number, step in enumerate(plan.steps, start=1):
        assert f"{number}. **{step.what}: {step.chosen}.** {step.why}" in found
        for other in step.over:
            assert other in found


def test_regret():
    expected = (
        "Regret of the hierarchical strategy: 3.0 points. It takes m=6, D'=4 with 66.0%; the best measured "
        "within the limits is m=5, D'=4 with 69.0%"
    )
    assert expected in text()
    assert expected in text(strategy="pareto")
    assert "# Plan: the first 5 layers" in text(strategy="pareto")
    assert "Regret: none." in "\n".join(
        plan_report.lines(
            planner.choose(LIMITS, dataclasses.replace(AVAILABLE, topologies=AVAILABLE.topologies[:1]))
        )
    )


def test_what_was_not_measured_is_not_promised():
    one = dataclasses.replace(
        AVAILABLE.topologies[0],
        latency_ms=None,
        bytes=None,
        utility=Spread(0.6, None, 1),
        privacy_loss=Spread(16.0, None, 0),
        interpolated=("utility and privacy loss between D'=2 and D'=8",),
    )
    plan = planner.choose(
        Limits(17), dataclasses.replace(AVAILABLE, topologies=(one,), platform={}, incomplete=0)
    )
    found = "\n".join(plan_report.lines(plan))
    assert "60.0% (one channel set)" in found
    assert "16.00 dB (interpolated)" in found
    assert "Interpolated: utility and privacy loss between D'=2 and D'=8." in found
    for absent in ("latency of an image", "| file", "Platform", "left out"):
        assert absent not in found


def test_infeasible_limits_are_answered():
    with pytest.raises(planner.InfeasibleLimits) as caught:
        planner.choose(Limits(15, max_latency_ms=1.7), AVAILABLE)
    lines = plan_report.infeasible(caught.value)
    assert lines[0] == "# No plan: the limits cannot be met"
    assert lines[2].startswith("None of 4 topologies of vgg16 meets --max_psnr=15, --max_latency_ms=1.7; ")
    assert (
        "| --max_psnr of 16.90 dB | m=4, D'=2 | utility 60.0%, 16.90 dB, 1 M MACs, 1.5 ms, 100,000 bytes |"
        in lines
    )
    slower = "m=5, D'=2 | utility 50.0%, 14.00 dB, 1 M MACs, 1.9 ms, 290,000 bytes"
    assert f"| --max_latency_ms of 1.9 ms | {slower} |" in lines
