import collections
import shutil
import time

import numpy as np
import PIL.Image
import pytest
import sklearn.datasets
import tensorflow as tf
import tensorflow_datasets as tfds

from privynet_tf import images
from privynet_tf.errors import InputError
from privynet_tf.images import Selection

COLOURS = {"blue": (10, 20, 230), "green": (30, 200, 40), "red": (220, 15, 25)}


@pytest.fixture
def no_download(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a download was tried")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", refuse)


def _save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.asarray(array, np.uint8)).save(path)


def _plain(colour, size=(32, 32)):
    return np.full((*size, 3), colour, np.uint8)


def _write_classes(folder, count=10, classes=COLOURS):
    """``count`` images of each class, in its colour, each of its own shade."""
    for name in classes:
        for index in range(count):
            _save(folder / name / f"{index}.png", np.add(_plain(COLOURS[name]), index))
    return folder


def _class_of(image):
    return int(np.argmax(image.mean(axis=(0, 1))[::-1]))  # blue, green, red


class TestDigits:
    def test_shapes_and_range(self):
        source = images.load("digits")
        assert source.class_names == tuple("0123456789")
        assert source.split_sizes == {"train": 1437, "test": 360}
        found, labels = images.arrays(source, Selection("train[:50]"))
        assert found.shape == (50, 32, 32, 3)
        assert (found.dtype, labels.dtype) == (np.uint8, np.int64)
        assert found.min() == 0
        assert found.max() > 240
        np.testing.assert_array_equal(found[..., 0], found[..., 1])
        np.testing.assert_array_equal(found[..., 0], found[..., 2])

    def test_splits_are_all_the_digits_once(self):
        """At their own size, where they are not resized: 0 to 16 become 0 to 255."""
        source = images.load("digits", image_size=8)
        found, labels = images.arrays(source, Selection("train+test"))
        digits = sklearn.datasets.load_digits()
        expected = np.round(digits.images * 255 / 16).astype(np.uint8)

        def multiset(pictures, targets):
            return collections.Counter(
                (picture.tobytes(), int(target)) for picture, target in zip(pictures, targets, strict=True)
            )

        assert multiset(found[..., 1], labels) == multiset(expected, digits.target)

    def test_splits_are_stratified_and_mixed(self):
        source = images.load("digits", image_size=8)
        totals = np.bincount(sklearn.datasets.load_digits().target)
        labels = images.arrays(source, Selection("test"))[1]
        np.testing.assert_allclose(np.bincount(labels), 0.2 * totals, atol=1)
        assert len(set(labels[:20].tolist())) > 5

    def test_order_is_always_the_same(self):
        one, two = (images.arrays(images.load("digits", 8), Selection("train")) for _ in range(2))
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])


