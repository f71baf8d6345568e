import dataclasses
import pathlib

import numpy as np
import pytest

from privynet_tf import feature_cache, fen
from privynet_tf.errors import InputError
from privynet_tf.feature_cache import Examples, Fen
from privynet_tf.topology import FenTopology

COPIES = 2


def _examples(seed=0, count=6, copies=0, **changes):
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (count * (1 + copies), 16, 16, 3), dtype=np.uint8)
    labels = np.arange(count).repeat(1 + copies) % 3
    made = {
        "images": "noise",
        "split": "train",
        "image_size": 16,
        "augmented_copies": copies,
        "augmentation_seed": None,
    }
    return Examples(made | changes, len(pixels), lambda: zip(pixels, labels, strict=True))


@pytest.fixture(scope="module")
def vgg():
    """The first six layers of VGG16 with random weights."""
    return _fen(FenTopology("vgg16", 6))


def _fen(topology):
    return Fen(topology, fen.build(topology, "random", image_size=16), "random:seed=0", "caffe")


@pytest.fixture(scope="module")
def cached(vgg, tmp_path_factory):
    """A cache of three layers, of images with augmented copies."""
    split = feature_cache.store_images(tmp_path_factory.mktemp("cache"), _examples(copies=COPIES))
    feature_cache.compute(split, vgg, [1, 3, 6], batch_size=4)
    return split


def test_images_and_labels(cached):
    pixels, labels = zip(*_examples(copies=COPIES).open(), strict=True)
    np.testing.assert_array_equal(cached.images, pixels)
    np.testing.assert_array_equal(cached.labels, labels)
    np.testing.assert_array_equal(np.load(cached.directory / "labels.npy"), labels)
    assert cached.num_images == 6


@pytest.mark.parametrize("num_layers", [1, 3, 6])
def test_cache_holds_what_the_fen_gives_rounded_to_float16(num_layers, cached):
    model = fen.build(FenTopology("vgg16", num_layers), "random", image_size=16)
    expected = np.concatenate(
        [fen.apply(model, np.asarray(cached.images[start : start + 4])) for start in range(0, 18, 4)]
    ).astype(np.float16)
    found = np.load(cached.directory / f"vgg16_m{num_layers}.npy")
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, expected)


def test_selected_channels_are_those_of_a_fen_built_with_them(cached):
    channels = (5, 1, 90)
    model = fen.build(FenTopology("vgg16", 6, channels), "random", image_size=16)
    expected = fen.apply(model, np.asarray(cached.images))
    rows = cached.rows(augmented_copies=COPIES)
    found = cached.representations("vgg16", 6, channels, rows)
    assert found.shape == expected.shape
    # Another number of channels may round otherwise before the rounding to eleven bits.
    np.testing.assert_allclose(found[:], expected, rtol=1e-3, atol=1e-3)


def test_rows_of_images_and_copies(cached):
    np.testing.assert_array_equal(cached.rows(), [0, 3, 6, 9, 12, 15])
    np.testing.assert_array_equal(cached.rows(2, 1), [0, 1, 3, 4])
    np.testing.assert_array_equal(cached.rows(2, 2), range(6))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((7, 0), "images of 'train' must be from 1 to 6. Received: 7"),
        ((0, 0), "images of 'train' must be from 1 to 6. Received: 0"),
        ((6, 3), "augmented copies of 'train' must be from 0 to 2. Received: 3"),
    ],
)
def test_more_than_the_cache_has(arguments, message, cached):
    with pytest.raises(InputError, match=message):
        cached.rows(*arguments)


def test_representations_index_like_an_array(cached):
    rows, channels = cached.rows(4, 1), (40, 2)
    expected = np.load(cached.directory / "vgg16_m3.npy")[rows][..., list(channels)]
    found = cached.representations("vgg16", 3, channels, rows)
    assert len(found) == 8
    np.testing.assert_array_equal(found[2:5], expected[2:5])
    np.testing.assert_array_equal(found[np.array([7, 0])], expected[[7, 0]])
    array = found.in_memory()
    assert isinstance(array, np.ndarray)
    np.testing.assert_array_equal(array, expected)
    assert found.in_memory(limit=expected.nbytes - 1) is found


def test_in_memory_is_read_in_parts(cached, monkeypatch):
    monkeypatch.setattr(feature_cache, "_CHUNK_BYTES", 2 * 16 * 16 * 64 * 3 + 1)
    found = cached.representations("vgg16", 1, (9,), cached.rows(augmented_copies=1))
    np.testing.assert_array_equal(found.in_memory(), found[:])


def test_reading_a_large_layer_keeps_little_in_memory(tmp_path):
    shape = (800, 32, 32, 128)  # 210 MB, all of it a hole in the file
    np.lib.format.open_memmap(tmp_path / "vgg16_m1.npy", "w+", np.float16, shape).flush()
    rows = np.arange(shape[0])
    layer = feature_cache.Representations(tmp_path / "vgg16_m1.npy", rows, range(2))

    def resident():
        return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096

    before = resident()
    for start in range(0, len(rows), 100):
        assert not layer[start : start + 100].any()
        assert resident() - before < 100 << 20


def test_a_cached_layer_is_not_computed_again(cached, vgg):
    seen = []
    feature_cache.compute(cached, vgg, [6, 3], progress=lambda *done: seen.append(done))
    assert seen == []
    feature_cache.compute(cached, vgg, [4, 6], batch_size=10, progress=lambda *done: seen.append(done))
    assert seen == [(10, 18), (18, 18)]


