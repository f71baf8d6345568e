import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

from privynet_tf import representations
from privynet_tf.errors import InputError

CLASSES = ("cat", "dog")


def _examples(count=20, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return [(image, int(label)) for image, label in zip(images, generator.integers(0, 2, count), strict=True)]


def _transform(images):
    """Stands for a FEN: two channels, half the size."""
    return images[:, ::2, ::2, :2].astype(np.float32) * 1.25


def _write(directory, count=20, **options):
    splits = {
        name: (lambda seed=seed: iter(_examples(count, seed)))
        for seed, name in enumerate(representations.SPLITS)
    }
    representations.write(directory, splits, _transform, CLASSES, batch_size=8, **options)
    return directory


@pytest.mark.parametrize("dtype", representations.DTYPES)
def test_what_is_read_is_what_was_written(tmp_path, dtype):
    release = representations.open_release(
        _write(tmp_path / "release", with_images=True, dtype=dtype), images_needed=True
    )
    assert release.shape == (4, 4, 2)
    assert release.class_names == CLASSES
    assert release.sizes == {"train": 20, "validation": 20, "test": 20}
    assert release.image_size == 8
    split = representations.read(release, "validation")
    assert split.representations.dtype == dtype
    np.testing.assert_array_equal(split.representations, _transform(split.images).astype(dtype))
    written = {image.tobytes(): label for image, label in _examples(seed=1)}
    read = {image.tobytes(): label for image, label in zip(split.images, split.labels, strict=True)}
    assert read == written


def test_a_part_of_a_split(tmp_path):
    release = representations.open_release(_write(tmp_path / "release"))
    whole = representations.read(release, "train")
    part = representations.read(release, "train", max_examples=7)
    np.testing.assert_array_equal(part.representations, whole.representations[:7])
    assert whole.images is None


def test_large_arrays_are_mapped_from_a_file(tmp_path, monkeypatch):
    release = representations.open_release(_write(tmp_path / "release"))
    in_memory = representations.read(release, "train").representations
    monkeypatch.setattr(representations, "MEMORY_LIMIT", 100)
    mapped = representations.read(release, "train").representations
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, in_memory)


def test_any_tfds_user_can_read_it(tmp_path):
    directory = _write(tmp_path / "release")
    dataset = tfds.builder_from_directory(directory).as_dataset(split="test")
    assert {key: spec.dtype.name for key, spec in dataset.element_spec.items()} == {
        "representation": "float16",
        "label": "int64",
    }


def test_nothing_in_it_tells_of_the_fen(tmp_path):
    """Only the shape, the labels and the numbers themselves: no other word than TFDS's own."""
    directory = _write(tmp_path / "release")
    info = json.loads((directory / "dataset_info.json").read_text())
    assert set(info) == {"description", "fileFormat", "moduleName", "name", "splits", "version"}
    text = "".join(
        path.read_text() for path in directory.iterdir() if path.suffix in (".json", ".txt")
    ).lower()
    for word in ("vgg", "block", "conv", "pool", "layer", "channel", "fen", str(tmp_path)):
        assert word not in text


def test_progress_counts_all_images(tmp_path):
    seen = []
    _write(tmp_path / "release", progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 60


def test_nothing_is_left_when_writing_fails(tmp_path):
    def failing():
        yield from _examples(5)
        raise InputError("cannot decode image file cat.png")

    with pytest.raises(InputError, match=r"cat\.png"):
        representations.write(tmp_path / "release", {"train": failing}, _transform, CLASSES)
    assert list(tmp_path.iterdir()) == []


def test_overflow_of_float16_is_an_error(tmp_path):
    with pytest.raises(InputError, match="does not fit into float16; use float32"):
        representations.write(
            tmp_path / "release",
            {"train": lambda: iter(_examples())},
            lambda images: _transform(images) * 1e6,
            CLASSES,
        )


def test_a_release_is_never_changed(tmp_path):
    directory = _write(tmp_path / "release")
    with pytest.raises(InputError, match="already exists"):
        _write(directory)


def test_no_release(tmp_path):
    with pytest.raises(InputError, match="is no release: it has no SHA256SUMS"):
        representations.open_release(tmp_path)


def test_images_that_are_needed(tmp_path):
    directory = _write(tmp_path / "release")
    with pytest.raises(InputError, match="holds no images.*--with_images"):
        representations.open_release(directory, images_needed=True)


def test_unknown_split(tmp_path):
    release = representations.open_release(_write(tmp_path / "release"))
    with pytest.raises(InputError, match=r"no split 'dev'; it has \['test', 'train', 'validation'\]"):
        representations.read(release, "dev")


def test_truncated_release(tmp_path):
    directory = _write(tmp_path / "release")
    shard = next(directory.glob("*train*"))
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(InputError, match=f"truncated or edited: {shard.name} does not match"):
        representations.open_release(directory)


def test_edited_release(tmp_path):
    directory = _write(tmp_path / "release")
    labels = directory / "label.labels.txt"
    labels.write_text(labels.read_text().replace("cat", "cow"))
    with pytest.raises(InputError, match=r"truncated or edited: label\.labels\.txt"):
        representations.open_release(directory)


@pytest.mark.parametrize("change", ["remove", "add"])
def test_files_that_lack_or_do_not_belong(tmp_path, change):
    directory = _write(tmp_path / "release")
    if change == "remove":
        (directory / "features.json").unlink()
        message = r"incomplete: features\.json is missing"
    else:
        (directory / "note.txt").write_text("m = 6")
        message = r"edited: note\.txt does not belong to it"
    with pytest.raises(InputError, match=message):
        representations.open_release(directory)


_PEAK = """
import pathlib, resource, sys
import numpy as np
from privynet_tf import representations
image = np.zeros((8, 8, 3), np.uint8)
representations.write(
    pathlib.Path(sys.argv[1]),
    {"train": lambda: ((image, 0) for _ in range(int(sys.argv[2])))},
    lambda images: np.zeros((len(images), 32, 32, 64), np.float32),
    ("cat", "dog"),
)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_number_of_images(tmp_path, monkeypatch):
    """16 times the images, 0.5 GB of them; TFDS's own buffer is what may grow, up to its limit."""
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))

    def peak(count):
        done = subprocess.run(
            [sys.executable, "-c", _LIMITED + _PEAK, str(tmp_path / str(count)), str(count)],
            check=True,
            capture_output=True,
            text=True,
        )
        return int(done.stdout)

    assert peak(4096) - peak(256) < 150


# TFDS holds 1 GB before it goes to disk; 32 MB show the same in a test.
_LIMITED = """
from tensorflow_datasets.core import shuffle
shuffle.MAX_MEM_BUFFER_SIZE = 32 << 20
"""
