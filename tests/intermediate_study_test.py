"""Figures 14 and 15 on made-up tables: FENs, results and differences, the report, the pictures."""

import dataclasses
import re

import numpy as np
import pytest

from privynet_tf import cost, figures, tables
from privynet_tf.device import cost_tables
from privynet_tf.errors import InputError
from privynet_tf.grid import Grid
from privynet_tf.studies import intermediate_figures, intermediate_report, intermediate_study
from privynet_tf.studies.intermediate_study import DISCRIMINATIVE, DRAWN, Study
from privynet_tf.topology import FenTopology

STUDY = Study()
WHOLE = (64, 64, 128, 8)
FILTERS = {"block1_conv1": 64, "block1_conv2": 64, "block2_conv1": 128}
GRID = Grid("cifar10", (10000,), channel_sets=((0,),))


@pytest.fixture(scope="module")
def discriminability():
    generator = np.random.default_rng(0)
    return {name: generator.random(filters) for name, filters in FILTERS.items()}


@pytest.fixture(scope="module")
def chosen(discriminability):
    return intermediate_study.topologies(STUDY, discriminability)


@pytest.fixture(scope="module")
def rows(chosen, measured):
    """Fewer channels lower utility a little, and drop the IRN's PSNR; and a row that is not of the study."""
    found = []
    for cell in intermediate_study.cells(chosen, GRID):
        row = measured(cell)
        if cell.intermediate_channels:
            whole = measured(dataclasses.replace(cell, intermediate_channels=()))
            left_out = sum(FILTERS[name] - len(kept) for name, kept in cell.intermediate_channels)
            noise = 0.1 * (row["utility"] - whole["utility"])
            row |= {"utility": whole["utility"] - 0.0002 * left_out + noise}
            row |= {"psnr": whole["psnr"] - 0.1, "ridge_psnr": whole["psnr"] - 1}
        found.append(row)
    return [*found, measured(Grid("cifar10", (10000,), depths=(4,)).cells()[0])]


@pytest.fixture(scope="module")
def results(chosen, rows):
    return intermediate_study.measured(chosen, rows, "table.csv")


def _cost_row(topology, depths, device="chip", **changes):
    counted = cost.of_topology(topology, 32)
    reduced = depths[:-1] if depths != WHOLE else None
    row = dict.fromkeys(column.name for column in cost_tables.COLUMNS)
    row |= {
        "network": "vgg16",
        "m": 6,
        "D'": 8,
        "intermediate": reduced,
        "image_size": 32,
        "format": "float32",
    }
    row |= {"parameters": counted.parameters, "macs": counted.macs, "bytes": 4 * counted.parameters + 3000}
    row |= {"runtime": "litert", "threads": 1, "batch": 1, "repeats": 50, "device": device}
    milliseconds = counted.macs / 3e7
    row |= {
        "latency_ms": milliseconds,
        "latency_ms_p10": 0.98 * milliseconds,
        "latency_ms_p90": 1.1 * milliseconds,
    }
    return row | changes


@pytest.fixture(scope="module")
def cost_rows(chosen):
    return [_cost_row(chosen[DRAWN, depths][0], depths) for depths in STUDY.settings]


@pytest.fixture(scope="module")
def costs(cost_rows):
    return intermediate_study.costs(STUDY, cost_rows, 32, None, "cost.csv")


def test_settings_are_those_of_both_figures_without_repetition():
    assert STUDY.settings == (
        (64, 64, 128, 8),
        (48, 64, 128, 8),
        (32, 64, 128, 8),
        (16, 64, 128, 8),
        (32, 32, 128, 8),
        (32, 32, 64, 8),
    )
    assert Study(settings=[(3, 64, 128, 2)]).settings == ((64, 64, 128, 2), (3, 64, 128, 2))


def test_convolutions_that_scores_are_needed_of():
    assert STUDY.scored_layers() == {"block1_conv1": 1, "block1_conv2": 2, "block2_conv1": 4}
    assert Study(settings=[(16, 64, 128, 8)]).scored_layers() == {"block1_conv1": 1}
    assert Study(strategies=[DRAWN]).scored_layers() == {}


def test_whole_fens_are_the_random_sets_of_a_grid(chosen):
    """So the rows of an earlier sweep are found, and not measured again."""
    cells = intermediate_study.cells(chosen, GRID)
    whole = [cell for cell in cells if not cell.intermediate_channels]
    assert whole == Grid("cifar10", (10000,), depths=(8,), random_sets=5, channel_seed=0).cells()
    assert len(cells) == 5 * (1 + 5 * 2)
    assert len(set(cells)) == len(cells)
    assert [len(cell.channels) for cell in cells[:11]] == [8] * 11
    assert {cell.channels for cell in cells[:11]} == {whole[0].channels}  # a draw after the other


