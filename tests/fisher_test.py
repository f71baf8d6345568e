"""Discriminability against eq. (6) written out, scikit-learn, and cases solved by hand."""

import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.linalg
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from privynet_tf import fen, fisher, images
from privynet_tf.errors import InputError
from privynet_tf.topology import FenTopology


def _sample(num_images=600, shape=(4, 4, 5), num_classes=4, seed=0, dtype=np.float32):
    """Maps with correlated pixels, most of them positive, that differ between classes, and their labels."""
    generator = np.random.default_rng(seed)
    pixels, depth = shape[0] * shape[1], shape[2]
    labels = generator.permutation(np.arange(num_images) % num_classes)
    mixing = generator.normal(size=(depth, pixels, pixels)) / np.sqrt(pixels) + 2 * np.eye(pixels)
    noise = generator.normal(size=(num_images, pixels, depth))
    maps = (
        np.einsum("jpq,nqj->npj", mixing, noise) + generator.normal(size=(num_classes, pixels, depth))[labels]
    )
    return (maps + 3).reshape(num_images, *shape).astype(dtype), labels


def _maps(representations, channel):
    """Maps of a channel [N, d] without constant pixels, which make S_w singular; the oracles invert it."""
    maps = representations[..., channel].reshape(len(representations), -1).astype(np.float64)
    return maps[:, maps.min(axis=0) < maps.max(axis=0)]


def _scatter(maps, labels):
    """S_w and S_b under eq. (6), with their matrices of class means repeated."""
    within = between = 0.0
    for k in np.unique(labels):
        of_class = maps[labels == k].T
        means = np.repeat(of_class.mean(axis=1)[:, None], of_class.shape[1], axis=1)
        within = within + (of_class - means) @ (of_class - means).T
        from_overall = means - maps.mean(axis=0)[:, None]
        between = between + from_overall @ from_overall.T
    return within, between


def _by_eigenvalues(maps, labels):
    within, between = _scatter(maps, labels)
    return np.linalg.eigvals(np.linalg.solve(within, between)).real.max()


def _by_scikit_learn(maps, labels):
    """The quotient of eq. (6) in the direction that scikit-learn finds."""
    direction = LinearDiscriminantAnalysis(solver="eigen").fit(maps, labels).scalings_[:, 0]
    within, between = _scatter(maps, labels)
    return (direction @ between @ direction) / (direction @ within @ direction)


ORACLES = (_by_eigenvalues, _by_scikit_learn)


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize(
    ("shape", "num_images", "num_classes"),
    [((4, 4, 5), 600, 4), ((1, 1, 3), 50, 2), ((3, 7, 2), 700, 30), ((2, 2, 3), 300, 9)],
)
def test_equals_independent_derivations(oracle, shape, num_images, num_classes):
    representations, labels = _sample(num_images, shape, num_classes)
    found = fisher.discriminability(representations, labels)
    assert found.dtype == np.float64
    assert found.shape == shape[-1:]
    expected = [oracle(_maps(representations, j), labels) for j in range(shape[-1])]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("oracle", ORACLES)
