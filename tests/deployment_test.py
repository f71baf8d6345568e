"""Data owner and cloud operator as in docs/deploy.md: two processes, two directories, the release between."""

import csv
import io
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import sklearn.datasets
from PIL import Image

ROOT = pathlib.Path(__file__).parent.parent.absolute()

OF_THE_LOCAL_PLATFORM = ("networks", "topology", "pretrained", "fen", "fen_package", "litert", "weights")
"""What of the library knows FENs; the cloud does not get it."""


def _copy(target, without=()):
    for name in ("privynet_tf", "flags", "train", "eval"):
        shutil.copytree(
            ROOT / name,
            target / name,
            ignore=lambda folder, names: {n for n in names if n.split(".")[0] in (*without, "__pycache__")},
        )
    return target


def _run(checkout, *arguments):
    """Runs a module of a checkout that sees no other checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    packages = [path for path in sys.path if path.endswith("-packages")]
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=checkout,
        env=environment | {"PYTHONPATH": os.pathsep.join(packages)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_two_machines_with_only_the_release_between_them(tmp_path):
    local, hidden = tmp_path / "local", tmp_path / "out of reach"
    local.mkdir()
    owner = _copy(tmp_path / "owner")
    released = _run(
        owner,
        "train.release",
        "--train_split=train[:64]",
        "--validation_split=train[64:96]",
        "--test_split=test[:32]",
        "--fen_weights=embedded",
        "--litert_formats=float32",
        f"--fen_package={local / 'fen'}",
        f"--release={local / 'release'}",
    )
    assert released.returncode == 0, released.stderr

    cloud = tmp_path / "cloud"
    shutil.copytree(local / "release", cloud / "release")
    operator = _copy(tmp_path / "operator", without=OF_THE_LOCAL_PLATFORM)
    local.rename(hidden)
    refused = _run(operator, "train.release", "--release=x", "--fen_package=y")
    assert "cannot import name 'fen'" in refused.stderr
    trained = _run(
        operator,
        "train.train_icn",
        f"--release={cloud / 'release'}",
        f"--workdir={cloud / 'icn'}",
        "--icn_epochs=2",
    )
    assert trained.returncode == 0, trained.stderr
    assert "utility (test accuracy)" in trained.stdout

    hidden.rename(local)
    shutil.copytree(cloud / "icn", local / "icn")
    digits = sklearn.datasets.load_digits()
    for index in range(3):
        pixels = np.round(digits.images[index] * (255 / 16)).astype(np.uint8)
        (local / "new").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(local / "new" / f"{index}.png")
    classified = _run(
        owner,
        "eval.classify",
        f"--fen_package={local / 'fen'}",
        f"--icn={local / 'icn'}",
        f"--files={local / 'new'}",
        "--top=10",
    )
    assert classified.returncode == 0, classified.stderr
    rows = list(csv.DictReader(io.StringIO(classified.stdout)))
    assert [row["file"] for row in rows[::10]] == [str(local / "new" / f"{index}.png") for index in range(3)]
    for start in range(0, 30, 10):
        image = rows[start : start + 10]
        assert {row["class"] for row in image} == {str(digit) for digit in range(10)}
        assert abs(sum(float(row["probability"]) for row in image) - 1) < 1e-3
