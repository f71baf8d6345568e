import numpy as np
import pytest
import scipy.stats

from privynet_tf import fisher
from privynet_tf.errors import InputError
from privynet_tf.studies import channel_scores

MADE = {"network": "vgg16", "m": 6, "weights": "random:seed=0"}


@pytest.fixture(scope="module")
def data():
    """Representations [600, 2, 2, 5] float16 and labels: channel 0 tells nothing of them, 4 the most."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 600)
    shift = np.arange(5) * labels[:, None, None, None]
    return (generator.normal(size=(600, 2, 2, 5)) + shift).astype(np.float16), labels


def test_f_of_means_is_that_of_an_analysis_of_variance(data):
    representations, labels = data
    found = channel_scores.anova_f(representations, labels)
    means = representations.astype(np.float64).mean(axis=(1, 2))
    for channel in range(5):
        groups = [means[labels == label, channel] for label in range(3)]
        assert found[channel] == pytest.approx(scipy.stats.f_oneway(*groups).statistic)


def test_means_of_large_values_do_not_overflow():
    representations = np.full((6, 8, 8, 1), 60000, np.float16)
    representations[::2] = 0
    assert channel_scores.anova_f(representations, np.arange(6) // 2)[0] == pytest.approx(0)
    assert channel_scores.anova_f(representations, np.arange(6) % 2)[0] > 1e6


def test_a_channel_that_never_changes_has_an_f_of_0(data):
    representations = data[0].copy()
    representations[..., 4] = 0
    assert channel_scores.anova_f(representations, data[1])[4] == 0


def test_mutual_information_is_that_of_a_known_dependence():
    labels = np.arange(2000) % 4
    maps = np.random.default_rng(0).uniform(0, 1, (2000, 1, 1, 2))
    maps[..., 0] += 10 * labels[:, None, None]  # tells the label apart: ln 4 nats
    found = channel_scores.mutual_information(maps, labels, 0)
    assert found[0] == pytest.approx(np.log(4), abs=0.01)
    assert found[1] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("criterion", [name for name in channel_scores.CRITERIA if name != "random"])
def test_criteria_order_channels_by_what_they_tell(data, criterion):
    scores = channel_scores.CRITERIA[criterion](*data, 0)
    assert np.argsort(scores)[:3].tolist() == [0, 1, 2]


def test_scores_of_repeated_draws(data, tmp_path):
    path = tmp_path / "scores.csv"
    scores = channel_scores.measure(path, MADE, *data, [1, 4], 3)
    assert len(scores) == 3 * (1 + len(channel_scores.CRITERIA))
    assert channel_scores.read(path, MADE) == scores
    assert channel_scores.made_of(path) == {name: str(value) for name, value in MADE.items()} | {
        "images_drawn_from": "600"
    }
    few, many = (channel_scores.matrix(scores, "J", count) for count in (1, 4))
    assert few.shape == many.shape == (3, 5)
    assert len({*map(tuple, [*few, *many])}) == 6
    order = np.random.default_rng([2, 600]).permutation(600)
    for found, count in ((few, 128), (many, 512)):
        rows = order[:count]
        np.testing.assert_allclose(found[2], fisher.discriminability(data[0][rows], data[1][rows]), rtol=1e-9)


def test_what_is_scored_is_not_scored_again(data, tmp_path, monkeypatch):
    path = tmp_path / "scores.csv"
    first = channel_scores.measure(path, MADE, *data, [1, 2], 2)
    calls = []
    counted = {
        name: lambda *arguments, name=name, f=function: calls.append(name) or f(*arguments)
        for name, function in channel_scores.CRITERIA.items()
    }
    monkeypatch.setattr(channel_scores, "CRITERIA", counted)
    assert channel_scores.measure(path, MADE, *data, [1, 2], 2) == first
    assert calls == []
    assert channel_scores.measure(path, MADE, *data, [1, 2], 3)[: len(first)] == first
    assert sorted(calls) == sorted(["J", *counted])


def test_bad_input(data, tmp_path):
    path = tmp_path / "scores.csv"
    with pytest.raises(InputError, match="5 minibatches of 128 need 640 training images. Received: 600"):
        channel_scores.measure(path, MADE, *data, [1, 5], 2)
    with pytest.raises(InputError, match="must be equally many. Received: 600 and 599"):
        channel_scores.measure(path, MADE, data[0], data[1][1:], [1], 2)
    assert not path.exists()
    scores = channel_scores.measure(path, MADE, *data, [1], 2)
    with pytest.raises(InputError, match="scores.csv was made with m=6, not 4; choose another --workdir"):
        channel_scores.measure(path, MADE | {"m": 4}, *data, [1], 2)
    with pytest.raises(InputError, match="no scores by J from 50 minibatches"):
        channel_scores.matrix(scores, "J", 50)
    path.write_text("channel,J\n3,0.5\n")
    with pytest.raises(InputError, match=r"scores.csv is no table of channel scores: .* lack .*criterion"):
        channel_scores.read(path)
