import csv
import stat

import numpy as np
import pytest

from privynet_tf import fen, fisher, pruning, ranking
from privynet_tf.errors import InputError
from privynet_tf.topology import FenTopology

TOPOLOGY = FenTopology("vgg16", 6)


@pytest.fixture(scope="module")
def model():
    return fen.build(TOPOLOGY, "random")


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (80, 32, 32, 3)).astype(np.uint8), np.arange(80) % 3


@pytest.fixture
def ranked():
    scores, loss = np.array([0.5, 0.1, 0.9, 0.2]), np.array([13.0, 15.0, 16.0, 14.0])
    return ranking.Ranking(scores, loss, pruning.prune(scores, loss, 2, 2))


def test_rows_are_in_the_order_of_discriminability(ranked):
    rows = ranked.rows()
    assert [(row["rank"], row["channel"], row["J"], row["privacy_loss"]) for row in rows] == [
        (1, 2, 0.9, 16.0),
        (2, 0, 0.5, 13.0),
        (3, 3, 0.2, 14.0),
        (4, 1, 0.1, 15.0),
    ]
    assert [row["pruned_by"] for row in rows] == ["privacy loss", "", "discriminability", "both"]
    assert ranking.lines(rows) == [
        "rank  channel          J  privacy loss  pruned by",
        "   1        2     0.9000      16.00 dB  privacy loss",
        "   2        0     0.5000      13.00 dB",
        "   3        3     0.2000      14.00 dB  discriminability",
        "   4        1     0.1000      15.00 dB  both",
    ]


def test_rows_without_a_characterization():
    scores = np.array([0.5, 0.1])
    rows = ranking.Ranking(scores, None, pruning.prune(scores, None, 1, 0)).rows()
    assert [(row["privacy_loss"], row["pruned_by"]) for row in rows] == [
        (None, ""),
        (None, "discriminability"),
    ]


def test_discriminability_streams_minibatches(model, data):
    seen, images, labels = [], *data
    found = ranking.discriminability(
        model, images, labels, 32, lambda done, total: seen.append((done, total))
    )
    np.testing.assert_allclose(found, fisher.discriminability(fen.apply(model, images), labels), rtol=1e-6)
    assert seen == [(32, 80), (64, 80), (80, 80)]


def test_images_and_labels_that_do_not_fit(model, data):
    images, labels = data
    with pytest.raises(InputError, match="images and labels must be equally many. Received: 80 and 79"):
        ranking.discriminability(model, images, labels[1:])
    with pytest.raises(InputError, match="needs at least 67 images, .* Received: 66"):
        ranking.discriminability(model, images[:66], labels[:66])


def test_extra_arithmetic_of_a_ranking():
    network, scores = ranking.extra_macs(TOPOLOGY, 8, 32, 6400, 10)
    # Appendix E: the 120 other filters of 3x3x128 on maps of 16x16, before the pool.
    assert network == 6400 * 120 * 3 * 3 * 128 * 16 * 16
    assert scores == 128 * ((10 + 6400) * 64**2 + 64**3)


def test_what_is_written_is_for_the_owner_alone(model, data, tmp_path):
    images, labels = data
    scores = np.random.default_rng(0).random(128)
    ranked = ranking.Ranking(scores, scores[::-1], pruning.prune(scores, scores[::-1], 64, 32))
    selected = FenTopology("vgg16", 6, ranked.pruning.kept[:3])
    directory = tmp_path / "private" / "ranking"
    (tmp_path / "private" / ".ranking.partial").mkdir(parents=True)  # of a killed run
    ranking.save(directory, ranked, model, images, labels, selected, fen.build(selected, "random"))
    assert [path.name for path in directory.parent.iterdir()] == ["ranking"]
    files = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
    assert set(files) == {
        "ranking.csv",
        "discriminability.png",
        "discriminability.svg",
        "contact_sheet.png",
        "fen/topology.json",
        "fen/fen.keras",
        "fen/SHA256SUMS",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (directory, directory / "fen")} == {0o700}
    assert FenTopology.from_json(files["fen/topology.json"].read_text()) == selected
    with open(files["ranking.csv"], newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["channel", "J", "rank", "privacy_loss", "pruned_by"]
    assert [int(row["channel"]) for row in rows] == np.argsort(-scores).tolist()
    assert [float(row["J"]) for row in rows] == sorted(scores, reverse=True)

    before = files["ranking.csv"].read_bytes()
    with pytest.raises(InputError, match=f"--out={directory} already exists"):
        ranking.save(directory, ranked, model, images, labels, selected, model)
    assert files["ranking.csv"].read_bytes() == before
