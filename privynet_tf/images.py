"""Labelled images: a TFDS dataset, a folder of class folders, or the embedded handwritten digits.

All become RGB uint8 images of one size, with splits named in TFDS's syntax (``train[:80%]``).
"""

import concurrent.futures
import dataclasses
import hashlib
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import sklearn.datasets
import sklearn.model_selection
import tensorflow as tf
import tensorflow_datasets as tfds

from privynet_tf.errors import InputError

DIGITS = "digits"
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
FOLDER_TEST_FRACTION = 0.2
"""Part of each class that becomes the test split of digits and of a folder without one."""

BRIGHTNESS_DELTA = 63.0
CONTRAST_RANGE = (0.2, 1.8)


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """A source of labelled images.

    Attributes:
        name: what was asked for.
        class_names: one for each label, in order.
        split_sizes: number of images in each named split.
        open_split: TFDS split expression -> ``tf.data.Dataset`` of
            (image [image_size, image_size, 3] uint8, label int64), in a fixed order.
    """

    name: str
    class_names: tuple[str, ...]
    split_sizes: Mapping[str, int]
    open_split: Callable[[str], tf.data.Dataset]

    def num_images(self, split: str) -> int:
        """Number of images in a split expression.

        Raises:
            InputError: if it cannot be parsed, names no split of this source or selects nothing.
        """
        return sum(stop - start for _, start, stop in self.ranges(split))

    def ranges(self, split: str) -> list[tuple[str, int, int]]:
        """A split expression as (named split, first image, end); raises as ``num_images`` does."""
        infos = {
            name: tfds.core.SplitInfo(name=name, shard_lengths=[size], num_bytes=0)
            for name, size in self.split_sizes.items()
        }
        try:
            parts = tfds.core.ReadInstruction.from_spec(split).to_absolute(infos)
        except (ValueError, AssertionError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"cannot read split {split!r} of {self.name}: {reason}") from error
        ranges = [
            (
                part.splitname,
                part.from_ or 0,
                self.split_sizes[part.splitname] if part.to is None else part.to,
            )
            for part in parts
        ]
        if any(stop <= start for _, start, stop in ranges):
            raise InputError(
                f"split {split!r} of {self.name} selects no images; it has {dict(self.split_sizes)}"
            )
        return ranges


