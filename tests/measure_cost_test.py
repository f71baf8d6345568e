"""``eval.measure_cost`` from the command line to its table and figure, and for another device."""

import pathlib

import pytest
from absl import flags
from absl.testing import flagsaver

from eval import measure_cost
from flags import cost as cost_flags
from privynet_tf import cost
from privynet_tf.device import cost_tables, latency
from privynet_tf.errors import InputError

ROOT = pathlib.Path(__file__).absolute().parent.parent

SMALL = (
    "--cost_networks=vgg16",
    "--cost_image_size=8",
    "--latency_threads=1",
    "--latency_repeats=2",
    "--latency_warmup=1",
)


def call(*arguments):
    with flagsaver.flagsaver():
        flags.FLAGS(["measure_cost", *SMALL, *arguments])
        measure_cost.main()


def test_table_and_figure(tmp_path, capsys):
    arguments = (f"--workdir={tmp_path}", "--cost_layers=1,2", "--cost_depths=all,2", "--latency_device=chip")
    call(*arguments, "--intermediate_depths=3,64")
    assert capsys.readouterr().out.splitlines() == [
        f"20 rows: {tmp_path / 'cost.csv'}",
        f"figure 20: {tmp_path / 'figure20_vgg16.png'}",
    ]
    rows = cost_tables.read(tmp_path / "cost.csv")
    assert {(row["m"], row["D'"], row["intermediate"]) for row in rows} == {
        (1, 64, None),
        (1, 2, None),
        (2, 64, None),
        (2, 2, None),
        (2, 64, (3,)),
    }
    assert {row["device"] for row in rows} == {"chip"}
    assert (tmp_path / "figure20_vgg16.svg").read_text().count("latency on chip") == 1
    assert "--cost_layers=1,2" in (tmp_path / "cost.flags").read_text()


def test_another_device(tmp_path, capsys):
    devices = tmp_path / "device"
    call(f"--export={devices}", "--cost_layers=1", "--cost_depths=all", "--cost_formats=float32")
    assert capsys.readouterr().out == f"models and script for the device: {devices}\n"
    latency.of_directory(devices, [1], latency.Effort(2, 1), "phone")
    call(
        f"--workdir={tmp_path / 'here'}",
        "--cost_layers=1",
        "--cost_depths=all",
        "--cost_formats=float32",
        "--nolatency_of_keras",
        f"--cost_table={devices / 'cost.csv'}",
        "--latency_device=chip",
    )
    assert [row["device"] for row in cost_tables.read(tmp_path / "here" / "cost.csv")] == ["chip"]
    drawn = (tmp_path / "here" / "figure20_vgg16.svg").read_text()
    assert "latency on chip" in drawn
    assert "latency on phone" in drawn


def test_overwrite(tmp_path, monkeypatch):
    arguments = (f"--workdir={tmp_path}", "--cost_layers=1", "--cost_depths=2", "--cost_formats=float32")
    call(*arguments, "--nolatency_of_keras")
    (before,) = cost_tables.read(tmp_path / "cost.csv")
    call(*arguments, "--nolatency_of_keras")
    assert cost_tables.read(tmp_path / "cost.csv") == [before]
    call(*arguments, "--nolatency_of_keras", "--overwrite")
    (after,) = cost_tables.read(tmp_path / "cost.csv")
    assert after != before
    assert after["macs"] == before["macs"]


def test_preset():
    """Its numbers of channels are those of figures 14 and 15, by their MACs (tests/cost_test.py)."""
    with flagsaver.flagsaver():
        flags.FLAGS(["measure_cost", f"--flagfile={ROOT / 'flags' / 'presets' / 'cost.flags'}"])
        chosen = cost_flags.topologies()
    counted = [cost.of_topology(topology, 32).macs for topology in chosen if topology.num_layers == 6]
    millions = {round(macs / 1e6, 1) for macs in counted}
    assert {60.8, 50.9, 41.0, 31.1, 22.1, 16.2, 96.1} < millions
    assert {topology.num_layers for topology in chosen if topology.network == "vgg19"} == set(range(1, 22))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--workdir must name the directory of the table"),
        (["--cost_networks=resnet"], r"--cost_networks must be of \['vgg16', 'vgg19'\]. Received: resnet"),
        (["--cost_networks="], "--cost_networks must be of .* Received: none"),
        (["--cost_layers=0"], "--cost_layers must be whole numbers from 1. Received: '0'"),
        (["--cost_depths=half"], "--cost_depths must be whole numbers from 1. Received: 'half'"),
        (["--cost_depths=600"], r"no layer of vgg16 .* of \[600\]"),
        (["--intermediate_depths=64;64"], "--intermediate_depths must be whole numbers .*'64;64'"),
        (["--cost_formats=int4"], r"--cost_formats must be of .* Received: int4"),
        (["--latency_threads=two"], "--latency_threads must be whole numbers from 1. Received: 'two'"),
        (["--latency_device="], "--latency_device must name the device"),
        (["--cost_layers=7", "--cost_image_size=2"], "image_size must be at least 4 .*Received: 2"),
        (["--cost_table={tmp}/absent.csv"], "cannot read table .*absent.csv"),
        (["--export={tmp}"], "already exists"),
    ],
)
def test_bad_input(arguments, message, tmp_path):
    if arguments and not arguments[0].startswith("--export"):
        arguments = ["--workdir={tmp}/new", *arguments]
    arguments = ["--cost_image_size=32", *arguments]
    with pytest.raises(InputError, match=message):
        call(*[text.format(tmp=tmp_path) for text in arguments])
    assert not (tmp_path / "new").exists()