def test_images_are_not_stored_again(cached):
    path = cached.directory / "images.npy"
    before = path.stat().st_mtime_ns
    again = feature_cache.store_images(cached.directory, _examples(copies=COPIES))
    assert again.made == cached.made
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (_examples(copies=COPIES, split="test"), "split is 'train' there and 'test' here"),
        (_examples(copies=COPIES, images="cats"), "images is 'noise' there and 'cats' here"),
        (_examples(), "augmented_copies is 2 there and 0 here"),
        (_examples(seed=1, copies=COPIES), "sha256 is '.*' there and '.*' here"),
        (_examples(copies=COPIES, count=5), "sha256 is"),
    ],
)
def test_cache_of_other_images(examples, message, cached):
    with pytest.raises(InputError, match=f"was made from other .*: {message}.*; delete it or choose"):
        feature_cache.store_images(cached.directory, examples)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": "random:seed=1"}, "weights is 'random:seed=0' there and 'random:seed=1' here"),
        ({"preprocessing": "per_image"}, "preprocessing is 'caffe' there and 'per_image' here"),
    ],
)
def test_cache_of_another_fen(change, message, cached, vgg):
    other = dataclasses.replace(vgg, **change)
    with pytest.raises(InputError, match=message):
        feature_cache.compute(cached, other, [6])


def test_fen_that_leaves_intermediate_channels_out(cached):
    """What it releases is cached beside the layers, and is not a slice of them."""
    topology = FenTopology("vgg16", 4, (7, 3), {"block1_conv2": (0, 5, 9)})
    other = FenTopology("vgg16", 4, (7, 3), {"block1_conv2": (0, 5, 8)})
    rows = np.array([2, 0])
    for each in (topology, other):
        feature_cache.compute_reduced(cached, _fen(each), batch_size=4)
        found = cached.reduced_representations(each, rows)
        expected = fen.apply(_fen(each).model, cached.images[rows])
        np.testing.assert_allclose(found.in_memory(), expected, rtol=2e-3, atol=1e-2)
    assert not np.allclose(expected, cached.reduced_representations(topology, rows).in_memory(), rtol=0.1)


def test_reduced_fen_with_other_weights(cached):
    topology = FenTopology("vgg16", 3, (1,), {"block1_conv1": (0, 5)})
    feature_cache.compute_reduced(cached, _fen(topology))
    with pytest.raises(InputError, match="weights is 'random:seed=0' there and 'other' here"):
        feature_cache.compute_reduced(cached, dataclasses.replace(_fen(topology), weights="other"))


def test_interrupted_storing_leaves_nothing_complete(tmp_path, vgg):
    def broken():
        yield from list(_examples().open())[:3]
        raise KeyboardInterrupt

    good = _examples()
    with pytest.raises(KeyboardInterrupt):
        feature_cache.store_images(tmp_path, Examples(good.made, good.count, broken))
    assert list(tmp_path.glob("[!.]*")) == []
    split = feature_cache.store_images(tmp_path, good)
    np.testing.assert_array_equal(split.images, [image for image, _ in good.open()])


def test_interrupted_computation_leaves_nothing_complete(tmp_path, vgg):
    def stop(done, total):
        raise KeyboardInterrupt

    split = feature_cache.store_images(tmp_path, _examples())
    with pytest.raises(KeyboardInterrupt):
        feature_cache.compute(split, vgg, [3], batch_size=2, progress=stop)
    assert list(tmp_path.glob("vgg16*")) == []
    feature_cache.compute(split, vgg, [3])
    assert np.load(tmp_path / "vgg16_m3.npy").shape == (6, 8, 8, 64)


def test_killed_between_array_and_record_is_computed_again(tmp_path, vgg):
    split = feature_cache.store_images(tmp_path, _examples())
    feature_cache.compute(split, vgg, [3])
    expected = np.load(tmp_path / "vgg16_m3.npy")
    (tmp_path / "vgg16_m3.json").unlink()
    (tmp_path / "vgg16_m3.npy").write_bytes(b"")
    feature_cache.compute(split, vgg, [3])
    np.testing.assert_array_equal(np.load(tmp_path / "vgg16_m3.npy"), expected)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY"])
def test_damaged_files(content, tmp_path, vgg):
    split = feature_cache.store_images(tmp_path, _examples())
    feature_cache.compute(split, vgg, [6])
    (tmp_path / "vgg16_m6.npy").write_bytes(content)
    with pytest.raises(InputError, match="vgg16_m6.npy is damaged"):
        feature_cache.compute(split, vgg, [6])
    (tmp_path / "images.npy").write_bytes(content)
    with pytest.raises(InputError, match="images.npy is damaged"):
        feature_cache.store_images(tmp_path, _examples())


def test_overflow_of_float16(tmp_path):
    model = fen.build(FenTopology("vgg16", 1), "random", image_size=16)
    kernel, bias = model.get_layer("block1_conv1").get_weights()
    model.get_layer("block1_conv1").set_weights([kernel, bias + 70_000])
    split = feature_cache.store_images(tmp_path, _examples())
    with pytest.raises(InputError, match="does not fit into float16: 70"):
        feature_cache.compute(split, Fen(FenTopology("vgg16", 1), model, "", "caffe"), [1])
    assert list(tmp_path.glob("vgg16*")) == []
