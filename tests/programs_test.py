"""The binaries, from the command line to what they leave and print; and every kind of bad input."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

from privynet_tf import litert, representations
from privynet_tf.errors import InputError
from train import pretrain_fen, release, run_privynet, train_icn, train_irn

ROOT = pathlib.Path(__file__).parent.parent.absolute()

SMALL_IMAGES = ("--train_split=train[:64]", "--validation_split=train[64:96]", "--test_split=test[:32]")
SMALL_IRN = ("--irn_clusters=1", "--irn_blocks=1", "--irn_width=4")


def call(binary, *arguments):
    """Runs a binary's ``main`` in this process."""
    with flagsaver.flagsaver():
        flags.FLAGS([binary.__name__, *arguments])
        binary.main()


def execute(name, *arguments, **options):
    """Runs a binary in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", name, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """A private and a characterization release of the same few digits and FEN."""
    root = tmp_path_factory.mktemp("releases")
    common = (f"--fen_package={root / 'fen'}", *SMALL_IMAGES)
    made = ("--fen_weights=random", "--num_layers=3", "--output_channels=5,1")
    call(release, *common, *made, f"--release={root / 'private'}")
    call(release, *common, "--with_images", f"--release={root / 'public'}")  # the same FEN again
    return root


def test_release_holds_what_the_kept_fen_computes(releases):
    opened = representations.open_release(releases / "public", images_needed=True)
    split = representations.read(opened, "test")
    model = keras.saving.load_model(releases / "fen" / "fen.keras")
    expected = model.predict(split.images, verbose=0).astype(np.float16)
    np.testing.assert_array_equal(split.representations, expected)
    assert (releases / "fen" / "topology.json").stat().st_mode & 0o777 == 0o600


def test_release_by_the_int8_model(releases, tmp_path):
    call(
        release,
        f"--fen_package={releases / 'fen'}",
        *SMALL_IMAGES,
        "--with_images",
        "--fen_format=int8",
        f"--release={tmp_path / 'int8'}",
    )
    split = representations.read(representations.open_release(tmp_path / "int8"), "test")
    int8 = litert.load((releases / "fen" / "fen_int8.tflite").read_bytes())
    np.testing.assert_array_equal(split.representations, int8(split.images).astype(np.float16))
    public = representations.read(representations.open_release(releases / "public"), "test")
    np.testing.assert_array_equal(split.images, public.images)
    error = litert.rms_error(
        public.representations.astype(np.float32), split.representations.astype(np.float32)
    )
    assert 1e-3 < error < 0.1


def test_train_icn(releases, tmp_path, capsys):
    arguments = (f"--release={releases / 'private'}", f"--workdir={tmp_path / 'icn'}", "--icn_epochs=2")
    call(train_icn, *arguments)
    first = capsys.readouterr().out
    assert "utility (test accuracy)" in first
    result = json.loads((tmp_path / "icn" / "result.json").read_text())
    assert result["train_examples"] == 64
    model = keras.saving.load_model(tmp_path / "icn" / "icn.keras")
    test = representations.read(representations.open_release(releases / "private"), "test")
    logits = model.predict(test.representations.astype(np.float32), verbose=0)
    assert result["utility"] == np.mean(logits.argmax(-1) == test.labels)
    call(train_icn, *arguments)  # finished: nothing is trained again
    assert capsys.readouterr().out == first.splitlines(keepends=True)[-1]


def test_train_irn(releases, tmp_path, capsys):
    call(
        train_irn,
        f"--release={releases / 'public'}",
        f"--workdir={tmp_path / 'irn'}",
        "--irn_epochs=2",
        *SMALL_IRN,
    )
    assert "privacy loss (test PSNR)" in capsys.readouterr().out
    result = json.loads((tmp_path / "irn" / "result.json").read_text())
    assert result["psnr"] <= result["psnr_p95"]
    assert np.isfinite([result["ridge"]["psnr"], result["train_psnr"], result["ssim"]]).all()
    assert (tmp_path / "irn" / "reconstructions.png").stat().st_size > 5000


def test_whole_flow(tmp_path, capsys):
    arguments = (
        f"--workdir={tmp_path / 'run'}",
        "--fen_weights=random",
        "--num_layers=6",
        "--output_depth=3",
        "--icn_epochs=1",
        "--baseline_epochs=1",
        "--irn_epochs=1",
        "--irn_images=40",
        *SMALL_IMAGES,
        *SMALL_IRN,
    )
    call(run_privynet, *arguments)
    printed = capsys.readouterr().out
    report = (tmp_path / "run" / "report.md").read_text()
    assert "Privacy loss: mean PSNR" in printed
    assert "m=6, D'=3" in report
    assert "--output_depth=3" in report
    assert (tmp_path / "run" / "irn" / "reconstructions.png").exists()
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["release"]["examples"] == {"train": 64, "validation": 32, "test": 32}
    assert result["irn"]["train_examples"] == 40

    # Without the top result every stage is found finished, with the channels drawn the first time.
    topology = (tmp_path / "run" / "fen" / "topology.json").read_text()
    (tmp_path / "run" / "result.json").unlink()
    call(run_privynet, *arguments)
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == result
    assert (tmp_path / "run" / "fen" / "topology.json").read_text() == topology
    assert "Epoch" not in capsys.readouterr().out


def test_released_files_and_the_clouds_runs_say_nothing_of_the_fen(releases, tmp_path):
    """Also not TensorBoard's event files, which a cloud operator may pass on."""
    arguments = (f"--release={releases / 'private'}", f"--workdir={tmp_path / 'icn'}", "--icn_epochs=1")
    assert execute("train.train_icn", *arguments).returncode == 0
    files = [path for root in (releases / "private", tmp_path) for path in root.rglob("*") if path.is_file()]
    assert any("tfevents" in path.name for path in files)
    for path in files:
        content = path.read_bytes().lower()
        for word in (b"vgg16", b"block1_", b"num_layers", b"fen_weights", b"output_channels"):
            assert word not in content, (path, word)