def test_equals_independent_derivations_on_unbalanced_classes(oracle):
    representations, labels = _sample(900, num_classes=5)
    kept = np.random.default_rng(1).random(900) < np.array([1.0, 0.5, 0.1, 0.02, 0.3])[labels]
    representations, labels = representations[kept], labels[kept]
    assert np.bincount(labels).max() > 20 * np.bincount(labels).min()
    found = fisher.discriminability(representations, labels)
    expected = [oracle(_maps(representations, j), labels) for j in range(5)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.fixture(scope="module")
def real_images(tfds_dir):
    return images.arrays(images.load("cifar10", 32, tfds_dir), images.Selection("train", 2560))


@pytest.mark.parametrize(
    ("num_layers", "channels", "oracles"),
    [
        (1, (0, 14), [_by_scikit_learn]),  # the other takes seconds for 1,024 pixels
        (4, (0, 9, 77, 93), ORACLES),  # the last two have constant pixels
        (6, tuple(range(16)), ORACLES),
    ],
)
def test_equals_independent_derivations_on_real_representations(
    num_layers, channels, oracles, real_images, imagenet_weights
):
    pixels, labels = real_images
    model = fen.build(FenTopology(num_layers=num_layers, output_channels=channels), str(imagenet_weights))
    minibatches = [fen.apply(model, pixels[i : i + 128]) for i in range(0, len(pixels), 128)]
    found = fisher.discriminability(iter(minibatches), labels)
    representations = np.concatenate(minibatches)
    for oracle in oracles:
        expected = [oracle(_maps(representations, j), labels) for j in range(len(channels))]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_one_pixel_by_hand():
    # Balanced: S_b = 2 * 2^2 + 2 * 2^2, S_w = 4 * 1^2. Unbalanced: S_b = 3 * 1.5^2 + 4.5^2, S_w = 2.
    balanced = fisher.discriminability(np.reshape([0.0, 2, 4, 6], (4, 1, 1, 1)), np.array([0, 0, 1, 1]))
    unbalanced = fisher.discriminability(np.reshape([0.0, 2, 1, 7], (4, 1, 1, 1)), np.array([0, 0, 0, 1]))
    np.testing.assert_allclose([balanced, unbalanced], [[4.0], [13.5]], rtol=1e-12)


def test_is_the_same_for_scaled_and_shifted_channels():
    representations, labels = _sample(dtype=np.float64)
    scale, shift = np.array([1, 1e-6, 1e6, -2, 1]), np.array([1e5, 0, -3e6, 7, -1e3])
    np.testing.assert_allclose(
        fisher.discriminability(scale * representations + shift, labels),
        fisher.discriminability(representations, labels),
        rtol=1e-6,
    )


def test_is_the_same_in_another_order_and_with_other_class_numbers():
    representations, labels = _sample()
    order = np.random.default_rng(1).permutation(len(labels))
    np.testing.assert_allclose(
        fisher.discriminability(representations[order], 7 - 2 * labels[order]),
        fisher.discriminability(representations, labels),
        rtol=1e-9,
    )


@pytest.mark.parametrize("sizes", [(600,), (1, 0, 299, 257, 43), (0, 128, 128, 128, 128, 88)])
def test_minibatches_equal_the_array(sizes):
    representations, labels = _sample()
    minibatches = np.split(representations, np.cumsum(sizes)[:-1])
    found = fisher.discriminability(iter(minibatches), labels)
    np.testing.assert_allclose(found, fisher.discriminability(representations, labels), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.uint8, np.int64, ">f4"])
def test_types_equal_float64_of_the_same_values(dtype):
    representations, labels = _sample()
    typed = np.round(20 * np.maximum(representations, 0)).astype(dtype)
    expected = fisher.discriminability(typed.astype(np.float64), labels.astype(np.uint8))
    np.testing.assert_array_equal(fisher.discriminability(typed, labels), expected)


def test_views_equal_copies_and_the_input_is_not_changed():
    representations, labels = _sample()
    view = representations[::-2, 1:, ::2, 1::2]
    copy, labels = view.copy(), labels[::-2]
    before = copy.copy(), labels.copy()
    np.testing.assert_array_equal(
        fisher.discriminability(view, labels), fisher.discriminability(copy, labels)
    )
    np.testing.assert_array_equal(copy, before[0])
    np.testing.assert_array_equal(labels, before[1])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_channels_that_do_not_vary_have_none(dtype):
    representations, labels = _sample(dtype=dtype)
    others = fisher.discriminability(representations, labels)[[0, 2, 4]]
    representations[..., 1] = 0
    representations[..., 3] = np.random.default_rng(1).normal(1000, 1, (4, 4))
    found = fisher.discriminability(representations, labels)
    assert found[1] == found[3] == 0.0
    np.testing.assert_array_equal(found[[0, 2, 4]], others)
    assert (others > 0).all()


