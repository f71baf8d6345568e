import numpy as np
import PIL.Image
import pytest

from privynet_tf import figures

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def _draw(path, count=3, psnr=20.0, title="Title", guess=BLUE, columns=8):
    images = np.broadcast_to(np.array(RED, np.float32), (count, 8, 8, 3))
    guesses = np.broadcast_to(np.array(guess, np.float32), (count, 8, 8, 3))
    figures.save_reconstructions(path, images, guesses, np.full(count, psnr), title, columns)
    return np.asarray(PIL.Image.open(path).convert("RGB")).astype(int)


def _places(pixels, colour):
    """Rows and columns of the pixels of a colour."""
    return np.nonzero((pixels == 255 * np.array(colour, int)).all(axis=-1))


def _runs(positions):
    """Number of stretches of successive numbers."""
    return 1 + np.count_nonzero(np.diff(np.unique(positions)) > 1)


@pytest.mark.parametrize(
    ("count", "columns", "across", "rows"), [(3, 8, 3, 1), (1, 4, 1, 1), (5, 2, 2, 3), (4, 4, 4, 1)]
)
def test_each_image_stands_above_its_reconstruction(tmp_path, count, columns, across, rows):
    pixels = _draw(tmp_path / "figure.png", count, columns=columns)
    red, blue = _places(pixels, RED), _places(pixels, BLUE)
    for places in (red, blue):
        assert _runs(places[0]) == rows
        assert _runs(places[1]) == across
    # As much of the one as of the other, in the same columns and with the images above.
    assert len(red[0]) == pytest.approx(len(blue[0]), rel=0.05)
    assert len(red[0]) > 400 * count
    np.testing.assert_allclose(np.unique(red[1]), np.unique(blue[1]), atol=2)
    assert red[0].min() < blue[0].min()
    assert red[0].max() < blue[0].max()


def test_panels_without_an_image_are_empty(tmp_path):
    pixels = _draw(tmp_path / "figure.png", 1, columns=4)
    right = pixels[pixels.shape[0] // 4 :, pixels.shape[1] // 2 :]
    assert (right == 255).all()


def test_text_shows_title_and_psnr(tmp_path):
    base = _draw(tmp_path / "base.png", title="Title", psnr=20.0)
    np.testing.assert_array_equal(base, _draw(tmp_path / "same.png", title="Title", psnr=20.04))
    other_value = _draw(tmp_path / "value.png", title="Title", psnr=28.3)
    below = _places(base, BLUE)[0].max()
    changed = np.nonzero((base != other_value).any(axis=-1))[0]
    assert changed.size
    assert changed.min() > below  # the value stands under the reconstruction
    other_title = _draw(tmp_path / "title.png", title="Other", psnr=20.0)
    changed = np.nonzero((base != other_title).any(axis=-1))[0]
    assert changed.size
    assert changed.max() < _places(base, RED)[0].min()


def test_reconstructions_are_clipped(tmp_path, caplog):
    wild = _draw(tmp_path / "wild.png", guess=(-3.0, -0.1, 2.0))
    assert not caplog.records  # matplotlib would clip too, and warn
    np.testing.assert_array_equal(wild, _draw(tmp_path / "plain.png", guess=BLUE))


def test_numbers_must_be_of_the_same_length(tmp_path):
    images = np.zeros((2, 8, 8, 3))
    with pytest.raises(ValueError, match="shorter"):
        figures.save_reconstructions(tmp_path / "figure.png", images, images, np.zeros(1), "Title")
    assert not (tmp_path / "figure.png").exists()