def load(
    name: str, image_size: int = 32, data_dir: str | None = None, *, download: bool = False
) -> LabelledImages:
    """Opens a source of labelled images. Reads no pixels, but for the check of a folder's files.

    Args:
        name: ``digits``; the name of a TFDS image-classification dataset; or the path of a folder with
            one sub-folder of PNG or JPEG files for each class, or of a folder with such folders for
            its splits (``train``, ``test``, and ``validation`` if there is one).
        image_size: height and width in pixels to which all images are resized (bilinear with
            anti-aliasing; the aspect ratio is not kept).
        data_dir: where TFDS keeps its data; None for TFDS's own default.
        download: whether TFDS may download and prepare the dataset.

    Raises:
        InputError: if there is no such dataset, it is not on disk and may not be downloaded, it is
            not one of labelled images, or a folder is empty, has one class or holds a corrupt file.
    """
    if name == DIGITS:
        return _digits(image_size)
    if name and pathlib.Path(name).is_dir():
        return _folder(pathlib.Path(name), image_size)
    return _tfds(name, image_size, data_dir, download)


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which images of a source.

    Attributes:
        split: TFDS split expression.
        max_images: the first so many of the split; None for all.
        augmented_copies: randomly augmented copies that follow each image.
        seed: of the augmentation.
    """

    split: str
    max_images: int | None = None
    augmented_copies: int = 0
    seed: int = 0


def read_files(files: Sequence[pathlib.Path], image_size: int) -> np.ndarray:
    """Reads image files, as a folder's images are read: [N, image_size, image_size, 3] uint8.

    Raises:
        InputError: for a file that is no image, by name.
    """
    names = [str(file) for file in files]
    _check_files(names)
    return np.stack([_to_rgb(_decode_file(name), image_size).numpy() for name in names])


def num_examples(source: LabelledImages, selection: Selection) -> int:
    """Images and augmented copies in a selection; raises as ``LabelledImages.num_images``."""
    count = source.num_images(selection.split)
    if selection.max_images is not None:
        count = min(count, selection.max_images)
    return count * (1 + selection.augmented_copies)


def examples(source: LabelledImages, selection: Selection) -> Iterator[tuple[np.ndarray, int]]:
    """Yields (image [S, S, 3] uint8, label), each image followed by its augmented copies."""
    dataset = source.open_split(selection.split)
    if selection.max_images is not None:
        dataset = dataset.take(selection.max_images)
    dataset = with_augmented_copies(dataset, selection.augmented_copies, selection.seed)
    for image, label in dataset.as_numpy_iterator():
        yield image, int(label)


def arrays(source: LabelledImages, selection: Selection) -> tuple[np.ndarray, np.ndarray]:
    """Images [N, S, S, 3] uint8 and labels [N] int64 of a selection, in memory."""
    images, labels = zip(*examples(source, selection), strict=True)
    return np.stack(images), np.asarray(labels, np.int64)


def with_augmented_copies(dataset: tf.data.Dataset, copies: int, seed: int) -> tf.data.Dataset:
    """Follows each image with randomly augmented copies (appendix B of the paper).

    As in the TensorFlow tutorial: brightness shifted by up to 63 of 255, then contrast scaled by 0.2
    to 1.8, drawn anew for each copy from ``seed`` and the image's position. The result is rounded and
    clipped to uint8, because a copy passes through the FEN and is stored like any other image.
    """
    if copies == 0:
        return dataset

    def expand(index, example):
        image, label = example

        def augmented(copy):
            return _augment(image, tf.stack([seed, index * copies + copy]))

        more = tf.map_fn(augmented, tf.range(copies, dtype=tf.int64), fn_output_signature=tf.uint8)
        return tf.concat([image[None], more], axis=0), tf.repeat(label, copies + 1)

    return dataset.enumerate().map(expand, num_parallel_calls=tf.data.AUTOTUNE).unbatch()


def _augment(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    seeds = tf.random.split(seed)
    image = tf.cast(image, tf.float32)
    image = tf.image.stateless_random_brightness(image, BRIGHTNESS_DELTA, seeds[0])
    image = tf.image.stateless_random_contrast(image, *CONTRAST_RANGE, seeds[1])
    return _to_uint8(image)


def _to_uint8(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.clip_by_value(tf.round(image), 0.0, 255.0), tf.uint8)


def _to_rgb(image: tf.Tensor, image_size: int) -> tf.Tensor:
    """[H, W, 1, 3 or 4] uint8 to [image_size, image_size, 3] uint8."""
    if image.shape[-1] == 1:
        image = tf.image.grayscale_to_rgb(image)
    image = image[..., :3]
    if image.shape[:2] != (image_size, image_size):
        image = _to_uint8(tf.image.resize(image, (image_size, image_size), antialias=True))
    return tf.ensure_shape(image, (image_size, image_size, 3))


def _digits(image_size: int) -> LabelledImages:
    digits = sklearn.datasets.load_digits()
    images = np.round(digits.images[..., None] * (255 / 16)).astype(np.uint8)
    train, test = sklearn.model_selection.train_test_split(
        np.arange(len(images)),
        test_size=FOLDER_TEST_FRACTION,
        random_state=0,
        stratify=digits.target,
    )
    return _from_splits(
        DIGITS,
        tuple(str(name) for name in digits.target_names),
        {"train": (images[train], digits.target[train]), "test": (images[test], digits.target[test])},
        lambda image: _to_rgb(image, image_size),
    )


def _from_splits(
    name: str,
    class_names: tuple[str, ...],
    splits: Mapping[str, tuple[Sequence, Sequence[int]]],
    decode: Callable[[tf.Tensor], tf.Tensor],
) -> LabelledImages:
    """A source over parallel sequences (what ``decode`` takes, label), by named split."""

    def open_split(split: str) -> tf.data.Dataset:
        pairs = [
            (splits[part][0][start:stop], np.asarray(splits[part][1][start:stop], np.int64))
            for part, start, stop in source.ranges(split)
        ]
        whole = tuple(np.concatenate(column) for column in zip(*pairs, strict=True))
        return tf.data.Dataset.from_tensor_slices(whole).map(
            lambda item, label: (decode(item), label),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    sizes = {part: len(labels) for part, (_, labels) in splits.items()}
    source = LabelledImages(name, class_names, sizes, open_split)
    return source


def _folder(root: pathlib.Path, image_size: int) -> LabelledImages:
    split_names = [name for name in ("train", "validation", "test") if (root / name).is_dir()]
    if "train" in split_names and "test" in split_names:
        class_names = _class_names(root / "train")
        for name in split_names[1:]:
            if _class_names(root / name) != class_names:
                raise InputError(
                    f"{root / name} must hold the same classes as {root / 'train'}, {list(class_names)}. "
                    f"Received: {list(_class_names(root / name))}"
                )
        files = {name: _files(root / name, class_names) for name in split_names}
    else:
        for name in {"train", "test"}.intersection(split_names):
            # Not a class of that name, but one split without the other.
            if any(path.is_dir() for path in (root / name).iterdir()):
                raise InputError(
                    f"{root} must hold class folders, or both 'train' and 'test' with class folders. "
                    f"Received: {name!r} alone"
                )
        class_names = _class_names(root)
        files = _split_by_class(_files(root, class_names))
    _check_files([file for paths, _ in files.values() for file in paths])

    def decode(file: tf.Tensor) -> tf.Tensor:
        return _to_rgb(_decode_file(file), image_size)

    return _from_splits(str(root), class_names, files, decode)


def _class_names(folder: pathlib.Path) -> tuple[str, ...]:
    names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    if len(names) < 2:
        raise InputError(
            f"{folder} must hold one sub-folder of images for each of at least 2 classes. "
            f"Received: {len(names)} sub-folder{'' if len(names) == 1 else 's'} {list(names)}"
        )
    return names


def _files(folder: pathlib.Path, class_names: Sequence[str]) -> tuple[list[str], list[int]]:
    """Image files and labels, in an order that depends on the files' names alone but mixes them."""
    found = []
    for label, name in enumerate(class_names):
        files = [
            path
            for path in (folder / name).rglob("*")
            if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
        ]
        if not files:
            raise InputError(f"{folder / name} holds no image; expected files {IMAGE_SUFFIXES}")
        found += [(path, label) for path in files]
    found.sort(key=lambda item: hashlib.sha256(str(item[0].relative_to(folder)).encode()).digest())
    return [str(path) for path, _ in found], [label for _, label in found]


