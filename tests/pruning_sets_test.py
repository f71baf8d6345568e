import numpy as np
import pytest

from privynet_tf import tables
from privynet_tf.errors import InputError
from privynet_tf.grid import Grid
from privynet_tf.studies import pruning_sets
from privynet_tf.studies.pruning_sets import ALL, CHARACTERIZED, DISCRIMINATED

KEPT = {ALL: range(128), CHARACTERIZED: range(0, 128, 3), DISCRIMINATED: range(0, 128, 2)}


def test_settings_prune_by_utility_or_by_discriminability():
    utility, loss, scores = np.arange(8.0), np.zeros(8), np.arange(8.0)[::-1]
    loss[4] = 1
    found = pruning_sets.prunings(utility, loss, scores, 3, 1)
    assert list(found) == list(pruning_sets.SETTINGS)
    assert found[ALL].kept == tuple(range(8))
    assert found[CHARACTERIZED].kept == (3, 5, 6, 7)
    assert found[DISCRIMINATED].kept == (0, 1, 2, 3)


def test_sets_are_of_kept_channels_and_paired():
    sets = pruning_sets.draw(KEPT, 8, 30)
    for setting, channels in sets.items():
        assert len(channels) == 30
        for one in channels:
            assert len(set(one)) == 8
            assert set(one) <= set(KEPT[setting])
            assert list(one) == sorted(one)
    for whole, pruned in zip(sets[ALL], sets[DISCRIMINATED], strict=True):
        # What a setting keeps of the unpruned set comes first in its own.
        assert set(whole) & set(KEPT[DISCRIMINATED]) <= set(pruned)
    larger = pruning_sets.draw(KEPT, 8, 31)
    assert all(larger[setting][:30] == channels for setting, channels in sets.items())


def test_every_channel_of_a_setting_is_as_likely():
    channels = [3, 5, 8, 13, 21]
    sets = pruning_sets.draw({ALL: range(30), CHARACTERIZED: channels}, 2, 4000)[CHARACTERIZED]
    pairs, counts = np.unique(sets, axis=0, return_counts=True)
    assert len(pairs) == 10
    np.testing.assert_allclose(counts, 400, atol=100)  # five standard deviations


def test_a_setting_that_keeps_too_few():
    with pytest.raises(InputError, match="from 1 to 43, .*'after pruning by characterization'. Received: 44"):
        pruning_sets.draw(KEPT, 44, 2)


def test_a_larger_study_continues_a_smaller(tmp_path):
    path = tmp_path / "sets.csv"
    assert pruning_sets.read(path) == {}
    small = pruning_sets.write(path, KEPT, 8, 3)
    assert pruning_sets.read(path) == small
    large = pruning_sets.write(path, KEPT, 8, 5)
    assert pruning_sets.read(path) == large == pruning_sets.draw(KEPT, 8, 5)
    with pytest.raises(InputError, match="sets.csv holds other sets of 'after pruning by disc.*--workdir"):
        pruning_sets.write(path, KEPT | {DISCRIMINATED: range(1, 128, 2)}, 8, 5)
    never_drawn = set(range(128)).difference(*large[ALL])
    with pytest.raises(InputError, match="sets.csv holds other sets of 'all channels'"):
        pruning_sets.check(path, KEPT | {ALL: sorted(set(range(128)) - {max(never_drawn)})}, 8)
    with pytest.raises(InputError, match="sets.csv holds other sets of 'all channels'"):
        pruning_sets.check(path, KEPT, 4)


def _measured_rows(sets):
    """Rows of the sets' cells; utility and privacy loss follow from the channels."""
    rows = []
    for cell in pruning_sets.cells(sets, Grid("digits", [64])):
        row = dict.fromkeys(column.name for column in tables.COLUMNS) | cell.columns()
        rows.append(
            row | {"utility": sum(cell.channels) / 1000, "psnr": 18.0, "ridge_psnr": 17.0 + cell.seed}
        )
    return rows


def test_cells_are_one_a_set_and_found_again():
    sets = {ALL: [(1, 2), (3, 4)], CHARACTERIZED: [(1, 2), (5, 6)], DISCRIMINATED: [(7, 8), (3, 4)]}
    rows = _measured_rows(sets)
    assert [(row["channels"], row["seed"]) for row in rows] == [
        ((1, 2), 0),
        ((7, 8), 0),
        ((3, 4), 1),
        ((5, 6), 1),
    ]
    found = pruning_sets.measured(sets, rows, "table.csv")
    np.testing.assert_allclose(found[CHARACTERIZED].utility, [0.003, 0.011])
    np.testing.assert_allclose(found[ALL].privacy_loss, [18.0, 18.0])
    difference = pruning_sets.difference(found, DISCRIMINATED, ALL, lambda one: one.utility)
    assert difference.value == pytest.approx((0.015 - 0.003 + 0.007 - 0.007) / 2)

    with pytest.raises(InputError, match="table.csv lacks 1 of the 4 sets; measure them first"):
        pruning_sets.measured(sets, [*rows[:-1], rows[-1] | {"utility": None}], "table.csv")
    with pytest.raises(InputError, match=r"holds channels \(1, 2\) with seed 0 twice"):
        pruning_sets.measured(sets, [*rows, rows[0] | {"train_images": 32}], "table.csv")


def test_pairs_narrow_the_interval():
    """What all settings share in an experiment does not blur their difference."""
    generator = np.random.default_rng(0)
    shared, noise = generator.normal(size=10), 0.01 * generator.normal(size=10)
    first = pruning_sets.Measured(shared + 0.5 + noise, shared)
    second = pruning_sets.Measured(shared, shared)
    found = pruning_sets.difference(
        {ALL: first, DISCRIMINATED: second}, ALL, DISCRIMINATED, lambda x: x.utility
    )
    assert 0.48 < found.low < found.value < found.high < 0.52
