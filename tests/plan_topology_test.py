"""``eval.plan_topology`` from the command line to its files."""

import stat

import pytest
from absl import flags
from absl.testing import flagsaver

from eval import plan_topology
from privynet_tf import tables
from privynet_tf.errors import InputError
from privynet_tf.planning import plan_files
from privynet_tf.planning.plans import Plan

COST_COLUMNS = (
    "network,m,D',intermediate,image_size,parameters,macs,peak_activation_bytes,format,bytes,runtime,threads,"
    "latency_ms,latency_ms_p10,latency_ms_p90,repeats,device,batch"
)
FILES = set(plan_files.FILES)


def call(*arguments):
    """Runs the binary's ``main`` in this process."""
    with flagsaver.flagsaver():
        flags.FLAGS(["plan_topology", *arguments])
        plan_topology.main()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """The flags of a characterization and a cost table."""
    root = tmp_path_factory.mktemp("inputs")
    rows = [
        dict.fromkeys(column.name for column in tables.COLUMNS)
        | {
            "network": "vgg16",
            "m": num_layers,
            "D'": depth,
            "channels": tuple(range(depth)),
            "intermediate_channels": (),
            "seed": 0,
            "images": "cifar10",
            "train_images": 1000,
            "augmented_copies": 0,
            "irn_clusters": 2,
            "image_size": 32,
            "utility": 0.1 * num_layers + 0.001 * depth,
            "psnr": 22.0 - num_layers + depth / 8,
        }
        for num_layers in (4, 6)
        for depth in (2, 8, 32)
    ]
    tables.update(root / "table.csv", rows)
    lines = [COST_COLUMNS]
    for row in rows:
        num_layers, depth = row["m"], row["D'"]
        for name, speed in (("float32", 1.0), ("int8", 0.5)):
            lines.append(
                f"vgg16,{num_layers},{depth},,32,1,1,1,{name},{1000 * num_layers},litert,1,"
                f"{speed * num_layers},1,1,10,phone,1"
            )
    (root / "cost.csv").write_text("\n".join(lines) + "\n")
    return f"--characterization={root / 'table.csv'}", f"--cost={root / 'cost.csv'}"


def test_plan_is_told_and_left(inputs, tmp_path, capsys):
    out = tmp_path / "new" / "plan"
    call(*inputs, "--max_psnr=17.5", "--max_latency_ms=6", f"--out={out}")
    assert {path.name for path in out.iterdir()} == FILES
    plan = Plan.from_json((out / "plan.json").read_text())
    assert (plan.num_layers, plan.output_depth, plan.platform["format"]) == (6, 8, "float32")
    printed = capsys.readouterr().out
    assert printed == (out / "plan.md").read_text() + f"\nplan: {out / 'plan.json'}\n"
    assert "# Plan: the first 6 layers of vgg16, 8 channels" in printed
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}


def test_flags_reach_the_plan(inputs, tmp_path):
    arguments = (*inputs, "--max_psnr=19", "--plan_format=int8", f"--out={tmp_path}")
    call(*arguments, "--max_latency_ms=2.5", "--max_bytes=5000", "--max_macs=99000000", "--strategy=pareto")
    plan = Plan.from_json((tmp_path / "plan.json").read_text())
    assert plan.limits.given() == {
        "max_psnr": 19,
        "max_latency_ms": 2.5,
        "max_bytes": 5000,
        "max_macs": 99_000_000,
    }
    assert (plan.strategy, plan.num_layers, plan.platform["format"]) == ("pareto", 4, "int8")
    call(*arguments, "--interpolate")
    plan = Plan.from_json((tmp_path / "plan.json").read_text())
    assert (plan.num_layers, plan.output_depth) == (6, 20)  # of 20 dB at 32, 17 at 8: 18.98 dB
    call(*arguments, "--utility_tolerance=0.5")
    assert Plan.from_json((tmp_path / "plan.json").read_text()).num_layers == 4


def test_infeasible_limits_leave_the_answer_and_no_plan(inputs, tmp_path):
    call(*inputs, "--max_psnr=17.5", "--plan_format=int8", f"--out={tmp_path}")
    with pytest.raises(InputError, match="--max_psnr binds: the nearest feasible is 16.25 dB"):
        call(*inputs, "--max_psnr=3", "--plan_format=int8", f"--out={tmp_path}")
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"plan.json"}
    assert "16.25 dB" in (tmp_path / "plan.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max_psnr=17", "--plan_format=float16"], "--plan_format must be in the cost table, one of"),
        (["--plan_format=int8"], "--max_psnr must say what privacy loss is allowed, in dB"),
        (["--max_psnr=0"], "--max_psnr must be a number above 0. Received: 0"),
        (["--max_psnr=17", "--plan_format=int8", "--max_bytes=-1"], "--max_bytes must be a number above 0"),
        (["--max_psnr=17", "--characterization="], "--characterization must be one of"),
        (["--max_psnr=17", "--characterization=no.csv"], "'no.csv', which is no file"),
        (["--max_psnr=17", "--cost=no.csv"], "--cost must be the path of a cost table. Received: no.csv"),
        (
            ["--max_psnr=17", "--plan_format=int8", "--plan_irn_clusters=7"],
            "--plan_irn_clusters must be in the",
        ),
        (["--max_psnr=17", "--plan_format=int8", "--margin_sigmas=-1"], "--margin_sigmas must be a number"),
        (["--max_psnr=17", "--plan_format=int8", "--margin_sigmas=1"], "--margin_sigmas needs a spread"),
        (
            ["--max_psnr=17", "--plan_format=int8", "--utility_tolerance=3"],
            "--utility_tolerance must be from 0",
        ),
    ],
)
def test_bad_input_leaves_nothing(inputs, tmp_path, arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        call(*inputs, f"--out={tmp_path / 'plan'}", *arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "plan").exists()


def test_out_must_be_given(inputs):
    with pytest.raises(InputError, match="--out must name the directory of the plan"):
        call(*inputs, "--max_psnr=17")