def test_kept_channels(chosen, discriminability):
    for (strategy, depths), drawn in chosen.items():
        assert len(drawn) == 5
        for topology in drawn:
            kept = [topology.kept_channels(layer.name) for layer in topology.convolutions]
            assert tuple(map(len, kept)) == depths
            if strategy == DISCRIMINATIVE:
                best = np.argsort(discriminability["block1_conv1"])[-depths[0] :]
                assert set(kept[0]) == set(best)
    first = [one.kept_channels("block1_conv1") for one in chosen[DRAWN, (16, 64, 128, 8)]]
    assert len(set(first)) == 5
    other = intermediate_study.topologies(Study(strategies=[DRAWN], channel_seed=1))
    assert other[DRAWN, (16, 64, 128, 8)][0].kept_channels("block1_conv1") not in first


def test_more_draws_keep_the_earlier(chosen, discriminability):
    more = intermediate_study.topologies(Study(draws=7), discriminability)
    assert {key: drawn[:5] for key, drawn in more.items()} == chosen


def test_results_and_paired_differences(results, rows, chosen):
    key = DRAWN, (32, 32, 64, 8)
    by_fen = {
        FenTopology("vgg16", 6, row["channels"], dict(row["intermediate_channels"])): row for row in rows
    }
    expected = [by_fen[topology]["utility"] for topology in chosen[key]]
    np.testing.assert_array_equal(results.by_key[key].utility, expected)
    changes = [
        value - by_fen[FenTopology("vgg16", 6, t.output_channels)]["utility"]
        for value, t in zip(expected, chosen[key], strict=True)
    ]
    found = results.difference(key, (DRAWN, WHOLE), lambda one: one.utility)
    assert found.value == pytest.approx(np.mean(changes))
    assert min(changes) <= found.low <= found.value <= found.high <= max(changes)
    loss = results.difference(key, (DISCRIMINATIVE, WHOLE), lambda one: one.privacy_loss)
    assert (loss.low, loss.value, loss.high) == pytest.approx((-0.1, -0.1, -0.1))
    assert len(results.rows) == 55


def test_privacy_loss_is_the_stronger_attackers(chosen, rows):
    changed = [row | {"ridge_psnr": 40.0} for row in rows]
    found = intermediate_study.measured(chosen, changed, "")
    assert set(found.by_key[DRAWN, WHOLE].privacy_loss) == {40.0}


def test_lookup_errors(chosen, rows):
    incomplete = [row | {"psnr": None, "ridge_psnr": None} for row in rows[:2]]
    with pytest.raises(InputError, match=r"table.csv lacks 3 of the 55 FENs; measure them first"):
        intermediate_study.measured(chosen, [*incomplete, *rows[3:]], "table.csv")
    with pytest.raises(InputError, match=r"table.csv holds channels .* twice, on different data"):
        intermediate_study.measured(chosen, [*rows, rows[0] | {"train_images": 5}], "table.csv")
    other_seed = rows[0] | {"seed": 1, "utility": 0.0}
    found = intermediate_study.measured(chosen, [*rows, other_seed], "table.csv")
    assert found.by_key[DRAWN, WHOLE].utility.min() > 0


def test_costs_of_settings(cost_rows):
    others = [row | {"threads": 2, "latency_ms": 9.0} for row in cost_rows]
    others += [row | {"format": "int8", "latency_ms": 9.0} for row in cost_rows]
    found = intermediate_study.costs(STUDY, [*others, *cost_rows], 32, None, "cost.csv")
    assert list(found) == list(STUDY.settings)
    assert found[32, 32, 64, 8]["macs"] == pytest.approx(16.2e6, rel=0.005)  # the paper's setting
    assert found[32, 32, 64, 8]["latency_ms"] == pytest.approx(found[32, 32, 64, 8]["macs"] / 3e7)

    two = [*cost_rows, *(row | {"device": "phone", "latency_ms": 7.0} for row in cost_rows)]
    with pytest.raises(InputError, match=r"several devices \['chip', 'phone'\]; pick one with --latency_dev"):
        intermediate_study.costs(STUDY, two, 32, None, "cost.csv")
    assert intermediate_study.costs(STUDY, two, 32, "phone", "")[WHOLE]["latency_ms"] == 7
    for part, size in ((cost_rows[:-1], 32), (cost_rows, 64)):
        with pytest.raises(InputError, match=rf"cost.csv lacks .*{size}x{size} images.*\(32, 32, 64, 8\)"):
            intermediate_study.costs(STUDY, part, size, None, "cost.csv")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"settings": [(65, 64, 128, 8)]}, r"\[64, 64, 128, 128\] channels.*Received: \[65, 64, 128, 8\]"),
        ({"settings": [(64, 64, 8)]}, r"keeps from 1 to all of each. Received: \[64, 64, 8\]"),
        ({"settings": [(1, 1, 1, 0)]}, r"keeps from 1 to all of each"),
        ({"settings": [WHOLE, (64, 64, 128, 4)]}, r"equally many channels.*\[64, 64, 128, 4\]"),
        ({"settings": []}, "equally many channels.*Received: none"),
        ({"num_layers": 4}, r"m=4 of vgg16 has convolutions of \[64, 64, 128\]"),
        ({"strategies": ["best"]}, r"strategies must be of .* Received: \['best'\]"),
        ({"strategies": []}, "strategies must be of .* Received: none"),
        ({"settings": [(9, 64, 128, 128)], "draws": 2}, "there are only 1 sets of 128 channels to draw"),
    ],
)
def test_bad_studies(changes, message):
    with pytest.raises(InputError, match=message):
        Study(**changes)