def _split_by_class(files: tuple[list[str], list[int]]) -> dict[str, tuple[list[str], list[int]]]:
    paths, labels = np.asarray(files[0]), np.asarray(files[1])
    test = np.zeros(len(labels), bool)
    for label in range(labels.max() + 1):
        of_class = np.flatnonzero(labels == label)
        test[of_class[: max(1, round(FOLDER_TEST_FRACTION * len(of_class)))]] = True
    if test.all():
        raise InputError("a folder without test images needs at least 2 images in some class")
    return {
        "train": (list(paths[~test]), list(labels[~test])),
        "test": (list(paths[test]), list(labels[test])),
    }


def _decode_file(file: tf.Tensor | str) -> tf.Tensor:
    image = tf.io.decode_image(tf.io.read_file(file), channels=3, expand_animations=False)
    image.set_shape((None, None, 3))
    return image


def _check_files(files: Sequence[str]) -> None:
    """Decodes every file once, so that a corrupt one is found before hours of work, by name."""

    def check(file: str) -> None:
        try:
            _decode_file(file)
        except tf.errors.OpError as error:
            # Between the names of TensorFlow's own function and operation.
            reason = str(error.message).split("\n")[0].split("}} ")[-1].split(" [Op:")[0]
            raise InputError(f"cannot decode image file {file}: {reason}") from error

    with concurrent.futures.ThreadPoolExecutor() as pool:
        for _ in pool.map(check, files):
            pass


def _tfds(name: str, image_size: int, data_dir: str | None, download: bool) -> LabelledImages:
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (tfds.core.DatasetNotFoundError, ValueError, AssertionError, ImportError) as error:
        # AssertionError: a version that TFDS does not have.
        raise InputError(
            f"unknown images {name!r}: expected 'digits', an existing folder of class folders, or a "
            "TFDS dataset (https://www.tensorflow.org/datasets/catalog), e.g. 'cifar10'"
        ) from error
    features = builder.info.features
    image, label = (features[key] if key in features else None for key in ("image", "label"))
    if not isinstance(image, tfds.features.Image) or not isinstance(label, tfds.features.ClassLabel):
        raise InputError(
            f"dataset {name!r} has no features 'image' and 'label' of image classification; it has "
            f"{sorted(features)}"
        )
    if not builder.is_prepared():
        if not download:
            raise InputError(
                f"dataset {name!r} is not on disk at {builder.data_dir}; pass --download to fetch it "
                "with TFDS, or --data_dir=DIR where it is"
            )
        try:
            builder.download_and_prepare()
        except Exception as error:  # network, disk and manual-download errors have no common base
            reason = (str(error).strip() or type(error).__name__).split("\n")[0]
            raise InputError(f"cannot download dataset {name!r}: {reason}") from error

    def open_split(split: str) -> tf.data.Dataset:
        source.ranges(split)
        dataset = builder.as_dataset(
            split=split,
            decoders=tfds.decode.PartialDecoding({"image": True, "label": True}),
            read_config=tfds.ReadConfig(interleave_cycle_length=1),
        )
        return dataset.map(
            lambda example: (_to_rgb(example["image"], image_size), example["label"]),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    sizes = {split: info.num_examples for split, info in builder.info.splits.items()}
    source = LabelledImages(name, tuple(label.names), sizes, open_split)
    return source
