"""``train.run_privynet`` from limits: what it leaves, tells and refuses."""

import json
import pathlib
import re
import stat

import pytest
from absl import flags
from absl.testing import flagsaver

from privynet_tf import fen_package, ranking, report, shipped, tables
from privynet_tf.device import cost_tables, latency
from privynet_tf.errors import InputError
from privynet_tf.grid import Cell
from privynet_tf.planning import planned_flow
from privynet_tf.planning.plans import Plan
from train import run_privynet

SMALL = (
    "--fen_weights=random",
    "--litert_formats=float32",
    "--channel_seed=3",
    "--train_split=train[:80]",
    "--validation_split=train[80:110]",
    "--test_split=test[:32]",
    "--icn_epochs=1",
    "--baseline_epochs=1",
    "--irn_epochs=1",
    "--irn_images=40",
    "--irn_clusters=1",
    "--irn_blocks=1",
    "--irn_width=4",
)
STAGES = ("fen", "release", "characterization_release", "icn", "baseline", "irn")


def call(*arguments):
    """Runs the binary's ``main`` in this process."""
    with flagsaver.flagsaver():
        flags.FLAGS(["run_privynet", *SMALL, *arguments])
        run_privynet.main()


@pytest.fixture(scope="module")
def characterization(measured, tmp_path_factory):
    """A function that writes a table: privacy loss of 1 dB a released channel at m=6, 60 dB at m=4."""

    def write(*, with_single_channels=True, **changes):
        path = tmp_path_factory.mktemp("characterization") / "table.csv"
        sets = [(6, channels) for channels in ((0, 1), (2, 3), (0, 1, 2), (3, 4, 5))] + [(4, (0, 1))]
        rows = []
        for num_layers, channels in sets:
            loss = len(channels) if num_layers == 6 else 60
            rows.append((Cell("vgg16", num_layers, channels, 0, "public", 500), loss))
        if with_single_channels:  # the higher its number, the more a channel leaks
            singles = [Cell("vgg16", 6, (channel,), 0, "public", 500) for channel in range(128)]
            rows += [(cell, 70 + cell.channels[0] / 100) for cell in singles]
        made = {"weights": "random:seed=0", "ridge_psnr": 0.5} | changes
        tables.update(path, [measured(cell, psnr=float(loss), **made) for cell, loss in rows])
        return f"--characterization={path}"

    return write


@pytest.fixture(scope="module")
def finished(characterization, tmp_path_factory):
    """The arguments and the directory of a finished run whose privacy limit is far below what leaks."""
    directory = tmp_path_factory.mktemp("run") / "run"
    limits = ("--max_psnr=3.5", "--max_latency_ms=100000", "--max_bytes=1000000")
    arguments = (characterization(), *limits, f"--workdir={directory}")
    call(*arguments)
    return arguments, directory


def test_stages(finished):
    _, directory = finished
    assert {path.name for path in directory.iterdir() if path.is_dir()} == {"plan", "ranking", *STAGES}
    plan = Plan.from_json((directory / "plan" / "plan.json").read_text())
    assert (plan.num_layers, plan.output_depth) == (6, 3)
    rows = cost_tables.read(directory / "cost.csv")
    assert {(row["m"], row["D'"]) for row in rows} == {(6, 1), (6, 2), (6, 3), (4, 2)}
    assert {(row["format"], row["runtime"], row["threads"]) for row in rows} == {("float32", "litert", 1)}
    assert {(row["device"], row["batch"]) for row in rows} == {(latency.device_name(), 1)}
    assert stat.S_IMODE((directory / "ranking").stat().st_mode) == 0o700
    assert not (directory / "ranking" / "fen").exists()


def test_released_channels_are_drawn_from_what_pruning_leaves(finished):
    _, directory = finished
    topology = fen_package.load_topology(directory / "fen")
    ranked = ranking.read(directory / "ranking")
    worst = {row["channel"] for row in ranked if row["rank"] > 64}
    leakiest = set(range(96, 128))
    assert {row["channel"] for row in ranked if row["pruned_by"]} == worst | leakiest
    assert (topology.num_layers, topology.output_depth) == (6, 3)
    assert not set(topology.output_channels) & (worst | leakiest)


