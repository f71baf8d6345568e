import hashlib
import pathlib
import shutil

import h5py
import keras
import numpy as np
import pytest

from privynet_tf import pretrained
from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS, Layer

LAYERS = (Layer("block1_conv1", 64), Layer("block1_conv2", 64))


def _arrays(shapes):
    generator = np.random.default_rng(0)
    return {
        name: tuple(generator.normal(size=shape).astype(np.float32) for shape in pair)
        for name, pair in shapes.items()
    }


def _write_like_keras(path, arrays):
    """The layout of Keras's own ``*_notop.h5`` files, names in bytes and unlike ours."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in arrays]
        for name, values in arrays.items():
            names = [f"{name}_W_1:0", f"{name}_b_1:0"][: len(values)]
            group = file.create_group(name)
            group.attrs["weight_names"] = [text.encode() for text in names]
            for text, value in zip(names, values, strict=True):
                group[text] = value
    return str(path)


VALID = _arrays(
    {"block1_conv1": ((3, 3, 3, 64), (64,)), "block1_conv2": ((3, 3, 64, 64), (64,)), "other": ((2,), (1,))}
)


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    """An empty home of Keras, and no way to the network."""

    def no_download(*args, **kwargs):
        raise AssertionError("a download was tried")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(keras.utils, "get_file", no_download)
    return tmp_path / "keras"


def test_reads_the_layout_of_keras(tmp_path):
    found = pretrained.kernels("vgg16", LAYERS, _write_like_keras(tmp_path / "w.h5", VALID))
    assert list(found) == ["block1_conv1", "block1_conv2"]
    for name, (kernel, bias) in found.items():
        np.testing.assert_array_equal(kernel, VALID[name][0])
        np.testing.assert_array_equal(bias, VALID[name][1])


def test_reads_a_complete_model_that_keras_saved(vgg16):
    layers = [layer for layer in NETWORKS["vgg16"].layers if not layer.is_pool]
    found = pretrained.kernels("vgg16", layers, vgg16.path)
    assert len(found) == 13
    for name, (kernel, bias) in found.items():
        expected = vgg16.model.get_layer(name).get_weights()
        np.testing.assert_array_equal(kernel, expected[0])
        np.testing.assert_array_equal(bias, expected[1])


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_write_and_read(tmp_path, dtype):
    pretrained.write(tmp_path / "w.h5", VALID, dtype)
    found = pretrained.kernels("vgg16", LAYERS, str(tmp_path / "w.h5"))
    for name, arrays in found.items():
        for array, expected in zip(arrays, VALID[name], strict=True):
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, expected.astype(dtype).astype(np.float32))


def test_missing_layer_is_named_with_what_is_there(tmp_path):
    path = _write_like_keras(tmp_path / "w.h5", {"block1_conv1": VALID["block1_conv1"]})
    with pytest.raises(InputError, match=r"w\.h5 lacks layer block1_conv2; it holds \['block1_conv1'\]"):
        pretrained.kernels("vgg16", LAYERS, path)


@pytest.mark.parametrize(
    ("shapes", "found"),
    [
        (((3, 3, 3, 64), (64,)), r"\[\(3, 3, 3, 64\), \(64,\)\]"),
        (((5, 5, 64, 64), (64,)), r"\[\(5, 5, 64, 64\), \(64,\)\]"),
        (((3, 3, 64, 64), (32,)), r"\[\(3, 3, 64, 64\), \(32,\)\]"),
        (((3, 3, 64, 64),), r"\[\(3, 3, 64, 64\)\]"),
        ((), r"\[\]"),
    ],
)
def test_wrong_shape_names_layer_file_and_both_shapes(tmp_path, shapes, found):
    arrays = {"block1_conv1": VALID["block1_conv1"]} | _arrays({"block1_conv2": shapes})
    path = _write_like_keras(tmp_path / "w.h5", arrays)
    message = rf"w\.h5: layer block1_conv2 has shapes {found}, expected \[\(3, 3, 64, 64\), \(64,\)\]"
    with pytest.raises(InputError, match=message):
        pretrained.kernels("vgg16", LAYERS, path)


def test_file_that_is_not_hdf5(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_text("no weights")
    with pytest.raises(InputError, match=r"weights\.h5 is not an HDF5 weights file: .+"):
        pretrained.kernels("vgg16", LAYERS, str(path))


def test_weights_of_keras_3_are_refused(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(64, 3, name="block1_conv1")])
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    with pytest.raises(InputError, match=r"model\.weights\.h5 does not name its layers.*cannot be used"):
        pretrained.kernels("vgg16", LAYERS[:1], str(path))


@pytest.mark.parametrize("name", ["nowhere.h5", "folder", "image-net"])
def test_path_that_is_no_file(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(
        InputError, match=rf"weights must be 'imagenet', 'embedded', 'random' .*{name}', which is no file"
    ):
        pretrained.kernels("vgg16", LAYERS, str(tmp_path / name))


def test_random_weights():
    def arrays(seed, layers=LAYERS):
        return pretrained.kernels("vgg16", layers, "random", seed=seed)

    one, same, other = arrays(1), arrays(1), arrays(2)
    for name, depth in (("block1_conv1", 3), ("block1_conv2", 64)):
        kernel, bias = one[name]
        assert kernel.shape == (3, 3, depth, 64)
        assert not bias.any()
        # Glorot and Bengio (2010): uniform on +-sqrt(6 / (fan_in + fan_out)).
        limit = np.sqrt(6 / (9 * depth + 9 * 64))
        assert 0.99 * limit < kernel.max() <= limit
        assert -limit <= kernel.min() < -0.99 * limit
        assert abs(kernel.mean()) < 0.05 * limit
        np.testing.assert_array_equal(kernel, same[name][0])
        assert (kernel != other[name][0]).mean() > 0.99
    # Layers have draws of their own, and a deeper cut keeps those of a shallower one.
    values = [one[name][0].ravel()[:1728] for name in one]
    assert abs(np.corrcoef(values)[0, 1]) < 0.1
    np.testing.assert_array_equal(one["block1_conv1"][0], arrays(1, LAYERS[:1])["block1_conv1"][0])


def test_imagenet_is_not_downloaded_unless_asked(keras_home):
    with pytest.raises(InputError, match=r"ImageNet weights of vgg16 are not in Keras's cache .*--download"):
        pretrained.kernels("vgg16", LAYERS, "imagenet")
    assert not keras_home.exists()


def test_imagenet_is_read_from_the_cache_without_asking_keras(keras_home):
    (keras_home / "models").mkdir(parents=True)
    _write_like_keras(keras_home / "models/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", VALID)
    for download in (False, True):
        found = pretrained.kernels("vgg16", LAYERS, "imagenet", download=download)
        np.testing.assert_array_equal(found["block1_conv2"][0], VALID["block1_conv2"][0])
    with pytest.raises(InputError, match="weights of vgg19 are not in Keras's cache"):
        pretrained.kernels("vgg19", LAYERS, "imagenet")


def test_cache_is_where_keras_has_it(monkeypatch, tmp_path):
    """Keras reads KERAS_HOME when it is imported; without it, the cache is in the home directory."""
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = tmp_path / ".keras/models/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    with pytest.raises(InputError, match=str(expected)):
        pretrained.kernels("vgg16", LAYERS, "imagenet")


def test_imagenet_is_downloaded_into_the_cache(keras_home, monkeypatch, tmp_path):
    source = _write_like_keras(tmp_path / "remote.h5", VALID)
    asked = {}

    def get_file(fname, origin, cache_dir, cache_subdir, file_hash):
        asked.update(origin=origin, file_hash=file_hash)
        target = pathlib.Path(cache_dir) / cache_subdir / fname
        target.parent.mkdir(parents=True)
        return shutil.copy(source, target)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    found = pretrained.kernels("vgg16", LAYERS, "imagenet", download=True)
    np.testing.assert_array_equal(found["block1_conv1"][0], VALID["block1_conv1"][0])
    assert asked == {
        "origin": NETWORKS["vgg16"].weights_url,
        "file_hash": NETWORKS["vgg16"].weights_md5,
    }
    monkeypatch.undo()
    monkeypatch.setenv("KERAS_HOME", str(keras_home))
    pretrained.kernels("vgg16", LAYERS, "imagenet")  # is now in the cache


def test_keras_downloads_into_the_cache_that_is_read(keras_home, monkeypatch):
    """With Keras's own ``get_file``, whose way to the network is cut."""
    monkeypatch.undo()
    monkeypatch.setenv("KERAS_HOME", str(keras_home))
    target = []

    def urlretrieve(origin, filename, reporthook=None):
        target.append(filename)
        raise OSError("no network")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", urlretrieve)
    with pytest.raises(InputError, match="no network"):
        pretrained.kernels("vgg16", LAYERS, "imagenet", download=True)
    assert target == [str(keras_home / "models/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5")]


