import csv
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from privynet_tf import fen, litert
from privynet_tf.device import cost_measurement, cost_tables, latency
from privynet_tf.topology import FenTopology

ONE = FenTopology("vgg16", 1, (0, 1))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    directory = tmp_path_factory.mktemp("latency") / "models"
    cost_measurement.export(directory, [ONE], 8, ["float32", "float16"])
    return directory


@pytest.fixture
def models(exported, tmp_path):
    return pathlib.Path(shutil.copytree(exported, tmp_path / "models"))


def test_percentiles_of_an_image(monkeypatch):
    """Calls of 2, 4, ... 22 ms with 4 images each, after one that does not count."""
    ticks = iter(np.repeat(np.cumsum([0, *range(2, 23, 2)]), 2)[1:-1] / 1000)
    monkeypatch.setattr(latency.time, "perf_counter", lambda: next(ticks))
    calls = []
    effort = latency.Effort(repeats=11, warmup=3, batch=4)
    row = latency.of_call(lambda: calls.append(None), "litert", 2, effort, "phone")
    assert len(calls) == 14
    assert row == {
        "runtime": "litert",
        "threads": 2,
        "latency_ms": pytest.approx(12 / 4),
        "latency_ms_p10": pytest.approx(4 / 4),
        "latency_ms_p90": pytest.approx(20 / 4),
        "repeats": 11,
        "device": "phone",
        "batch": 4,
    }


def test_model_is_really_computed(models, monkeypatch):
    """``of_model`` hands a call to ``of_call``: one that sets, invokes and reads."""
    seen = {}

    class Watched(latency.Interpreter):
        def set_tensor(self, index, value):
            seen["images"] = value
            super().set_tensor(index, value)

        def get_tensor(self, index):
            seen["representations"] = super().get_tensor(index)
            return seen["representations"]

    monkeypatch.setattr(latency, "Interpreter", Watched)
    path = models / "vgg16_m1_2_float32.tflite"
    row = latency.of_model(path, 1, latency.Effort(repeats=2, warmup=1, batch=3), "phone")
    assert 0 < row["latency_ms_p10"] <= row["latency_ms"] <= row["latency_ms_p90"]
    assert seen["images"].shape == (3, 8, 8, 3)
    assert seen["images"].std() > 50  # neither black nor of one colour
    expected = fen.apply(fen.build(ONE, "random", image_size=8), seen["images"])
    assert expected.any()
    assert litert.largest_error(expected, seen["representations"]) < 1e-4


def test_threads():
    counts = latency.default_threads()
    assert counts[0] == 1
    assert counts[-1] == os.cpu_count()
    assert list(counts) == sorted(set(counts))


@pytest.mark.parametrize(("cpus", "counts"), [(1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6)), (8, (1, 2, 4, 8))])
def test_threads_of_other_machines(monkeypatch, cpus, counts):
    monkeypatch.setattr(latency.os, "cpu_count", lambda: cpus)
    assert latency.default_threads() == counts


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("processor\t: 0\nmodel name\t: Chip: A 1\n\nprocessor\t: 1\nmodel name\t: Chip: A 1\n", "Chip: A 1"),
        ("processor\t: 0\nBogoMIPS\t: 1\n\nHardware\t: Board 5\n", "Board 5"),
    ],
)
def test_device_name(monkeypatch, cpuinfo, name):
    monkeypatch.setattr(latency.pathlib.Path, "read_text", lambda path: cpuinfo)
    assert latency.device_name() == name


def test_device_name_without_cpuinfo(monkeypatch):
    def absent(path):
        raise FileNotFoundError

    monkeypatch.setattr(latency.pathlib.Path, "read_text", absent)
    assert latency.device_name()
    assert latency.device_name() != latency.platform.node()


ALONE = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"absl", "keras", "tensorflow", "privynet_tf"}))
"""


def _run(models, *arguments):
    """The exported script as on a device: from elsewhere, so that it cannot import the project."""
    return subprocess.run(
        [sys.executable, "-c", ALONE, models / "latency.py", "--repeats=2", "--warmup=1", *arguments],
        cwd=models.parent,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_script_on_a_device(models):
    done = _run(models, "--threads=1,2", "--device=phone, blue", "--batch=2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(models / "cost.csv"), "[]"]
    rows = cost_tables.read(models / "cost.csv")
    assert [(row["format"], row["threads"]) for row in rows] == [
        ("float32", 1),
        ("float32", 2),
        ("float16", 1),
        ("float16", 2),
    ]
    for row in rows:
        assert (row["network"], row["m"], row["D'"], row["intermediate"]) == ("vgg16", 1, 2, None)
        assert row["parameters"] == 9 * 3 * 2 + 2
        assert row["bytes"] == (models / f"vgg16_m1_2_{row['format']}.tflite").stat().st_size
        assert (row["device"], row["repeats"], row["batch"], row["runtime"]) == (
            "phone, blue",
            2,
            2,
            "litert",
        )
        assert row["latency_ms"] > 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("truncated", r"vgg16_m1_2_float16\.tflite has \d+ bytes, but models\.csv says \d+; copy it"),
        ("missing", r"No such file.*vgg16_m1_2_float16\.tflite"),
        ("no index", r"No such file.*models\.csv"),
        ("empty index", r"models\.csv names no models"),
    ],
)
def test_directory_that_is_not_whole(models, damage, message, monkeypatch):
    path = models / "vgg16_m1_2_float16.tflite"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "missing":
        path.unlink()
    elif damage == "no index":
        (models / "models.csv").unlink()
    else:
        (models / "models.csv").write_text("file,bytes\n")
    monkeypatch.setattr(sys, "argv", ["latency.py", f"--directory={models}"])
    with pytest.raises(SystemExit, match=f"error: .*{message}"):
        latency.main()
    assert not (models / "cost.csv").exists()


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--threads=0", "--threads: must be a whole number from 1. Received: '0'"),
        ("--threads=", "--threads: must be a whole number from 1. Received: ''"),
        ("--batch=x", "--batch: must be a whole number from 1. Received: 'x'"),
    ],
)
def test_bad_arguments(models, argument, message, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["latency.py", f"--directory={models}", argument])
    with pytest.raises(SystemExit) as caught:
        latency.main()
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
    assert not (models / "cost.csv").exists()


def test_index_has_the_columns_of_models(models):
    with (models / "models.csv").open(newline="") as file:
        header = next(csv.reader(file))
    assert header == ["file", *(column.name for column in cost_tables.MODEL)]
