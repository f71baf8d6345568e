import matplotlib.figure
import numpy as np
import pytest

from privynet_tf.studies import channel_scores, pruning_figures, pruning_sets, pruning_study
from privynet_tf.studies.channel_scores import Scores

DEPTH = 16
UTILITY = np.arange(DEPTH) / 100


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved, in order."""
    figures = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    return figures


@pytest.fixture(scope="module")
def scores():
    generator = np.random.default_rng(0)
    keys = [(name, 4) for name in channel_scores.CRITERIA] + [("J", 2)]
    return [
        Scores(name, count, repeat, 0.1, tuple(UTILITY + generator.normal(0, 0.05, DEPTH)))
        for name, count in keys
        for repeat in range(3)
    ]


def test_recall_of_every_criterion(drawn, scores, tmp_path):
    pruning_figures.recall(scores, UTILITY, tmp_path / "figure")
    for panel, worst in zip(drawn[0].axes, (4, 8), strict=True):
        lines = {line.get_label(): line for line in panel.lines}
        assert len(lines) == len(channel_scores.CRITERIA)  # random is exact
        for name in ("J", "F of means"):
            expected = pruning_study.recall(channel_scores.matrix(scores, name, 4), UTILITY, worst)
            np.testing.assert_allclose(lines[name].get_xdata(), np.arange(DEPTH + 1))
            np.testing.assert_allclose(lines[name].get_ydata(), 100 * expected.mean(axis=0))
        np.testing.assert_allclose(lines["at random (exact)"].get_ydata(), np.linspace(0, 100, DEPTH + 1))


def test_recall_from_fewer_images(drawn, scores, tmp_path):
    pruning_figures.recall_by_images(scores, UTILITY, tmp_path / "figure")
    for panel, worst in zip(drawn[0].axes, (4, 8), strict=True):
        assert [bars.get_label() for bars in panel.containers] == [
            "2 minibatches of 128",
            "4 minibatches of 128",
        ]
        for bars, count in zip(panel.containers, (2, 4), strict=True):
            matrix = channel_scores.matrix(scores, "J", count)
            expected = 100 * pruning_study.recall(matrix, UTILITY, worst)[:, 2::2]
            points, _, ranges = bars
            np.testing.assert_allclose(points.get_ydata(), expected.mean(axis=0))
            np.testing.assert_allclose(points.get_xdata(), np.arange(2, 17, 2), atol=0.5)
            spread = [segment[1, 1] - segment[0, 1] for segment in ranges[0].get_segments()]
            np.testing.assert_allclose(spread, 2 * expected.std(axis=0, ddof=1), atol=1e-9)


def test_sets_of_the_three_settings(drawn, tmp_path):
    generator = np.random.default_rng(0)
    results = {
        setting: pruning_sets.Measured(generator.random(5), generator.random(5))
        for setting in pruning_sets.SETTINGS
    }
    pruning_figures.settings(results, tmp_path / "figure")
    (panel,) = drawn[0].axes
    lines = {line.get_label(): line.get_xydata() for line in panel.lines}
    for setting, found in results.items():
        np.testing.assert_allclose(lines[setting], np.transpose([found.utility, found.privacy_loss]))
    means = [line.get_xydata()[0] for line in panel.lines if len(line.get_xydata()) == 1]
    np.testing.assert_allclose(
        means, [[one.utility.mean(), one.privacy_loss.mean()] for one in results.values()]
    )
    assert panel.get_xlabel() == "utility (test accuracy)"
    assert panel.get_ylabel() == "privacy loss (dB)"