@pytest.mark.parametrize("value", [0.0, 0.1, 1e4])
def test_constant_pixels_add_nothing(value):
    representations, labels = _sample(dtype=np.float64)
    flat = representations.reshape(600, 1, 16, 5)
    with_constants = np.insert(flat, [0, 5, 16], value, axis=2)
    np.testing.assert_allclose(
        fisher.discriminability(with_constants, labels), fisher.discriminability(flat, labels), rtol=1e-9
    )


def test_pixels_that_repeat_others_add_nothing():
    representations, labels = _sample()
    np.testing.assert_allclose(
        fisher.discriminability(representations.repeat(2, axis=1), labels),
        fisher.discriminability(representations, labels),
        rtol=1e-9,
    )


@pytest.mark.parametrize("num_images", [6, 12, 18])
def test_fewer_images_than_determine_the_matrix(num_images):
    """The ridge alone bounds J then; the quotient with it is what remains to compare."""
    representations, labels = _sample(num_images, num_classes=3, seed=4)
    assert len(np.unique(labels)) == 3
    assert num_images < 16 + 3
    found = fisher.discriminability(representations, labels)
    for j, value in enumerate(found):
        maps = _maps(representations, j)
        within, between = _scatter(maps, labels)
        ridge = fisher.RIDGE * np.square(maps - maps[0]).sum()
        expected = scipy.linalg.eigvalsh(between, within + ridge * np.eye(16))[-1]
        assert value == pytest.approx(expected, rel=0.05)  # of what the rounding of S_w leaves
    assert (found > 1e8).all()
    assert (found <= 1 / fisher.RIDGE).all()


def test_maps_that_the_class_determines():
    labels = np.arange(300) % 3
    maps = np.random.default_rng(0).normal(size=(3, 4, 4, 2))[labels]
    found = fisher.discriminability(maps, labels)
    assert (found > 1e10).all()
    assert (found <= 1 / fisher.RIDGE).all()


@pytest.mark.parametrize("scale", [1e3, 1e6, 1e9])
def test_singular_matrix_beside_a_first_image_far_from_the_others(scale):
    """The worst case of the rounding that the ridge must exceed."""
    small, labels = _sample(1000, (8, 8, 2))
    representations = small.repeat(4, axis=1).repeat(4, axis=2)
    representations[0] += scale * np.random.default_rng(1).random(representations.shape[1:], np.float32)
    found = fisher.discriminability(representations, labels)
    assert np.isfinite(found).all()
    assert (found > 0).all()


def test_a_class_without_images_adds_nothing():
    representations, labels = _sample()
    with_gaps = np.array([0, 3, 4, 90])[labels]
    np.testing.assert_array_equal(
        fisher.discriminability(representations, with_gaps), fisher.discriminability(representations, labels)
    )


def _peak_memory(representations, labels):
    tracemalloc.start()
    fisher.discriminability(representations, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_is_the_matrices_and_a_block():
    labels = np.arange(3000) % 10
    generator = np.random.default_rng(0)
    representations = generator.standard_normal((3000, 16, 16, 6), dtype=np.float32)
    minibatches = (generator.standard_normal((50, 16, 16, 6), dtype=np.float32) for _ in range(60))
    matrices = 8 * 6 * 256 * (256 + 10)
    map_size, workspace = 4 * 256, 8 * 256
    of_array = matrices + fisher.BLOCK_SIZE * (6 * map_size + workspace)
    of_minibatches = matrices + 50 * (3 * 6 * map_size + workspace)  # this one, its copy and the next
    assert matrices < _peak_memory(representations, labels) < 1.1 * of_array < 0.5 * representations.nbytes
    assert matrices < _peak_memory(minibatches, labels) < 1.1 * of_minibatches


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("image", [0, 299, 599])
def test_names_channels_with_values_that_are_not_finite(value, image):
    representations, labels = _sample()
    representations[image, 1, 2, 3] = value
    representations[7, 0, 0, 1] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(
            InputError, match=r"must be finite. Received: NaN or infinity in channels \[1, 3\]$"
        ):
            fisher.discriminability(representations, labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(10), r"labels must be integers of shape \[N\]. Received: float64 of shape \[10\]$"),
        (
            np.eye(10, dtype=int),
            r"labels must be integers of shape \[N\]. Received: int64 of shape \[10, 10\]$",
        ),
        (np.arange(10) > 4, r"labels must be integers of shape \[N\]. Received: bool of shape \[10\]$"),
        (["cat"] * 10, r"labels must be integers of shape \[N\]. Received: <U3 of shape \[10\]$"),
        (np.arange(10) - 1, r"labels must be at least 0. Received: -1$"),
        (np.full(10, 3), r"labels must be of at least 2 classes. Received: \[3\]$"),
        (np.zeros(0, int), r"labels must be of at least 2 classes. Received: \[\]$"),
    ],
)
def test_refuses_labels(labels, message):
    with pytest.raises(InputError, match=message):
        fisher.discriminability(np.ones((10, 2, 2, 3)), labels)


