import random

import numpy as np
import pytest

from privynet_tf import pruning, tables
from privynet_tf.errors import InputError
from privynet_tf.grid import Cell
from privynet_tf.topology import FenTopology

TOPOLOGY = FenTopology("vgg16", 6)


def _row(channels, seed=0, m=6, psnr=14.0, ridge_psnr=13.0, **changes):
    row = dict.fromkeys(column.name for column in tables.COLUMNS)
    row |= Cell("vgg16", m, channels, seed, "digits", 64).columns()
    return row | {"utility": 0.3, "psnr": psnr, "ridge_psnr": ridge_psnr} | changes


def test_the_union_of_both_lists_is_dropped():
    generator = np.random.default_rng(0)
    scores, loss = generator.permutation(128), generator.permutation(128)
    found = pruning.prune(scores, loss, 64, 32)
    worst, leakiest = {j for j in range(128) if scores[j] < 64}, {j for j in range(128) if loss[j] >= 96}
    assert (set(found.worst), set(found.leakiest)) == (worst, leakiest)
    assert found.kept == tuple(sorted(set(range(128)) - worst - leakiest))
    assert len(worst & leakiest) > 0  # otherwise the two prunings would not overlap
    assert [scores[j] for j in found.worst] == list(range(64))
    assert [loss[j] for j in found.leakiest] == list(range(127, 95, -1))


def test_of_equal_channels_the_lower_number_is_dropped():
    found = pruning.prune(np.zeros(6), np.zeros(6), 2, 3)
    assert (found.worst, found.leakiest, found.kept) == ((0, 1), (0, 1, 2), (3, 4, 5))


def test_without_a_characterization_only_scores_prune():
    assert pruning.prune(np.array([2.0, 1.0, 3.0]), None, 1, 0) == pruning.Pruning((1,), (), (0, 2))


@pytest.mark.parametrize(
    ("scores", "loss", "counts", "message"),
    [
        ([1.0, 2.0], None, (0, 1), "pruning the 1 leakiest channels needs a privacy loss"),
        ([1.0, 2.0], [1.0], (0, 1), "equally many channels. Received: 2 and 1"),
        ([1.0, np.nan], [1.0, 2.0], (1, 0), r"scores must be numbers. Received: NaN of \[1\]"),
        ([1.0, 2.0], [np.nan, 2.0], (1, 0), r"privacy loss must be numbers. Received: NaN of \[0\]"),
        ([1.0, 2.0], [1.0, 2.0], (2, 0), "worst channels to prune must be from 0 to 1.* Received: 2"),
        ([1.0, 2.0], [1.0, 2.0], (0, -1), "leakiest channels to prune must be from 0 to 1.* Received: -1"),
        ([1.0, 2.0], [1.0, 2.0], (1, 1), "the 1 worst and the 1 leakiest of 2 channels leaves none"),
    ],
)
def test_bad_prunings(scores, loss, counts, message):
    with pytest.raises(InputError, match=message):
        pruning.prune(np.array(scores), None if loss is None else np.array(loss), *counts)


def test_a_study_draws_from_a_seed():
    kept = (3, 17, 40, 41, 99)
    drawn = pruning.draw(kept, 3, seed=7)
    assert drawn == pruning.draw(kept, 3, seed=7)
    assert len(set(drawn)) == 3
    assert set(drawn) <= set(kept)
    assert {pruning.draw(kept, 3, seed) for seed in range(50)} > {drawn}


def test_a_real_selection_draws_from_the_systems_entropy(monkeypatch):
    class Entropy(random.Random):
        """Stands for the system's, and tells that it was asked."""

    monkeypatch.setattr(random, "SystemRandom", lambda: Entropy(5))
    assert pruning.draw(range(128), 8) == tuple(Entropy(5).sample(range(128), 8))
    monkeypatch.undo()
    random.seed(0)
    first = pruning.draw(range(128), 64)
    random.seed(0)
    assert pruning.draw(range(128), 64) != first  # equal once in 10^126


@pytest.mark.parametrize("depth", [0, 4])
def test_no_more_channels_are_drawn_than_are_left(depth):
    with pytest.raises(InputError, match=f"D' must be from 1 to 3, the channels.* left.* Received: {depth}"):
        pruning.draw((1, 2, 3), depth)


def test_single_channels_are_those_of_the_layer():
    sliced = {"block1_conv1": (0, 5)}
    rows = [
        _row((3,)),
        _row((3, 4)),
        _row((3,), m=4),
        _row((3,), network="vgg19"),
        _row((3,), intermediate_channels=tuple(sliced.items())),
    ]
    assert pruning.single_channels(rows, TOPOLOGY) == rows[:1]
    assert pruning.single_channels(rows, FenTopology("vgg16", 6, None, sliced)) == rows[4:]


def test_values_are_means_over_repeats_and_nan_where_not_measured():
    rows = [_row((3,), psnr=14.0), _row((3,), seed=1, psnr=15.0), _row((5,), psnr=None, ridge_psnr=None)]
    rows += [_row((7,), psnr=13.0, ridge_psnr=13.5)]
    values = pruning.by_channel(rows, TOPOLOGY, tables.privacy_loss)
    assert values.shape == (128,)
    assert np.flatnonzero(~np.isnan(values)).tolist() == [3, 7]
    assert (values[3], values[7]) == (14.5, 13.5)
    with pytest.raises(
        InputError, match="loss is missing for 126 of 128 single channels: 0, 1, 2, 4, 5, .*,"
    ):
        pruning.require_all(values, "loss")
    np.testing.assert_array_equal(pruning.require_all(values[[3, 7]], "loss"), [14.5, 13.5])


def test_amounts_of_data_are_not_mixed():
    with pytest.raises(
        InputError, match="at m=6 of vgg16 must be .* with one train_images. Received: 32, 64"
    ):
        pruning.by_channel([_row((3,)), _row((3,), train_images=32)], TOPOLOGY, tables.privacy_loss)


def test_a_table_of_another_fen():
    made = {"weights": "sha256:1", "preprocessing": "caffe", "image_size": "32", "more": 1}
    row = _row((3,), weights="sha256:1", preprocessing="caffe", image_size=32)
    pruning.check_made([row], made, "the table")
    with pytest.raises(
        InputError, match="the table was made with another FEN: weights is sha256:2 there and"
    ):
        pruning.check_made([row, row | {"weights": "sha256:2"}], made, "the table")
