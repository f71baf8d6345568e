import numpy as np
import pytest

from privynet_tf import fisher
from privynet_tf.errors import InputError
from privynet_tf.studies import intermediate_scores

MADE = {"network": "vgg16", "images": "noise", "weights": "random"}
LABELS = np.arange(700) % 3


@pytest.fixture
def layers():
    """Two convolutions whose channels tell more and more of the class."""
    generator = np.random.default_rng(0)
    strength = np.array([0, 0.2, 1])
    first = generator.normal(size=(700, 3, 3, 3)) + strength * LABELS[:, None, None, None]
    second = generator.normal(size=(700, 2, 2, 4))
    return {"one": first.astype(np.float16), "two": second.astype(np.float16)}


def test_scores_are_those_of_fisher(layers, tmp_path):
    path = tmp_path / "run" / "scores.csv"
    seen = []
    intermediate_scores.measure(path, MADE, layers, LABELS, 10_000, lambda *done: seen.append(done))
    found = intermediate_scores.read(path, MADE, layers)
    for name, representations in layers.items():
        np.testing.assert_allclose(found[name], fisher.discriminability(representations, LABELS), rtol=1e-9)
    assert list(np.argsort(found["one"])) == [0, 1, 2]
    assert seen == [(1, 2), (2, 2)]
    assert intermediate_scores.made_of(path) == MADE | {"scored_images": "700"}


def test_few_images_are_drawn_from_all_and_are_the_same_for_every_layer(layers, tmp_path):
    path = tmp_path / "scores.csv"
    intermediate_scores.measure(path, MADE, {"a": layers["one"], "b": layers["one"]}, LABELS, 300)
    found = intermediate_scores.read(path, MADE, ("a", "b"))
    np.testing.assert_array_equal(found["a"], found["b"])
    for part in (slice(300), slice(None)):
        assert not np.allclose(found["a"], fisher.discriminability(layers["one"][part], LABELS[part]))
    assert intermediate_scores.made_of(path)["scored_images"] == "300"


def test_what_is_there_is_not_computed_again(layers, tmp_path, monkeypatch):
    path = tmp_path / "scores.csv"
    intermediate_scores.measure(path, MADE, {"one": layers["one"]}, LABELS, 700)
    before = intermediate_scores.read(path, MADE, ["one"])["one"]
    computed = []
    monkeypatch.setattr(
        fisher, "discriminability", lambda batches, labels: computed.append(len(list(batches))) or np.ones(4)
    )
    intermediate_scores.measure(path, MADE, layers, LABELS, 700)
    assert computed == [3]  # minibatches of 256, of the second alone
    np.testing.assert_array_equal(intermediate_scores.read(path, MADE, layers)["one"], before)
    np.testing.assert_array_equal(intermediate_scores.read(path, MADE, layers)["two"], np.ones(4))


def test_errors(layers, tmp_path):
    path = tmp_path / "scores.csv"
    assert intermediate_scores.read(path, MADE, {}) == {}
    with pytest.raises(InputError, match=r"holds no scores of \['one'\]; take --step=scores first"):
        intermediate_scores.read(path, MADE, ["one"])
    intermediate_scores.measure(path, MADE, {"one": layers["one"]}, LABELS, 700)
    with pytest.raises(InputError, match=r"scores of \['two'\]"):
        intermediate_scores.read(path, MADE, layers)
    with pytest.raises(InputError, match="was made with weights=random, not imagenet; choose another"):
        intermediate_scores.read(path, MADE | {"weights": "imagenet"}, ["one"])
    with pytest.raises(InputError, match="was made with scored_images=700, not 300"):
        intermediate_scores.measure(path, MADE, layers, LABELS, 300)
    path.write_text("convolution,seconds,scores\none,1,1 x\n")
    with pytest.raises(InputError, match=r"scores.csv, line 2: scores is '1 x', expected numbers"):
        intermediate_scores.read(path, {}, ["one"])
    path.write_text("convolution,scores\none,1\n")
    with pytest.raises(InputError, match=r"no table of discriminability: its columns lack \['seconds'\]"):
        intermediate_scores.read(path, {}, ["one"])