@pytest.mark.parametrize("count", [9, 11])
def test_refuses_another_number_of_labels(count):
    labels = np.arange(count) % 2
    whole = np.ones((10, 2, 2, 3))
    message = r"representations and labels must be equally many. Received: {}10 and {}$"
    with pytest.raises(InputError, match=message.format("", count)):
        fisher.discriminability(whole, labels)
    at_least = "at least " if count < 10 else ""
    with pytest.raises(InputError, match=message.format(at_least, count)):
        fisher.discriminability(iter([whole[:5], whole[5:]]), labels)


def test_refuses_no_representations():
    with pytest.raises(InputError, match=r"must be equally many. Received: 0 and 2$"):
        fisher.discriminability(iter([]), np.arange(2))


def test_stops_reading_what_has_no_labels():
    def endless():
        while True:
            yield np.ones((4, 2, 2, 3))

    with pytest.raises(InputError, match="must be equally many. Received: at least 12 and 10"):
        fisher.discriminability(endless(), np.arange(10) % 2)


@pytest.mark.parametrize(
    ("representations", "received"),
    [
        (np.ones((10, 3)), r"float64 of shape \[10, 3\]"),
        (np.ones((10, 2, 0, 3)), r"float64 of shape \[10, 2, 0, 3\]"),
        (np.ones((10, 2, 2, 3), complex), r"complex128 of shape \[10, 2, 2, 3\]"),
        (np.ones((10, 2, 2, 3), bool), r"bool of shape \[10, 2, 2, 3\]"),
    ],
)
def test_refuses_representations(representations, received):
    message = rf"representations must be real, of shape \[N, H', W', D'\]. Received: {received}$"
    with pytest.raises(InputError, match=message):
        fisher.discriminability(representations, np.arange(10) % 2)


@pytest.mark.parametrize(
    ("second", "received"),
    [
        (np.ones((5, 2, 2, 4), np.float32), r"float32 of shape \[5, 2, 2, 4\]"),
        (np.ones((5, 1, 4, 3), np.float32), r"float32 of shape \[5, 1, 4, 3\]"),
        (np.ones((5, 2, 2, 3), np.float16), r"float16 of shape \[5, 2, 2, 3\]"),
    ],
)
def test_refuses_minibatches_that_differ(second, received):
    first = np.ones((5, 2, 2, 3), np.float32)
    message = rf"minibatches must all hold float32 \[2, 2, 3\]. Received: {received}$"
    with pytest.raises(InputError, match=message):
        fisher.discriminability([first, second], np.arange(10) % 2)


def test_refuses_pairs_with_labels():
    pairs = [(np.ones((5, 2, 2, 3)), np.arange(5) % 2)] * 2
    with pytest.raises(InputError, match=r"minibatches must be arrays \[n, H', W', D'\]. Received: tuple$"):
        fisher.discriminability(pairs, np.arange(10) % 2)