def test_report_says_what_was_delivered(finished):
    _, directory = finished
    result = json.loads((directory / "result.json").read_text())
    record, text = result["delivery"], (directory / "report.md").read_text()
    loss = max(result["irn"]["psnr"], result["irn"]["ridge"]["psnr"])
    assert loss > 3.5
    assert record["promised"]["max_psnr"] == 3
    assert record["delivered"] == {
        "utility": result["icn"]["utility"],
        "max_psnr": loss,
        "max_latency_ms": record["delivered"]["max_latency_ms"],
        "max_bytes": (directory / "fen" / "fen_float32.tflite").stat().st_size,
        "max_macs": result["cost"]["macs"],
    }
    assert 0 < record["delivered"]["max_latency_ms"] < 100000
    assert record["promised"]["max_bytes"] == record["delivered"]["max_bytes"]
    not_kept = re.search(r"\*\*privacy limit of 3.5 dB: NOT kept \((.*) dB\)\*\*", text)
    assert float(not_kept[1]) == pytest.approx(loss, abs=0.005)
    assert "**latency limit of 100,000 ms: kept (" in text
    assert "**storage limit of 1,000,000 bytes: kept (" in text
    assert "do not release these representations" in text
    assert "the 64 least discriminative of 128 channels on the private images, and the 32 leakiest" in text
    for difference in (
        "images public, here digits",
        "train_images 500, here 80",
        "irn_images 500, here 40",
        "icn_epochs 10, here 1",
        "irn_width 32, here 4",
        "icn_drop_epochs none, here 100 200",
        "irn_max_images 2000",
    ):
        assert (difference in text) == (difference != "irn_max_images 2000"), difference
    assert "--max_psnr=3.5" in text
    assert "--num_layers" not in text  # its default is not what the plan chose
    assert report.rows(result)[0][0] == "Privacy limit of 3.5 dB"


def test_a_finished_run_is_told_again(finished, capsys):
    arguments, directory = finished
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*") if path.is_file()}
    call(*arguments)
    printed = capsys.readouterr().out
    assert printed.startswith("Privacy limit of 3.5 dB")
    assert "==" not in printed
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*") if path.is_file()} == before


def test_a_killed_run_goes_on_with_what_it_has(finished, capsys):
    arguments, directory = finished
    result = json.loads((directory / "result.json").read_text())
    kept = {
        path: path.stat().st_mtime_ns
        for name in ("plan", "ranking", "fen")
        for path in directory.glob(f"{name}/*")
    }
    kept[directory / "cost.csv"] = (directory / "cost.csv").stat().st_mtime_ns
    (directory / "result.json").unlink()
    call(*arguments)
    again = json.loads((directory / "result.json").read_text())
    result["delivery"]["delivered"]["max_latency_ms"] = again["delivery"]["delivered"]["max_latency_ms"]
    assert again == result  # but for the latency, which is measured last
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert "Epoch" not in capsys.readouterr().out