def test_training_binaries_do_not_import_the_fen():
    code = (
        "import sys, train.train_icn, train.train_irn;"
        "print([m for m in sys.modules if m in ("
        "'privynet_tf.fen', 'privynet_tf.topology', 'privynet_tf.pretrained', 'privynet_tf.networks')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_kill_and_rerun_gives_the_weights_of_an_uninterrupted_run(releases, tmp_path):
    def arguments(name):
        return (
            f"--release={releases / 'private'}",
            f"--workdir={tmp_path / name}",
            "--icn_epochs=40",
            "--icn_batch_size=16",
        )

    assert execute("train.train_icn", *arguments("whole")).returncode == 0
    killed = subprocess.Popen(
        [sys.executable, "-m", "train.train_icn", *arguments("killed")],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (tmp_path / "killed" / "backup" / "training_metadata.json").exists():
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed" / "result.json").exists()
    resumed = execute("train.train_icn", *arguments("killed"))
    assert resumed.returncode == 0
    assert "Epoch 1/40" not in resumed.stdout
    whole, again = (
        keras.saving.load_model(tmp_path / name / "icn.keras").get_weights() for name in ("whole", "killed")
    )
    for expected, actual in zip(whole, again, strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_bad_input_is_one_line_and_exit_code_1(tmp_path):
    done = execute("train.release", "--images=cifar11", f"--release={tmp_path / 'r'}", "--fen_package=f")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: unknown images 'cifar11'")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_stray_arguments(tmp_path):
    done = execute("train.train_icn", "release", f"--workdir={tmp_path / 'icn'}")
    assert done.returncode == 1
    assert "error: unexpected arguments ['release']" in done.stderr
    assert not (tmp_path / "icn").exists()


def test_help_lists_the_flags():
    printed = execute("train.train_icn", "--help").stdout
    for name in ("--icn_epochs", "--release", "--workdir", "--seed"):
        assert name in printed


@pytest.fixture
def corrupt_folder(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(4):
            Image.new("RGB", (40, 40), (index, 0, 0)).save(tmp_path / "photos" / name / f"{index}.png")
    (tmp_path / "photos" / "dog" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\nnot a picture")
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images=cifar10", "--data_dir={tmp}"], "cifar10.*is not on disk.*--download"),
        (["--images={photos}"], "cannot decode image file .*dog/3.png"),
        (["--train_split=train[:0]"], "selects no images"),
        (["--train_split=dev"], "cannot read split 'dev' of digits"),
        (["--num_layers=19"], "num_layers must be an integer from 1 to 18"),
        (["--output_depth=129"], "--output_depth must be from 1 to 128 at --num_layers=6"),
        (["--output_channels=1,1"], "1 twice"),
        (["--output_channels=a"], "--output_channels must be whole numbers"),
        (["--intermediate_channels=block1_conv1"], "LAYER=CHANNELS"),
        (["--intermediate_channels=block9=1"], "intermediate_channels may only name"),
        (["--fen_weights=/no/such/file.h5"], "/no/such/file.h5"),
        (["--litert_formats=int4"], r"--litert_formats must be of .*'int8'\). Received: int4"),
        (
            ["--litert_formats=float32", "--fen_format=int8"],
            "--fen_format=int8 must be one of --litert_formats",
        ),
        (["--train_split=train[:20]"], "int8 takes .* at least 50 representative images.*Received: 20"),
        (["--image_size=2", "--fen_weights=random"], "image_size must be at least 4"),
    ],
)
def test_bad_input_of_release_leaves_nothing(arguments, message, tmp_path, corrupt_folder):
    arguments = [text.format(tmp=tmp_path, photos=corrupt_folder) for text in arguments]
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=message):
        call(release, f"--release={tmp_path / 'r'}", f"--fen_package={tmp_path / 'f'}", *arguments)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--fen_package must name"),
        (["--fen_package={fen}", "--num_layers=3"], "exists and fixes the FEN; drop --num_layers"),
        (["--fen_package={fen}", "--litert_formats=int8"], "exists and fixes the FEN; drop --litert_formats"),
        (["--fen_package={fen}", "--image_size=64"], "takes images of 32 pixels.*--image_size=64"),
        (["--fen_package={tmp}"], "is no FEN package"),
    ],
)
def test_fen_package_of_release(arguments, message, releases, tmp_path):
    arguments = [text.format(tmp=tmp_path, fen=releases / "fen") for text in arguments]
    with pytest.raises(InputError, match=message):
        call(release, f"--release={tmp_path / 'r'}", *arguments)


