"""Fixtures that several test files share."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

import pathlib
import types

import keras
import numpy as np
import pytest
from absl import flags

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
