import stat

import numpy as np
import pytest

from privynet_tf import cost, fen, fen_package, litert
from privynet_tf.errors import InputError
from privynet_tf.topology import FenTopology

PRUNED = FenTopology(
    num_layers=6,
    output_channels=(100, 3, 17, 40),
    intermediate_channels={"block1_conv1": (60, 2, 31), "block2_conv1": (5, 99, 0, 64, 127)},
)
ONE = FenTopology(num_layers=1, output_channels=(0,))


@pytest.fixture(scope="module")
def many(photos):
    """Representative images, enough for int8."""
    return np.concatenate([np.roll(photos, shift, axis=2) for shift in range(25)])


@pytest.fixture(scope="module")
def whole(tmp_path_factory, many):
    """A FEN, and the package of it with every LiteRT model."""
    model = fen.build(PRUNED, "embedded")
    directory = tmp_path_factory.mktemp("package") / "new" / "fen"
    fen_package.save(directory, PRUNED, model, cost.FORMATS, many)
    return model, directory


@pytest.mark.parametrize("preprocessing", fen.PREPROCESSING)
def test_round_trip(tmp_path, photos, preprocessing):
    model = fen.build(PRUNED, "random", preprocessing)
    fen_package.save(tmp_path / "fen", PRUNED, model)
    loaded = fen_package.load(tmp_path / "fen")
    expected = fen.apply(model, photos)
    assert expected.any()
    np.testing.assert_array_equal(fen.apply(loaded, photos), expected)
    np.testing.assert_array_equal(fen_package.transform(tmp_path / "fen")(photos), expected)
    assert not loaded.trainable_weights
    assert fen_package.load_topology(tmp_path / "fen") == PRUNED
    assert sorted(path.name for path in (tmp_path / "fen").iterdir()) == [
        "SHA256SUMS",
        "fen.keras",
        "topology.json",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["fen"]


def test_files(whole):
    _, directory = whole
    sizes = fen_package.litert_bytes(directory)
    assert sizes == {name: (directory / f"fen_{name}.tflite").stat().st_size for name in cost.FORMATS}
    weights = cost.of_topology(PRUNED, 32).weight_bytes
    assert sizes["float32"] > weights
    assert sizes["int8"] < sizes["float16"] < sizes["float32"]


@pytest.mark.parametrize(("number_format", "limit"), [("keras", 0), ("float32", 1e-4), ("float16", 1e-2)])
def test_what_computes_representations(whole, many, number_format, limit):
    model, directory = whole
    expected = fen.apply(model, many)
    actual = fen_package.transform(directory, number_format)(many)
    assert abs(actual - expected).max() <= limit * expected.max()
    assert (number_format == "float16") == (abs(actual - expected).max() > 1e-5 * expected.max())


def test_int8_computes_representations(whole, many):
    model, directory = whole
    expected = fen.apply(model, many)
    actual = fen_package.transform(directory, "int8")(many)
    assert actual.dtype == np.float32
    assert 1e-3 < litert.rms_error(expected, actual) < 0.1
    # Dequantized: multiples of one number, 256 of them at most.
    assert len(np.unique(actual)) <= 256


def test_only_the_owner_can_read(whole):
    _, directory = whole
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    files = list(directory.iterdir())
    assert len(files) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("missing folder", "fen is no FEN package: it has no SHA256SUMS"),
        ("missing file", r"FEN package .*fen is incomplete: fen\.keras is missing"),
        ("truncated", r"FEN package .*fen is truncated or edited: fen\.keras does not match"),
        ("text", r"FEN package .*fen is truncated or edited: fen\.keras does not match"),
        ("other topology", r"FEN package .*fen is truncated or edited: topology\.json does not match"),
    ],
)
def test_package_that_was_changed(tmp_path, damage, message):
    folder = tmp_path / "fen"
    if damage != "missing folder":
        fen_package.save(folder, ONE, fen.build(ONE, "random"))
        path = folder / "fen.keras"
        content = path.read_bytes()
        if damage == "missing file":
            path.unlink()
        elif damage == "other topology":
            other = FenTopology(num_layers=1, output_channels=(1,))
            (folder / "topology.json").write_text(other.to_json() + "\n")
        else:
            path.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"no model")
    for read in (
        fen_package.verify,
        fen_package.load,
        fen_package.load_topology,
        lambda folder: fen_package.transform(folder, "int8"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            read(folder)
        assert "\n" not in str(caught.value)


def test_format_that_a_package_lacks(tmp_path):
    fen_package.save(tmp_path / "fen", ONE, fen.build(ONE, "random"), ["float16"])
    with pytest.raises(
        InputError, match=r"has no fen_int8\.tflite\. It can compute with: \['keras', 'float16'\]"
    ):
        fen_package.transform(tmp_path / "fen", "int8")


def test_a_package_is_never_changed(tmp_path):
    model = fen.build(ONE, "random")
    fen_package.save(tmp_path / "fen", ONE, model)
    with pytest.raises(InputError, match="already exists; a FEN package is never changed"):
        fen_package.save(tmp_path / "fen", ONE, model)


@pytest.mark.parametrize(
    ("formats", "count", "message"),
    [
        (["float32", "int8"], 49, r"at least 50 representative images.*Received: 49"),
        (["int4"], 50, "format must be one of .*Received: 'int4'"),
    ],
)
def test_nothing_is_left_when_a_model_cannot_be_made(tmp_path, many, formats, count, message):
    with pytest.raises(InputError, match=message):
        fen_package.save(tmp_path / "fen", ONE, fen.build(ONE, "random"), formats, many[:count])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number_format", cost.FORMATS)
def test_model_that_does_not_agree(tmp_path, many, monkeypatch, number_format):
    other = litert.convert(fen.build(ONE, "random", seed=1), number_format, many)
    monkeypatch.setattr(litert, "convert", lambda *arguments: other)
    message = f"{number_format} LiteRT model of the FEN does not agree with its Keras model"
    with pytest.raises(InputError, match=message):
        fen_package.save(tmp_path / "fen", ONE, fen.build(ONE, "random", seed=0), [number_format], many)
    assert list(tmp_path.iterdir()) == []
