import numpy as np
import pytest

from privynet_tf.studies import channel_scores, pruning_sets, pruning_study, pruning_tables
from privynet_tf.studies.channel_scores import Scores
from privynet_tf.studies.pruning_sets import ALL, CHARACTERIZED, DISCRIMINATED, Measured

DEPTH = 128
UTILITY = np.arange(DEPTH) / 1000


def _cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture(scope="module")
def scores():
    """J is as utility in one repeat and its opposite in the other; other criteria are as utility."""
    found = [
        Scores("J", count, repeat, 0.5, tuple((1 - 2 * repeat) * UTILITY))
        for count in (1, 2)
        for repeat in (0, 1)
    ]
    for name in channel_scores.CRITERIA:
        if name != "J":
            found += [Scores(name, 2, repeat, 0.25, tuple(UTILITY)) for repeat in (0, 1)]
    return found


def test_recall(scores):
    lines = pruning_tables.recall(scores, UTILITY, True)
    (row,) = [_cells(line) for line in lines if line.startswith("| 64 ")][:1]
    # Half of the channels: all of the worst 32 in one repeat, none in the other.
    assert row[1:4] == ["50.0% ± 70.7%", "100.0% ± 0.0%", "100.0% ± 0.0%"]
    assert row[4] == "50.0% ± 7.7%"
    assert row[6] == "J 69.7% / random 50.3%"
    assert "one of the 32 worst is 0.0% lower (paper: 33.5 %" in lines[-1]
    assert "69.7" not in "\n".join(pruning_tables.recall(scores, UTILITY, False))
    _well_formed(lines)


def test_samples(scores):
    lines = pruning_tables.samples(scores, UTILITY, True)
    rows = [_cells(line) for line in lines if line.startswith(("| 1 ", "| 2 "))]
    assert [row[:2] for row in rows] == [["1", "128"], ["2", "256"]]
    assert rows[0][2:] == ["50.0% ± 70.7%", "50.0% ± 70.7%", "-1.000", "0.0%", "0.50", "very similar"]
    _well_formed(lines)


def test_price(scores):
    lines = pruning_tables.price(scores, UTILITY, (226_500_000_000, 3_400_000_000))
    rows = {cells[0]: cells[1:] for cells in map(_cells, lines[6:])}
    assert set(rows) == set(channel_scores.CRITERIA)
    assert rows["J"] == ["0.50", "0.00 ± 1.41", "50.0% ± 70.7%"]
    assert rows["F of means"] == ["0.25", "1.00 ± 0.00", "100.0% ± 0.0%"]
    assert "226.5 G multiply-accumulates" in lines[2]
    _well_formed(lines)


def test_relation():
    found = {m: pruning_study.relation(UTILITY, UTILITY) for m in (4, 6)}  # the best are the leakiest
    lines = pruning_tables.relation(found)
    rows = [_cells(line) for line in lines if line.startswith(("| 4 ", "| 6 "))]
    assert rows[0] == ["4", "128", "0 of 32", "8.0 (95 %: 4 to 12)", "", "+1.00 (+1.00 to +1.00)"]
    assert rows[1][4] == "4 of 32"
    assert lines.count("| leakiest | 0 | 0 | 0 | 32 |") == 2
    _well_formed(lines)


def test_sets():
    base = np.array([0.1, 0.4, 0.1])
    results = {
        ALL: Measured(0.5 + base, 18 + base),
        CHARACTERIZED: Measured(0.6 + base, 17 + base),
        DISCRIMINATED: Measured(0.55 + base, 18 + base - 0.05),
    }
    kept = {ALL: 128, CHARACTERIZED: 50, DISCRIMINATED: 49}
    lines = pruning_tables.sets(results, kept, True)
    rows = {cells[0]: cells[1:] for cells in map(_cells, lines)}
    assert rows[ALL] == ["128", "0.700 ± 0.173", "0.684 ± 0.019", "18.20 ± 0.17", "18.3 ± 0.389", "2 of 3"]
    assert rows[CHARACTERIZED][-1] == "3 of 3"
    difference = rows[f"{DISCRIMINATED} minus {ALL}"]
    assert difference[:2] == ["+0.050 (+0.050 to +0.050)", "+0.012"]
    assert difference[2:] == ["-0.05 (-0.05 to -0.05)", "-1.25"]
    assert set(pruning_sets.SETTINGS) < set(rows)
    _well_formed(lines)
    assert "0.684" not in "\n".join(pruning_tables.sets(results, kept, False))


def _well_formed(lines):
    """Every table's rows have as many cells as its head."""
    width = None
    for line in lines:
        if not line.startswith("|"):
            width = None
            continue
        width = width or len(_cells(line))
        assert len(_cells(line)) == width, line
