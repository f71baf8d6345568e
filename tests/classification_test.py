import json

import keras
import numpy as np
import pytest

from privynet_tf import classification, icn, runs, training
from privynet_tf.errors import InputError


def _icn(directory, **result):
    keras.utils.set_random_seed(0)
    model = icn.build((4, 4, 2), 3)
    directory.mkdir()
    training.save(model, directory / runs.ICN)
    (directory / "result.json").write_text(json.dumps(result))
    return model


def _fen(images):
    """Means of blocks of 4x4 pixels, of two colours."""
    return images.reshape(-1, 4, 4, 4, 4, 3).mean(axis=(2, 4))[..., :2].astype(np.float32)


IMAGES = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)


def test_probabilities_are_the_softmax_of_the_icn_on_the_representations(tmp_path):
    model = _icn(tmp_path / "icn", class_names=["cat", "dog", "ship"])
    loaded, class_names = classification.load_icn(tmp_path / "icn")
    found = classification.probabilities(_fen, loaded, IMAGES, batch_size=2)
    logits = model.predict(_fen(IMAGES).astype(np.float16).astype(np.float32), verbose=0)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert class_names == ("cat", "dog", "ship")


def test_table_has_the_most_probable_classes_first():
    values = np.array([[0.2, 0.5, 0.3], [0.9, 0.0, 0.1]])
    assert classification.table(["a.png", "b.png"], ["cat", "dog", "ship"], values, top=2) == [
        ["a.png", "dog", "0.5000"],
        ["a.png", "ship", "0.3000"],
        ["b.png", "cat", "0.9000"],
        ["b.png", "ship", "0.1000"],
    ]


def test_icn_of_another_release(tmp_path):
    model = _icn(tmp_path / "icn")
    with pytest.raises(
        InputError, match=r"takes representations \[4, 4, 2\], but the FEN gives \[16, 16, 3\]"
    ):
        classification.probabilities(lambda images: images, model, IMAGES)


def test_no_icn(tmp_path):
    with pytest.raises(InputError, match="holds no finished training of an ICN"):
        classification.load_icn(tmp_path)
    _icn(tmp_path / "old", utility=0.5)
    with pytest.raises(InputError, match="it names no classes; train the ICN anew"):
        classification.load_icn(tmp_path / "old")