def test_without_single_channels_none_is_pruned_for_privacy(characterization, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        planned_flow.flow,
        "run",
        lambda top, source, selections, topology, *rest, **more: seen.update(topology=topology) or {},
    )
    monkeypatch.setattr(run_privynet.report, "rows", lambda result: [])
    table = characterization(with_single_channels=False)
    call(table, "--max_psnr=2.5", f"--workdir={tmp_path / 'run'}")
    assert not (tmp_path / "run" / "cost.csv").exists()  # no limit asks for it
    ranked = ranking.read(tmp_path / "run" / "ranking")
    assert {(row["privacy_loss"], row["pruned_by"]) for row in ranked} == {
        (None, ""),
        (None, "discriminability"),
    }
    first = seen["topology"]
    assert (first.num_layers, first.output_depth) == (6, 2)
    # Killed before the FEN package was written: the ranking is read, not made, and the seed draws the same.
    monkeypatch.setattr(planned_flow.ranking, "discriminability", None)
    call(table, "--max_psnr=2.5", f"--workdir={tmp_path / 'run'}")
    assert seen["topology"] == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max_psnr=1.5"], "none of .* topologies of vgg16 meets --max_psnr=1.5; --max_psnr binds"),
        (
            [
                "--max_psnr=1.5",
                "--max_latency_ms=1",
            ],  # what no latency changes is told before one is measured
            "--max_psnr binds: the nearest feasible is 2.00 dB",
        ),
        (["--max_psnr=5", "--max_macs=1000"], "--max_macs binds"),
        (["--max_latency_ms=3"], "--max_psnr must say what privacy loss is allowed"),
        (["--strategy=pareto"], "--max_psnr must say what privacy loss is allowed"),
        (["--max_psnr=5", "--num_layers=6", "--output_depth=8"], "drop --num_layers, --output_depth$"),
        (["--max_psnr=5", "--output_channels=1,2"], "chooses the topology; drop --output_channels"),
        (["--max_psnr=5", "--network=vgg16"], "drop --network"),
        (["--max_psnr=5", "--intermediate_channels=block1_conv1=1"], "drop --intermediate_channels"),
        (["--max_psnr=5", "--plan_runtime=keras"], "--plan_runtime must be litert.*Received: 'keras'"),
        (["--max_psnr=5", "--plan_format=int8"], "--plan_format=int8 must be one of --litert_formats"),
        (["--max_psnr=5", "--seed=1"], "another FEN: weights is random:seed=0 there and random:seed=1 here"),
        (["--max_psnr=5", "--characterization="], "--characterization must be one of"),
        (["--max_psnr=5", "--fen_weights=no.h5"], "'no.h5', which is no file"),
    ],
)
def test_bad_input_leaves_nothing(characterization, tmp_path, arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        call(characterization(), f"--workdir={tmp_path / 'run'}", *arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_limits_that_the_measured_cost_does_not_meet(characterization, tmp_path):
    """The run keeps the cost, which other limits can go by, and the answer; no plan."""
    directory = tmp_path / "run"
    table = characterization(with_single_channels=False)
    with pytest.raises(InputError, match="--max_bytes binds: the nearest feasible is .* bytes"):
        call(table, f"--workdir={directory}", "--max_psnr=5", "--max_bytes=10")
    assert {path.name for path in directory.iterdir()} == {"settings.txt", "cost.csv", "plan"}
    assert "plan.md" in {path.name for path in (directory / "plan").iterdir()}
    assert not (directory / "plan" / "plan.json").exists()
    with pytest.raises(InputError, match="--max_bytes binds"):  # now before anything is written
        call(
            table,
            f"--workdir={tmp_path / 'other'}",
            "--max_psnr=5",
            "--max_bytes=10",
            f"--cost={directory / 'cost.csv'}",
        )
    assert not (tmp_path / "other").exists()


def test_the_demo_can_be_planned():
    try:
        shipped.characterization("embedded")
    except InputError as error:
        pytest.skip(str(error))
    preset = pathlib.Path(__file__).parent.parent / "flags" / "presets" / "demo.flags"
    with flagsaver.flagsaver():
        flags.FLAGS(["run_privynet", f"--flagfile={preset}"])
        assert run_privynet.planned_flags.request().measures_cost


def test_the_shipped_table_of_the_weights_is_the_default(tmp_path):
    try:
        shipped.characterization("embedded")
    except InputError as error:
        pytest.skip(str(error))
    with pytest.raises(InputError, match="none of .* topologies of vgg16 meets --max_psnr=0.001"):
        call("--fen_weights=embedded", "--max_psnr=0.001", f"--workdir={tmp_path / 'run'}")
