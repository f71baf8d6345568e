import dataclasses
import json
import math

import pytest

from privynet_tf.errors import InputError
from privynet_tf.planning import plans
from privynet_tf.planning.candidates import Candidate, Spread
from privynet_tf.planning.plans import Limits, Plan, PruningNumbers, Step

CHOSEN = Candidate(6, 4, Spread(0.6, 0.02, 5), Spread(16.0, 0.5, 5), 59_600_000, 117_000, 2.5, 480_000)
OTHER = Candidate(5, 4, Spread(0.65, None, 1), Spread(16.5, None, 1), 1, 1, interpolated=("it",))


def make():
    return Plan(
        network="vgg16",
        promised=CHOSEN,
        limits=Limits(17.0, max_latency_ms=3.0),
        strategy="hierarchical",
        requirement="high",
        steps=(Step("number of layers m", "6", ("m=5: 1", "m=4: 2"), "Why."),),
        pruning=PruningNumbers(128, 64, 32),
        hierarchical=CHOSEN,
        pareto=OTHER,
        considered=7,
        left_out=1,
        conditions={"images": "cifar10", "train_images": 10},
        platform={"threads": 1},
    )


def test_json_round_trip():
    plan = make()
    text = plan.to_json()
    assert Plan.from_json(text) == plan
    held = json.loads(text)
    assert (held["promised"]["num_layers"], held["promised"]["privacy_loss"]["mean"]) == (6, 16.0)
    assert held["limits"]["max_psnr"] == 17.0


def test_properties():
    plan = make()
    assert (plan.num_layers, plan.output_depth) == (6, 4)
    assert plan.regret == pytest.approx(0.05)
    assert plan.pruning.left == 32


@pytest.mark.parametrize("change", ["{", "[]", "{}", "extra", "lacking"])
def test_what_is_no_plan(change):
    fields = json.loads(make().to_json())
    if change == "extra":
        change = json.dumps(fields | {"more": 1})
    elif change == "lacking":
        del fields["promised"]["macs"]
        change = json.dumps(fields)
    with pytest.raises(InputError, match="not a plan: "):
        Plan.from_json(change)


def test_limits_of_a_file_are_checked():
    fields = json.loads(make().to_json())
    fields["limits"]["max_psnr"] = -1
    with pytest.raises(InputError, match="--max_psnr must be a number above 0. Received: -1"):
        Plan.from_json(json.dumps(fields))


@pytest.mark.parametrize("name", plans.LIMITS)
@pytest.mark.parametrize("value", [0, -3, math.nan, math.inf, "17", True])
def test_limits_must_be_positive(name, value):
    with pytest.raises(InputError, match=f"--{name} must be a number above 0. Received: {value}"):
        Limits(**({"max_psnr": 17} | {name: value}))


def test_margin_must_not_be_negative():
    assert Limits(17, margin_sigmas=0).margin_sigmas == 0
    with pytest.raises(InputError, match="--margin_sigmas must be a number at least 0. Received: -1"):
        Limits(17, margin_sigmas=-1)


def test_privacy_loss_must_be_limited():
    with pytest.raises(InputError, match="--max_psnr must be a number above 0. Received: None"):
        Limits(None)


def test_a_value_at_its_limit_is_within():
    assert Limits(16.0, 2.5, 480_000, 59_600_000).exceeded_by(CHOSEN) == []
    below = Limits(15.99, 2.49, 479_999, 59_599_999)
    assert below.exceeded_by(CHOSEN) == list(plans.LIMITS)


def test_only_given_limits_restrict():
    assert Limits(17.0, max_macs=5).given() == {"max_psnr": 17.0, "max_macs": 5}
    assert Limits(17.0).exceeded_by(CHOSEN) == []
    assert Limits(17.0, max_bytes=9).values(OTHER) == {"max_psnr": 16.5, "max_bytes": None}


def test_margin_counts_deviations_over_channel_sets():
    assert Limits(17.0, margin_sigmas=2).values(CHOSEN) == {"max_psnr": 17.0}
    assert Limits(17.0, margin_sigmas=2.1).exceeded_by(CHOSEN) == ["max_psnr"]
    assert Limits(17.0, margin_sigmas=0.1).values(OTHER) == {"max_psnr": None}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("max_psnr", 18.3, "18.30 dB"),
        ("max_psnr", 18.3000001, "18.31 dB"),
        ("max_latency_ms", 1.2301, "1.24 ms"),
        ("max_latency_ms", 0.00012301, "0.000124 ms"),
        ("max_latency_ms", 1230.5, "1,231 ms"),
        ("max_bytes", 123_456, "123,456 bytes"),
        ("max_macs", 59_600_001, "59,600,001 MACs"),
    ],
)
def test_what_is_needed_is_never_rounded_down(name, value, text):
    assert plans.rounded_up(name, value) == text
    needed = float(text.split()[0].replace(",", ""))
    assert needed >= value
    assert needed == pytest.approx(value, rel=0.01)


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().strategy = "pareto"