def test_failing_download_is_one_line(keras_home, monkeypatch):
    def get_file(*args, **kwargs):
        raise Exception("URL fetch failure:\nno route to host")

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    message = r"^cannot download https://.*notop\.h5: URL fetch failure: no route to host$"
    with pytest.raises(InputError, match=message):
        pretrained.kernels("vgg16", LAYERS, "imagenet", download=True)


def test_embedded_weights_reach_to_layer_6():
    convolutions = [layer for layer in NETWORKS["vgg16"].layers[:6] if not layer.is_pool]
    found = pretrained.kernels("vgg16", convolutions, "embedded")
    assert list(found) == ["block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2"]
    for kernel, bias in found.values():
        assert np.isfinite(kernel).all()
        assert kernel.std() > 0
        assert bias.any()


def test_embedded_weights_end_at_layer_6():
    convolutions = [layer for layer in NETWORKS["vgg16"].layers[:7] if not layer.is_pool]
    with pytest.raises(InputError, match="lacks layer block3_conv1"):
        pretrained.kernels("vgg16", convolutions, "embedded")


def test_embedded_weights_of_vgg19_do_not_exist():
    with pytest.raises(InputError, match=r"'embedded' exist for \['vgg16'\], not for 'vgg19'"):
        pretrained.kernels("vgg19", LAYERS, "embedded")


def test_identity(tmp_path, keras_home):
    path = tmp_path / "w.h5"
    path.write_bytes(b"weights")
    checksum = hashlib.sha256(b"weights").hexdigest()
    assert pretrained.identity("vgg16", str(path)) == f"sha256:{checksum}"
    assert pretrained.identity("vgg16", "random", seed=3) == "random:seed=3"
    with pytest.raises(InputError, match="not in Keras's cache"):
        pretrained.identity("vgg16", "imagenet")
    (keras_home / "models").mkdir(parents=True)
    shutil.copy(path, keras_home / "models/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5")
    assert pretrained.identity("vgg16", "imagenet") == f"sha256:{checksum}"