class TestFolder:
    def test_labels_and_pixels(self, tmp_path):
        source = images.load(str(_write_classes(tmp_path)))
        assert source.class_names == ("blue", "green", "red")
        assert source.split_sizes == {"train": 24, "test": 6}
        seen = set()
        for image, label in images.examples(source, Selection("train+test")):
            assert (image.shape, image.dtype) == ((32, 32, 3), np.uint8)
            shade = int(image[0, 0, 0]) - COLOURS[source.class_names[label]][0]
            colour = np.add(COLOURS[source.class_names[label]], shade)
            np.testing.assert_array_equal(image, _plain(colour))
            seen.add((label, shade))
        assert len(seen) == 30  # every image is in one split and once

    def test_fifth_of_each_class_becomes_the_test_split(self, tmp_path):
        source = images.load(str(_write_classes(tmp_path)))
        labels = images.arrays(source, Selection("test"))[1]
        np.testing.assert_array_equal(np.bincount(labels), [2, 2, 2])

    def test_classes_are_mixed(self, tmp_path):
        labels = images.arrays(images.load(str(_write_classes(tmp_path))), Selection("train"))[1]
        changes = np.count_nonzero(np.diff(labels))
        assert changes > 4  # sorted by class it would be 2

    def test_order_depends_on_names_alone(self, tmp_path):
        _write_classes(tmp_path / "one")
        for name in reversed(COLOURS):  # the same files, made in another order elsewhere
            for index in reversed(range(10)):
                target = tmp_path / "two" / "deeper" / name / f"{index}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(tmp_path / "one" / name / f"{index}.png", target)
        one, two, again = (
            images.arrays(images.load(str(tmp_path / path)), Selection("train+test"))
            for path in ("one", "two/deeper", "one")
        )
        for other in (two, again):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])

    def test_formats_and_sizes(self, tmp_path):
        grey, colour = np.full((32, 32), 77), _plain(COLOURS["red"])
        _save(tmp_path / "grey" / "grey.png", grey)
        _save(tmp_path / "grey" / "grey_jpeg.JPG", grey)
        _save(tmp_path / "grey" / "sub" / "small.png", np.full((5, 9), 77))
        _save(tmp_path / "red" / "large.png", _plain(COLOURS["red"], (100, 61)))
        _save(tmp_path / "red" / "jpeg.jpeg", colour)
        rgba = np.concatenate([colour, np.full((32, 32, 1), 9)], axis=-1)
        _save(tmp_path / "red" / "rgba.PNG", rgba)
        (tmp_path / "red" / "notes.txt").write_text("not an image")
        (tmp_path / "README.md").write_text("not a class")

        source = images.load(str(tmp_path))
        assert source.class_names == ("grey", "red")
        found, labels = images.arrays(source, Selection("train+test"))
        assert found.shape == (6, 32, 32, 3)
        np.testing.assert_array_equal(np.bincount(labels), [3, 3])
        for label, expected in enumerate((_plain((77, 77, 77)), colour)):
            errors = abs(found[labels == label].astype(int) - expected).max(axis=(1, 2, 3))
            assert sorted(errors)[1] == 0  # the two PNG files
            assert max(errors) < 5  # JPEG loses some

    @pytest.mark.parametrize("size", [(64, 64), (50, 90), (20, 31)])
    def test_resizing_is_bilinear_with_antialiasing(self, tmp_path, size):
        picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
        for name in ("a", "b"):
            for index in range(2):
                _save(tmp_path / name / f"{index}.png", picture)
        found = images.arrays(images.load(str(tmp_path)), Selection("train"))[0]
        expected = PIL.Image.fromarray(picture).resize((32, 32), PIL.Image.Resampling.BILINEAR)
        np.testing.assert_allclose(found[0].astype(int), np.asarray(expected).astype(int), atol=1)

    def test_train_and_test_folders_are_the_splits(self, tmp_path):
        for split, count in (("train", 4), ("test", 2), ("validation", 3)):
            _write_classes(tmp_path / split, count)
        source = images.load(str(tmp_path))
        assert source.class_names == ("blue", "green", "red")
        assert source.split_sizes == {"train": 12, "validation": 9, "test": 6}
        for split, count in (("train", 4), ("test", 2), ("validation", 3)):
            found, labels = images.arrays(source, Selection(split))
            assert [_class_of(image) for image in found] == list(labels)
            np.testing.assert_array_equal(np.bincount(labels), [count] * 3)

    def test_one_split_without_the_other(self, tmp_path):
        for split in ("train", "val"):
            _write_classes(tmp_path / split, 2)
        message = r"must hold class folders, or both 'train' and 'test' .*Received: 'train' alone"
        with pytest.raises(InputError, match=message):
            images.load(str(tmp_path))

    def test_class_may_be_called_train(self, tmp_path):
        """CIFAR-100 has one."""
        for name in ("bus", "train"):
            for index in range(2):
                _save(tmp_path / name / f"{index}.png", _plain((1, 2, 3)))
        assert images.load(str(tmp_path)).class_names == ("bus", "train")

    @pytest.mark.parametrize("classes", [("red", "green"), ("red", "green", "blue", "yellow")])
    def test_classes_of_the_splits_must_be_the_same(self, tmp_path, classes):
        _write_classes(tmp_path / "train", 2)
        for name in classes:
            _save(tmp_path / "test" / name / "0.png", _plain((1, 2, 3)))
        message = r"test must hold the same classes as .*train, \['blue', 'green', 'red'\]\. Received: .*red"
        with pytest.raises(InputError, match=message):
            images.load(str(tmp_path))

    def test_empty_class_is_named(self, tmp_path):
        _write_classes(tmp_path, 2)
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty" / "notes.txt").write_text("no image")
        with pytest.raises(InputError, match=r"empty holds no image; expected files .*\.png"):
            images.load(str(tmp_path))

    @pytest.mark.parametrize(("classes", "received"), [((), "0 sub-folders"), (("red",), "1 sub-folder ")])
    def test_fewer_than_two_classes(self, tmp_path, classes, received):
        _write_classes(tmp_path, 2, classes)
        with pytest.raises(InputError, match=rf"at least 2 classes\. Received: {received}"):
            images.load(str(tmp_path))

    def test_one_image_in_each_class_leaves_none_to_train_on(self, tmp_path):
        with pytest.raises(InputError, match="needs at least 2 images"):
            images.load(str(_write_classes(tmp_path, 1)))

    @pytest.mark.parametrize("name", ["broken.png", "broken.jpg"])
    @pytest.mark.parametrize("damage", ["text", "empty", "truncated"])
    def test_corrupt_file_is_named(self, tmp_path, name, damage):
        _write_classes(tmp_path, 2)
        path = tmp_path / "green" / name
        _save(path, np.random.default_rng(0).integers(0, 256, (32, 32, 3)))
        assert images.load(str(tmp_path)).split_sizes["train"] > 3  # it is the damage that matters
        whole = path.read_bytes()
        path.write_bytes({"text": b"no image", "empty": b"", "truncated": whole[: len(whole) // 2]}[damage])
        with pytest.raises(InputError, match=rf"cannot decode image file .*green/{name}: .+") as caught:
            images.load(str(tmp_path))
        assert "\n" not in str(caught.value)


class TestTfds:
    def test_cifar10_equals_tfds(self, tfds_dir, no_download):
        source = images.load("cifar10", data_dir=tfds_dir)
        assert source.split_sizes == {"train": 50_000, "test": 10_000}
        assert source.class_names[:3] == ("airplane", "automobile", "bird")
        for split in ("test[:20]", "train[7:19]", "train[:5]+test[-5:]"):
            expected = list(
                tfds.load(
                    "cifar10", data_dir=tfds_dir, split=split, download=False, as_supervised=True
                ).as_numpy_iterator()
            )
            found, labels = images.arrays(source, Selection(split))
            assert len(found) == len(expected) == source.num_images(split)
            np.testing.assert_array_equal(found, np.stack([image for image, _ in expected]))
            np.testing.assert_array_equal(labels, [label for _, label in expected])

    def test_resized(self, tfds_dir):
        found = images.arrays(images.load("cifar10", 16, tfds_dir), Selection("test[:2]"))[0]
        whole = images.arrays(images.load("cifar10", 32, tfds_dir), Selection("test[:2]"))[0]
        for small, large in zip(found, whole, strict=True):
            expected = PIL.Image.fromarray(large).resize((16, 16), PIL.Image.Resampling.BILINEAR)
            np.testing.assert_allclose(small.astype(int), np.asarray(expected).astype(int), atol=1)

    @pytest.mark.parametrize(
        "name", ["no_such_dataset", "no/such/folder", "/no/such/folder", "cifar10:1.0.0", "CIFAR-10", ""]
    )
    def test_unknown_dataset(self, name, tmp_path, no_download):
        message = rf"^unknown images '{name}': expected 'digits', .*folder.*TFDS dataset .*'cifar10'$"
        with pytest.raises(InputError, match=message):
            images.load(name, data_dir=str(tmp_path), download=True)

    def test_dataset_without_images(self, tmp_path, no_download):
        message = r"'iris' has no features 'image' and 'label' .*it has \['features', 'label'\]"
        with pytest.raises(InputError, match=message):
            images.load("iris", data_dir=str(tmp_path), download=True)

    def test_dataset_that_is_not_on_disk(self, tmp_path, no_download):
        start = time.monotonic()
        message = rf"'cifar10' is not on disk at {tmp_path}/cifar10/3.*--download .*--data_dir"
        with pytest.raises(InputError, match=message):
            images.load("cifar10", data_dir=str(tmp_path))
        assert time.monotonic() - start < 60  # an attempt without a network retries for minutes
        assert not list(tmp_path.iterdir())

    def test_failing_download_is_one_line(self, tmp_path, monkeypatch):
        def fail(*args, **kwargs):
            raise ConnectionError("no route to host\nand many more lines")

        monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
        with pytest.raises(InputError, match="^cannot download dataset 'cifar10': no route to host$"):
            images.load("cifar10", data_dir=str(tmp_path), download=True)


class TestSplits:
    @pytest.mark.parametrize(
        ("split", "ranges"),
        [
            ("train", [("train", 0, 1437)]),
            ("train[:10%]", [("train", 0, 144)]),
            ("train[90%:]", [("train", 1293, 1437)]),
            ("test[-10:]", [("test", 350, 360)]),
            ("train[5:9]+test[:3]", [("train", 5, 9), ("test", 0, 3)]),
        ],
    )
    def test_ranges(self, split, ranges):
        source = images.load("digits", 8)
        assert source.ranges(split) == ranges
        assert source.num_images(split) == sum(stop - start for _, start, stop in ranges)
        found, labels = images.arrays(source, Selection(split))
        parts = [images.arrays(source, Selection(name)) for name, _, _ in ranges]
        expected = [part[0][start:stop] for part, (_, start, stop) in zip(parts, ranges, strict=True)]
        np.testing.assert_array_equal(found, np.concatenate(expected))
        expected = [part[1][start:stop] for part, (_, start, stop) in zip(parts, ranges, strict=True)]
        np.testing.assert_array_equal(labels, np.concatenate(expected))

    @pytest.mark.parametrize(
        ("split", "message"),
        [
            ("dev", r"cannot read split 'dev' of digits: Unknown split 'dev'.*\['train', 'test'\]"),
            ("train[:50%", r"cannot read split 'train\[:50%' of digits: .*splits"),
            ("", "cannot read split '' of digits"),
            ("train[:2000]", r"cannot read split 'train\[:2000\]' of digits: .*1437 examples"),
            ("train[:101%]", r"cannot read split .*\[-100, 100\]"),
            ("train[:0]", r"split 'train\[:0\]' of digits selects no images; it has .*'train': 1437"),
            ("train[9:5]", r"split 'train\[9:5\]' of digits selects no images"),
            ("test+train[:0]", r"selects no images"),
        ],
    )
    def test_bad_split(self, split, message):
        source = images.load("digits")
        for use in (source.num_images, source.ranges, source.open_split):
            with pytest.raises(InputError, match=message) as caught:
                use(split)
            assert "\n" not in str(caught.value)

    def test_max_images_takes_the_first(self):
        source = images.load("digits", 8)
        everything = images.arrays(source, Selection("test"))
        some = images.arrays(source, Selection("test", max_images=7))
        np.testing.assert_array_equal(some[0], everything[0][:7])
        np.testing.assert_array_equal(some[1], everything[1][:7])

    @pytest.mark.parametrize(
        ("selection", "count"),
        [
            (Selection("test"), 360),
            (Selection("test[:9]", max_images=4), 4),
            (Selection("test[:9]", max_images=40), 9),
            (Selection("test[:9]", max_images=4, augmented_copies=2), 12),
            (Selection("test[:9]", augmented_copies=1), 18),
        ],
    )
    def test_num_examples(self, selection, count):
        source = images.load("digits", 8)
        assert images.num_examples(source, selection) == count
        assert len(list(images.examples(source, selection))) == count


class TestAugmentedCopies:
    def test_each_image_is_followed_by_its_copies(self):
        source = images.load("digits")
        plain = images.arrays(source, Selection("train", max_images=5))
        found = images.arrays(source, Selection("train", max_images=5, augmented_copies=3, seed=1))
        assert found[0].shape == (20, 32, 32, 3)
        np.testing.assert_array_equal(found[0][::4], plain[0])
        np.testing.assert_array_equal(found[1], np.repeat(plain[1], 4))
        for index, image in enumerate(found[0]):
            original = plain[0][index // 4]
            if index % 4:
                assert (image != original).any()
                # Brightness and contrast keep the picture: it correlates with its original alone.
                scores = [np.corrcoef(image.ravel(), other.ravel())[0, 1] for other in plain[0]]
                assert np.argmax(scores) == index // 4

    def test_same_from_the_same_seed(self):
        source = images.load("digits")
        selections = [Selection("test", 6, augmented_copies=2, seed=seed) for seed in (4, 4, 5)]
        one, same, other = (images.arrays(source, selection)[0] for selection in selections)
        np.testing.assert_array_equal(one, same)
        for copy in (1, 2):
            assert (one[copy::3] != other[copy::3]).mean() > 0.3

    def test_copies_do_not_depend_on_what_follows(self):
        source = images.load("digits")
        few = images.arrays(source, Selection("test", 3, augmented_copies=2, seed=4))[0]
        many = images.arrays(source, Selection("test", 6, augmented_copies=2, seed=4))[0]
        np.testing.assert_array_equal(few, many[:9])

    def test_brightness_and_contrast_are_those_of_the_tutorial(self):
        """Each copy is k * (x - mean) + mean + d, rounded, with k in [0.2, 1.8] and d in [-63, 63]."""
        picture = np.linspace(108, 148, 32 * 32).astype(np.uint8).reshape(32, 32, 1).repeat(3, axis=-1)
        dataset = tf.data.Dataset.from_tensor_slices((picture[None].repeat(20, axis=0), np.arange(20)))
        copies = images.with_augmented_copies(dataset, 20, seed=0)
        x = picture[..., 0].ravel().astype(float)
        contrasts, shifts = [], []
        for index, (image, label) in enumerate(copies.as_numpy_iterator()):
            assert label == index // 21
            if index % 21 == 0:
                continue
            assert 0 < image.min() <= image.max() < 255  # nothing is clipped here
            y = image[..., 1].ravel().astype(float)
            contrast = np.cov(x, y)[0, 1] / np.cov(x, y)[0, 0]
            fitted = contrast * (x - x.mean()) + y.mean()
            assert abs(y - fitted).max() < 1  # of rounding, of the copy and so of the fit
            contrasts.append(contrast)
            shifts.append(y.mean() - x.mean())
        assert len(contrasts) == 400
        for values, low, high in ((contrasts, 0.2, 1.8), (shifts, -63, 63)):
            step = (high - low) / 100
            assert low - step / 10 <= min(values) < low + 2 * step
            assert high - 2 * step < max(values) <= high + step / 10
            # Uniform: mean, and deviation of a uniform distribution, to 4 standard errors.
            deviation = (high - low) / 12**0.5
            np.testing.assert_allclose(np.mean(values), (low + high) / 2, atol=4 * deviation / 20)
            np.testing.assert_allclose(np.std(values), deviation, rtol=0.1)
        assert abs(np.corrcoef(contrasts, shifts)[0, 1]) < 0.2  # drawn apart
        assert len(set(np.round(contrasts, 3))) > 300  # for each copy of each image anew

    def test_values_are_clipped_and_do_not_wrap(self):
        # TensorFlow's cast saturates 32 values at a time, and wraps what is left: 9 of these 105.
        picture = np.zeros((7, 5, 3), np.uint8)
        picture[:4] = 255
        dataset = tf.data.Dataset.from_tensors((picture, 0))
        found = np.stack(
            [image for image, _ in images.with_augmented_copies(dataset, 60, 0).as_numpy_iterator()]
        )[1:].astype(int)
        assert (found[:, :4].min(axis=(1, 2, 3)) > found[:, 4:].max(axis=(1, 2, 3))).all()
        assert (found == 255).any()
        assert (found == 0).any()

    def test_no_copies(self):
        dataset = tf.data.Dataset.from_tensors((np.zeros((4, 4, 3), np.uint8), 0))
        assert images.with_augmented_copies(dataset, 0, seed=0) is dataset
