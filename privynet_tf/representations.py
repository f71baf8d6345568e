"""The release: a TFDS dataset of representations and labels, all that leaves the local platform.

It says nothing about the FEN: neither network, layers nor channels, in no name and no metadata. The
characterization release, made of public images, also holds the images, which the IRN needs.
"""

import contextlib
import dataclasses
import io
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow_datasets as tfds

from privynet_tf import checksums
from privynet_tf.errors import InputError

NAME = "representations"
VERSION = "1.0.0"
SPLITS = ("train", "validation", "test")
DTYPES = ("float16", "float32")

MEMORY_LIMIT = 1 << 30
"""Arrays of more bytes than this are read into a temporary file that is mapped to memory."""


@dataclasses.dataclass(frozen=True)
class Split:
    """One split of a release, in the release's order.

    Attributes:
        representations: [N, H', W', D'] in the release's type.
        labels: [N] int64.
        images: [N, S, S, 3] uint8; None where the release holds none.
    """

    representations: np.ndarray
    labels: np.ndarray
    images: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Release:
    """An opened, checked release.

    Attributes:
        directory: where it is.
        shape: (H', W', D') of a representation.
        class_names: one for each label.
        sizes: examples in each split.
        image_size: of the images in pixels; None where the release holds none.
    """

    directory: pathlib.Path
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    sizes: Mapping[str, int]
    image_size: int | None

    @property
    def num_classes(self) -> int:
        return len(self.class_names)


def write(
    directory: pathlib.Path,
    splits: Mapping[str, Callable[[], Iterator[tuple[np.ndarray, int]]]],
    transform: Callable[[np.ndarray], np.ndarray],
    class_names: Sequence[str],
    *,
    with_images: bool = False,
    dtype: str = "float16",
    batch_size: int = 128,
    progress: Callable[[int], None] = lambda examples: None,
) -> None:
    """Writes a release, streaming: memory does not grow with the number of images.

    ``directory`` appears when the release is complete.

    Args:
        directory: of the release; must not exist.
        splits: split name -> function that yields (image [S, S, 3] uint8, label).
        transform: the FEN, images [N, S, S, 3] -> representations [N, H', W', D'].
        class_names: one for each label.
        with_images: also stores the images: for the characterization on public data only.
        dtype: of the stored representations, ``float16`` or ``float32``.
        batch_size: images to transform at once.
        progress: called after each batch with the number of images so far, over all splits.

    Raises:
        InputError: if ``directory`` exists, or a representation does not fit into ``dtype``.
    """
    if directory.exists():
        raise InputError(f"{directory} already exists; a release is never changed")
    image, _ = next(next(iter(splits.values()))())
    features = {
        "representation": tfds.features.Tensor(
            shape=transform(image[None]).shape[1:], dtype=np.dtype(dtype), encoding="bytes"
        ),
        "label": tfds.features.ClassLabel(names=list(class_names)),
    }
    if with_images:
        features["image"] = tfds.features.Image(shape=image.shape)

    written = 0

    def keyed_examples(examples):
        nonlocal written
        key = 0
        for images, labels in _batched(examples(), batch_size):
            with np.errstate(over="ignore"):  # an error below
                outputs = transform(images).astype(dtype)
            if not np.isfinite(outputs).all():
                raise InputError(f"a representation does not fit into {dtype}; use float32")
            for image, output, label in zip(images, outputs, labels, strict=True):
                example = {"representation": output, "label": label}
                yield key, example | ({"image": image} if with_images else {})
                key += 1
            written += len(labels)
            progress(written)

    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as partial:
        with _quiet_tfds():
            builder = tfds.dataset_builders.store_as_tfds_dataset(
                NAME,
                VERSION,
                tfds.features.FeaturesDict(features),
                {name: keyed_examples(examples) for name, examples in splits.items()},
                data_dir=partial,
                description="Intermediate representations of labelled images.",
            )
        complete = pathlib.Path(builder.data_dir)
        checksums.write(complete)
        shutil.move(complete, directory)


def open_release(directory: pathlib.Path, *, images_needed: bool = False) -> Release:
    """Opens a release and checks that every file is what was written.

    Args:
        directory: of the release.
        images_needed: whether a release without images is an error.

    Raises:
        InputError: if it is no release, is truncated or edited, or lacks images that are needed.
    """
    checksums.check(directory, "release")
    builder = tfds.builder_from_directory(directory)
    features = builder.info.features
    if images_needed and "image" not in features:
        raise InputError(
            f"the release {directory} holds no images, and an IRN trains on pairs of representation "
            "and image; make a characterization release of public images with --with_images"
        )
    return Release(
        directory=directory,
        shape=tuple(features["representation"].shape),
        class_names=tuple(features["label"].names),
        sizes={name: split.num_examples for name, split in builder.info.splits.items()},
        image_size=features["image"].shape[0] if "image" in features else None,
    )


def read(release: Release, split: str, max_examples: int | None = None) -> Split:
    """Reads a split into arrays; large ones are mapped from a temporary file.

    Args:
        release: an opened one.
        split: one of its splits.
        max_examples: reads the first so many only; None for all.

    Raises:
        InputError: if the release has no such split.
    """
    if split not in release.sizes:
        raise InputError(f"{release.directory} has no split {split!r}; it has {sorted(release.sizes)}")
    builder = tfds.builder_from_directory(release.directory)
    count = min(release.sizes[split], max_examples or release.sizes[split])
    features = builder.info.features
    representations = _array((count, *release.shape), features["representation"].np_dtype)
    labels = np.empty(count, np.int64)
    images = None
    if release.image_size:
        images = _array((count, *features["image"].shape), np.uint8)
    start = 0
    dataset = builder.as_dataset(split=f"{split}[:{count}]", batch_size=256)
    for batch in dataset.as_numpy_iterator():
        rows = slice(start, start + len(batch["label"]))
        representations[rows] = batch["representation"]
        labels[rows] = batch["label"]
        if images is not None:
            images[rows] = batch["image"]
        start = rows.stop
    return Split(representations, labels, images)


@contextlib.contextmanager
def _quiet_tfds():
    """Keeps TFDS from printing of a "download"; progress goes through the callback."""
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tfds.enable_progress_bar()


def _batched(examples, batch_size):
    images, labels = [], []
    for image, label in examples:
        images.append(image)
        labels.append(label)
        if len(images) == batch_size:
            yield np.stack(images), labels
            images, labels = [], []
    if images:
        yield np.stack(images), labels


def _array(shape: tuple[int, ...], dtype) -> np.ndarray:
    if np.prod(shape, dtype=np.int64) * np.dtype(dtype).itemsize <= MEMORY_LIMIT:
        return np.empty(shape, dtype)
    return np.memmap(tempfile.TemporaryFile(), dtype=dtype, mode="w+", shape=shape)
