"""Fixtures that several test files share."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

import itertools
import pathlib
import types
import zlib

import keras
import numpy as np
import pytest
from absl import flags

from privynet_tf import tables
from privynet_tf.grid import BASELINE, Cell, Grid

flags.FLAGS.mark_as_parsed()


@pytest.fixture(scope="session")
def real_data() -> pathlib.Path:
    """The folder of real data (CIFAR in TFDS's format, ImageNet weights), which is not in the project."""
    value = os.environ.get("PRIVYNET_TEST_DATA")
    if not value:
        pytest.skip("needs real data: set PRIVYNET_TEST_DATA to the folder with tfds/ and keras_models/")
    path = pathlib.Path(value)
    assert path.is_dir(), f"PRIVYNET_TEST_DATA names no folder: {value}"
    return path


@pytest.fixture(scope="session")
def imagenet_weights(real_data) -> pathlib.Path:
    """ImageNet weights of VGG16's first four convolutions."""
    return real_data / "keras_models" / "vgg16_imagenet_blocks1-2_notop.h5"


@pytest.fixture(scope="session")
def tfds_dir(real_data) -> str:
    """A TFDS data directory with CIFAR-10."""
    return str(real_data / "tfds")


@pytest.fixture(scope="session")
def photos() -> np.ndarray:
    """Two images [2, 32, 32, 3] uint8, made to have edges, gradients and noise."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (2, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2)
    ramp = np.linspace(-60, 60, 32)[:, None]
    return np.clip(coarse + ramp + generator.normal(0, 10, coarse.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def vgg16(tmp_path_factory) -> types.SimpleNamespace:
    """Keras's own VGG16 with random weights: ``model``, and ``path`` of a file that holds them."""
    return _random_network(keras.applications.VGG16, tmp_path_factory.mktemp("vgg16"))


@pytest.fixture(scope="session")
def vgg19(tmp_path_factory) -> types.SimpleNamespace:
    """Keras's own VGG19, as ``vgg16``."""
    return _random_network(keras.applications.VGG19, tmp_path_factory.mktemp("vgg19"))


def _random_network(application, folder: pathlib.Path) -> types.SimpleNamespace:
    keras.utils.set_random_seed(0)
    model = application(weights=None, include_top=False, input_shape=(32, 32, 3))
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:  # Keras starts biases at 0, where mistakes with them do not show
            layer.bias.assign(generator.normal(0, 2, layer.bias.shape))
    path = folder / "random.h5"
    model.save(path)
    return types.SimpleNamespace(model=model, path=str(path))


@pytest.fixture(scope="session")
def measured():
    """A function that gives a table's row of a cell as if it had been measured; see ``_measured``."""
    return _measured


@pytest.fixture(scope="session")
def sweep() -> list[tables.Row]:
    """Rows for every figure of a characterization: depths, single channels, clusters, sizes, two datasets."""
    layers = (1, 2, 3, 4, 5, 6)
    grids = (
        Grid("cifar10", (10000,), layers=layers, depths=(2, 4, 8, 16, 32, 64), random_sets=5, baseline=True),
        Grid("cifar10", (10000,), layers=(4, 5, 6), depths=(128,)),
        Grid("cifar10", (10000,), layers=(6,), single_channels=True),
        Grid("cifar10", (10000,), layers=(4,), depths=(1,), random_sets=48),
        Grid("cifar100", (10000,), layers=layers, depths=(2, 4, 8, 16, 32, 64)),
    )
    rows = {tables.key(row): row for grid in grids for row in map(_measured, grid.cells())}
    # With a budget of their own, as attacks on few images need.
    grids = (
        Grid("cifar10", (2000,), layers=(2, 4, 6), depths=(8,), irn_clusters=(1, 2, 3)),
        Grid("cifar10", (10, 30, 100, 300, 1000, 3000), layers=(6,), depths=(8,), augmented_copies=(0, 2)),
    )
    for cell in (cell for grid in grids for cell in grid.cells()):
        row = _measured(cell, irn_epochs=30, irn_max_images=None, irn_images=cell.train_images)
        rows[tables.key(row)] = row
    return list(rows.values())


@pytest.fixture(scope="session")
def line():
    """A function that gives x and y of the line or points with a label in an axes."""

    def find(axis, label):
        drawn = [*axis.lines, *axis.containers]
        (found,) = [one for one in drawn if one.get_label() == label]
        found = getattr(found, "lines", [found])[0]
        return list(found.get_xdata()), list(found.get_ydata())

    return find


@pytest.fixture(scope="session")
def check_legible():
    """A function that fails where text of a figure leaves it, overlaps other text, or a legend hides data."""

    def check(figure):
        figure.draw_without_rendering()
        axes = [*figure.axes, *(child for axis in figure.axes for child in axis.child_axes)]
        texts = [text for axis in axes for text in (axis.xaxis.label, axis.yaxis.label, axis.title)]
        legends = [axis.get_legend() for axis in figure.axes if axis.get_legend()]
        texts = [text for text in (*texts, figure._supxlabel) if text.get_text()]
        boxes = {text: text.get_window_extent() for text in (*texts, *legends)}
        for text, box in boxes.items():
            assert box.x0 >= 0, text
            assert box.y0 >= 0, text
            assert box.x1 <= figure.bbox.x1 + 1, text
            assert box.y1 <= figure.bbox.y1 + 1, text
        for one, other in itertools.combinations(boxes, 2):
            assert not boxes[one].overlaps(boxes[other]), (one, other)
        for text, axis in itertools.product(boxes, figure.axes):
            assert not boxes[text].overlaps(axis.get_window_extent()), (text, axis)

    return check


def _measured(cell: Cell, **changes: object) -> tables.Row:
    """A row with plausible results, which depend on the cell alone, so that figures of them can be judged."""
    generator = np.random.default_rng(zlib.crc32(repr(cell).encode()))
    octaves, unlucky = np.log2(len(cell.channels)), generator.normal() / (1 + len(cell.channels) ** 0.5)
    shallow = max(6 - cell.num_layers, 0)
    utility = 0.74 - 0.006 * (6 - shallow) - (0.01 + 0.0024 * (6 - shallow)) * (6 - octaves) + 0.06 * unlucky
    if cell.network == BASELINE:
        utility = 0.77
    psnr = 18.5 + 1.9 * shallow + (1.25 + 0.1 * shallow) * (octaves - 5) + generator.normal() / (2 + octaves)
    psnr += 1.3 * np.log10(min(cell.train_images, 2000) / 2000) + 0.3 * (cell.irn_clusters - 2)
    psnr += 0.15 * cell.augmented_copies
    training = {"learning_rate": 0.01, "batch_size": 64, "optimizer": "adam", "schedule": "cosine"}
    training |= {"drop_epochs": None, "average_weights": False, "precision": "float32"}
    row = dict.fromkeys(column.name for column in tables.COLUMNS) | cell.columns()
    row |= {"weights": "sha256:1", "preprocessing": "caffe", "image_size": 32}
    row |= {"train_split": "train", "validation_split": "train[90%:]", "test_split": "test"}
    row |= {f"{side}_{name}": value for side in ("icn", "irn") for name, value in training.items()}
    row |= {"icn_epochs": 10, "irn_epochs": 15, "irn_blocks": 2, "irn_width": 32, "irn_max_images": 2000}
    row |= {
        "utility": float(utility),
        "train_accuracy": float(utility),
        "class_prior": 0.1,
        "icn_seconds": 1.0,
    }
    if cell.network == BASELINE:
        return row | dict.fromkeys(column.name for column in tables.SIDES["irn"]) | changes
    row |= {"psnr": float(psnr), "psnr_std": 2.0, "psnr_p95": 22.0, "ssim": 0.4, "train_psnr": 18.0}
    row |= {
        "irn_images": min(cell.train_images, 2000),
        "ridge_psnr": float(psnr - generator.uniform(-0.2, 2)),
    }
    return row | {"ridge_pairs": 2000, "irn_seconds": 1.0} | changes