def test_release_exists(releases):
    with pytest.raises(InputError, match="already exists; a release is never changed"):
        call(release, f"--release={releases / 'private'}", f"--fen_package={releases / 'fen'}")


@pytest.mark.parametrize("binary", [train_icn, train_irn, run_privynet, pretrain_fen])
def test_workdir_is_needed(binary, releases):
    with pytest.raises(InputError, match="--workdir must name"):
        call(binary, f"--release={releases / 'public'}")


def test_irn_needs_images(releases, tmp_path):
    with pytest.raises(InputError, match="holds no images"):
        call(train_irn, f"--release={releases / 'private'}", f"--workdir={tmp_path / 'irn'}")
    assert not (tmp_path / "irn").exists()


def test_run_with_other_flags(releases, tmp_path):
    arguments = (f"--release={releases / 'private'}", f"--workdir={tmp_path / 'icn'}")
    call(train_icn, *arguments, "--icn_epochs=1")
    with pytest.raises(InputError, match=r"--icn_epochs differ \(there: --icn_epochs=1\)"):
        call(train_icn, *arguments, "--icn_epochs=2")
    call(train_icn, *arguments, "--icn_epochs=2", "--overwrite")
    assert json.loads((tmp_path / "icn" / "result.json").read_text())["epochs"] == 2
