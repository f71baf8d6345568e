"""``eval.compare_formats`` and what it measures."""

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from eval import compare_formats
from privynet_tf import fen, fen_package, icn, images, irn, litert, measurement, training
from privynet_tf.device import number_formats
from privynet_tf.device.number_formats import Effort, Result
from privynet_tf.errors import InputError
from privynet_tf.topology import FenTopology

IMAGES = ("--images=digits", "--train_split=train[:96]", "--validation_split=train[96:128]")
SMALL = ("--icn_epochs=1", "--irn_epochs=1", "--irn_clusters=1", "--irn_blocks=1", "--irn_width=4")


def call(*arguments):
    with flagsaver.flagsaver():
        flags.FLAGS(["compare_formats", *IMAGES, "--test_split=test[:32]", *SMALL, *arguments])
        compare_formats.main()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    path = tmp_path_factory.mktemp("formats") / "fen"
    topology = FenTopology("vgg16", 3, (3, 17))
    source = images.load("digits")
    sample, _ = images.arrays(source, images.Selection("train[:96]"))
    fen_package.save(path, topology, fen.build(topology, "random"), ("float32", "int8"), sample)
    return path


def test_each_format_is_measured_on_its_own_representations(package):
    source = images.load("digits")
    splits = {
        name: images.arrays(source, images.Selection(split))
        for name, split in (("train", "train[:96]"), ("validation", "train[96:128]"), ("test", "test[:32]"))
    }
    settings = training.Settings(1, 0.01, batch_size=32)
    effort = Effort(settings, settings, irn.Architecture(1, 1, 4), 64, 16, repeats=2)
    found = number_formats.measure(package, "int8", splits, 10, effort)

    model = fen_package.transform(package, "int8")
    train, test = (model(splits[name][0]).astype(np.float16) for name in ("train", "test"))
    exact = fen_package.transform(package)(splits["test"][0])
    assert found.error == pytest.approx(litert.rms_error(exact, test.astype(np.float32)), rel=1e-2)
    assert 0.001 < found.error < 0.1
    trained = icn.train((train, splits["train"][1]), None, 10, settings)
    assert found.utility[0] == pytest.approx(icn.evaluate(trained, (test, splits["test"][1])), abs=1 / 32)
    loss, _ = measurement.privacy_loss(
        (train[:64], splits["train"][0][:64]),
        (test[:16], splits["test"][0][:16]),
        effort.architecture,
        settings,
    )
    assert found.psnr[0] == pytest.approx(loss["psnr"], abs=1e-2)
    assert found.psnr[0] != found.psnr[1]
    assert found.privacy_loss == tuple(max(psnr, found.ridge_psnr) for psnr in found.psnr)


def test_lines_compare_equal_seeds():
    results = [
        Result("keras", 0.0, (0.60, 0.62), (17.0, 18.0), 16.0),
        Result("int8", 0.0123, (0.59, 0.61), (15.0, 17.5), 16.0),
    ]
    assert number_formats.lines(results)[2:] == [
        "| keras | 0.00% | 0.6100 ± 0.0141 |  | 17.50 ± 0.71 |  | 17.50 ± 0.71 | 16.00 |",
        "| int8 | 1.23% | 0.6000 ± 0.0141 | -0.0100 ± 0.0000 | 16.75 ± 1.06 | -0.75 ± 0.35 "
        "| 16.25 ± 1.77 | 16.00 |",
    ]


def test_from_the_command_line(package, capsys):
    call(f"--fen_package={package}", "--formats=keras,float32")
    first, second = capsys.readouterr().out.splitlines()[2:]
    assert first.startswith("| keras | 0.00% |")
    assert second.startswith("| float32 | 0.00% |")


def test_bad_input(package):
    with pytest.raises(InputError, match="--fen_package must name"):
        call()
    with pytest.raises(InputError, match=r"--formats must be of .* Received: keras,int4"):
        call(f"--fen_package={package}", "--formats=keras,int4")
    with pytest.raises(InputError, match=r"has no fen_float16.tflite. .*\['keras', 'float32', 'int8'\]"):
        call(f"--fen_package={package}")
