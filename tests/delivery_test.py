import pytest

from privynet_tf.planning import delivery
from privynet_tf.planning.candidates import Candidate, Spread
from privynet_tf.planning.plans import Limits, Plan, PruningNumbers

PLATFORM = {"format": "float32", "runtime": "litert", "threads": 1, "device": "phone", "batch": 1}
PRUNED = {"channels": 128, "least_discriminative": 64, "leakiest": 32, "kept": 40}


@pytest.fixture
def plan():
    promised = Candidate(
        6, 4, Spread(0.7, 0.01, 3), Spread(16.5, 0.25, 3), 59_000_000, 117_000, latency_ms=2.5, bytes=470_000
    )
    return Plan(
        network="vgg16",
        promised=promised,
        limits=Limits(17.0, max_latency_ms=3.0),
        strategy="hierarchical",
        requirement="high",
        steps=(),
        pruning=PruningNumbers(128, 64, 32),
        hierarchical=promised,
        pareto=promised,
        considered=9,
        left_out=0,
        conditions={"images": "cifar10"},
        platform=PLATFORM,
    )


def recorded(plan, psnr=16.8, device="phone", made=(), **pruned):
    delivered = {"utility": 0.691, "max_psnr": psnr, "max_latency_ms": 2.31}
    delivered |= {"max_bytes": 471_000, "max_macs": 59_000_000}
    return delivery.record(plan, delivered, PLATFORM | {"device": device}, dict(made), PRUNED | pruned)


def test_limits_that_were_kept(plan):
    record = recorded(plan)
    assert delivery.rows(record) == [
        ("Privacy limit of 17 dB", "kept (16.80 dB)"),
        ("Latency limit of 3 ms", "kept (2.31 ms)"),
    ]
    lines = delivery.lines(record)
    assert "- **privacy limit of 17 dB: kept (16.80 dB)**" in lines
    assert [line for line in lines if line.startswith("|")] == [
        "| m=6, D'=4 | promised | delivered | limit |",
        "| --- | ---: | ---: | ---: |",
        "| utility (test accuracy) | 70.0% ± 1.0 over 3 channel sets | 69.1% |  |",
        "| privacy loss (PSNR, stronger attacker) | 16.50 dB ± 0.25 over 3 channel sets | 16.80 dB | 17 dB |",
        "| latency of an image | 2.5 ms | 2.31 ms | 3 ms |",
        "| file of the FEN | 470,000 bytes | 471,000 bytes |  |",
        "| multiply-accumulates | 59,000,000 MACs | 59,000,000 MACs |  |",
    ]
    text = "\n".join(lines)
    assert "do not release" not in text
    assert "otherwise" not in text


@pytest.mark.parametrize(
    ("psnr", "verdict"),
    [(17.0, "kept (17.00 dB)"), (17.001, "NOT kept (17.01 dB)"), (17.012, "NOT kept (17.01 dB)")],
)
def test_at_the_limit(plan, psnr, verdict):
    assert delivery.rows(recorded(plan, psnr))[0][1] == verdict


def test_a_limit_that_was_not_kept(plan):
    record = recorded(plan, psnr=17.4)
    text = "\n".join(delivery.lines(record))
    assert "- **privacy limit of 17 dB: NOT kept (17.40 dB)**" in text
    assert "do not release" in text
    assert delivery.kept(record, "max_latency_ms")


def test_a_latency_promised_for_another_device_is_not_judged(plan):
    record = recorded(plan, device="server")
    assert delivery.rows(record)[1] == ("Latency limit of 3 ms", "not judged (2.31 ms here)")
    assert "of another platform: phone, not server" in "\n".join(delivery.lines(record))


def test_what_was_made_otherwise_is_said(plan):
    record = recorded(plan, made={"images": ("cifar10", "digits"), "icn_epochs": ("3", "60")})
    text = "\n".join(delivery.lines(record))
    assert "images cifar10, here digits; icn_epochs 3, here 60. The promise is only as good" in text


def test_pruning_is_said(plan):
    assert "the 32 leakiest by the characterization; drawn from the 40 left" in "\n".join(
        delivery.lines(recorded(plan))
    )
    text = "\n".join(delivery.lines(recorded(plan, leakiest=None, kept=64)))
    assert "No channel was pruned for its privacy loss" in text
    assert "leakiest" not in text


def test_several_plans_side_by_side(plan):
    table = delivery.comparison({"p17": recorded(plan), "p16": recorded(plan, psnr=17.2)})
    assert table[2] == (
        "| p17 | 17 dB, 3 ms | m=6, D'=4 | 70.0% ± 1.0 over 3 channel sets | 69.1% | "
        "16.50 dB ± 0.25 over 3 channel sets | 16.80 dB | privacy kept (16.80 dB), latency kept (2.31 ms) |"
    )
    assert "privacy NOT kept (17.20 dB)" in table[3]