@pytest.fixture
def saved(monkeypatch):
    """Figures by name."""
    found = {}
    monkeypatch.setattr(figures, "save", lambda figure, path: found.update({path.name: figure}))
    return found


def test_report(results, costs, tmp_path, saved):
    scored = {"images": "cifar10", "scored_images": "6400", "train_split": "train", "image_size": "32"}
    intermediate_report.write(tmp_path, STUDY, results, costs, scored)
    text = (tmp_path / "intermediate.md").read_text()
    assert set(saved) == {"fig14", "fig15"} == set(re.findall(r"!\[(\w+)\]\(\1\.png\)", text))
    whole = results.by_key[DRAWN, WHOLE]
    mean, std = np.mean(whole.utility), np.std(whole.utility, ddof=1)
    loss, spread = np.mean(whole.privacy_loss), np.std(whole.privacy_loss, ddof=1)
    line = f"| 64, 64, 128, 8 | whole | {mean:.3f} ± {std:.3f} |  | {loss:.2f} ± {spread:.2f} |  |"
    assert text.count(line) == 1
    parameters = 9 * (3 * 32 + 32 * 32 + 32 * 64 + 64 * 8) + 32 + 32 + 64 + 8  # appendix D
    assert f"| 32, 32, 64, 8 | {parameters:,} (27%) | 16.2 (27%) | 0.54, 0.53 to 0.59 (27%) |" in text
    assert "| 14 | accuracy and PSNR rarely change, runtime drops | drawn |" in text
    assert "| 0 of 3 | -0.10" not in text  # every draw leaks 0.1 dB less
    assert "| 3 of 3 | 51% | 51% |" in text  # 31.1 of 60.8 million
    assert "| 3 of 3 | 27% | 27% |" in text
    assert "J from 6,400 images of cifar10, split train." in text
    assert "## Discriminative minus drawn" in text
    assert "about 1.6 times as wide" in text  # 2.776 / (1.960 * sqrt(4 / 5))


def test_report_of_one_strategy_and_other_settings(chosen, rows, tmp_path, saved):
    study = Study(settings=[(16, 64, 128, 8), (32, 32, 64, 8)], strategies=[DRAWN])
    part = {key: chosen[key] for key in study.keys}
    found = intermediate_study.measured(part, rows, "")
    fens = [_cost_row(chosen[DRAWN, depths][0], depths) for depths in study.settings]
    costs = intermediate_study.costs(study, fens, 32, None, "")
    intermediate_report.write(tmp_path, study, found, costs, None)
    text = (tmp_path / "intermediate.md").read_text()
    assert set(saved) == {"settings"}
    assert "Discriminative minus" not in text
    assert "`discriminative`" not in text
    assert "| 14 |" in text  # the paper's claim, of the settings that are the paper's
    assert "| 1 of 1 |" in text


def test_too_few_images_for_j_are_told(results):
    scored = {"images": "digits", "scored_images": "900", "train_split": "train", "image_size": "32"}
    text = "\n".join(intermediate_report.heading(STUDY, results, scored))
    assert "With no more images than pixels, 1,024, J says next to nothing." in text


@pytest.mark.parametrize("settings", intermediate_report.drawn_settings(STUDY).values())
def test_figures(settings, results, costs, check_legible, line):
    figure = intermediate_figures.figure(STUDY, settings, results, costs)
    check_legible(figure)
    utility, loss, latency, macs = figure.axes
    for axis, field in ((utility, "utility"), (loss, "privacy_loss")):
        for label, strategy, shift in (
            ("kept at random (the paper's)", DRAWN, -0.14),
            ("the most discriminative kept", DISCRIMINATIVE, 0.14),
        ):
            x, y = line(axis, label)
            np.testing.assert_allclose(x, np.arange(1, 5) + shift)
            expected = [getattr(results.by_key[strategy, depths], field).mean() for depths in settings]
            np.testing.assert_allclose(y, expected)
    low, high = loss.get_ylim()
    assert high - low >= 2
    assert line(latency, "latency")[1] == [costs[depths]["latency_ms"] for depths in settings]
    assert line(macs, "MACs")[1] == [costs[depths]["macs"] / 1e6 for depths in settings]
    labels = [label.get_text() for label in utility.get_xticklabels()]
    assert labels[-1] == "4\n" + ", ".join(map(str, settings[-1]))


def test_rows_of_the_study_survive_a_table(rows, chosen, tmp_path):
    tables.update(tmp_path / "t.csv", rows)
    found = intermediate_study.measured(chosen, tables.read(tmp_path / "t.csv"), "")
    assert len(found.rows) == 55


def test_latencies_of_a_busy_machine_stay_legible(results, costs):
    busy = {depths: row | {"latency_ms_p90": 100.0} for depths, row in costs.items()}
    figure = intermediate_figures.figure(STUDY, STUDY.settings[:4], results, busy)
    assert figure.axes[2].get_ylim()[1] == pytest.approx(1.12 * 2 * costs[WHOLE]["latency_ms"])
